"""The ledger of facts: what was done, what was found, what was measured."""

from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, select

from agroforest.core.alert import Alert, AlertStatus, Instruction
from agroforest.core.chain import Sealed
from agroforest.core.execution import Execution, TileQuarantine
from agroforest.core.fire import FireFacts, Verification
from agroforest.core.reading import Reading, Sensor, Variable
from agroforest.core.risk import Hazard
from agroforest.core.valve import AuditEntry, ValveFacts
from agroforest.store import (
    executions,
    findings,
    ledger,
    measurements,
    valves,
)
from agroforest.store import fires as fire_facts
from agroforest.store.database import Database, open_database
from agroforest.store.desk import Desk
from agroforest.store.exclusive import Exclusive, exclusive
from agroforest.store.records import (
    AddedReadings,
    QuarantineRecord,
    RunRecord,
    TaskRecord,
)
from agroforest.store.schema import tile_task
from agroforest.store.spools import Spools
from agroforest.store.tries import Tries

#: Water of an order that ended longer ago counts on no day that can still be today.
_COUNTED = timedelta(days=3)


def open_store(url: str | Path, silence_s: float | None = None) -> "Store":
    """Open the store, creating or upgrading its database where needed.

    Parameters
    ----------
    url
        Path of an SQLite file (created with its folder if missing),
        ``sqlite:///FILE`` or ``postgresql://user@host/name``.
    silence_s
        Seconds without a word after which an answer of a server is given up; ten
        minutes unless given.

    Raises
    ------
    ConfigurationError
        Not a path or a supported URL, not a database, another program's
        database, or one written by a newer agroforest.
    SourceError
        The server does not answer, or the file is locked for too long.
    """
    return Store(open_database(url, silence_s))


class Store:
    """Facts in a database; every method may be repeated and changes nothing then.

    Each method is one transaction. All of them raise `SourceError` when the
    database does not answer (the same call may succeed later) and
    `ConfigurationError` when its file is damaged.

    Use it as a context manager, or call `close`.

    Attributes
    ----------
    desk
        What people do about alerts.
    spools
        What came in as messages, and how far it was read.
    tries
        What runs took, and what they could not do.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.desk = Desk(database)
        self.spools = Spools(database)
        self.tries = Tries(database)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    @property
    def name(self) -> str:
        """How errors call the database."""
        return self._database.name

    def exclusive(self, pipeline: str) -> AbstractContextManager[Exclusive]:
        """Let nobody else run a pipeline on this database; see `Exclusive`."""
        return exclusive(self._database, pipeline)

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a connection on one snapshot, for rooms with questions of their own.

        Nothing may be written with it.
        """
        return self._database.reading()

    # ------------------------------------------------------------ runs, tasks

    def record_night(
        self,
        *,
        run: RunRecord | None = None,
        tasks: Iterable[TaskRecord] = (),
        alerts: Iterable[Alert] = (),
        instructions: Iterable[Instruction] = (),
        fires: Iterable[FireFacts] = (),
        quarantined: Iterable[QuarantineRecord] = (),
        execution: Execution | None = None,
        resolved: Iterable[TileQuarantine] = (),
    ) -> int:
        """Record what a night did, found and put aside: all of it or nothing.

        What is recorded again takes the newer outcome; the scenes a task
        consumed stay with the night that consumed them first, and what somebody
        found at a fire is never overwritten. The alerts of `fires` are among
        `alerts` or on record. `execution` is the try that did it, `resolved` what it
        found to be set aside no more.

        Returns
        -------
        int
            Changes of alerts that were not recorded before.
        """
        with self._database.writing() as connection:
            for task in tasks:
                ledger.write_task(connection, task)
            for each in quarantined:
                ledger.write_quarantine(connection, each)
            findings.write_alerts(connection, alerts)
            fire_facts.write_fires(connection, fires)
            new = findings.write_instructions(connection, instructions)
            for aside in resolved:
                executions.write_tile_quarantine(connection, aside)
            if execution is not None:
                executions.write_execution(connection, execution)
            if run is not None:
                ledger.write_run(connection, run)
            return new

    def find_task(self, id: str) -> TaskRecord | None:  # noqa: A002  as above
        """Find the task of that id, or ``None``."""
        with self._database.reading() as connection:
            query = select(tile_task).where(tile_task.c.id == id)
            return next(iter(ledger.read_tasks(connection, query)), None)

    def tasks(self, pipeline: str, night: date | None = None) -> list[TaskRecord]:
        """Find the tasks of a pipeline, of one night or of all, by night and tile."""
        query = select(tile_task).where(tile_task.c.pipeline == pipeline)
        if night is not None:
            query = query.where(tile_task.c.night == night)
        with self._database.reading() as connection:
            return ledger.read_tasks(connection, query)

    def scene_uses(self, pipeline: str, state: str) -> dict[str, date]:
        """Find the night that took each scene into a state, by content."""
        with self._database.reading() as connection:
            return ledger.read_scene_uses(connection, pipeline, state)

    def last_night(self, pipeline: str) -> date | None:
        """Find the newest night that was run, if any was."""
        with self._database.reading() as connection:
            return ledger.read_last_night(connection, pipeline)

    def active_nights(
        self, pipeline: str, *, until: date, limit: int, without: Collection[str] = ()
    ) -> list[date]:
        """Find the newest nights up to `until` that had tasks, rising.

        Tasks of the tiles `without` do not count: what is done every night anyway.
        """
        with self._database.reading() as connection:
            return ledger.read_active_nights(
                connection, pipeline, until, limit, without
            )

    def runs(self, pipeline: str) -> list[RunRecord]:
        """Find the runs of a pipeline, by night."""
        with self._database.reading() as connection:
            return ledger.read_runs(connection, pipeline)

    def quarantined(
        self, pipeline: str, night: date | None = None
    ) -> list[QuarantineRecord]:
        """Find the inputs put aside, on one night or on all."""
        with self._database.reading() as connection:
            return ledger.read_quarantine(connection, pipeline, night)

    # ----------------------------------------------------------------- alerts

    def alerts(
        self,
        pipeline: str,
        *,
        statuses: Collection[AlertStatus] | None = None,
        hazards: Collection[Hazard] | None = None,
    ) -> list[Alert]:
        """Find the alerts of a pipeline in these (or all) statuses, by first night."""
        with self._database.reading() as connection:
            return findings.read_alerts(connection, pipeline, statuses, hazards)

    def fire_alerts(
        self,
        pipeline: str,
        *,
        statuses: Collection[AlertStatus] | None = None,
        since: date | None = None,
    ) -> list[tuple[Alert, FireFacts]]:
        """Find the fire alerts of a pipeline with their facts, by first night.

        Parameters
        ----------
        pipeline
            Its name.
        statuses
            Only these; all unless given.
        since
            Leave out the closed ones that were not observed on this night or later.
        """
        with self._database.reading() as connection:
            return fire_facts.read_fires(connection, pipeline, statuses, since)

    def verify(self, alert_id: str, found: Verification) -> bool:
        """Record what somebody found at a fire alert; it stops the alert's clock.

        Returns
        -------
        bool
            Whether that is news: the same outcome by the same person at the same
            time is recorded once.

        Raises
        ------
        DataError
            There is no fire alert of that id.
        """
        with self._database.writing() as connection:
            return fire_facts.write_verification(connection, alert_id, found)

    def instructions(
        self, pipeline: str, night: date | None = None
    ) -> list[Instruction]:
        """Find the changes of a pipeline's alerts, of one night or of all."""
        with self._database.reading() as connection:
            return findings.read_instructions(connection, pipeline, night)

    # ---------------------------------------------------------------- sensors

    def add_sensors(self, sensors: Iterable[Sensor]) -> int:
        """Record sensors, or what is newly known of them; how many are new."""
        with self._database.writing() as connection:
            return measurements.write_sensors(connection, sensors)

    def sensors(self) -> list[Sensor]:
        """Find every sensor, by id."""
        with self._database.reading() as connection:
            return measurements.read_sensors(connection)

    def add_readings(self, readings: Iterable[Reading]) -> AddedReadings:
        """Record readings; what is stored already stays as it is.

        Returns
        -------
        AddedReadings
            ``(added, known, conflicts)``: new rows, exact duplicates, and other
            values for a key that has one.

        Raises
        ------
        DataError
            A reading of an unknown sensor, or a value that is not finite; then
            nothing is added.
        """
        with self._database.writing() as connection:
            return measurements.write_readings(connection, readings)

    def readings(
        self,
        sensor_ids: Collection[str],
        start: datetime,
        end: datetime,
        *,
        variables: Collection[Variable] | None = None,
    ) -> list[Reading]:
        """Find readings from `start` until before `end`, by series and time.

        Raises
        ------
        ConfigurationError
            `start` or `end` has no time zone.
        """
        with self._database.reading() as connection:
            return measurements.read_readings(
                connection, sensor_ids, start, end, variables
            )

    def newest_readings(
        self, sensor_ids: Collection[str]
    ) -> dict[tuple[str, Variable, float | None], datetime]:
        """Find the newest time of every sensor, variable and depth that has one."""
        with self._database.reading() as connection:
            return measurements.read_newest(connection, sensor_ids)

    def update_quality(self, readings: Iterable[Reading]) -> int:
        """Set the flags of stored readings to those given; how many changed."""
        with self._database.writing() as connection:
            return measurements.write_quality(connection, readings)

    # ----------------------------------------------------------------- valves

    def decide_valves(
        self,
        decide: Callable[[ValveFacts], valves.DecidedT],
        now: datetime,
        *,
        orders: Collection[str] = (),
    ) -> valves.DecidedT:
        """Decide on valves, and keep what was decided and its audit: all or nothing.

        Nobody else decides meanwhile. What is to be done with devices must wait
        until this has returned.

        Parameters
        ----------
        decide
            From facts to facts; it may raise, and then nothing is changed.
        now
            Orders that ended long before are left out.
        orders
            Ids of orders to bring in all the same.
        """
        with self._database.writing() as connection:
            valves.lock(connection)
            before = valves.read_facts(connection, now - _COUNTED, orders)
            done = decide(before)
            valves.write_facts(connection, before, done.facts)
            valves.write_audit(connection, done.audit)
            return done

    def valve_facts(self, now: datetime, *, orders: Collection[str] = ()) -> ValveFacts:
        """Find what is known of valves, without orders that ended long before now."""
        with self._database.reading() as connection:
            return valves.read_facts(connection, now - _COUNTED, orders)

    def valve_audit(
        self, *, valve: str = "", order: str = ""
    ) -> list[Sealed[AuditEntry]]:
        """Find every step of a valve, an order or all, from the beginning."""
        with self._database.reading() as connection:
            return valves.read_audit(connection, valve, order)
