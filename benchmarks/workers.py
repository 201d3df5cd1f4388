"""What a second worker brings, and whether a worker's memory grows.

    python benchmarks/workers.py [--work DIR] [--runs N] [--side PIXELS] [--json FILE]

Writes simulated scenes of one tile and learns its seasons once. Then the night of
eight copies of the tile goes through one worker and through two, in turn, started by
``agroforest worker`` under a real Dask scheduler; and that of fifty through one whose
memory is looked at after the tenth and after the last.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import numpy as np
import psutil
import shapely
from distributed import Client

from agroforest.catalog import LocalCatalog, add_scenes
from agroforest.core.config import BaselineSection, GridSection, Pipeline, RiskSection
from agroforest.core.grid import WGS84, Grid, find_tiles, reproject
from agroforest.nightly.cluster.compute import Compute
from agroforest.nightly.cluster.scheduler import Scheduler
from agroforest.nightly.judge import Judge, choose_judge
from agroforest.nightly.plan import TileTask, Watch, plan_night
from agroforest.nightly.tile import run_task
from agroforest.nightly.workplace import Workplace
from agroforest.testing.products import FINE, Product, write_product

_TILES, _MANY, _EARLY = 8, 50, 10
_CRS, _LEFT, _TOP = "EPSG:32649", 240_000.0, 2_550_000.0
_NIGHT = date(2024, 6, 28)
_HISTORY, _NEW = 24, 2
_EVERY = timedelta(days=15)
_LEVEL = {"B02": 0.03, "B03": 0.05, "B04": 0.04, "B05": 0.1, "B08": 0.3}
_LEVEL |= {"B8A": 0.32, "B11": 0.18, "B12": 0.1}


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--work", type=Path, default=Path("work/bench-workers"))
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--side", type=int, default=1000)
    options.add_argument("--model", default="rule", help="or canopy-stress")
    options.add_argument("--only", choices=["speed", "memory"])
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    work = chosen.work.absolute()
    shutil.rmtree(work, ignore_errors=True)
    judge, task = _learn(work, chosen.side, chosen.model)
    figures: dict[str, float] = {"side": chosen.side}
    if chosen.only != "memory":
        figures |= _speed(judge, task, chosen.runs)
    if chosen.only != "speed":
        figures |= _memory(judge, task)
    for name, value in figures.items():
        print(f"{name:<40} {value:>12.4g}")
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n")


def _speed(judge: Judge, task: TileTask, runs: int) -> dict[str, float]:
    """Wall time of eight tiles, by one worker and by two, in turn."""
    walls: dict[int, list[float]] = {1: [], 2: []}
    busy: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(runs):
        for workers, taken in walls.items():
            with _cluster(workers, task.workplace.root) as at:
                first, tasks = _copies(task, workers), _copies(task, _TILES)
                with _compute(at, judge, tasks) as compute:
                    _run(compute, first)  # pays for what a process imports
                    started = time.perf_counter()
                    worked = _run(compute, tasks)
                taken.append(time.perf_counter() - started)
                busy[workers].append(100 * worked / workers / taken[-1])
    one, two = median(walls[1]), median(walls[2])
    return {
        # What is left out of 100 is the scheduler's, the network's and the last
        # tile's: it does not depend on who else uses the processors.
        "1 worker is at work, % of the time": median(busy[1]),
        "2 workers are at work, % of the time": median(busy[2]),
        "8 tiles, 1 worker, s": one,
        "8 tiles, 2 workers, s": two,
        "1 to 2 workers": one / two,
    }


def _memory(judge: Judge, task: TileTask) -> dict[str, float]:
    """Resident memory of one worker between tiles."""
    resident: list[int] = []
    with _cluster(1, task.workplace.root) as at:
        with Client(at.address, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=60)
            (worker,) = client.run(os.getpid).values()
        process = psutil.Process(worker)
        tasks = _copies(task, _MANY)
        with _compute(at, judge, tasks) as compute:
            for one in tasks:
                _run(compute, [one])
                resident.append(process.memory_info().rss)
    early, late = resident[_EARLY - 1], resident[-1]
    return {
        f"memory after {_EARLY} tiles, MB": early / 1e6,
        f"memory after {_MANY} tiles, MB": late / 1e6,
        "growth, %": 100 * (late / early - 1),
        "largest, MB": max(resident) / 1e6,
    }


def _compute(at: Scheduler, judge: Judge, tasks: Sequence[TileTask]) -> Compute:
    workplace = tasks[0].workplace
    return Compute(at, tiles=len(tasks), workplace=workplace, judge=judge)


def _run(compute: Compute, tasks: Sequence[TileTask]) -> float:
    """Give tasks to the workers, as a night does; seconds they worked."""
    results = list(compute.run(tasks))
    errors = [r.error for r in results if r.error]
    assert not errors, errors
    return sum(r.seconds for r in results)


def _copies(task: TileTask, count: int) -> list[TileTask]:
    """Give the same work to tiles of other names, from the same state."""
    store = task.workplace.state
    shutil.rmtree(task.workplace.folder / "risk", ignore_errors=True)
    shutil.rmtree(task.workplace.folder / "indices", ignore_errors=True)
    copies = []
    for number in range(count):
        tile = replace(task.tile, id=f"{task.tile.id}-{number:02}")
        copy = task.patch(tile=tile, id=f"{task.id}{number:02}{time.time_ns()}")
        shutil.rmtree(store / copy.state_group, ignore_errors=True)
        shutil.copytree(store / task.state_group, store / copy.state_group)
        copies.append(copy)
    return copies


@contextmanager
def _cluster(workers: int, work: Path) -> Iterator[Scheduler]:
    """Run a scheduler and workers on the loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    at = Scheduler(address=f"tcp://127.0.0.1:{port}")
    commands = (
        [
            *("distributed.cli.dask_scheduler", "--host", "127.0.0.1"),
            *("--port", str(port), "--dashboard-address", "127.0.0.1:0"),
        ],
        [
            *("agroforest", "worker", at.address),
            *("--work", str(work), "--workers", str(workers)),
        ],
    )
    with (work / "log").open("ab") as log:
        started = [
            subprocess.Popen([sys.executable, "-m", *command], stdout=log, stderr=log)  # noqa: S603
            for command in commands
        ]
    try:
        with Client(at.address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)
        yield at
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()


def _learn(work: Path, side: int, model: str) -> tuple[Judge, TileTask]:
    """Simulate scenes, learn the seasons, and plan the night of one tile."""
    grid = Grid(crs=_CRS, left=_LEFT, top=_TOP, resolution=10, width=side, height=side)
    days = [_NIGHT - n * _EVERY for n in range(_HISTORY + _NEW)][::-1]
    for day in days:
        _write_scene(grid, work / "scenes", day)
    workplace = Workplace(root=work, pipeline="bench")
    catalog = LocalCatalog(workplace.catalog)
    add_scenes([work / "scenes"], catalog)
    pipeline = Pipeline(
        name="bench",
        aoi=work / "none.geojson",
        simulated=True,
        grid=GridSection(resolution=10, tile_size=10_000),
        baseline=BaselineSection(start=days[0], end=days[_HISTORY - 1]),
        risk=RiskSection(model=model, forest="everywhere"),
    )
    judge = choose_judge(pipeline)
    left, bottom, right, top = grid.bounds
    inside = shapely.box(left + 1, bottom + 1, right - 1, top - 1)
    tiles = find_tiles(
        reproject(inside, _CRS, WGS84), resolution=10, size=pipeline.grid.tile_size
    )
    watch = Watch(
        pipeline=pipeline.model_copy(
            update={"scenes": pipeline.scenes.model_copy(update={"lookback_days": 40})}
        ),
        workplace=workplace,
        tiles=tiles,
        forest=None,
        ground="everywhere",
        model=judge.identity,
    )
    plan = plan_night(watch, catalog, _NIGHT, known={}, uses={})
    (baseline,), (task,) = plan.baselines, plan.tasks
    assert task.tile.grid.width == side, task.tile.grid
    learned = run_task(baseline, judge.folder)
    assert learned.done, learned.error
    return judge, task


def _write_scene(grid: Grid, folder: Path, day: date) -> None:
    """Write a clear pass: texture, season and noise."""
    rng = np.random.default_rng(day.toordinal())
    texture = np.random.default_rng(1).random(grid.shape, dtype=np.float32)
    season = np.float32(np.cos(2 * np.pi * day.timetuple().tm_yday / 365.25))
    measured = {}
    for band, level in _LEVEL.items():
        ground = texture if band in FINE else texture[::2, ::2]
        noise = rng.standard_normal(ground.shape, dtype=np.float32)
        swing = 1 + 0.15 * season + 0.3 * (ground - 0.5) + 0.02 * noise
        measured[band] = np.float32(level) * swing
    scl = np.full((grid.height // 2, grid.width // 2), 4, dtype=np.uint8)
    scl[rng.integers(0, 100, size=scl.shape) < 2] = 9
    write_product(grid, folder, Product(day=day), measured, scl)


if __name__ == "__main__":
    main()
