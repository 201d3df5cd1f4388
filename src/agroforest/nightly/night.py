"""One night: planned, worked on, decided, recorded, published."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from agroforest.alerts import drop_rims, step
from agroforest.catalog import Refusals
from agroforest.core.alert import Alert, Change, Instruction
from agroforest.core.config import Watched
from agroforest.core.errors import AgroforestError, DataError, LockedError
from agroforest.core.execution import Execution, ExecutionStatus
from agroforest.core.log_context import logged
from agroforest.nightly import execution as tries
from agroforest.nightly import records
from agroforest.nightly.course import Course
from agroforest.nightly.desks import DeskWork
from agroforest.nightly.gap_sources import read_known
from agroforest.nightly.page import write_map
from agroforest.nightly.plan import Plan
from agroforest.nightly.planning import canopy_alerts
from agroforest.nightly.planning import plan as plan_session
from agroforest.nightly.power.bill import build_bill, settle
from agroforest.nightly.power.meter import Meter
from agroforest.nightly.report import build_report, write_report
from agroforest.nightly.session import NightOutcome, Session
from agroforest.nightly.shift import Shift, resolve, work_shift
from agroforest.nightly.supply import Workers
from agroforest.nightly.yearly.report import report_year


@dataclass(slots=True)
class _Try:
    """A try at a night that is going on."""

    execution: Execution
    meter: Meter
    recorded: bool = False


def run_night(
    session: Session, workers: Workers, night: date, *, with_map: bool
) -> NightOutcome:
    """Run a night; see `agroforest.nightly.run_nights`."""
    store, watch, patience = session.store, session.watch, session.patience
    plan = patience.persist(store, lambda: plan_session(session, night))
    last = patience.persist(store, lambda: store.last_night(watch.pipeline.name))
    news = plan.tasks or plan.yearly or plan.fire or plan.water
    if last is not None and night <= last and not news:
        page = _mend_map(session, night) if with_map and night == last else None
        return NightOutcome(night=night, plan=plan, map=page)
    with _trying(session, night) as current:
        before = patience.persist(store, lambda: canopy_alerts(session))
        shift = work_shift(
            session,
            workers,
            plan,
            before,
            execution=current.execution,
            meter=current.meter,
        )
        overtaken = last is not None and night < last
        after, changes = _judge(session, night, before, shift)
        if overtaken:
            # Later nights have judged these alerts already.
            after, changes = before, []
        desks = DeskWork() if overtaken else _work_at_desks(session, night)
        report = _publish(session, plan, shift, after, changes, desks, current)
        _record(session, report, shift, before, after, changes, desks, current)
    page = None
    if with_map:
        page = _draw(session, report, desks)
    return NightOutcome(
        night=night,
        plan=plan,
        report=report,
        map=page,
        failed=(*(r.tile for r in shift.results if not r.done), *desks.failed),
        unread=tuple(r.tile for r in shift.results if any(q.passes for q in r.refused)),
        left_out=tuple(sorted({t.tile.id for t in shift.left_out})),
    )


@contextmanager
def _trying(session: Session, night: date) -> Iterator[_Try]:
    """Keep a row of the try, whatever becomes of it."""
    store, watch, patience = session.store, session.watch, session.patience
    execution = tries.begin(
        watch.pipeline.name, night, records.config_digest(watch), patience.now()
    )
    patience.persist(store, lambda: store.tries.record_execution(execution))
    with (
        logged(run=execution.id),
        Meter(watch.pipeline, remote=session.remote) as meter,
    ):
        current = _Try(execution, meter)
        try:
            yield current
        except (KeyboardInterrupt, SystemExit):
            _say(session, current, ExecutionStatus.STOPPED, "somebody ended it")
            raise
        except Exception as error:
            _say(session, current, ExecutionStatus.FAILED, str(error))
            raise


def _say(session: Session, current: _Try, status: ExecutionStatus, error: str) -> None:
    """Record what ended a try, if that can be: the error itself matters more."""
    if current.recorded:
        return
    ended = tries.end(
        current.execution,
        status,
        session.patience.now(),
        error=" ".join(error.split()),
        cost=current.meter.read(),
    )
    with suppress(AgroforestError):
        session.store.tries.record_execution(ended)


def _judge(
    session: Session, night: date, before: Sequence[Alert], shift: Shift
) -> tuple[list[Alert], list[Instruction]]:
    """Carry the alerts on by what the tiles showed."""
    pipeline = session.watch.pipeline
    return step(
        before,
        drop_rims(
            [o for r in shift.results for o in r.observations],
            reach_m=1.5 * pipeline.grid.resolution,
        ),
        [w for r in shift.results for w in r.revisits],
        pipeline=pipeline.name,
        night=night,
        places=session.aoi.places,
        settings=pipeline.alerts,
    )


def _work_at_desks(session: Session, night: date) -> DeskWork:
    names = session.desks.names
    if not names:
        return DeskWork()
    session.progress.begin(f"{night} {' and '.join(names)}", 1)
    store = session.store
    session.patience.persist(store, lambda: store.last_night(""))  # it is there
    found = session.desks.work(night)
    session.progress.advance()
    return found


def _publish(
    session: Session,
    plan: Plan,
    shift: Shift,
    after: Sequence[Alert],
    changes: Sequence[Instruction],
    desks: DeskWork,
    current: _Try,
) -> dict[str, Any]:
    """Write the report. It comes before the record: what is recorded has one."""
    store, watch = session.store, session.watch
    new = sum(c.change is Change.NEW for c in (*changes, *desks.changes))
    cost = settle(
        current.meter.read(),
        tiles=watch.tiles,
        results=shift.results,
        alerts=new,
        canopy=watch.pipeline.watches(Watched.CANOPY),
    )
    current.execution = replace(current.execution, cost=cost)
    known, aside = session.patience.persist(
        store,
        lambda: (
            read_known(watch, session.aoi, session.catalog, store, plan),
            store.tries.quarantined(watch.pipeline.name),
        ),
    )
    resolved = resolve(aside, shift.results)
    report = build_report(
        watch,
        plan.night,
        judge=session.judge,
        results=shift.results,
        alerts=after,
        changes=changes,
        uncatalogued=_uncatalogued(session),
        yearly=report_year(watch, session.aoi, plan, shift.results),
        fire=desks.fire,
        water=desks.water,
        known=known,
        course=Course(
            execution=current.execution,
            attempts=shift.tried,
            set_aside=[q for q in aside if q not in resolved],
            left_out=shift.left_out,
            reason=shift.reason,
            cost=build_bill(cost, shift.results),
        ),
    )
    write_report(watch.workplace, report, session.aoi)
    return report


def _record(
    session: Session,
    report: dict[str, Any],
    shift: Shift,
    before: Sequence[Alert],
    after: Sequence[Alert],
    changes: Sequence[Instruction],
    desks: DeskWork,
    current: _Try,
) -> None:
    """Record the night, all of it or nothing, while nobody else runs the pipeline."""
    store, watch, now = session.store, session.watch, session.patience.now()
    aside = session.patience.persist(
        store, lambda: store.tries.quarantined(watch.pipeline.name)
    )
    ended = tries.end(
        current.execution,
        ExecutionStatus(report["status"]),
        now,
        error=shift.reason or None,
    )

    def keep() -> None:
        if not session.held.require():
            _refuse_overtaken(session, current.execution)
        store.record_night(
            run=records.run(watch, report),
            tasks=[*(records.task(watch, r) for r in shift.results), *desks.records],
            alerts=[*_changed(before, after), *(a for a, _ in desks.fires)],
            instructions=[*changes, *desks.changes],
            quarantined=[
                *records.quarantined(watch, shift.results),
                *desks.quarantined,
            ],
            fires=[facts for _, facts in desks.fires],
            execution=ended,
            resolved=[replace(q, redriven=now) for q in resolve(aside, shift.results)],
        )

    session.patience.persist(store, keep)
    current.recorded = True


def _refuse_overtaken(session: Session, execution: Execution) -> None:
    """Refuse to record a night after another run that came while the lock was lost."""
    newest = session.store.tries.executions(execution.pipeline, limit=1)
    if newest and newest[-1].id != execution.id:
        raise LockedError(
            session.store.name,
            f"another run of {execution.pipeline} came while the connection was lost",
            "run the night again",
        )


def _draw(session: Session, report: dict[str, Any], desks: DeskWork) -> Path:
    session.progress.begin(f"{report['night']} map", 1)
    page = session.patience.persist(
        session.store,
        lambda: write_map(
            session.watch,
            session.aoi,
            session.store,
            report,
            judge=session.judge,
            fire=desks.fire.page if desks.fire else None,
            water=desks.water.page if desks.water else None,
        ),
    )
    session.progress.advance()
    return page


def _mend_map(session: Session, night: date) -> Path | None:
    """Draw the map of a night whose run was killed after it was recorded."""
    place = session.watch.workplace
    kept = place.report(night, "json")
    if place.map(night).exists() or not kept.exists():
        return None
    report = json.loads(kept.read_text(encoding="utf-8"))
    return _draw(session, report, _work_at_desks(session, night))


def _uncatalogued(session: Session) -> list[DataError]:
    """Name products refused when added, and items that cannot be used, once each."""
    standing = Refusals(root=session.watch.workplace.catalog).read()
    found = {str(e): e for e in [*standing, *session.unusable]}
    session.unusable.clear()
    return list(found.values())


def _changed(before: Sequence[Alert], after: Sequence[Alert]) -> list[Alert]:
    known = {a.id: a for a in before}
    return [a for a in after if known.get(a.id) != a]
