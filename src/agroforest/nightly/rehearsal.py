"""A rehearsal: the tasks of a night on small windows, to learn what they cost here.

Tasks of two sizes, with few scenes and with more, run as they would tonight: in a
worker process, on the disk of the work folder. They leave nothing behind. The
scenes are the pipeline's own where they lie on this machine; elsewhere, made-up
scenes stand in for them.
"""

import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

import numpy as np

from agroforest.core.aoi import Aoi
from agroforest.core.errors import DataError, SourceError
from agroforest.core.grid import Tile
from agroforest.core.identity import digest
from agroforest.core.scene import Scene
from agroforest.nightly import records
from agroforest.nightly.figures import (
    Figures,
    Law,
    Load,
    OpeningFigures,
    PageFigures,
    StateFigures,
    TaskFigures,
)
from agroforest.nightly.forest import read_forest
from agroforest.nightly.judge import Judge
from agroforest.nightly.machine import (
    EnergyMeter,
    peak_memory,
    read_machine,
    reset_peak_memory,
)
from agroforest.nightly.page import write_map
from agroforest.nightly.plan import TileTask, Watch
from agroforest.nightly.report import build_report, write_report
from agroforest.nightly.result import TaskResult
from agroforest.nightly.run import Progress, Silence
from agroforest.nightly.stage import HISTORY, NIGHT, Stage
from agroforest.nightly.survey import pixels
from agroforest.nightly.tile import run_task
from agroforest.risk import load_model
from agroforest.store import open_store
from agroforest.store.state import load_state

#: Raised whenever figures of an earlier rehearsal mean something else.
VERSION = 1
# Each task of the night is run so often, and the fastest run counts: they are short.
_TIMES = 2
# Seconds a worker has to leave when nobody asks any more. Arbitrary.
_FAREWELL_S = 5.0
_STEPS = 4 + 3 * len(HISTORY) + 3 + 3 * len(NIGHT) * _TIMES
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """One task that was run, and what it cost."""

    task: TileTask = field(repr=False)
    result: TaskResult = field(repr=False)
    wall_s: float
    cpu_s: float
    memory: int

    def load(self) -> Load:
        return Load(
            scenes=len(self.task.scenes),
            mpx=pixels(self.task.tile.grid) / 1e6,
            forest_mpx=float(read_forest(self.task).sum()) / 1e6,
        )

    def output_bytes(self) -> int:
        root = self.task.workplace.root
        return sum((root / path).stat().st_size for path in self.result.outputs)

    def state(self) -> tuple[int, int, int]:
        """Pixels with a season, observations remembered, bytes on disk."""
        saved = load_state(self.task.workplace.state, self.task.state_group)
        arrays = saved[0] if saved else {}
        modelled, filled = (
            int((arrays[name] > 0).sum()) if name in arrays else 0
            for name in ("model_from", "ring_day")
        )
        folder = self.task.workplace.state / self.task.state_group
        return modelled, filled, folder_bytes(folder)


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


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder; 0 where there is none."""
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


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
        with _Worker(troupe.judge, progress) as worker:
            _begin(stage, worker, "one")  # compiles, where nobody did before
        with _Worker(troupe.judge, progress) as worker:
            start_s = worker.start()
            firsts = _begin(stage, worker, "two")
            learned = [worker.perform(task) for task in stage.baselines()]
            opened, nights = _judge(stage, learned, worker)
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


def _begin(stage: Stage, worker: "_Worker", name: str) -> list[_Run]:
    """Give a worker its first tasks."""
    learned = worker.perform(stage.first_baseline(name))
    return [learned, worker.perform(stage.first_opening(name, learned.task))]


def _judge(
    stage: Stage, learned: Sequence[_Run], worker: "_Worker"
) -> tuple[list[_Run], list[_Run]]:
    """Run the first nights, then later ones."""
    days = learned[-1].result.days
    usable = {scene: day.usable for day in days for scene in day.scenes}
    ready = [run.task for run in learned]
    opened = [worker.perform(task) for task in stage.openings(ready, usable)]
    ready = [run.task for run in opened]
    times = [
        [worker.perform(task) for task in stage.nights(ready, usable, time)]
        for time in range(_TIMES)
    ]
    return opened, [
        min(same, key=lambda r: r.wall_s) for same in zip(*times, strict=True)
    ]


# -------------------------------------------------------------- the worker


class _Worker:
    """One process like those of a night; a context manager."""

    def __init__(self, judge: Judge, progress: Progress) -> None:
        self._judge = judge
        self._progress = progress
        context = get_context("spawn")
        self._line, far = context.Pipe()
        self._process = context.Process(target=_serve, args=(far,), daemon=True)
        self._process.start()
        far.close()  # so that the end of either process is seen by the other

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()
        self._process.join(_FAREWELL_S)
        if self._process.is_alive():  # in the middle of a task
            self._process.terminate()
            self._process.join()

    def start(self) -> float:
        """Say how many seconds it takes until the process is ready."""
        began = time.perf_counter()
        self._ask(None)
        return time.perf_counter() - began

    def perform(self, task: TileTask) -> _Run:
        run: _Run = self._ask(task)
        self._progress.advance()
        if run.result.error is not None:
            raise DataError(
                "rehearsal",
                run.result.error,
                "mend that, or ask 'agroforest nightly --dry-run' for the plan alone",
            )
        return run

    def _ask(self, task: TileTask | None) -> Any:  # noqa: ANN401  see `_serve`
        try:
            self._line.send((task, self._judge.folder))
            return self._line.recv()
        except (EOFError, OSError) as error:
            raise SourceError(
                "rehearsal", "its worker died, often for want of memory", "free some"
            ) from error


def _serve(line: Connection) -> None:
    """Answer each task by its run, until nobody asks any more."""
    with suppress(EOFError, BrokenPipeError):
        while True:
            task, model = line.recv()
            if task is not None:
                line.send(_perform(task, model))
                continue
            if model is not None:
                load_model(model)
            line.send(None)


def _perform(task: TileTask, model: Path | None) -> _Run:
    reset_peak_memory()
    wall, cpu = time.perf_counter(), time.process_time()
    result = run_task(task, model)
    return _Run(
        task=task,
        result=result,
        wall_s=time.perf_counter() - wall,
        cpu_s=time.process_time() - cpu,
        memory=peak_memory(),
    )


# ---------------------------------------------------------------- the fits


def _fit(runs: Sequence[_Run]) -> TaskFigures:
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


def _fit_opening(opened: Sequence[_Run], nights: Sequence[_Run]) -> OpeningFigures:
    """Fit to what first nights took more than others of one scene."""
    # One scene each: without scenes, the law is one of pixels only.
    loads = [replace(run.load(), scenes=0) for run in opened]
    others = nights[:: len(NIGHT)]
    pairs = list(zip(opened, others, strict=True))
    return OpeningFigures(
        wall_s=Law.fit(loads, [max(0.0, a.wall_s - b.wall_s) for a, b in pairs]),
        cpu_s=Law.fit(loads, [max(0.0, a.cpu_s - b.cpu_s) for a, b in pairs]),
    )


def _fit_state(nights: Sequence[_Run]) -> StateFigures:
    """Fit to what nights left: it holds the judgement, too."""
    modelled, filled, size = zip(*(run.state() for run in nights), strict=True)
    return StateFigures.fit(modelled, filled, size)


def _close(troupe: Troupe, night: _Run) -> PageFigures:
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


def _close_night(troupe: Troupe, run: _Run, indices: tuple[str, ...]) -> _Closing:
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
