"""What the queue is asked for, as SQL.

The queue is asked for in thousands of combinations. Putting a statement together from
SQLAlchemy's expressions and compiling it takes longer than running it, and hardly two
people ask for the same; so the text is written here. Every name in it is ours, and
whatever came from outside is a value beside it.
"""

from collections.abc import Collection
from contextlib import closing
from datetime import date
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from agroforest.core.queue import CaseQuery
from agroforest.store.database import has_geometry

#: Stands for nobody in `CaseQuery.assignee`.
NOBODY = "-"
#: Columns that are asked for by words, and what the query calls them.
_WORDS = (
    ("hazard", "hazards"),
    ("verdict", "verdicts"),
    ("pipeline", "pipelines"),
    ("county_code", "counties"),
)


class Asked:
    """A query, and the values of its statements.

    Parameters
    ----------
    connection
        In the caller's transaction; says how values are written.
    query
        What is asked for.

    Attributes
    ----------
    query
        As given.
    is_sqlite
        Whether the database is SQLite.
    has_geometry
        Whether it has columns of PostGIS beside the boxes.
    values
        By name, as far as they were written; statements are sent with all of them.
    words
        By column: the values that it may have, as SQL; the stage apart.
    stages
        Of these, as SQL; of all if empty.
    """

    def __init__(self, connection: Connection, query: CaseQuery) -> None:
        self.query = query
        self._connection = connection
        self.is_sqlite = connection.dialect.name == "sqlite"
        self.has_geometry = has_geometry(connection)
        self.values: dict[str, Any] = {}
        self.stages = self._list("stage", query.stages)
        self.words = {
            column: self._list(column, words)
            for column, asked in _WORDS
            if (words := getattr(query, asked))
        }

    def write(self, name: str, value: object) -> str:
        """Keep a value, and write it as SQL."""
        if self.is_sqlite:
            self.values[name] = value.isoformat() if isinstance(value, date) else value
            return f":{name}"
        self.values[name] = value
        return f"%({name})s"

    def write_all(self, names: str, words: Collection[str]) -> str:
        """Keep words, and write them as a list in SQL."""
        return ", ".join(self.write(f"{names}_{n}", w) for n, w in enumerate(words))

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask with the values written so far; rows as the driver gives them.

        What SQLAlchemy makes of a result, which it does anew each time, takes as
        long as everything the driver does.
        """
        connection = self._connection
        if not connection.in_transaction():
            connection.begin()
        driver, line = connection.dialect.loaded_dbapi, connection.connection
        with closing(line.cursor()) as cursor:
            try:
                cursor.execute(statement, self.values)
                return list(cursor.fetchall())
            except driver.Error as error:
                # As SQLAlchemy does: a line that is gone cannot be put in order.
                if connection.dialect.is_disconnect(error, line, cursor):
                    connection.invalidate(error)
                raise DBAPIError.instance(
                    statement, None, error, driver.Error, dialect=connection.dialect
                ) from error

    def _list(self, names: str, words: Collection[str]) -> str:
        return self.write_all(names, sorted(set(map(str, words))))
