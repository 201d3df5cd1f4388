"""Copies of the database: to a file while it is written to, and back.

A copy is always an SQLite file, whatever it was made of, so a backup of a server's
database can be restored to a file and the other way round.

=========== ==================================================================
database    how it is copied
=========== ==================================================================
SQLite      by SQLite's own online backup, in one step: pages of one moment
PostgreSQL  row by row through the tables of the program, in one transaction
            that sees one moment (``REPEATABLE READ``)
=========== ==================================================================
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Table, func, insert, select, text

import agroforest.store.desk_schema  # noqa: F401  its tables
from agroforest.core.errors import ConfigurationError, DataError
from agroforest.store.database import Database, find_file, open_database
from agroforest.store.schema import HEAD, VERSION_TABLE, metadata
from agroforest.store.sqlite_file import copy_file, make_single, open_to_read

#: Rows in memory at once; arbitrary.
_BATCH = 2000


def copy_to_file(url: str | Path, path: Path) -> None:
    """Copy a database as it is at one moment; others go on writing to it.

    Parameters
    ----------
    url
        As for `open_store`. A file is copied with the schema it has; a server's
        database is brought up to date first.
    path
        SQLite file to make; must not be there.

    Raises
    ------
    ConfigurationError
        There is no such database, or it cannot be read.
    SourceError
        The server does not answer, or the disk is full.
    """
    file = find_file(url)
    if file is not None:
        copy_file(file, path)
        return
    with (
        closing(open_database(url)) as source,
        closing(open_database(path)) as copy,
        source.snapshot() as old,
        copy.writing() as new,
    ):
        for table in metadata.sorted_tables:
            _copy_rows(table, old, new)
    with closing(sqlite3.connect(path)) as copied:
        make_single(copied)


def fill_from_file(path: Path, url: str | Path) -> None:
    """Copy a file's rows into an empty database, all or nothing.

    Parameters
    ----------
    path
        SQLite file of this program; brought up to date first.
    url
        As for `open_store`.

    Raises
    ------
    ConfigurationError
        A table of `url` has rows.
    """
    with filling(path, url):
        pass


@contextmanager
def filling(path: Path, url: str | Path) -> Iterator[None]:
    """Do `fill_from_file`, and commit it when the block is through."""
    with (
        closing(open_database(path)) as source,
        closing(open_database(url)) as target,
        source.snapshot() as old,
        target.writing() as new,
    ):
        _refuse_rows(new, target)
        for table in metadata.sorted_tables:
            _copy_rows(table, old, new)
            _move_counter(table, new)
        yield


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How far a database is.

    Attributes
    ----------
    schema
        Its revision.
    nights
        Last night of each pipeline that is on record, ISO 8601.
    ending
        Pipelines whose last night is on record, and whose run has not ended: its
        report and its map may still be to come.
    """

    schema: str
    nights: Mapping[str, str]
    ending: frozenset[str] = frozenset()


def read_standing(url: str | Path) -> Standing:
    """Read how far a database is, without changing its schema if it is a file.

    Raises
    ------
    DataError
        The file is no database of this program.
    SourceError
        The server does not answer.
    """
    file = find_file(url)
    if file is None:
        with closing(open_database(url)) as database, database.snapshot() as connection:
            nights = _pairs(connection.exec_driver_sql(_NIGHTS).all())
            ending = connection.exec_driver_sql(_ENDING).scalars().all()
            return Standing(schema=HEAD, nights=nights, ending=frozenset(ending))
    try:
        with closing(open_to_read(file)) as copy:
            (schema,) = copy.execute(_REVISION).fetchone()
            nights = _pairs(copy.execute(_NIGHTS).fetchall())
            known = copy.execute(_HAS_EXECUTIONS).fetchone()
            rows = copy.execute(_ENDING).fetchall() if known else []
    except (sqlite3.DatabaseError, TypeError) as error:
        raise DataError(
            file, f"is no database of agroforest ({error})", "give another one"
        ) from error
    return Standing(
        schema=schema, nights=nights, ending=frozenset(name for (name,) in rows)
    )


_REVISION = f"SELECT version_num FROM {VERSION_TABLE}"  # noqa: S608  a constant
_NIGHTS = "SELECT pipeline, max(night) FROM run GROUP BY pipeline"
_HAS_EXECUTIONS = "SELECT 1 FROM sqlite_master WHERE name = 'execution'"
_ENDING = (
    "SELECT DISTINCT e.pipeline FROM execution e WHERE e.ended_us IS NULL AND e.night "
    "= (SELECT max(r.night) FROM run r WHERE r.pipeline = e.pipeline) "
    "AND NOT EXISTS (SELECT 1 FROM execution l WHERE l.pipeline = e.pipeline "
    "AND l.started_us > e.started_us AND l.ended_us IS NOT NULL)"
)


def _pairs(rows: Iterable[Sequence[object]]) -> dict[str, str]:
    return {str(name): str(night) for name, night in rows}


def count_unsent(path: Path) -> int:
    """Count the messages of a copy that were on their way to people."""
    with closing(open_to_read(path)) as copy:
        if copy.execute(_HAS_MESSAGES).fetchone() is None:
            return 0
        return int(copy.execute(f"SELECT count(*) {_UNSENT}").fetchone()[0])


def drop_unsent(path: Path) -> int:
    """Drop the messages of a copy that were on their way; how many."""
    count = count_unsent(path)
    if count:
        with closing(sqlite3.connect(path)) as copy, copy:
            copy.execute(
                "UPDATE message SET delivery = 'dropped', lease_us = NULL, "
                "error = 'restored from a backup' "
                "WHERE delivery IN ('waiting', 'sending')"
            )
    return count


_HAS_MESSAGES = "SELECT 1 FROM sqlite_master WHERE name = 'message'"
_UNSENT = "FROM message WHERE delivery IN ('waiting', 'sending')"


def _copy_rows(table: Table, old: Connection, new: Connection) -> None:
    key = list(table.primary_key.columns)
    rows = old.execution_options(yield_per=_BATCH).execute(select(table).order_by(*key))
    for batch in rows.mappings().partitions(_BATCH):
        new.execute(insert(table), [dict(row) for row in batch])


def _move_counter(table: Table, new: Connection) -> None:
    """Let a server go on counting behind the rows that came with their numbers."""
    column = table.autoincrement_column
    if column is None or new.dialect.name == "sqlite":
        return
    last = new.execute(select(func.max(column))).scalar()
    if last is not None:
        name = new.dialect.identifier_preparer.format_table(table)
        new.execute(
            text("SELECT setval(pg_get_serial_sequence(:name, :column), :last)"),
            {"name": name, "column": column.name, "last": last},
        )


def _refuse_rows(connection: Connection, target: Database) -> None:
    for table in metadata.sorted_tables:
        if connection.execute(select(table).limit(1)).first() is not None:
            raise ConfigurationError(
                target.name,
                f"has rows already (in {table.name})",
                "restore into an empty database",
            )
