"""More than anybody should send: by MQTT, to the webhook, to the desk."""

import http.client
import json
import socket
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.listen.conftest import NOW, make_settings
from tests.listen.test_decode import POISON
from tests.security.proving import prove
from tests.web.pages.work import open_work_desk

from agroforest.listen.arrival import (
    HEAD_BYTES,
    Position,
    build_arrival,
    encode_arrival,
)
from agroforest.listen.decode import Decoder
from agroforest.listen.inbox import Inbox
from agroforest.listen.reader import read_entries
from agroforest.listen.settings import WebhookSection
from agroforest.listen.spool import Spool
from agroforest.listen.webhook import Webhook

if TYPE_CHECKING:
    from collections.abc import Callable

_LIMIT = 65_536
_TOKEN = "0123456789abcdef0123"  # noqa: S105


def test_messages_of_a_broker(tmp_path: Path) -> None:
    decoder = Decoder(make_settings())
    with Inbox(Spool(tmp_path, segment_bytes=1 << 20)) as inbox:

        def send(topic: str, payload: bytes) -> None:
            arrival = build_arrival(
                f"mqtt/b/{topic}", payload, received=NOW, limit=_LIMIT
            )
            assert len(arrival.payload) <= max(_LIMIT, HEAD_BYTES)
            inbox.spool.append([encode_arrival(arrival)])
            outcome = decoder.decode(arrival)
            assert outcome.found == []
            assert "decoder failed" not in outcome.problem
            assert len(outcome.problem) <= 500

        big = {f"{mb} MB": b"[" + b"1," * (mb << 19) for mb in (1, 16, 64)}
        topics = {
            "of 65,535 bytes": "ttn/" + "x" * 65_531,
            "of 30,000 levels": "ttn" + "/" * 30_000,
            "with zero bytes": "ttn/\0\0",
            "with half characters": "ttn/\udcff",
            "that goes up": "ttn/../../etc",
        }
        prove(
            "oversize and poisonous messages of MQTT (payloads, topics)",
            {
                **{k: partial(send, "ttn/x", v) for k, v in big.items()},
                **{f"a topic {k}": partial(send, v, b"{}") for k, v in topics.items()},
                **{
                    f"poison {n}": partial(send, topic, body)
                    for n, (body, _) in POISON.items()
                    for topic in ("ttn/x", "farm/3/state")
                },
            },
            "kept to its head and set aside with the reason",
        )
    size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert size < 4 << 20


@pytest.mark.enable_socket
def test_requests_to_the_webhook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", _TOKEN)
    with Inbox(Spool(tmp_path, segment_bytes=1 << 20)) as inbox:
        section = WebhookSection(port=0, token_env="HOOK")  # noqa: S106  its name
        hook = Webhook(section, inbox, limit=_LIMIT, now=lambda: NOW).start()

        def raw(content: bytes) -> None:
            """Send bytes; whatever is answered, the next request is served."""
            with closing(socket.create_connection(("127.0.0.1", hook.port), 3)) as line:
                try:
                    line.sendall(content)
                    line.shutdown(socket.SHUT_WR)
                    answer = line.recv(200)
                except OSError:
                    answer = b""
            assert not answer.startswith(b"HTTP/1.1 5"), answer
            served()

        def served() -> None:
            line = http.client.HTTPConnection("127.0.0.1", hook.port, timeout=20)
            with closing(line):
                line.request(
                    "POST", "/ttn", b"{}", {"Authorization": f"Bearer {_TOKEN}"}
                )
                assert line.getresponse().status == 200

        head = f"POST /ttn HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {_TOKEN}\r\n"
        lengths = ("-1", "9" * 5000, "1e3", "0x10", "100000000000", "", "1, 2", "+5")
        attacks: dict[str, Callable[[], None]] = {
            f"length {n[:12]!r}": partial(
                raw, f"{head}Content-Length: {n}\r\n\r\n{{}}".encode()
            )
            for n in lengths
        }
        long = b"x" * (8 << 20)
        attacks |= {
            "two lengths": partial(
                raw,
                f"{head}Content-Length: 2\r\nContent-Length: 9\r\n\r\n{{}}".encode(),
            ),
            "parts": partial(
                raw,
                f"{head}Transfer-Encoding: chunked\r\n\r\nffffffff\r\n{{}}".encode(),
            ),
            "a line of 1 MB": partial(raw, b"POST /" + b"x" * (1 << 20) + b"\r\n\r\n"),
            "a header of 1 MB": partial(
                raw, f"{head}X: {'y' * (1 << 20)}\r\n\r\n".encode()
            ),
            "10,000 headers": partial(
                raw, (head + "X: y\r\n" * 10_000 + "\r\n").encode()
            ),
            "no HTTP": partial(raw, b"\x16\x03\x01\x00\xff" * 100),
            "a body of 8 MB": partial(
                raw, f"{head}Content-Length: {len(long)}\r\n\r\n".encode() + long
            ),
        }  # fmt: skip
        try:
            prove(
                "oversize and malformed requests to the webhook",
                attacks,
                "refused; the next request is served",
            )
            entries = read_entries(inbox.spool.folder, Position(0, 0), inbox.end)
            kept = [e.arrival.payload for e in entries if e.arrival is not None]
            assert max(map(len, kept)) <= _LIMIT
        finally:
            hook.close()


def test_requests_to_the_desk(tmp_path: Path) -> None:
    with open_work_desk(tmp_path, pipelines=False) as desk:
        visitor = desk.visitor("ada")
        csrf = visitor.csrf()

        def post(path: str, body: bytes, **headers: str) -> None:
            answer = visitor.client.post(path, content=body, headers=headers)
            assert answer.status_code in {400, 401, 403, 404, 405, 411, 413, 415, 422}
            assert len(answer.content) < 100_000

        form = {"content-type": "application/x-www-form-urlencoded"}
        parts = {"content-type": "multipart/form-data; boundary=x"}
        many = b"".join(
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
            for _ in range(5000)
        )
        deep = b'{"a":' * 100_000
        token = f"csrf={csrf}&".encode()
        prove(
            "oversize and malformed requests to the desk",
            {
                "64 MB": lambda: post("/login", b"x" * (64 << 20)),
                "64 MB of form": lambda: post(
                    "/login", token + b"name=" + b"x" * (64 << 20), **form
                ),
                "100,000 fields": lambda: post(
                    "/login", token + b"a=1&" * 100_000, **form
                ),
                "5,000 parts": lambda: post("/login", many + b"--x--", **parts),
                "a part without end": lambda: post("/login", many[:60], **parts),
                "JSON 100,000 deep": lambda: post(
                    "/stac/search", deep, **{"content-type": "application/json"}
                ),
                "a length of 5,000 digits": lambda: post(
                    "/login", b"", **{"content-length": "9" * 5000}
                ),
                "no CSRF": lambda: post("/logout", b"", **form),
                "a wrong CSRF": lambda: post("/logout", b"csrf=0", **form),
                "JSON that is none": lambda: post(
                    "/stac/search", b"{", **{"content-type": "application/json"}
                ),
                "a body that is no UTF-8": lambda: post(
                    "/stac/search",
                    json.dumps({"ids": ["\ud800"]}).encode() + b"\xff",
                    **{"content-type": "application/json"},
                ),
            },
            "refused with 4xx and few words",
        )
