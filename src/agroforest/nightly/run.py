"""Nights from plan to published map."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from agroforest.catalog import open_catalog
from agroforest.core.config import Pipeline, Watched
from agroforest.core.log_context import logged
from agroforest.nightly.cluster import Compute, Scheduler
from agroforest.nightly.desks import Desks
from agroforest.nightly.execution import Patience
from agroforest.nightly.night import run_night
from agroforest.nightly.planning import plan
from agroforest.nightly.power.factors import find_factor
from agroforest.nightly.preconditions import refuse_empty, refuse_nights_in_history
from agroforest.nightly.review import hand_advice, hand_on, open_desk
from agroforest.nightly.session import NightOutcome, Session
from agroforest.nightly.storage import blamed_on_storage
from agroforest.nightly.watch import build_watch
from agroforest.nightly.watching import Progress, Silence
from agroforest.store import open_store

if TYPE_CHECKING:
    from agroforest.core.errors import DataError

__all__ = ["NightOutcome", "Patience", "Progress", "Silence", "run_nights"]


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
    patience: Patience | None = None,
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
    patience
        With a database that is away, and between attempts at a task.

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
        The scheduler or all its workers were lost, or the database did not come back.
        Nothing of the night they
        worked on is recorded, and running it again completes it.
    """
    if scheduler is not None:
        scheduler.security("client")  # refused now, not after hours of planning
    find_factor(pipeline.energy)  # likewise
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
    patience = patience or Patience()
    name = pipeline.name
    with (
        workplace.locked(),
        patience.wait(lambda: open_store(database or workplace.database)) as store,
        store.exclusive(name) as held,
    ):
        session = Session(
            watch=watch,
            aoi=aoi,
            judge=judge,
            catalog=catalog,
            unusable=unusable,
            store=store,
            held=held,
            progress=progress or Silence(),
            desks=Desks(watch, aoi, store, catalog, now),
            patience=patience,
            remote=scheduler is not None,
        )
        if dry_run:
            for night in nights:
                yield NightOutcome(night=night, plan=plan(session, night))
            return
        with Compute(
            scheduler, tiles=len(watch.tiles), workplace=workplace, judge=judge
        ) as compute:
            for night in nights:
                with (
                    logged(pipeline=name, night=night),
                    blamed_on_storage(workplace.folder),
                ):
                    outcome = run_night(
                        session,
                        compute,
                        night,
                        with_map=every_map or night == nights[-1],
                    )
                hand_on(store, desk, now)
                if night == nights[-1] and now is not None:
                    hand_advice(store, desk, pipeline, workplace.folder, now)
                yield outcome
