"""Connecting: which database, which transactions, which schema.

SQLite is told everything that its defaults leave dangerous: write-ahead log, so
that readers never wait; a busy timeout, so that writers queue; foreign keys;
and ``BEGIN IMMEDIATE`` before a write, so that a transaction which reads and
then writes cannot fail half-way on a lock.
"""

import json
import select
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    create_engine,
    event,
    inspect,
    text,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DisconnectionError,
    NoSuchModuleError,
    OperationalError,
)

from agroforest.core.errors import ConfigurationError, SourceError
from agroforest.store.schema import HEAD, VERSION_TABLE

#: How long a writer waits for another one, milliseconds. Arbitrary; a bulk
#: import holds the lock for a second or two.
BUSY_TIMEOUT_MS = 30_000

#: How much of a file is read through shared memory: the pages that 20 readers of the
#: desk ask for are then in memory once, not in a cache of 2 MB each. Arbitrary.
_MAPPED_BYTES = 1 << 30

#: How a line on which nothing comes is watched: asked after so many seconds, again
#: after so many, and given up after so many times (libpq). A machine that vanishes is
#: so noticed in two minutes, by whoever waits for it and by whoever holds a lock.
_ALIVE = {"keepalives_idle": 60, "keepalives_interval": 15, "keepalives_count": 4}

_WRITES = "agroforest_writes"
_GEOMETRY = "agroforest_geometry"
# Names the lock of whoever upgrades a server's database; arbitrary.
_UPGRADING = 6_730_215_498
_DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql+psycopg")


class Database:
    """An open database whose schema is the one this program speaks.

    Parameters
    ----------
    engine
        Of SQLite or PostgreSQL.
    name
        How messages call it; without a password.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self.name = name

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @property
    def is_file(self) -> bool:
        """Whether it is a file of one work folder, not a server's."""
        return self._engine.dialect.name == "sqlite"

    def connect(self) -> Connection:
        """Open a connection without transactions, which whoever asks closes."""
        with self.translated():
            connection = self._engine.connect()
        return connection.execution_options(isolation_level="AUTOCOMMIT")

    def find_geometry(self) -> None:
        """Find out whether there are columns of PostGIS; see `has_geometry`."""
        if self._engine.dialect.name == "sqlite":
            return
        query = (
            "SELECT 1 FROM pg_attribute WHERE attname = 'geom' "
            "AND attrelid = to_regclass('review_case') AND NOT attisdropped"
        )
        with self.reading() as connection:
            found = connection.execute(text(query)).first() is not None
        self._engine = self._engine.execution_options(**{_GEOMETRY: found})

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection on one consistent snapshot."""
        with self.translated(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Yield a connection all of whose statements see the same moment."""
        with self.translated(), self._engine.connect() as connection:
            if connection.dialect.name != "sqlite":  # whose transactions always do
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def asking(self) -> Iterator[Connection]:
        """Yield a connection for one question.

        On PostgreSQL each statement sees its own moment, in a transaction or not;
        without one, two messages to the server and back are saved.
        """
        if self.is_file:
            with self.reading() as connection:
                yield connection
            return
        with self.translated(), self._engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a connection whose work is committed whole or not at all."""
        with self.translated(), self._engine.connect() as connection:
            writer = connection.execution_options(**{_WRITES: True})
            with writer.begin():
                yield writer

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise errors of the database as our own."""
        try:
            yield
        except OperationalError as error:
            raise SourceError(
                self.name,
                f"the database did not do it ({error.orig})",
                "check that the disk has room and no other program holds it, "
                "then try again",
            ) from error
        except DatabaseError as error:
            if type(error) is not DatabaseError:  # a constraint: our own mistake
                raise
            raise ConfigurationError(
                self.name,
                f"is not a sound database ({error.orig})",
                "restore it from a copy, or move it away to start afresh",
            ) from error


def open_database(url: str | Path, silence_s: float | None = None) -> Database:
    """Connect and bring the schema up to date.

    Parameters
    ----------
    url, silence_s
        As for `agroforest.store.open_store`.

    Raises
    ------
    ConfigurationError
        Not a path or a supported URL, not a database, another program's
        database, or one written by a newer agroforest.
    SourceError
        The server does not answer, or the file is locked for too long.
    """
    address = _resolve_url(url)
    name = address.database if _is_sqlite(address) else None
    name = name or address.render_as_string(hide_password=True)
    try:
        engine = create_engine(
            address,
            json_serializer=_dump_json,
            # SQLite's look like it all the time, for we say BEGIN ourselves.
            skip_autocommit_rollback=not _is_sqlite(address),
            connect_args=_watch_line(address),
        )
    except (ImportError, NoSuchModuleError) as error:
        raise ConfigurationError(
            name, f"needs a driver that is not installed ({error})", "install psycopg"
        ) from error
    if _is_sqlite(address):
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        from agroforest.store.standstill import watch  # noqa: PLC0415  psycopg's

        watch(engine, silence_s)
        event.listen(engine, "checkout", _check_line)
    database = Database(engine, name)
    try:
        _settle_schema(database)
        database.find_geometry()
    except BaseException:
        database.close()
        raise
    return database


def find_file(url: str | Path) -> Path | None:
    """File of an SQLite database; ``None`` for one of a server."""
    address = _resolve_url(url)
    return Path(str(address.database)) if _is_sqlite(address) else None


def has_geometry(connection: Connection) -> bool:
    """Whether a database has columns of PostGIS beside the boxes."""
    return bool(connection.get_execution_options().get(_GEOMETRY))


def _watch_line(address: URL) -> dict[str, object]:
    """Choose settings of a connection under which a dead line is noticed."""
    if _is_sqlite(address):
        return {}
    return {key: value for key, value in _ALIVE.items() if key not in address.query}


def _settle_schema(database: Database) -> None:
    with database.reading() as connection:
        found = _find_revision(connection)
    if found == HEAD:
        return
    with database.writing() as connection:
        if database.is_file:  # whose writers come one by one anyway
            _upgrade(connection, database.name)
            return
        from agroforest.store.standstill import unhurried  # noqa: PLC0415  psycopg's

        with unhurried(connection):
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_UPGRADING})"))
            _upgrade(connection, database.name)


def _upgrade(connection: Connection, name: str) -> None:
    found = _find_revision(connection)  # another process may have been faster
    if found is None and _is_foreign(connection):
        raise ConfigurationError(
            name,
            "is the database of another program",
            "give another path, for example work/agroforest.db",
        )
    if found != HEAD:
        from agroforest.store import migration  # noqa: PLC0415  slow import

        if found is not None and connection.dialect.name == "sqlite":
            migration.keep_copy(Path(name), found)
        migration.upgrade(connection, name, found)


def _find_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    row = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).first()  # noqa: S608  a constant
    return None if row is None else str(row[0])


def _is_foreign(connection: Connection) -> bool:
    # A server's database is shared by design; a file belongs to one program.
    tables = inspect(connection).get_table_names()
    return (
        connection.dialect.name == "sqlite"
        and bool(tables)
        and VERSION_TABLE not in tables
    )


def _resolve_url(url: str | Path) -> URL:
    written = str(url)
    if "://" not in written:
        return URL.create("sqlite", database=str(_norm_file(Path(written))))
    try:
        address = make_url(written)
    except (ArgumentError, ValueError) as error:
        raise ConfigurationError(
            "database URL", "cannot be read", "write it as postgresql://user@host/name"
        ) from error
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    if address.drivername not in _DRIVERS:
        raise ConfigurationError(
            address.render_as_string(hide_password=True),
            f"{address.drivername} databases are not supported",
            "use a file or a postgresql:// URL",
        )
    if _is_sqlite(address):
        if not address.database or address.database == ":memory:":
            raise ConfigurationError(written, "names no file", "use sqlite:///FILE")
        return address.set(database=str(_norm_file(Path(address.database))))
    return address


def _norm_file(path: Path) -> Path:
    if path.is_dir():
        raise ConfigurationError(path, "is a folder", "give the path of a file in it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            path, f"its folder cannot be made ({error.strerror})", "give another path"
        ) from error
    return path.absolute()


def _is_sqlite(address: URL) -> bool:
    return address.drivername.startswith("sqlite")


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, below
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA mmap_size = {_MAPPED_BYTES}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _check_line(connection: Any, _record: object, _lent: object) -> None:  # noqa: ANN401  psycopg's, which may not be installed
    """Let go of a connection that the server has closed.

    Whoever was sent nothing has nothing to read but the end of it; another word of the
    server's costs a new connection. To ask the server instead takes a message there and
    back, for each question that is asked.
    """
    if connection.closed:
        raise DisconnectionError
    line = select.poll()
    line.register(connection.fileno(), select.POLLIN)
    if line.poll(0):
        raise DisconnectionError


def _dump_json(value: object) -> str:
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, allow_nan=False, default=_plain
    )


def _plain(value: Any) -> object:  # noqa: ANN401  whatever json hands over
    if isinstance(value, date):
        return value.isoformat()
    item: Callable[[], object] | None = getattr(value, "item", None)  # numpy scalars
    if item is not None:
        return item()
    raise TypeError(f"a summary holds plain values, not {type(value).__name__}")
