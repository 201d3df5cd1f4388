"""Estimates beside what a real small run reads and writes: within a factor of 1.5.

Seconds are compared by ``benchmarks/scale.py``, on a machine that does nothing else.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TypeAlias

import dask
import pytest
from distributed import Client, LocalCluster

from agroforest.catalog import LocalCatalog, add_scenes
from agroforest.core.config import Pipeline, read_pipeline
from agroforest.nightly import run_nights
from agroforest.nightly.cluster import WORKER_SETTINGS
from agroforest.nightly.judge import choose_judge
from agroforest.nightly.observe import read_days
from agroforest.nightly.outlook.estimate import FACTOR, Estimate
from agroforest.nightly.outlook.lookahead import Outlook, Terms, look_ahead, unroll
from agroforest.nightly.plan import TaskKind, TileTask
from agroforest.nightly.result import TaskResult
from agroforest.nightly.tile import run_task
from agroforest.nightly.workplace import Workplace
from agroforest.testing.world import build_world

pytestmark = [
    pytest.mark.slow,
    pytest.mark.enable_socket,
    pytest.mark.timeout(600),
]

# The season is learned and the first scenes judged; then some ordinary nights.
FIRST = date(2024, 11, 1)
NIGHTS = [FIRST + timedelta(days=n) for n in range(31)]

#: Runs tasks one after the other: processor seconds, and the results.
Run: TypeAlias = Callable[
    [Sequence[TileTask], Path | None], tuple[float, list[TaskResult]]
]


@dataclass(frozen=True, kw_only=True)
class Done:
    """What the tasks of some nights took, one after the other in one process."""

    learning_cpu_s: float
    judging_cpu_s: float
    read: int
    results: list[TaskResult]


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = tmp_path_factory.mktemp("world")
    world = build_world(folder, size=192, years=1.6)
    settings = read_pipeline(world.pipeline)
    grid = settings.grid.model_copy(update={"tile_size": 1000.0})
    return settings.model_copy(update={"grid": grid})


@pytest.fixture(scope="module")
def work(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("work")
    scenes = pipeline.aoi.parents[1] / "scenes"
    add_scenes([scenes], LocalCatalog(work / "catalog"))
    return work


def read_so_far() -> int:
    """Bytes this process has read from anywhere (Linux)."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(n.split()[1] for n in lines if n.startswith("rchar")))


def read_scenes(tasks: Sequence[TileTask]) -> int:
    """Bytes that reading the scenes of some tasks takes, and nothing else."""
    before = read_so_far()
    for task in tasks:
        names = task.pipeline.indices if task.kind == TaskKind.NIGHT else ()
        for _ in read_days(task, names=names, refused=[]):
            pass
    return read_so_far() - before


@contextmanager
def one_worker() -> Iterator[Run]:
    """A process of Dask like those of a night, but only one."""

    def timed(task: TileTask, model: Path | None) -> tuple[float, TaskResult]:
        cpu = time.process_time()
        result = run_task(task, model)
        return time.process_time() - cpu, result

    with (
        dask.config.set(WORKER_SETTINGS),
        LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
        ) as cluster,
        Client(cluster) as client,
    ):

        def run(
            tasks: Sequence[TileTask], model: Path | None
        ) -> tuple[float, list[TaskResult]]:
            done = [client.submit(timed, t, model, pure=False).result() for t in tasks]
            assert [result.error for _, result in done] == [None] * len(tasks)
            return sum(cpu for cpu, _ in done), [result for _, result in done]

        yield run


def do_all(pipeline: Pipeline, work: Path, root: Path) -> Done:
    """Run every task of the nights for good, below another folder."""
    outcomes = run_nights(pipeline, NIGHTS, work=work, dry_run=True)
    plans = unroll([o.plan for o in outcomes])
    model = choose_judge(pipeline).folder
    baselines = [t for p in plans for t in p.baselines]
    nights = [t for p in plans for t in p.tasks]
    assert len(baselines) >= 4
    assert len({p.night for p in plans if p.tasks}) >= 3

    def elsewhere(tasks: Sequence[TileTask], name: str) -> list[TileTask]:
        place = Workplace(root=root / name, pipeline=pipeline.name)
        return [task.patch(workplace=place) for task in tasks]

    first = next(t for t in nights if t.tile == baselines[0].tile)
    with one_worker() as run:
        # The first tasks of a process load kernels and weights.
        run(elsewhere([baselines[0], first], "first"), model)
        learning, learned = run(elsewhere(baselines, "run"), model)
        judging, judged = run(elsewhere(nights, "run"), model)
    return Done(
        learning_cpu_s=learning,
        judging_cpu_s=judging,
        read=read_scenes([*baselines, *nights]),
        results=learned + judged,
    )


def is_near(foretold: float, was: float) -> bool:
    return was / FACTOR <= foretold <= was * FACTOR


def test_a_real_run_is_within_the_factor(
    pipeline: Pipeline, work: Path, tmp_path: Path
) -> None:
    outlook = look_ahead(pipeline, NIGHTS, work=work, terms=Terms(measure=True))
    done = do_all(pipeline, work, tmp_path)
    found = outlook.estimate
    check_bytes(found, done, tmp_path, pipeline)
    check_source(outlook)
    # How many seconds is the machine's affair; that both know of any is ours.
    for foretold, was in (
        (found.learning.cpu_s, done.learning_cpu_s),
        (found.judging.cpu_s, done.judging_cpu_s),
    ):
        assert foretold > 0
        assert was > 0


def check_bytes(found: Estimate, done: Done, root: Path, pipeline: Pipeline) -> None:
    place = Workplace(root=root / "run", pipeline=pipeline.name)
    outputs = {path for r in done.results for path in r.outputs}
    written = sum((place.root / path).stat().st_size for path in outputs)
    states = sum(f.stat().st_size for f in place.state.rglob("*") if f.is_file())
    foretold = found.learning.state_bytes + found.judging.state_bytes
    figures = {
        "read": (found.learning.read_bytes + found.judging.read_bytes, done.read),
        "maps": (found.judging.output_bytes, written),
        "files": (found.judging.files, len(outputs)),
        "states": (foretold, states),
        "disk": (found.disk_bytes - found.page_bytes, written + states),
    }
    assert {name: pair for name, pair in figures.items() if not is_near(*pair)} == {}


def check_source(outlook: Outlook) -> None:
    assert outlook.figures.own
    assert outlook.estimate.tiles_busy == outlook.estimate.tiles_watched
    assert outlook.estimate.ordinary is not None
