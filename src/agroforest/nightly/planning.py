"""What a night has to do, by what the ledger says is done, or set aside."""

from collections.abc import Mapping
from datetime import date
from functools import partial

from agroforest.core.alert import Alert, AlertStatus
from agroforest.core.risk import Hazard
from agroforest.nightly import execution as tries
from agroforest.nightly import records
from agroforest.nightly.attempts import is_set_aside
from agroforest.nightly.execution import Quarantined
from agroforest.nightly.plan import Plan, TileTask, find_use, plan_night
from agroforest.nightly.session import Session
from agroforest.nightly.yearly.plan import plan_yearly

_LIVING = (AlertStatus.OPEN, AlertStatus.RELEASED)


def plan(session: Session, night: date) -> Plan:
    """Plan a night; leave out what is done, and what is set aside."""
    watch, store = session.watch, session.store
    aside = tries.read_quarantined(store, watch.pipeline.name)
    known, uses = {}, {}
    for tile in watch.tiles:
        recorded = store.find_task(watch.baseline_id(tile))
        done = recorded is not None and recorded.status == records.DONE
        known[tile.id] = done and watch.state_path(tile).is_dir()
        uses[tile.id] = store.scene_uses(
            watch.pipeline.name, watch.state_path(tile).name
        )
    found = plan_night(watch, session.catalog, night, known=known, uses=uses)
    yearly, lacking = _plan_year(session, night)
    baselines = tuple(t for t in found.baselines if not _is_aside(t, aside))
    # A tile whose seasons cannot be learned cannot be judged.
    blind = {t.tile for t in found.baselines} - {t.tile for t in baselines}
    tasks = (
        t
        for t in found.tasks
        if t.tile not in blind and not (_is_aside(t, aside) or _is_done(session, t))
    )
    return Plan(
        night=night,
        baselines=baselines,
        tasks=tuple(tasks),
        yearly=tuple(
            t for t in yearly if not (_is_aside(t, aside) or _is_done(session, t))
        ),
        lacking=lacking,
        fire=session.desks.due_fire(night),
        water=session.desks.due_water(night),
    )


def _plan_year(
    session: Session, night: date
) -> tuple[tuple[TileTask, ...], Mapping[str, int]]:
    """Plan yearly comparisons; a night that others have overtaken makes none."""
    watch, store = session.watch, session.store
    last = store.last_night(watch.pipeline.name)
    if last is not None and night < last:
        return (), {}
    uses = partial(store.scene_uses, watch.pipeline.name)
    return plan_yearly(
        watch,
        session.catalog,
        night,
        uses=uses,
        alerts=canopy_alerts(session),
    )


def _is_done(session: Session, task: TileTask) -> bool:
    known = session.store.find_task(task.id)
    if not records.is_done(known, session.watch.workplace):
        return False
    # Unless one of its scenes was refused, and a file of it is another one now.
    taken = dict.fromkeys(known.scenes if known else (), task.night)
    return all(find_use(scene, taken) is not None for scene in task.scenes)


def _is_aside(task: TileTask, aside: Quarantined) -> bool:
    return is_set_aside(
        aside, tile=task.tile.id, kind=str(task.kind), inputs=task.inputs
    )


def canopy_alerts(session: Session) -> list[Alert]:
    """Alerts that the tiles look at again; those of fire have a step of their own."""
    name = session.watch.pipeline.name
    living = session.store.alerts(name, statuses=_LIVING)
    return [a for a in living if a.hazard != Hazard.ACTIVE_FIRE]
