"""Fresh databases without running every migration script again.

Thousands of tests begin with an empty SQLite file. The scripts bring each to the same
schema by the same statements; after the first the statements alone are run, inside the
caller's transaction like the scripts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy import Connection, event

from agroforest.store import migration


class _Upgrade(Protocol):
    def __call__(
        self, connection: Connection, name: str, found: str | None
    ) -> None: ...


class Remembered:
    """`agroforest.store.migration.upgrade`, which remembers what it told SQLite.

    Parameters
    ----------
    scripts
        Runs the scripts.
    """

    def __init__(self, scripts: _Upgrade) -> None:
        self.scripts = scripts
        self._told: list[tuple[str, Any]] = []

    def __call__(self, connection: Connection, name: str, found: str | None) -> None:
        """Run the scripts, or for one more empty SQLite file their statements."""
        if found is not None or connection.dialect.name != "sqlite":
            self.scripts(connection, name, found)
        elif self._told:
            for statement, values in self._told:
                connection.exec_driver_sql(statement, values)
        else:
            self._told = self._listen(connection, name)

    def _listen(self, connection: Connection, name: str) -> list[tuple[str, Any]]:
        told: list[tuple[str, Any]] = []

        def note(  # the event's own signature
            _connection: Connection, _cursor: object, statement: str, values: object,
            _context: object, _many: bool,
        ) -> None:  # fmt: skip
            if not statement.lstrip().upper().startswith(("SELECT", "PRAGMA")):
                told.append((statement, values))

        event.listen(connection, "before_cursor_execute", note)
        try:
            self.scripts(connection, name, None)
        finally:
            event.remove(connection, "before_cursor_execute", note)
        return told


@contextmanager
def remember_migrations() -> Iterator[None]:
    """Run the scripts for the first empty SQLite file, then only their statements."""
    before = migration.upgrade
    migration.upgrade = Remembered(before)
    try:
        yield
    finally:
        migration.upgrade = before


@contextmanager
def forget_migrations() -> Iterator[None]:
    """Run the scripts every time again."""
    before = migration.upgrade
    if isinstance(before, Remembered):
        migration.upgrade = before.scripts
    try:
        yield
    finally:
        migration.upgrade = before
