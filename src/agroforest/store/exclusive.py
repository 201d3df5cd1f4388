"""One run at a time on a database that several machines share.

An SQLite file lies in one work folder, whose file lock is enough. On a server a session
holds an advisory lock, which ends with its connection, however that ends.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from agroforest.core.errors import LockedError
from agroforest.store.database import Database


class Exclusive:
    """A pipeline's lock on a server; on a file it holds nothing, and always stands."""

    def __init__(self, database: Database, pipeline: str) -> None:
        self._database, self._pipeline = database, pipeline
        self._connection: Connection | None = None
        self._lost = False

    def take(self) -> None:
        """Take the lock.

        Raises
        ------
        LockedError
            Another run has it.
        SourceError
            The server does not answer.
        """
        if self._database.is_file:
            return
        connection = self._database.connect()
        with self._database.translated():
            try:
                got = connection.execute(
                    text("SELECT pg_try_advisory_lock(:key)"),
                    {"key": _find_key(self._pipeline)},
                ).scalar()
            except BaseException:
                connection.invalidate()
                connection.close()
                raise
        if not got:
            connection.close()
            raise LockedError(
                self._database.name,
                f"another run holds pipeline {self._pipeline}",
                "wait for it to end",
            )
        self._connection = connection

    def require(self) -> bool:
        """Make sure that the lock is held; take it again where it was lost.

        Returns
        -------
        bool
            Whether it was held all the time since it was first taken. If not, another
            run may have come and gone meanwhile; asking again does not undo that.

        Raises
        ------
        LockedError
            Another run has it now.
        SourceError
            The server does not answer.
        """
        if self._database.is_file:
            return True
        if self._connection is not None:
            try:
                self._connection.execute(text("SELECT 1"))
            except DBAPIError:
                self.release()
            else:
                return not self._lost
        self._lost = True
        self.take()
        return False

    def release(self) -> None:
        """Give the lock back, as far as there is a connection."""
        if self._connection is not None:
            with suppress(DBAPIError):
                self._connection.invalidate()  # a pool would keep it, and the lock
            self._connection.close()
            self._connection = None


@contextmanager
def exclusive(database: Database, pipeline: str) -> Iterator[Exclusive]:
    """Hold a pipeline's lock for the duration of the block; raises as `Exclusive`."""
    held = Exclusive(database, pipeline)
    held.take()
    try:
        yield held
    finally:
        held.release()


def _find_key(pipeline: str) -> int:
    """Find the number of a pipeline's lock; others use other words."""
    digest = hashlib.sha256(f"agroforest run {pipeline}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
