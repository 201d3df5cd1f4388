"""Real servers of one's own for tests and benchmarks: Mosquitto, PostgreSQL."""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

_PATIENCE_S = 30.0
_POSTGRESQL = Path("/usr/lib/postgresql")
_LENT = count()


def find_mosquitto() -> str | None:
    """Path of the broker's program, if it is installed."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


def find_free_port() -> int:
    """Find a TCP port of this machine that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Mosquitto:
    """A broker on a free port that keeps its sessions when it is stopped.

    Parameters
    ----------
    folder
        Made for it; settings, sessions and log.
    settings
        More lines of ``mosquitto.conf``; the listener that they describe, if any,
        takes the place of the one on `port`.
    """

    def __init__(self, folder: Path, settings: str = "") -> None:
        program = find_mosquitto()
        if program is None:
            raise FileNotFoundError("mosquitto is not installed")
        self.port = find_free_port()
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True)
        own = "" if "listener " in settings else f"listener {self.port} 127.0.0.1\n"
        access = "" if "password_file" in settings else "allow_anonymous true\n"
        text = (
            f"{own}{access}{settings}\n"
            f"persistence true\npersistence_location {folder}/\n"
            "max_queued_messages 0\nuser root\n"  # Debian's own user cannot write here
        )
        (folder / "mosquitto.conf").write_text(text.replace("PORT", str(self.port)))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Start it and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  a program of the system
                [self._program, "-c", str(self._folder / "mosquitto.conf")],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return self

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Stop its process for the duration of the block: it answers nobody."""
        if self._process is None:
            raise RuntimeError("it was not started")
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it; it writes its sessions and messages down."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(_PATIENCE_S)
            self._process = None

    def restart(self) -> None:
        """End it and start it anew on the same port."""
        self.stop()
        self.start()


def has_postgresql() -> bool:
    """Whether a PostgreSQL server is installed."""
    return any(_POSTGRESQL.glob("*/bin/initdb"))


class PostgreSQL:
    """An empty server that can be stopped and started; a context manager.

    Parameters
    ----------
    folder
        Short, for it holds a socket; there is no port.
    settings
        Options of the server.

    Attributes
    ----------
    url
        Of its first database.
    """

    def __init__(self, folder: Path, *, settings: str = "-c fsync=off") -> None:
        self.url = f"postgresql://gx@/postgres?host={folder}"
        self._folder = folder
        self._data = folder / "data"
        self._options = f"-k {folder} -c listen_addresses='' {settings}"
        self._as_user: list[str] = []
        if folder.stat().st_uid == 0:  # root, which the server refuses to be
            self._as_user = ["runuser", "-u", "postgres", "--"]
            shutil.chown(folder, "postgres")
        words = ("-A", "trust", "-U", "gx", "-E", "UTF8", "-N")
        self._call("initdb", "-D", self._data, *words)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if (self._data / "postmaster.pid").exists():
            self.stop()

    def start(self) -> Self:
        """Start it and wait until it answers."""
        words = ("-w", "-l", self._folder / "log", "-o", self._options, "start")
        self._call("pg_ctl", "-D", self._data, *words)
        return self

    def stop(self) -> None:
        """End it at once; who is connected is cut off."""
        self._call("pg_ctl", "-D", self._data, "-m", "immediate", "stop")

    def _call(self, program: str, *arguments: str | Path) -> None:
        tools = max(_POSTGRESQL.glob("*/bin/initdb")).parent
        subprocess.run(  # noqa: S603  a program of the system
            [*self._as_user, str(tools / program), *map(str, arguments)],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self._folder,
        )


@contextmanager
def serve_postgresql(folder: Path, *, settings: str = "-c fsync=off") -> Iterator[str]:
    """Run a `PostgreSQL`; yields its URL."""
    with PostgreSQL(folder, settings=settings) as server:
        yield server.url


@contextmanager
def lend_database(server: str) -> Iterator[str]:
    """Make a database on a server of `serve_postgresql`, and drop it in the end.

    Parameters
    ----------
    server
        URL of the server's first database.
    """
    import psycopg  # noqa: PLC0415  only where there is a server

    name = f"lent_{next(_LENT)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    try:
        yield server.replace("/postgres?", f"/{name}?")
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
