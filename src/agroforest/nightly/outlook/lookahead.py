"""Look ahead: what the nights asked for will take on this machine."""

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path

from agroforest.catalog import Catalog, open_catalog
from agroforest.catalog.href import is_local
from agroforest.core.config import Pipeline, Watched
from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.scene import Scene
from agroforest.nightly.compartments import Compartments
from agroforest.nightly.outlook.estimate import Estimate, estimate
from agroforest.nightly.outlook.experience import Experience, read_experience
from agroforest.nightly.outlook.figures import Figures, load_figures, save_figures
from agroforest.nightly.outlook.machine import read_machine
from agroforest.nightly.outlook.rates import Means, Night
from agroforest.nightly.outlook.rehearsal import (
    Troupe,
    layer_mpx,
    rehearse,
    settings_digest,
)
from agroforest.nightly.outlook.survey import Survey, Volume, spread, survey
from agroforest.nightly.plan import Plan, TaskKind, TileTask, Watch, find_scenes
from agroforest.nightly.power.factors import GUANGXI_G_PER_KWH
from agroforest.nightly.power.watts import resolve_watts
from agroforest.nightly.run import Progress, Silence, run_nights
from agroforest.nightly.watch import Post, build_watch

# Tiles that stand for all in an ordinary night, and how far back the scene is
# looked for that stands for tonight's. Arbitrary.
_TILES, _DAYS = 12, 90


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """An estimate, and what it rests on.

    Attributes
    ----------
    estimate
        What the nights will take.
    figures
        What was measured.
    experience
        What past nights corrected.
    free_bytes
        On the disk of the work folder.
    min_clear
        Clear dates that a season needs.
    short
        Tiles whose history has fewer scenes than that: nothing can be judged there.
    years
        Comparisons of a tile with the year before. Their time is in no estimate:
        what they take was never measured here.
    """

    estimate: Estimate
    figures: Figures
    experience: Experience
    free_bytes: int
    min_clear: int
    short: tuple[str, ...]
    years: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What the operator says about the means.

    Attributes
    ----------
    workers
        Workers; ``None`` for as many as a night would start here.
    watts, grams_per_kwh
        See `Means`.
    measure
        Measure anew even if there are figures.
    """

    workers: int | None = None
    watts: float | None = None
    grams_per_kwh: float = GUANGXI_G_PER_KWH
    measure: bool = False

    def patch(self, **changes: object) -> "Terms":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


def look_ahead(
    pipeline: Pipeline,
    nights: Sequence[date],
    *,
    work: Path,
    terms: Terms | None = None,
    progress: Progress | None = None,
) -> Outlook:
    """Plan nights and estimate what they take; nothing is run but a rehearsal.

    Parameters
    ----------
    pipeline
        Settings.
    nights
        Nights in rising order.
    work
        The work folder. Figures are kept there and hold until the machine, a
        library or the settings change.
    terms
        What the operator says.
    progress
        Told what is going on.

    Raises
    ------
    AgroforestError
        As `agroforest.nightly.run_nights` and `agroforest.nightly.outlook.rehearsal`.
    """
    if not pipeline.watches(Watched.CANOPY):
        raise ConfigurationError(
            pipeline.name,
            "does not watch canopy, and only scenes are estimated",
            "see what is due with 'agroforest nightly --dry-run'",
        )
    terms, progress = terms or Terms(), progress or Silence()
    began = time.perf_counter()
    progress.begin("plan", len(nights))
    plans = []
    for outcome in run_nights(pipeline, nights, work=work, dry_run=True):
        plans.append(outcome.plan)
        progress.advance()
    planning_s = time.perf_counter() - began
    post = build_watch(pipeline, work)
    workplace = post.watch.workplace
    catalog = open_catalog(pipeline.scenes.catalog, workplace.catalog)
    busy = [plan for plan in unroll(plans) if plan.baselines or plan.tasks]
    surveyed = [_survey(plan) for plan in busy]
    typical = _typical(post.watch, catalog, nights[-1])
    figures = _figures(post, catalog, busy, progress, anew=terms.measure)
    share = _forest_share([n.judge for n in (*surveyed, typical)])
    experience = read_experience(post.watch, figures, share)
    found = estimate(
        post.watch,
        nights,
        surveyed,
        figures=figures,
        means=Means(
            workers=terms.workers or _workers(post.watch),
            watts=terms.watts,
            watts_per_core=resolve_watts(pipeline.energy),
            grams_per_kwh=terms.grams_per_kwh,
        ),
        experience=experience,
        typical=typical,
        planning_s=planning_s,
        layer_mpx=sum(map(layer_mpx, post.watch.tiles)) / len(post.watch.tiles),
    )
    return Outlook(
        estimate=found,
        figures=figures,
        experience=experience,
        free_bytes=shutil.disk_usage(workplace.root).free,
        min_clear=pipeline.baseline.min_clear,
        short=tuple(
            task.tile.id
            for plan in busy
            for task in plan.baselines
            if len(task.scenes) < pipeline.baseline.min_clear
        ),
        years=len({task.baseline for plan in plans for task in plan.yearly}),
    )


def unroll(plans: Sequence[Plan]) -> list[Plan]:
    """Plans of nights that were made at once, as if each had run before the next.

    Parameters
    ----------
    plans
        Of rising nights, all made from the same ledger.

    Returns
    -------
    list of Plan
        Each learns only what none before it learns, and takes only days with a
        scene that none before it takes.
    """
    learned: set[str] = set()
    taken: dict[str, set[str]] = {}
    unrolled = []
    for plan in plans:
        baselines = tuple(t for t in plan.baselines if t.tile.id not in learned)
        learned.update(t.tile.id for t in baselines)
        tasks = []
        for task in plan.tasks:
            known = taken.setdefault(task.tile.id, set())
            scenes = [
                scene
                for _, same in groupby(task.scenes, key=lambda s: s.date)
                for scene in _unless_taken(list(same), known)
            ]
            if scenes:
                tasks.append(task.patch(scenes=tuple(scenes)))
                known.update(s.content() for s in scenes)
        unrolled.append(Plan(night=plan.night, baselines=baselines, tasks=tuple(tasks)))
    return unrolled


def _unless_taken(day: list[Scene], known: set[str]) -> list[Scene]:
    return [] if all(s.content() in known for s in day) else day


def _survey(plan: Plan) -> Night:
    return Night(plan=plan, learn=survey(plan.baselines), judge=survey(plan.tasks))


def _typical(watch: Watch, catalog: Catalog, night: date) -> Night:
    """Choose some tiles of the area, each with its newest scene."""
    forest = Compartments(watch.forest)
    tasks = []
    for tile in spread(watch.tiles, _TILES):
        scenes = find_scenes(watch, catalog, tile, night - timedelta(days=_DAYS), night)
        if scenes:
            tasks.append(
                TileTask(
                    id=tile.id,
                    kind=TaskKind.NIGHT,
                    tile=tile,
                    night=night,
                    scenes=(scenes[-1],),
                    baseline="",
                    pipeline=watch.pipeline,
                    workplace=watch.workplace,
                    forest=forest.on(tile),
                )
            )
    nothing = Survey(loads=(), volume=Volume(), looked_at=0)
    plan = Plan(night=night, tasks=tuple(tasks))
    return Night(plan=plan, learn=nothing, judge=survey(tasks) if tasks else nothing)


def _figures(
    post: Post,
    catalog: Catalog,
    plans: Sequence[Plan],
    progress: Progress,
    *,
    anew: bool,
) -> Figures:
    """Figures as they are kept, or from a rehearsal."""
    watch = post.watch
    path = watch.workplace.folder / "figures.json"
    settings = settings_digest(watch)
    kept = load_figures(path, machine=read_machine(), settings=settings)
    if kept is not None and not anew:
        return kept
    planned = {t.tile.id: t for plan in plans for t in plan.baselines}
    tiles = [t for t in watch.tiles if t.id in planned] or list(watch.tiles)
    tile = max(tiles, key=lambda t: (t.grid.width * t.grid.height, t.id))
    period = watch.pipeline.baseline
    history = (
        planned[tile.id].scenes
        if tile.id in planned
        else find_scenes(watch, catalog, tile, period.start, period.end)
    )
    own = tuple(s for s in history if s.date <= period.end and _is_here(s))

    def play(scenes: tuple[Scene, ...]) -> Figures:
        troupe = Troupe(
            watch=watch, aoi=post.aoi, judge=post.judge, tile=tile, history=scenes
        )
        return rehearse(troupe, progress=progress)

    try:
        figures = play(own)
    except DataError:
        if not own:
            raise
        figures = play(())  # its own scenes show nothing, or cannot be read
    save_figures(path, figures)
    return figures


def _is_here(scene: Scene) -> bool:
    return all(
        is_local(asset.href)
        for granule in scene.granules
        for asset in (granule.mask, *granule.bands.values())
    )


def _workers(watch: Watch) -> int:
    """As many as a night starts: see `agroforest.nightly.cluster.compute`."""
    return max(1, min(len(watch.tiles), os.cpu_count() or 1))


def _forest_share(surveys: Sequence[Survey]) -> float:
    loads = [load for s in surveys for load in s.loads]
    ground = sum(load.mpx for load in loads)
    return sum(load.forest_mpx for load in loads) / ground if ground else 0.0
