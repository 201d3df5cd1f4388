"""Water as the night sees it: what is due, what came of it, what is recorded."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from agroforest.core.aoi import Aoi
from agroforest.core.errors import AgroforestError
from agroforest.core.identity import digest
from agroforest.maps.water import WaterPage
from agroforest.nightly import records
from agroforest.nightly.plan import Watch
from agroforest.nightly.result import Refusal
from agroforest.nightly.water.night import (
    WaterNight,
    WaterPlan,
    WaterWatch,
    list_outputs,
)
from agroforest.nightly.water.report import report_water, write_night
from agroforest.nightly.water.show import show_water
from agroforest.store import QuarantineRecord, Store, TaskRecord

#: Stands for a tile in the ledger: water is kept for all parcels together.
WATER = "water"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WaterWork:
    """What came of keeping the water.

    Attributes
    ----------
    record
        For the ledger.
    report
        For the report of the night.
    refused, quarantined
        Inputs and parcels that could not be used.
    page
        For the map; ``None`` where nothing could be kept.
    error
        Why not; ``None`` when it is done.
    seconds
        Wall time.
    """

    record: TaskRecord = field(repr=False)
    report: dict[str, Any] = field(repr=False)
    refused: tuple[Refusal, ...] = ()
    quarantined: tuple[QuarantineRecord, ...] = ()
    page: WaterPage | None = field(default=None, repr=False)
    error: str | None = None
    seconds: float = 0.0


class WaterDesk:
    """Keeps the water night after night, and the ledger straight.

    Parameters
    ----------
    watch, aoi, store
        Of the pipeline.
    now
        See `agroforest.nightly.run_nights`.

    Raises
    ------
    ConfigurationError, DataError
        A file of the settings cannot be used.
    """

    def __init__(
        self, watch: Watch, aoi: Aoi, store: Store, now: datetime | None
    ) -> None:
        self._watch, self._store, self._now = watch, store, now
        self._water = WaterWatch(watch.pipeline, aoi, watch.workplace, store)
        self._planned: tuple[object, WaterPlan] | None = None

    def due(self, night: date) -> str:
        """Id of what a night has to judge; empty if that was done, or is too late."""
        last = self._store.last_night(self._watch.pipeline.name)
        if last is not None and night < last:
            return ""
        try:
            task = self._plan(night).id
        except AgroforestError as error:
            return digest(WATER, night, str(error))
        known = self._store.find_task(task)
        return "" if records.is_done(known, self._watch.workplace) else task

    def work(self, night: date) -> WaterWork:
        """Keep the water of a night; a failure is a result."""
        try:
            found = self._water.work(self._plan(night))
        except AgroforestError as error:
            return self._failed(night, error)
        return self._done(found)

    def _plan(self, night: date) -> WaterPlan:
        """Plan a night once, and once more if it has written index maps since."""
        key = night, self._water.list_maps(night)
        if self._planned is None or self._planned[0] != key:
            self._planned = key, self._water.plan(night, self._now)
        return self._planned[1]

    def _done(self, found: WaterNight) -> WaterWork:
        night = found.plan.night
        path = self._water.folder / f"{night}.json"
        write_night(path, found)
        files = [path, *(p.led.file for p in found.parcels if p.led is not None)]
        return WaterWork(
            record=self._record(
                found.plan.id,
                night,
                outputs=list_outputs(self._watch.workplace.root, files),
                error=None,
            ),
            report=report_water(found),
            refused=found.refused,
            quarantined=tuple(self._quarantine(night, r) for r in found.refused),
            page=show_water(found),
            seconds=found.seconds,
        )

    def _failed(self, night: date, error: AgroforestError) -> WaterWork:
        """Nothing is judged: root zones stay as they are, and the report says why."""
        refusal = Refusal.of(error)
        return WaterWork(
            record=self._record(
                digest(WATER, night, str(error)), night, outputs={}, error=str(error)
            ),
            report={"error": str(error)},
            refused=(refusal,),
            quarantined=(self._quarantine(night, refusal),),
            error=str(error),
        )

    def _record(
        self, task: str, night: date, *, outputs: dict[str, str], error: str | None
    ) -> TaskRecord:
        return TaskRecord(
            id=task,
            pipeline=self._watch.pipeline.name,
            tile=WATER,
            state=WATER,
            night=night,
            status=records.DONE if error is None else records.FAILED,
            outputs=outputs,
            summary={"kind": WATER, "error": error},
        )

    def _quarantine(self, night: date, refusal: Refusal) -> QuarantineRecord:
        return QuarantineRecord(
            pipeline=self._watch.pipeline.name,
            night=night,
            where=refusal.where,
            problem=refusal.problem,
            remedy=refusal.remedy,
        )
