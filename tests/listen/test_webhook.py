"""HTTP as network servers speak it, and as others do."""

import http.client
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.listen.conftest import NOW

from agroforest.core.errors import ConfigurationError
from agroforest.listen import webhook as module
from agroforest.listen.arrival import HEAD_BYTES, Arrival, Position
from agroforest.listen.inbox import Inbox
from agroforest.listen.reader import read_entries
from agroforest.listen.settings import WebhookSection
from agroforest.listen.spool import Spool
from agroforest.listen.webhook import Webhook

pytestmark = pytest.mark.enable_socket

TOKEN = "0123456789abcdef0123"  # noqa: S105
LIMIT = 10_000


class Post:
    """Posts to the webhook, and what is in the spool then."""

    def __init__(self, port: int, inbox: Inbox) -> None:
        self.port = port
        self._inbox = inbox

    def __call__(
        self, path: str, body: bytes = b"{}", token: str = TOKEN, **headers: str
    ) -> int:
        headers = {"Authorization": f"Bearer {token}"} | headers
        # Closed whatever happens: a server that turns one away resets the connection.
        with closing(
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        ) as line:
            line.request("POST", path, body, headers)
            response = line.getresponse()
            response.read()
            return response.status

    @property
    def kept(self) -> list[Arrival]:
        spool = self._inbox.spool
        entries = read_entries(spool.folder, Position(0, 0), self._inbox.end)
        return [each.arrival for each in entries if each.arrival is not None]


@pytest.fixture
def post(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    monkeypatch.setenv("HOOK", TOKEN)
    with Inbox(Spool(tmp_path, segment_bytes=10_000)) as inbox:
        settings = WebhookSection(port=0, token_env="HOOK")  # noqa: S106  its name
        webhook = Webhook(settings, inbox, limit=LIMIT, now=lambda: NOW).start()
        yield Post(webhook.port, inbox)
        webhook.close()


def test_what_is_answered_with_200_is_in_the_spool(post: Post) -> None:
    body = json.dumps({"deviceInfo": {}}).encode()
    assert post("/chirpstack?event=up", body) == 200
    assert post("/ttn", b"\xff not even text") == 200
    assert post("/json", b"") == 200
    assert [(each.source, each.payload) for each in post.kept] == [
        ("http/chirpstack?event=up", body),
        ("http/ttn", b"\xff not even text"),
        ("http/json", b""),
    ]
    assert {each.received for each in post.kept} == {NOW}


@pytest.mark.parametrize("token", ["", "x", TOKEN[:-1], TOKEN + "0", "中文"])
def test_without_the_token_nothing_is_kept(post: Post, token: str) -> None:
    sent = token.encode().decode("latin-1")
    assert post("/ttn", b"{}", sent) == 401
    assert post("/elsewhere", b"{}", sent) == 401
    assert post.kept == []


def test_other_paths_and_methods(post: Post) -> None:
    assert post("/elsewhere") == 404
    assert post("/../ttn") == 404
    connection = http.client.HTTPConnection("127.0.0.1", post.port, timeout=30)
    connection.request("GET", "/ttn")
    assert connection.getresponse().status == 501
    connection.close()
    assert post.kept == []


def test_a_long_message_is_refused_and_its_head_is_kept(post: Post) -> None:
    assert post("/ttn", b"x" * LIMIT) == 200
    assert post("/ttn", b"y" * (LIMIT + 1)) == 413
    whole, cut = post.kept
    assert whole.is_whole
    assert (cut.payload, cut.size) == (b"y" * HEAD_BYTES, LIMIT + 1)


def test_a_length_is_needed(post: Post) -> None:
    with socket.create_connection(("127.0.0.1", post.port), 30) as raw:
        raw.sendall(
            b"POST /ttn HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
            + TOKEN.encode()
            + b"\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 411")
    assert post.kept == []


def test_a_sender_that_hangs_up_half_way_has_sent_nothing(post: Post) -> None:
    with socket.create_connection(("127.0.0.1", post.port), 30) as raw:
        raw.sendall(
            b"POST /ttn HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
            + TOKEN.encode()
            + b"\r\nContent-Length: 100\r\n\r\nhalf"
        )
        raw.shutdown(socket.SHUT_WR)
        assert raw.recv(100).startswith(b"HTTP/1.1 400")
    assert post.kept == []


def test_one_connection_many_messages(post: Post) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", post.port, timeout=30)
    for number in range(5):
        headers = {"Authorization": f"Bearer {TOKEN}"}
        connection.request("POST", "/ttn", str(number), headers)
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"OK\n")
    connection.close()
    assert [each.payload for each in post.kept] == [b"0", b"1", b"2", b"3", b"4"]


def test_many_senders_at_once(post: Post) -> None:
    codes: list[int] = []
    senders = [
        threading.Thread(target=lambda n=n: codes.append(post("/ttn", str(n).encode())))
        for n in range(24)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert codes == [200] * 24
    assert {int(each.payload) for each in post.kept} == set(range(24))


def test_a_request_that_never_ends_is_ended(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REQUEST_S", 0.3)
    with socket.create_connection(("127.0.0.1", post.port), 30) as raw:
        raw.sendall(b"POST /ttn HTTP/1.1\r\n")
        assert raw.recv(100) == b""  # hung up
    assert post("/ttn") == 200


def test_a_full_house_turns_away_and_recovers(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CONNECTIONS", 2)
    idle = [socket.create_connection(("127.0.0.1", post.port), 30) for _ in range(2)]
    third = socket.create_connection(("127.0.0.1", post.port), 30)
    assert third.recv(10) == b""
    for each in (*idle, third):
        each.close()
    while True:
        try:
            assert post("/ttn") == 200
        except (http.client.HTTPException, ConnectionError):
            time.sleep(0.01)  # the two are still being seen off
            continue
        break


def test_a_disk_that_takes_nothing_means_try_later(
    post: Post, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_DISK_S", 0.3)
    with monkeypatch.context() as broken, caplog.at_level(logging.ERROR):

        def fail(*_: object) -> None:
            raise OSError(28, "No space left on device")

        broken.setattr("os.fdatasync", fail)
        assert post("/ttn", b"1") == 503
        assert "No space left on device" in caplog.text
    monkeypatch.setattr(module, "_DISK_S", 30.0)
    assert post("/ttn", b"2") == 200
    assert [each.payload for each in post.kept] == [b"1", b"2"]  # it was tried again


def test_a_token_that_can_be_guessed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = WebhookSection(port=0, token_env="HOOK")  # noqa: S106
    with Inbox(Spool(tmp_path, segment_bytes=100)) as inbox:
        for token, words in (("", "secret is empty"), ("hush", "fewer than 16")):
            monkeypatch.setenv("HOOK", token)
            with pytest.raises(ConfigurationError, match=words) as caught:
                Webhook(settings, inbox, limit=10)
            assert "hush" not in str(caught.value)


def test_an_address_that_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, post: Post
) -> None:
    monkeypatch.setenv("HOOK", TOKEN)
    settings = WebhookSection(port=post.port, token_env="HOOK")  # noqa: S106
    with (
        Inbox(Spool(tmp_path / "other", segment_bytes=100)) as inbox,
        pytest.raises(ConfigurationError, match="cannot be opened"),
    ):
        Webhook(settings, inbox, limit=10)
