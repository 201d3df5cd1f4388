"""Nights from plan to published map."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from agroforest.alerts import drop_rims, step
from agroforest.catalog import Catalog, Refusals, open_catalog
from agroforest.core.alert import Alert, AlertStatus
from agroforest.core.aoi import Aoi
from agroforest.core.config import Pipeline, Watched
from agroforest.core.errors import DataError
from agroforest.core.log_context import logged
from agroforest.core.risk import Hazard
from agroforest.nightly import records
from agroforest.nightly.cluster import Compute, Scheduler
from agroforest.nightly.desks import Desks, DeskWork
from agroforest.nightly.gap_sources import read_known
from agroforest.nightly.judge import Judge
from agroforest.nightly.page import write_map
from agroforest.nightly.plan import (
    Plan,
    TileTask,
    Watch,
    find_alerts,
    plan_night,
)
from agroforest.nightly.preconditions import refuse_empty, refuse_nights_in_history
from agroforest.nightly.report import build_report, write_report
from agroforest.nightly.result import TaskResult
from agroforest.nightly.review import hand_advice, hand_on, open_desk
from agroforest.nightly.watch import build_watch
from agroforest.nightly.yearly.plan import plan_yearly
from agroforest.nightly.yearly.report import report_year
from agroforest.store import Store, open_store

_log = logging.getLogger(__name__)
_LIVING = (AlertStatus.OPEN, AlertStatus.RELEASED)


class Progress(Protocol):
    """Told what is going on: a bar on a terminal, nothing elsewhere."""

    def begin(self, label: str, total: int) -> None:
        """Start a piece of work of `total` steps."""

    def advance(self) -> None:
        """Finish one step."""


class Silence:
    """Progress that nobody watches."""

    def begin(self, label: str, total: int) -> None:
        """Say nothing."""

    def advance(self) -> None:
        """Say nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NightOutcome:
    """How a night ended.

    Attributes
    ----------
    night
        The night.
    plan
        What there was to do.
    report
        As written to ``reports/``; ``None`` for a night that changed nothing (it
        had run before), and in a dry run.
    map
        The page, if one was written.
    failed
        Tiles without a result; ``fire`` and ``water`` where they could not be judged.
    """

    night: date
    plan: Plan = field(repr=False)
    report: dict[str, Any] | None = field(default=None, repr=False)
    map: Path | None = None
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Session:
    """What the nights of one call share."""

    watch: Watch
    aoi: Aoi
    judge: Judge
    catalog: Catalog
    unusable: list[DataError]
    store: Store
    progress: Progress
    desks: Desks


def run_nights(
    pipeline: Pipeline,
    nights: Sequence[date],
    *,
    work: Path,
    database: str | Path | None = None,
    scheduler: Scheduler | None = None,
    dry_run: bool = False,
    every_map: bool = False,
    progress: Progress | None = None,
    now: datetime | None = None,
) -> Iterator[NightOutcome]:
    """Run nights in order.

    Parameters
    ----------
    pipeline
        Settings.
    nights
        Nights in rising order.
    work
        The work folder.
    database
        Where facts are kept; a file in the work folder unless given.
    scheduler
        Who does the work; ``None`` computes on this machine.
    dry_run
        Only plan.
    every_map
        Write a map for every night with news, not only for the last night.
    progress
        Told what is going on.
    now
        The time. Hotspots of a night that has not ended are known up to now; without
        it every night has ended.

    Yields
    ------
    NightOutcome
        One for each night. A night that was run before and has nothing new
        changes no file and no row.

    Raises
    ------
    ConfigurationError
        Settings, area or scheduler cannot be acted on.
    NoInputError
        No scene touches the area.
    LockedError
        Another process runs this pipeline.
    SourceError
        The scheduler or all its workers were lost. Nothing of the night they
        worked on is recorded, and running it again completes it.
    """
    if scheduler is not None:
        scheduler.security("client")  # refused now, not after hours of planning
    desk = open_desk(pipeline.desk)
    watch, aoi, judge = build_watch(pipeline, work)
    workplace = watch.workplace
    canopy = pipeline.watches(Watched.CANOPY)
    if canopy:
        refuse_nights_in_history(pipeline, nights)
    unusable: list[DataError] = []
    catalog = open_catalog(
        pipeline.scenes.catalog, workplace.catalog, refuse=unusable.append
    )
    if canopy:
        refuse_empty(catalog, watch, aoi, nights)
    with workplace.locked(), open_store(database or workplace.database) as store:
        session = _Session(
            watch=watch,
            aoi=aoi,
            judge=judge,
            catalog=catalog,
            unusable=unusable,
            store=store,
            progress=progress or Silence(),
            desks=Desks(watch, aoi, store, catalog, now),
        )
        if dry_run:
            for night in nights:
                yield NightOutcome(night=night, plan=_plan(session, night))
            return
        with Compute(
            scheduler, tiles=len(watch.tiles), workplace=workplace, judge=judge
        ) as compute:
            for night in nights:
                with logged(pipeline=pipeline.name, night=night):
                    outcome = _run_night(
                        session,
                        compute,
                        night,
                        with_map=every_map or night == nights[-1],
                    )
                hand_on(store, desk, now)
                if night == nights[-1] and now is not None:
                    hand_advice(store, desk, pipeline, workplace.folder, now)
                yield outcome


def _run_night(
    session: _Session, compute: Compute, night: date, *, with_map: bool
) -> NightOutcome:
    plan = _plan(session, night)
    store, watch = session.store, session.watch
    last = store.last_night(watch.pipeline.name)
    news = plan.tasks or plan.yearly or plan.fire or plan.water
    if last is not None and night <= last and not news:
        return NightOutcome(night=night, plan=plan)
    overtaken = last is not None and night < last
    before = _canopy_alerts(session)
    results = _work(session, compute, plan, before)
    results += _run(session, compute, plan.yearly, f"{night} years")
    after, changes = step(
        before,
        drop_rims(
            [o for r in results for o in r.observations],
            reach_m=1.5 * watch.pipeline.grid.resolution,
        ),
        [w for r in results for w in r.revisits],
        pipeline=watch.pipeline.name,
        night=night,
        places=session.aoi.places,
        settings=watch.pipeline.alerts,
    )
    if overtaken:
        # Later nights have judged these alerts already.
        after, changes = before, []
    desks = DeskWork() if overtaken else _work_at_desks(session, night)
    report = build_report(
        watch,
        night,
        judge=session.judge,
        results=results,
        alerts=after,
        changes=changes,
        uncatalogued=_uncatalogued(session),
        yearly=report_year(watch, session.aoi, plan, results),
        fire=desks.fire,
        water=desks.water,
        known=read_known(watch, session.aoi, session.catalog, store, plan),
    )
    store.record_night(
        run=records.run(watch, report),
        tasks=[
            *(records.task(watch, r) for r in results),
            *desks.records,
        ],
        alerts=[*_changed(before, after), *(a for a, _ in desks.fires)],
        instructions=[*changes, *desks.changes],
        quarantined=[*records.quarantined(watch, results), *desks.quarantined],
        fires=[facts for _, facts in desks.fires],
    )
    write_report(watch.workplace, report, session.aoi)
    page = None
    if with_map:
        session.progress.begin(f"{night} map", 1)
        page = write_map(
            watch,
            session.aoi,
            store,
            report,
            judge=session.judge,
            fire=desks.fire.page if desks.fire else None,
            water=desks.water.page if desks.water else None,
        )
        session.progress.advance()
    return NightOutcome(
        night=night,
        plan=plan,
        report=report,
        map=page,
        failed=(*(r.tile for r in results if not r.done), *desks.failed),
    )


def _canopy_alerts(session: _Session) -> list[Alert]:
    """Alerts that the tiles look at again; those of fire have a step of their own."""
    name = session.watch.pipeline.name
    living = session.store.alerts(name, statuses=_LIVING)
    return [a for a in living if a.hazard != Hazard.ACTIVE_FIRE]


def _work_at_desks(session: _Session, night: date) -> DeskWork:
    names = session.desks.names
    if not names:
        return DeskWork()
    session.progress.begin(f"{night} {' and '.join(names)}", 1)
    found = session.desks.work(night)
    session.progress.advance()
    return found


def _plan(session: _Session, night: date) -> Plan:
    """Plan a night and leave out what the ledger says is done."""
    watch, store = session.watch, session.store
    known, uses = {}, {}
    for tile in watch.tiles:
        recorded = store.find_task(watch.baseline_id(tile))
        done = recorded is not None and recorded.status == records.DONE
        known[tile.id] = done and watch.state_path(tile).is_dir()
        uses[tile.id] = store.scene_uses(
            watch.pipeline.name, watch.state_path(tile).name
        )
    plan = plan_night(watch, session.catalog, night, known=known, uses=uses)
    yearly, lacking = _plan_year(session, night)
    return Plan(
        night=night,
        baselines=plan.baselines,
        tasks=tuple(t for t in plan.tasks if not _is_done(session, t)),
        yearly=tuple(t for t in yearly if not _is_done(session, t)),
        lacking=lacking,
        fire=session.desks.due_fire(night),
        water=session.desks.due_water(night),
    )


def _plan_year(
    session: _Session, night: date
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
        alerts=_canopy_alerts(session),
    )


def _is_done(session: _Session, task: TileTask) -> bool:
    return records.is_done(session.store.find_task(task.id), session.watch.workplace)


def _work(
    session: _Session, compute: Compute, plan: Plan, alerts: Sequence[Alert]
) -> list[TaskResult]:
    """Learn missing baselines, then judge the tiles that have one."""
    learned = _run(session, compute, plan.baselines, f"{plan.night} baselines")
    lost = {r.tile for r in learned if not r.done}
    tasks = [
        task.patch(alerts=tuple(find_alerts(alerts, task.tile)))
        for task in plan.tasks
        if task.tile.id not in lost
    ]
    return learned + _run(session, compute, tasks, f"{plan.night} tiles")


def _run(
    session: _Session, compute: Compute, tasks: Sequence[TileTask], label: str
) -> list[TaskResult]:
    if not tasks:
        return []
    session.progress.begin(label, len(tasks))
    results = []
    for result in compute.run(tasks):
        if result.error:
            _log.error("%s tile %s: %s", result.kind, result.tile, result.error)
        results.append(result)
        session.progress.advance()
    return sorted(results, key=lambda r: r.tile)


def _uncatalogued(session: _Session) -> list[DataError]:
    """Name products refused when added, and items that cannot be used, once each."""
    standing = Refusals(root=session.watch.workplace.catalog).read()
    found = {str(e): e for e in [*standing, *session.unusable]}
    session.unusable.clear()
    return list(found.values())


def _changed(before: Sequence[Alert], after: Sequence[Alert]) -> list[Alert]:
    known = {a.id: a for a in before}
    return [a for a in after if known.get(a.id) != a]
