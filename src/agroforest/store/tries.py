"""What runs took and what they could not do: the store's part for operations."""

from collections.abc import Collection
from datetime import date, datetime

from agroforest.core.execution import Attempt, Execution, TileQuarantine
from agroforest.store import executions
from agroforest.store.database import Database


class Tries:
    """Tries at nights and at tasks; each method is one transaction.

    Parameters
    ----------
    database
        Where.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def record_execution(self, record: Execution) -> None:
        """Record a try at a night, or how it stands now."""
        with self._database.writing() as connection:
            executions.write_execution(connection, record)

    def executions(
        self,
        pipeline: str | None = None,
        *,
        first: date | None = None,
        last: date | None = None,
        limit: int | None = None,
    ) -> list[Execution]:
        """Find tries at nights, rising by start; with a `limit` the newest."""
        with self._database.reading() as connection:
            return executions.read_executions(connection, pipeline, first, last, limit)

    def record_attempts(
        self,
        records: Collection[Attempt],
        quarantined: Collection[TileQuarantine] = (),
    ) -> None:
        """Record attempts at tasks, or how they stand now, and what is set aside."""
        with self._database.writing() as connection:
            for record in records:
                executions.write_attempt(connection, record)
            for aside in quarantined:
                executions.write_tile_quarantine(connection, aside)

    def attempts(
        self,
        pipeline: str,
        *,
        tile: str | None = None,
        inputs: Collection[str] | None = None,
    ) -> list[Attempt]:
        """Find attempts at the tasks of a pipeline, by start."""
        with self._database.reading() as connection:
            return executions.read_attempts(connection, pipeline, tile, inputs)

    def history(
        self, pipeline: str, *, tasks: Collection[str], inputs: Collection[str]
    ) -> list[Attempt]:
        """Find attempts at tasks, and at others with the same inputs, by start."""
        with self._database.reading() as connection:
            return executions.read_history(connection, pipeline, tasks, inputs)

    def suspects(self, pipeline: str) -> set[tuple[str, str]]:
        """Find tiles and kinds of task whose newest attempt nobody saw the end of."""
        with self._database.reading() as connection:
            return executions.read_suspects(connection, pipeline)

    def quarantine(self, records: Collection[TileQuarantine]) -> None:
        """Set inputs of tiles aside."""
        with self._database.writing() as connection:
            for record in records:
                executions.write_tile_quarantine(connection, record)

    def quarantined(
        self, pipeline: str | None = None, *, redriven: bool = False
    ) -> list[TileQuarantine]:
        """Find what is set aside, by time; with `redriven` also what no longer is."""
        with self._database.reading() as connection:
            return executions.read_tile_quarantine(
                connection, pipeline, redriven=redriven
            )

    def redrive(
        self, pipeline: str, *, tiles: Collection[str] | None = None, now: datetime
    ) -> int:
        """Let what is set aside be tried again; how many inputs of tiles."""
        with self._database.writing() as connection:
            return executions.redrive(connection, pipeline, tiles, now)
