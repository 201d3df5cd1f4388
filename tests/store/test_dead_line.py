"""A server whose machine vanishes while it is asked something: nobody says so."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Timer
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text
from tests.networking import needs_namespaces, switched

from agroforest.core.errors import SourceError
from agroforest.store import database, open_store, standstill
from agroforest.testing.reliability import record

# What listens in the namespace, and hands everything on to the server's socket.
_FORWARD = """
import socket, sys, threading
def pump(source, sink):
    while data := source.recv(65536):
        sink.sendall(data)
listener = socket.create_server((sys.argv[1], 5432))
print("ready", flush=True)
while True:
    near, _ = listener.accept()
    far = socket.socket(socket.AF_UNIX)
    far.connect(sys.argv[2])
    for pair in ((near, far), (far, near)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
"""


@contextmanager
def forwarded(namespace: str, address: str, to: str) -> Iterator[None]:
    command = ["ip", "netns", "exec", namespace, sys.executable, "-c", _FORWARD]
    with subprocess.Popen(  # noqa: S603  our own text
        [*command, address, to], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"ready\n"
            yield
        finally:
            process.kill()


@pytest.mark.enable_socket
@needs_namespaces
def test_whoever_waits_on_a_dead_line_is_told(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Five seconds instead of two minutes.
    soon = {"keepalives_idle": 2, "keepalives_interval": 1, "keepalives_count": 3}
    assert database._ALIVE.keys() == soon.keys()
    monkeypatch.setattr(database, "_ALIVE", soon)
    parts = urlsplit(postgresql)
    socket = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
    with switched(1) as network:
        ((name, address),) = network.machines.items()
        url = f"postgresql://gx@{address}{parts.path}"
        with (
            forwarded(name, address, socket),
            closing(database.open_database(url)) as opened,
        ):
            plug = Timer(1, network.pull_plug, (name,))
            plug.start()
            with pytest.raises(SourceError) as told, opened.reading() as connection:
                # Without a sign that the line is dead, for ever: its answer is lost.
                connection.execute(text("SELECT pg_sleep(3)"))
            network.plug_in(name)
            with opened.reading() as connection:
                again = connection.execute(text("SELECT 7")).scalar()
    record(
        "fault",
        "line to PostgreSQL dead while an answer is waited for",
        tried=1,
        survived=int(again == 7),
        note="an error after five seconds (two minutes, as shipped), and the next "
        "question is answered",
    )
    assert address in str(told.value)
    assert again == 7


def ask_who_stands_still(opened: database.Database) -> None:
    with opened.reading() as connection:
        process = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        os.kill(process, signal.SIGSTOP)
        try:
            connection.execute(text("SELECT 7"))
        finally:
            os.kill(process, signal.SIGCONT)


@pytest.mark.enable_socket
def test_whoever_waits_on_a_server_that_stands_still_is_told(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standstill, "SILENCE_S", 2.0)  # instead of ten minutes
    with closing(database.open_database(postgresql)) as opened:
        with pytest.raises(SourceError) as told:
            ask_who_stands_still(opened)
        with opened.reading() as connection:
            again = connection.execute(text("SELECT 7")).scalar()
    record(
        "fault",
        "PostgreSQL stands still while an answer is waited for",
        tried=1,
        survived=int(again == 7),
        note="an error after two seconds (ten minutes, as shipped), and the next "
        "question is answered",
    )
    assert "no answer for 2 s" in str(told.value)
    assert again == 7


@pytest.mark.enable_socket
def test_whoever_opens_a_store_says_how_long_it_may_be_silent(postgresql: str) -> None:
    with open_store(postgresql, silence_s=1.0) as store:
        assert store.desk.accounts() == []
    with closing(database.open_database(postgresql, 1.0)) as opened:
        with pytest.raises(SourceError), opened.reading() as connection:
            connection.execute(text("SELECT pg_sleep(1.6)"))
        with opened.reading() as connection:
            assert connection.execute(text("SELECT 7")).scalar() == 7


@pytest.mark.enable_socket
def test_upgrades_may_take_their_time(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standstill, "SILENCE_S", 1.0)
    with closing(database.open_database(postgresql)) as opened:
        with opened.reading() as connection, standstill.unhurried(connection):
            assert connection.execute(text("SELECT 1, pg_sleep(1.6)")).one()[0] == 1
        with pytest.raises(SourceError), opened.reading() as connection:
            connection.execute(text("SELECT pg_sleep(1.6)"))
