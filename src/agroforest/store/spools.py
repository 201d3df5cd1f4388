"""What came in as messages, and how far it was read: the store's part for listeners."""

from datetime import datetime

from agroforest.store import arrivals
from agroforest.store.database import Database
from agroforest.store.records import AddedReadings, ArrivedBatch, DeadLetter, SpoolState


class Spools:
    """Spools of messages and dead letters; each method is one transaction.

    Parameters
    ----------
    database
        Where.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_arrivals(self, batch: ArrivedBatch) -> AddedReadings:
        """Record what a stretch of a spool gave, and that it was read: all or nothing.

        Returns
        -------
        AddedReadings
            As `add_readings`.

        Raises
        ------
        LockedError
            Another process has read this stretch meanwhile.
        DataError
            A reading of an unknown sensor, or a value that is not finite.
        """
        with self._database.writing() as connection:
            return arrivals.write_batch(connection, batch)

    def spool_state(self, name: str) -> SpoolState | None:
        """Find how far a spool was read; ``None`` if it never was."""
        with self._database.reading() as connection:
            return arrivals.read_spool(connection, name)

    def dead_letters(
        self, *, since: datetime | None = None, limit: int | None = None
    ) -> list[DeadLetter]:
        """Find messages that could not be read, the newest first."""
        with self._database.reading() as connection:
            return arrivals.read_dead_letters(connection, since=since, limit=limit)

    def dead_places(self, name: str) -> set[tuple[int, int]]:
        """Find where in a spool its dead letters are."""
        with self._database.reading() as connection:
            return arrivals.read_dead_places(connection, name)

    def count_dead(self) -> int:
        """Count dead letters."""
        with self._database.reading() as connection:
            return arrivals.count_dead(connection)

    def drop_dead_letters(self, before: datetime) -> int:
        """Remove dead letters of messages that came before then; how many."""
        with self._database.writing() as connection:
            return arrivals.drop_dead_letters(connection, before)
