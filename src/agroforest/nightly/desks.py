"""What a night keeps for the whole area beside its tiles: fire, and water."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from agroforest.catalog import Catalog
from agroforest.core.alert import Alert, Instruction
from agroforest.core.aoi import Aoi
from agroforest.core.config import Watched
from agroforest.core.fire import FireFacts
from agroforest.nightly.fire.desk import FIRE, FireDesk, FireWork
from agroforest.nightly.ledger import AreaWork
from agroforest.nightly.plan import Watch
from agroforest.nightly.water.desk import WATER, WaterDesk, WaterWork
from agroforest.store import QuarantineRecord, Store, TaskRecord

_log = logging.getLogger(__name__)

#: What stands for a tile in the ledger and is done every night anyway.
EVERY_NIGHT = (FIRE, WATER)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeskWork:
    """What came of a night; ``None`` for what is not watched."""

    fire: FireWork | None = None
    water: WaterWork | None = None

    @property
    def _all(self) -> Sequence[AreaWork]:
        return [work for work in (self.fire, self.water) if work is not None]

    @property
    def records(self) -> list[TaskRecord]:
        """For the ledger."""
        return [work.record for work in self._all]

    @property
    def quarantined(self) -> list[QuarantineRecord]:
        """Inputs put aside."""
        return [record for work in self._all for record in work.quarantined]

    @property
    def failed(self) -> list[str]:
        """What could not be judged, as the ledger names it."""
        return [work.record.tile for work in self._all if work.error]

    @property
    def fires(self) -> Sequence[tuple[Alert, FireFacts]]:
        """Alerts of fire that changed."""
        return self.fire.changed if self.fire else ()

    @property
    def changes(self) -> Sequence[Instruction]:
        """What changed about them."""
        return self.fire.changes if self.fire else ()


class Desks:
    """Those of a pipeline.

    Parameters
    ----------
    watch, aoi, store, catalog
        Of the pipeline.
    now
        See `agroforest.nightly.run_nights`.

    Raises
    ------
    ConfigurationError, DataError
        A file of the settings cannot be used.
    """

    def __init__(
        self,
        watch: Watch,
        aoi: Aoi,
        store: Store,
        catalog: Catalog,
        now: datetime | None,
    ) -> None:
        self._fire: FireDesk | None = None
        self._water: WaterDesk | None = None
        if watch.pipeline.watches(Watched.FIRE):
            self._fire = FireDesk(watch, aoi, store, catalog, now)
        if watch.pipeline.watches(Watched.WATER):
            self._water = WaterDesk(watch, aoi, store, now)

    def due_fire(self, night: date) -> str:
        """Id of what there is to judge of fire; empty where nothing is new."""
        return self._fire.due(night) if self._fire else ""

    def due_water(self, night: date) -> str:
        """Id of what there is to judge of water; empty where nothing is new."""
        return self._water.due(night) if self._water else ""

    @property
    def names(self) -> list[str]:
        """What is kept, as the ledger names it."""
        return [
            name
            for name, desk in ((FIRE, self._fire), (WATER, self._water))
            if desk is not None
        ]

    def work(self, night: date) -> DeskWork:
        """Do the night's work; a failure is a result."""
        done = DeskWork(
            fire=self._fire.work(night) if self._fire else None,
            water=self._water.work(night) if self._water else None,
        )
        for name, work in ((FIRE, done.fire), (WATER, done.water)):
            if work is not None and work.error:
                _log.error("%s: %s", name, work.error)
        return done
