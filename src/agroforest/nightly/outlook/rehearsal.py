"""A rehearsal: the tasks of a night on small windows, to learn what they cost here.

Tasks of two sizes, with few scenes and with more, run as they would tonight: in a
worker process, on the disk of the work folder. They leave nothing behind. The
scenes are the pipeline's own where they lie on this machine; elsewhere, made-up
scenes stand in for them.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from agroforest.core.aoi import Aoi
from agroforest.core.grid import Tile
from agroforest.core.identity import digest
from agroforest.core.scene import Scene
from agroforest.nightly import records
from agroforest.nightly.judge import Judge
from agroforest.nightly.outlook.figures import (
    Figures,
    Law,
    OpeningFigures,
    PageFigures,
    StateFigures,
    TaskFigures,
)
from agroforest.nightly.outlook.machine import read_machine
from agroforest.nightly.outlook.performer import Performer, Run, folder_bytes
from agroforest.nightly.outlook.stage import HISTORY, NIGHT, Stage
from agroforest.nightly.outlook.survey import pixels
from agroforest.nightly.page import write_map
from agroforest.nightly.plan import TileTask, Watch
from agroforest.nightly.power.rapl import EnergyMeter
from agroforest.nightly.report import build_report, write_report
from agroforest.nightly.run import Progress, Silence
from agroforest.store import open_store

#: Raised whenever figures of an earlier rehearsal mean something else.
VERSION = 1
# Each task is run so often, and the fastest run counts: they are short.
_TIMES = 2
_STEPS = 4 + 3 * (len(HISTORY) + 1 + len(NIGHT)) * _TIMES
# Pixels a side that a layer of the map has at least and at most (maps/raster.py).
_LAYER_SIDES = (256, 1024)


@dataclass(frozen=True, kw_only=True, slots=True)
class Troupe:
    """What a rehearsal works with.

    Attributes
    ----------
    watch
        The pipeline; its work folder lends its disk.
    aoi, judge
        As in a night.
    tile
        A tile to take windows of.
    history
        The pipeline's own scenes to learn seasons from, by time; empty where
        there are none on this machine.
    """

    watch: Watch
    aoi: Aoi
    judge: Judge
    tile: Tile
    history: tuple[Scene, ...] = field(repr=False)


def settings_digest(watch: Watch) -> str:
    """Digest of the settings that change what a task costs."""
    pipeline = watch.pipeline
    return digest(
        VERSION,
        pipeline.season_digest(),
        pipeline.output_digest(),
        pipeline.map.indices,
        pipeline.scenes.catalog,
        watch.ground,
        watch.model,
    )


def rehearse(troupe: Troupe, *, progress: Progress | None = None) -> Figures:
    """Run small tasks and fit what they cost.

    Parameters
    ----------
    troupe
        Pipeline, tile and scenes.
    progress
        Told of every task.

    Raises
    ------
    DataError
        A task failed.
    SourceError
        The worker died.
    """
    progress = progress or Silence()
    began, meter = time.perf_counter(), EnergyMeter()
    load = os.getloadavg()[0]
    # Beside what the nights write: what files cost depends on the disk.
    folder = troupe.watch.workplace.folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".rehearsal-", dir=folder) as scratch:
        progress.begin("rehearsal", _STEPS)
        stage = Stage(troupe.watch, troupe.tile, troupe.history, Path(scratch))
        alone = len(troupe.watch.tiles) == 1
        with Performer(troupe.judge, progress, alone=alone) as worker:
            _begin(stage, worker, "one")  # compiles, where nobody did before
        with Performer(troupe.judge, progress, alone=alone) as worker:
            start_s = worker.start()
            firsts = _begin(stage, worker, "two")
            learned, opened, nights = _play(stage, worker)
            later_s = learned[0].wall_s + opened[0].wall_s
        page = _close(troupe, nights[2 * len(NIGHT) - 1])
        used, took = meter.joules(), time.perf_counter() - began
        usable = np.array([d.usable for d in learned[-1].result.days])
        return Figures(
            measured=datetime.now(UTC).replace(microsecond=0),
            machine=read_machine(),
            settings=settings_digest(troupe.watch),
            scenes=stage.scenes,
            own=stage.own,
            took_s=took,
            start_s=start_s,
            first_s=max(0.0, sum(run.wall_s for run in firsts) - later_s),
            baseline=_fit(learned),
            night=_fit(nights),
            opening=_fit_opening(opened, nights),
            state=_fit_state(nights),
            page=page,
            clear=float(usable.mean()),
            seen=float((usable > 0).mean()),
            load=load,
            watts=None if used is None else used / took,
        )


def _begin(stage: Stage, worker: Performer, name: str) -> list[Run]:
    """Give a worker its first tasks."""
    learned = worker.perform(stage.first_baseline(name))
    return [learned, worker.perform(stage.first_opening(name, learned.task))]


def _play(stage: Stage, worker: Performer) -> tuple[list[Run], list[Run], list[Run]]:
    """Learn, judge for the first time, and judge again."""
    learned = _fastest(worker, stage.baselines)
    days = learned[-1].result.days
    usable = {scene: day.usable for day in days for scene in day.scenes}
    before = [run.task for run in learned]
    opened = _fastest(worker, lambda time: stage.openings(before, usable, time))
    first = [run.task for run in opened]
    nights = _fastest(worker, lambda time: stage.nights(first, usable, time))
    return learned, opened, nights


def _fastest(
    worker: Performer, tasks: Callable[[int], Iterable[TileTask]]
) -> list[Run]:
    times = [[worker.perform(t) for t in tasks(time)] for time in range(_TIMES)]
    return [min(same, key=lambda r: r.wall_s) for same in zip(*times, strict=True)]


# ---------------------------------------------------------------- the fits


def _fit(runs: Sequence[Run]) -> TaskFigures:
    loads = [run.load() for run in runs]

    def law(values: list[float]) -> Law:
        return Law.fit(loads, values)

    return TaskFigures(
        wall_s=law([r.wall_s for r in runs]),
        cpu_s=law([r.cpu_s for r in runs]),
        output_bytes=law([r.output_bytes() for r in runs]),
        files=law([len(r.result.outputs) for r in runs]),
        memory_bytes=law([r.memory for r in runs]),
    )


def _fit_opening(opened: Sequence[Run], nights: Sequence[Run]) -> OpeningFigures:
    """Fit to what first nights took more than others of one scene."""
    # One scene each: without scenes, the law is one of pixels only.
    loads = [replace(run.load(), scenes=0) for run in opened]
    others = nights[:: len(NIGHT)]
    pairs = list(zip(opened, others, strict=True))
    return OpeningFigures(
        wall_s=Law.fit(loads, [max(0.0, a.wall_s - b.wall_s) for a, b in pairs]),
        cpu_s=Law.fit(loads, [max(0.0, a.cpu_s - b.cpu_s) for a, b in pairs]),
    )


def _fit_state(nights: Sequence[Run]) -> StateFigures:
    """Fit to what nights left: it holds the judgement, too."""
    modelled, filled, size = zip(*(run.state() for run in nights), strict=True)
    return StateFigures.fit(modelled, filled, size)


def _close(troupe: Troupe, night: Run) -> PageFigures:
    """Close a rehearsed night, with and without index maps on its page."""
    # The first page of a process loads what draws it, and every night is a first.
    first = _close_night(troupe, night, ())
    low = _close_night(troupe, night, ())
    high = _close_night(troupe, night, troupe.watch.pipeline.map.indices)
    apart = max(high.layers - low.layers, 1e-9)
    layer_s = max(0.0, high.seconds - low.seconds) / apart
    layer_bytes = max(0.0, high.size - low.size) / apart
    return PageFigures(
        night_s=max(0.0, first.seconds - layer_s * low.layers),
        layer_s=layer_s,
        night_bytes=max(0.0, low.size - layer_bytes * low.layers),
        layer_bytes=layer_bytes,
        hazards=len(night.result.thresholds),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Closing:
    """Seconds and bytes of a closing, and megapixels of its layers."""

    seconds: float
    size: int
    layers: float


def _close_night(troupe: Troupe, run: Run, indices: tuple[str, ...]) -> _Closing:
    task, night = run.task, run.task.night
    shown = task.pipeline.map.model_copy(update={"indices": indices})
    watch = replace(
        troupe.watch,
        pipeline=task.pipeline.model_copy(update={"map": shown}),
        workplace=task.workplace,
        tiles=(task.tile,),
    )
    with open_store(task.workplace.database) as store:
        began = time.perf_counter()
        report = build_report(
            watch,
            night,
            judge=troupe.judge,
            results=[run.result],
            alerts=[],
            changes=[],
        )
        store.record_night(
            run=records.run(watch, report), tasks=[records.task(watch, run.result)]
        )
        write_report(task.workplace, report, troupe.aoi)
        page = write_map(watch, troupe.aoi, store, report, judge=troupe.judge)
        seconds = time.perf_counter() - began
    layers = len(indices) + len(run.result.thresholds)
    reports = folder_bytes(task.workplace.folder / "reports")
    return _Closing(
        seconds=seconds,
        size=page.stat().st_size + reports,
        layers=layers * layer_mpx(task.tile),
    )


def layer_mpx(tile: Tile) -> float:
    """Megapixels of a tile's picture on a map."""
    low, high = _LAYER_SIDES
    side = max(tile.grid.shape)
    return (min(max(side, low), high) / side) ** 2 * pixels(tile.grid) / 1e6
