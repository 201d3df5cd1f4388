"""Fire as the night sees it: what is due, what came of it, what is recorded."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache

from agroforest.alerts.fire import FireAlert
from agroforest.catalog import Catalog
from agroforest.core.alert import Alert, Instruction
from agroforest.core.aoi import Aoi
from agroforest.core.errors import AgroforestError
from agroforest.core.fire import FireFacts
from agroforest.maps import FirePage
from agroforest.nightly.fire.night import SCAR_DAYS, FirePlan, FireWatch
from agroforest.nightly.fire.report import report_fire
from agroforest.nightly.fire.show import show_fire
from agroforest.nightly.ledger import AreaLedger, AreaWork
from agroforest.nightly.plan import Watch
from agroforest.nightly.result import Refusal
from agroforest.store import Store

#: Stands for a tile in the ledger: fire is judged for the whole area.
FIRE = "fire"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FireWork(AreaWork):
    """What came of looking for fire.

    Attributes
    ----------
    alerts
        All alerts of fire after the night.
    changed
        Those that are not as the night before left them.
    changes
        What changed about them.
    page
        For the map; ``None`` where nothing could be judged.
    """

    alerts: tuple[Alert, ...] = ()
    changed: tuple[tuple[Alert, FireFacts], ...] = ()
    changes: tuple[Instruction, ...] = ()
    page: FirePage | None = field(default=None, repr=False)


class FireDesk:
    """Looks for fire night after night and keeps the ledger straight.

    Parameters
    ----------
    watch, aoi, store, catalog
        Of the pipeline.
    now
        See `agroforest.nightly.run_nights`.

    Raises
    ------
    ConfigurationError, DataError
        A layer of the settings cannot be used.
    """

    def __init__(
        self,
        watch: Watch,
        aoi: Aoi,
        store: Store,
        catalog: Catalog,
        now: datetime | None,
    ) -> None:
        self._watch, self._store, self._now = watch, store, now
        self._ledger = AreaLedger(FIRE, watch, store)
        self._fire = FireWatch(watch.pipeline, aoi, watch.workplace, catalog=catalog)
        # A night is planned and then worked on; its feeds are read once.
        self._plan = lru_cache(maxsize=1)(self._fire.plan)

    def due(self, night: date) -> str:
        """Id of what a night has to judge; empty if that was done, or is too late."""
        return self._ledger.due(night, lambda: self._plan(night, self._now).id)

    def work(self, night: date) -> FireWork:
        """Look for fire; a failure is a result."""
        pairs = self._store.fire_alerts(
            self._watch.pipeline.name, since=night - timedelta(days=SCAR_DAYS)
        )
        before = [FireAlert(alert=alert, facts=facts) for alert, facts in pairs]
        try:
            plan = self._plan(night, self._now)
            return self._work(plan, before)
        except AgroforestError as error:
            return self._failed(night, before, error)

    def _work(self, plan: FirePlan, before: Sequence[FireAlert]) -> FireWork:
        found = self._fire.work(plan, before)
        known = {one.alert.id: one for one in before}
        return FireWork(
            record=self._ledger.done(plan.id, plan.night, found.outputs),
            report=report_fire(
                found, utc_offset_hours=self._watch.pipeline.map.utc_offset_hours
            ),
            alerts=tuple(one.alert for one in found.step.alerts),
            changed=tuple(
                (one.alert, one.facts)
                for one in found.step.alerts
                if known.get(one.alert.id) != one
            ),
            changes=found.step.instructions,
            refused=found.refused,
            seconds=found.seconds,
            page=show_fire(found, self._fire, self._watch.pipeline),
        )

    def _failed(
        self, night: date, before: Sequence[FireAlert], error: AgroforestError
    ) -> FireWork:
        """Nothing is judged: alerts stay as they are, and the report says why."""
        return FireWork(
            record=self._ledger.failed(night, error),
            report={"error": str(error)},
            alerts=tuple(one.alert for one in before),
            refused=(Refusal.of(error),),
            error=str(error),
        )
