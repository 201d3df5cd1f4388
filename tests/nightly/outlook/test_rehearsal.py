"""The rehearsal: its windows, its made-up scenes, its worker."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import shapely
from shapely.geometry.base import BaseGeometry
from tests.nightly.test_plan import watch

from agroforest.core.errors import SourceError
from agroforest.core.grid import Grid, Tile
from agroforest.core.scene import Scene
from agroforest.cube import SceneReader
from agroforest.indices.season import BANDS
from agroforest.nightly.judge import Judge
from agroforest.nightly.outlook.performer import Performer
from agroforest.nightly.outlook.stage import HISTORY, NIGHT, Stage, window
from agroforest.nightly.outlook.standin import make_scenes
from agroforest.nightly.plan import TileTask, Watch
from agroforest.nightly.run import Silence

GRID = Grid(
    crs="EPSG:32649", left=233_000, top=2_540_000, resolution=10, width=700, height=500
)
RULE = Judge(folder=None, title="rule", identity="rule")


def tile(grid: Grid = GRID) -> Tile:
    return Tile(id="49QBF", grid=grid, area=shapely.box(*grid.bounds))


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> list[Scene]:
    small = tile(GRID.patch(width=80, height=80))
    return make_scenes(watch().pipeline, small, tmp_path_factory.mktemp("s"), 48)


def post(forest: BaseGeometry | None = None) -> Watch:
    return replace(watch(), forest=forest)


def test_made_up_scenes_fill_the_history(scenes: list[Scene]) -> None:
    settings = watch().pipeline.baseline
    days = [s.date for s in scenes]
    assert days == sorted(days)
    assert settings.start <= days[0] < days[-1] <= settings.end
    assert len({s.content() for s in scenes}) == len(scenes)
    grid = GRID.patch(width=80, height=80)
    with SceneReader(scenes[0], BANDS) as reader:
        found = reader.read(grid)
    assert 0.1 < found.clear.mean() < 0.9
    assert np.isfinite(found.values(BANDS)).all()


def test_a_window_has_forest_like_its_tile(tmp_path: Path) -> None:
    # The western half is forest: windows of one kind alone would be unlike it.
    west = Tile(id="t", grid=GRID.patch(width=350), area=tile().area).footprint()
    here = post(west)
    stage = Stage(here, tile(), [], tmp_path)
    task = next(stage.baselines(0))
    found = window(task.patch(tile=tile()), 300)
    assert found.grid.shape == (300, 300)
    middle = found.grid.left + 1500
    assert abs(middle - (GRID.left + 3500)) <= 1000
    assert (found.grid.left - GRID.left) % 20 == 0


def test_tasks_differ_in_size_scenes_and_forest(
    scenes: list[Scene], tmp_path: Path
) -> None:
    stage = Stage(post(), tile(), scenes, tmp_path)
    assert stage.own
    tasks = list(stage.baselines(0))
    assert [len(t.scenes) for t in tasks] == 3 * list(HISTORY)
    sides = [t.tile.grid.width for t in tasks]
    assert sides[0] * 2 == sides[2] == sides[4]
    assert len({t.workplace.root for t in tasks}) == len(tasks)
    for task in tasks:
        (task.workplace.state / "some").mkdir(parents=True)
    opened = list(stage.openings(tasks, {}, 0))
    assert [len(t.scenes) for t in opened] == [1, 1, 1]
    nights = list(stage.nights(opened, {}, 0))
    assert [len(t.scenes) for t in nights] == 3 * list(NIGHT)
    assert all((t.workplace.state / "some").is_dir() for t in nights)
    end = watch().pipeline.baseline.end
    first = {s.date for t in opened for s in t.scenes}
    assert min(first) > end
    assert min(s.date for t in nights for s in t.scenes) > max(first)


def test_scenes_to_judge_are_as_cloudy_as_the_history(
    scenes: list[Scene], tmp_path: Path
) -> None:
    stage = Stage(post(), tile(), scenes, tmp_path)
    usable = {s.id: n / len(scenes) for n, s in enumerate(scenes)}
    chosen = stage._fresh(usable, 4)
    shares = [int(s.granules[0].id.split("-")[2]) / len(scenes) for s in chosen]
    assert shares == pytest.approx([0.125, 0.375, 0.625, 0.875], abs=0.03)
    assert len({s.date for s in chosen}) == 4


# -------------------------------------------------------------- the worker

_ORPHAN = """
import os, time
from agroforest.nightly.judge import Judge
from agroforest.nightly.outlook.performer import Performer
from agroforest.nightly.run import Silence
if __name__ == "__main__":
    judge = Judge(folder=None, title="", identity="")
    worker = Performer(judge, Silence(), alone=False)
    worker.start()
    print(worker._process.pid, flush=True)
    time.sleep(60)
"""


def any_task(tmp_path: Path) -> TileTask:
    stage = Stage(post(), tile(GRID.patch(width=40, height=40)), [], tmp_path)
    return next(stage.baselines(0))


@pytest.mark.slow
def test_a_worker_that_dies_is_one_line(tmp_path: Path) -> None:
    task = any_task(tmp_path)
    with Performer(RULE, Silence(), alone=True) as worker:
        assert worker.start() > 0
        worker._process.kill()
        worker._process.join()
        with pytest.raises(SourceError, match="its worker died") as caught:
            worker.perform(task)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_no_worker_outlives_its_master(tmp_path: Path) -> None:
    program = tmp_path / "orphan.py"
    program.write_text(_ORPHAN)
    with subprocess.Popen(  # noqa: S603  our own text
        [sys.executable, str(program)], stdout=subprocess.PIPE, text=True
    ) as master:
        assert master.stdout is not None
        worker = int(master.stdout.readline())
        assert is_alive(worker)
        master.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 60
    while is_alive(worker) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_alive(worker)


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
