"""Water as the night sees it: what is due, what came of it, what is recorded."""

from dataclasses import dataclass, field
from datetime import date, datetime

from agroforest.core.aoi import Aoi
from agroforest.core.errors import AgroforestError
from agroforest.maps.water import WaterPage
from agroforest.nightly.ledger import AreaLedger, AreaWork
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
from agroforest.store import Store

#: Stands for a tile in the ledger: water is kept for all parcels together.
WATER = "water"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WaterWork(AreaWork):
    """What came of keeping the water.

    What is refused are inputs and parcels.

    Attributes
    ----------
    page
        For the map; ``None`` where nothing could be kept.
    """

    page: WaterPage | None = field(default=None, repr=False)


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
        self._watch, self._now = watch, now
        self._ledger = AreaLedger(WATER, watch, store)
        self._water = WaterWatch(watch.pipeline, aoi, watch.workplace, store)
        self._planned: tuple[object, WaterPlan] | None = None

    def due(self, night: date) -> str:
        """Id of what a night has to judge; empty if that was done, or is too late."""
        return self._ledger.due(night, lambda: self._plan(night).id)

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
            record=self._ledger.done(
                found.plan.id,
                night,
                list_outputs(self._watch.workplace.root, files),
            ),
            report=report_water(found),
            refused=found.refused,
            page=show_water(found),
            seconds=found.seconds,
        )

    def _failed(self, night: date, error: AgroforestError) -> WaterWork:
        """Nothing is judged: root zones stay as they are, and the report says why."""
        return WaterWork(
            record=self._ledger.failed(night, error),
            report={"error": str(error)},
            refused=(Refusal.of(error),),
            error=str(error),
        )
