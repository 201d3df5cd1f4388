"""The listener at a real broker: versions, passwords, certificates, absences."""

import gc
import logging
import shutil
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from tests.listen.test_decode import POISON

from agroforest.core.errors import ConfigurationError, LockedError
from agroforest.listen import Figures, ListenSettings, listen
from agroforest.listen.broker import Subscriber
from agroforest.listen.inbox import Inbox
from agroforest.listen.spool import Spool
from agroforest.store import Store, open_store
from agroforest.testing.servers import Mosquitto, find_free_port
from agroforest.testing.storm import wait_for
from agroforest.testing.uplinks import READINGS, build_uplinks

pytestmark = [pytest.mark.enable_socket, pytest.mark.usefixtures("mosquitto")]


def make_settings(port: int, **more: object) -> ListenSettings:
    topic = [{"filter": "v3/+/devices/+/up", "kind": "ttn"}]
    broker = {"name": "farm", "host": "127.0.0.1", "port": port, "topic": topic}
    return ListenSettings.model_validate({"broker": [broker | more]})


class Running:
    """A listener in a thread."""

    def __init__(self, settings: ListenSettings, folder: Path, store: Store) -> None:
        self.figures: Figures | None = None
        self.error: BaseException | None = None
        self.stop = threading.Event()
        self._arguments = (settings, folder, store)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        settings, folder, store = self._arguments
        try:
            self._tell(listen(settings, folder, store, stop=self.stop, tell=self._tell))
        except BaseException as error:  # noqa: BLE001  handed to the test
            self.error = error

    def _tell(self, figures: Figures) -> None:
        self.figures = figures

    def wait(self, is_so: Callable[[Figures], bool], what: str) -> None:
        wait_for(
            lambda: (
                self.error is not None
                or (self.figures is not None and is_so(self.figures))
            ),
            what,
            60,
        )
        if self.error is not None:
            raise self.error

    def end(self) -> Figures:
        self.stop.set()
        self._thread.join()
        if self.error is not None:
            raise self.error
        assert self.figures is not None
        return self.figures


@contextmanager
def running(settings: ListenSettings, tmp_path: Path) -> Iterator[Running]:
    with open_store(tmp_path / "a.db") as store:
        found = Running(settings, tmp_path / "spool", store)
        try:
            found.wait(lambda f: f.brokers["farm"], "the connection")
            yield found
        finally:
            found.stop.set()
            found._thread.join()


def send(port: int, messages: list[tuple[str, bytes]]) -> None:
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for told in [client.publish(t, p, qos=1) for t, p in messages]:
        told.wait_for_publish(30)
    client.disconnect()
    client.loop_stop()


def uplinks(count: int) -> list[tuple[str, bytes]]:
    return [(u.topic, u.payload) for u in build_uplinks(count, probes=5)]


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_what_comes_while_we_are_away_is_not_lost(tmp_path: Path, version: str) -> None:
    with Mosquitto(tmp_path / "broker") as broker:
        settings = make_settings(broker.port, version=version)
        with running(settings, tmp_path) as found:
            send(broker.port, uplinks(10))
            found.wait(lambda f: f.added == 10 * READINGS, "ten uplinks")
            figures = found.end()
        assert (figures.received, figures.decoded, figures.dead) == (10, 10, 0)
        assert (figures.lag_bytes, figures.lag_s, figures.torn) == (0, 0, 0)
        send(broker.port, uplinks(30))
        broker.restart()
        with running(settings, tmp_path) as found:
            found.wait(lambda f: f.decoded == 30, "those sent meanwhile")
            assert found.end().added == 20 * READINGS


def test_connections_that_are_cut_never_stop_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut while messages are acknowledged: from another thread than they came in."""
    monkeypatch.setattr("agroforest.listen.broker._FIRST_PAUSE", 0)
    messages = uplinks(2000)
    with (
        Mosquitto(tmp_path / "broker") as broker,
        Inbox(Spool(tmp_path / "spool", segment_bytes=1 << 24)) as inbox,
    ):
        section = make_settings(broker.port).broker[0]
        subscriber = Subscriber(section, inbox, limit=1 << 18).start()
        wait_for(lambda: subscriber.connected, "the connection")
        sender = threading.Thread(target=send, args=(broker.port, messages))
        sender.start()
        cuts = 0
        while (wanted := inbox.received + 20) < len(messages):
            wait_for(partial(has_received, inbox, wanted), f"word after cut {cuts}", 30)
            assert subscriber._client is not None
            wire = subscriber._client.socket()
            if isinstance(wire, socket.socket):
                with suppress(OSError):
                    wire.shutdown(socket.SHUT_RDWR)
                cuts += 1
        sender.join()
        wait_for(partial(has_received, inbox, len(messages)), "the rest", 30)
        subscriber.close()
        assert cuts >= 3


def has_received(inbox: Inbox, count: int) -> bool:
    return inbox.received >= count


def test_poison_by_the_broker(tmp_path: Path) -> None:
    topic = "v3/farm/devices/x/up"
    poison = [(topic, payload) for payload, _ in POISON.values()] * 2
    poison += [(topic, b"{" * 5_000_000), ("v3/farm/devices/田/up", b"")]
    with Mosquitto(tmp_path / "broker") as broker:
        with running(make_settings(broker.port), tmp_path) as found:
            send(broker.port, [*poison, *uplinks(5)])
            found.wait(lambda f: f.decoded == len(poison) + 5, "all of them")
            figures = found.end()
        assert (figures.dead, figures.added) == (len(poison), 5 * READINGS)
        with open_store(tmp_path / "a.db") as store:
            letters = store.spools.dead_letters()
        assert len(letters) == len(poison)
        assert 5_000_000 in {each.size for each in letters}
        assert "mqtt/farm/v3/farm/devices/田/up" in {each.source for each in letters}


def test_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    people = tmp_path / "people"
    tool = shutil.which("mosquitto_passwd")
    assert tool is not None
    people.touch(mode=0o600)
    subprocess.run([tool, "-b", people, "us", "correct-horse"], check=True)  # noqa: S603
    with Mosquitto(tmp_path / "broker", f"password_file {people}") as broker:
        settings = make_settings(broker.port, user="us", password_env="WORD")  # noqa: S106
        with caplog.at_level(logging.DEBUG):
            monkeypatch.setenv("WORD", "wrong-horse")
            with open_store(tmp_path / "a.db") as store:
                found = Running(settings, tmp_path / "spool", store)
                wait_for(lambda: "refuses us" in caplog.text, "the refusal", 30)
                assert found.end().brokers == {"farm": False}
            monkeypatch.setenv("WORD", "correct-horse")
            with running(settings, tmp_path) as found:
                found.end()
        assert "horse" not in caplog.text


def test_certificates(tmp_path: Path) -> None:
    ca, server, client = (make_certificate(tmp_path, n) for n in ("ca", "127", "us"))
    port = find_free_port()
    broker = Mosquitto(
        tmp_path / "broker",
        f"listener {port} 127.0.0.1\ncafile {ca[0]}\ncertfile {server[0]}\n"
        f"keyfile {server[1]}\nrequire_certificate true\n",
    )
    broker.port = port
    tls = {"ca": ca[0], "certificate": client[0], "key": client[1]}
    with broker, running(make_settings(port, tls=tls), tmp_path) as found:
        found.end()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_of_another_authority_is_refused(tmp_path: Path) -> None:
    make_certificate(tmp_path, "ca")
    server, other = (make_certificate(tmp_path, name) for name in ("127", "other"))
    port = find_free_port()
    broker = Mosquitto(
        tmp_path / "broker",
        f"listener {port} 127.0.0.1\ncertfile {server[0]}\nkeyfile {server[1]}\n",
    )
    broker.port = port
    settings = make_settings(port, tls={"ca": other[0]})
    with broker, open_store(tmp_path / "a.db") as store:
        lonely = Running(settings, tmp_path / "spool", store)
        log = tmp_path / "broker" / "log"
        wait_for(lambda: "unknown ca" in log.read_text(), "the refusal", 30)
        assert lonely.end().brokers == {"farm": False}
    gc.collect()  # paho leaves the socket of a failed handshake to it, and it warns


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Certificate and key: of an authority, or signed by the one named ``ca``."""
    key, request, made = (folder / f"{name}.{e}" for e in ("key", "csr", "pem"))
    tool = shutil.which("openssl")
    assert tool is not None

    def call(*arguments: str | Path) -> None:
        subprocess.run(  # noqa: S603  a program of the system
            [tool, *map(str, arguments)], check=True, capture_output=True
        )

    new = (
        "req",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        key,
        "-subj",
        f"/CN={name}",
    )
    if name in {"ca", "other"}:
        call(*new, "-x509", "-days", "2", "-out", made)
        return made, key
    call(*new, "-out", request)
    names = folder / "names"
    names.write_text("subjectAltName=IP:127.0.0.1\n")
    call(
        *("x509", "-req", "-in", request, "-CA", folder / "ca.pem"),
        *("-CAkey", folder / "ca.key", "-CAcreateserial", "-days", "2"),
        *("-extfile", names, "-out", made),
    )
    return made, key


def test_a_database_that_is_away_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agroforest.store.database.BUSY_TIMEOUT_MS", 50)
    with (
        Mosquitto(tmp_path / "broker") as broker,
        running(make_settings(broker.port), tmp_path) as found,
    ):
        other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        send(broker.port, uplinks(20))
        found.wait(lambda f: f.received == 20 and f.lag_bytes > 0, "the spool")
        assert found.figures is not None
        assert found.figures.decoded == 0
        other.execute("ROLLBACK")
        other.close()
        found.wait(lambda f: f.added == 20 * READINGS, "the rows")


def test_nothing_to_listen_to(tmp_path: Path) -> None:
    with (
        open_store(tmp_path / "a.db") as store,
        pytest.raises(ConfigurationError, match="neither a broker nor a webhook"),
    ):
        listen(ListenSettings(), tmp_path / "s", store, stop=threading.Event())


def test_a_missing_secret_stops_before_anything_starts(tmp_path: Path) -> None:
    settings = make_settings(1, user="u", password_env="NOBODY_SET_THIS")  # noqa: S106
    with (
        open_store(tmp_path / "a.db") as store,
        pytest.raises(ConfigurationError, match="variable NOBODY_SET_THIS"),
    ):
        listen(settings, tmp_path / "s", store, stop=threading.Event())


def test_one_listener_a_spool(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "broker") as broker:
        settings = make_settings(broker.port)
        with running(settings, tmp_path), open_store(tmp_path / "a.db") as store:
            second = Running(settings, tmp_path / "spool", store)
            with pytest.raises(LockedError, match="another listener"):
                second.end()
