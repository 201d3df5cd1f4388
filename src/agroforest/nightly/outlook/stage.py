"""Small tasks like those of a night: windows of a tile, scenes of its past."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from math import lcm
from pathlib import Path

import numpy as np
import shapely

from agroforest.core.grid import Tile
from agroforest.core.identity import digest
from agroforest.core.scene import Scene, build_scene
from agroforest.nightly.compartments import Compartments
from agroforest.nightly.forest import read_forest
from agroforest.nightly.outlook.standin import make_scenes
from agroforest.nightly.outlook.survey import spread
from agroforest.nightly.plan import TaskKind, TileTask, Watch
from agroforest.nightly.workplace import Workplace

# Pixels a side of the larger window; the smaller one has half. Arbitrary: with the
# scenes below, half a minute on two cores.
_SIDE = 320
#: Scenes of the tasks: to learn from, and to judge.
HISTORY, NIGHT = (24, 48), (1, 4)
# With fewer scenes of its own a pipeline borrows made-up ones.
_ENOUGH = 8
# A rehearsal has a short history; dates for a season are the least that a pipeline
# may ask for.
_MIN_CLEAR = 6
_NOWHERE = shapely.Point(0.0, 0.0).buffer(1e-6)


class Stage:
    """Windows and scenes of a rehearsal, made into tasks.

    Parameters
    ----------
    watch
        The pipeline.
    tile
        A tile to take windows of.
    history
        Scenes of the past, by time; made up where there are too few.
    scratch
        An empty folder.
    """

    def __init__(
        self, watch: Watch, tile: Tile, history: Sequence[Scene], scratch: Path
    ) -> None:
        self._scratch = scratch
        self._forest = Compartments(watch.forest)
        settings = watch.pipeline.baseline
        self._pipeline = watch.pipeline.model_copy(
            update={
                "baseline": settings.model_copy(
                    update={"min_clear": min(_MIN_CLEAR, settings.min_clear)}
                )
            }
        )
        self.own = len(history) >= _ENOUGH
        side = min(_SIDE, *tile.grid.shape)
        whole = self._task(TaskKind.BASELINE, tile, (), "whole")
        self._tiles = [window(whole, s) for s in (max(2, side // 2), side)]
        self._history = spread(
            history
            if self.own
            else make_scenes(
                watch.pipeline, self._tiles[-1], scratch / "scenes", HISTORY[-1]
            ),
            HISTORY[-1],
        )

    @property
    def scenes(self) -> int:
        """How many scenes there are to learn from."""
        return len(self._history)

    def first_baseline(self, name: str) -> TileTask:
        """Make the first task of `baselines` once more, elsewhere."""
        scenes = spread(self._history, HISTORY[0])
        return self._task(TaskKind.BASELINE, self._tiles[0], scenes, f"learn-{name}")

    def first_opening(self, name: str, learned: TileTask) -> TileTask:
        """Make the first task of `openings` once more, elsewhere."""
        task = self._task(
            TaskKind.NIGHT, self._tiles[0], self._fresh({}, 1), f"open-{name}"
        )
        return _on_copy(task, learned)

    def baselines(self, time: int) -> Iterator[TileTask]:
        """Small and large window, then the large one without any forest.

        Each with fewer and with more scenes. Tasks of another `time` write
        elsewhere.
        """
        for place, tile in enumerate((*self._tiles, self._tiles[-1])):
            for count in HISTORY:
                scenes = spread(self._history, count)
                name = f"learn-{place}-{count}-{time}"
                task = self._task(TaskKind.BASELINE, tile, scenes, name)
                yield self._like(task, place)

    def openings(
        self, learned: Sequence[TileTask], usable: Mapping[str, float], time: int
    ) -> Iterator[TileTask]:
        """First night of each window, with one scene: all of it is judged.

        Parameters
        ----------
        learned
            The tasks of `baselines`, done; the state is a copy of what the one from
            more scenes left.
        usable, time
            As in `nights`.
        """
        for place, before in enumerate(learned[len(HISTORY) - 1 :: len(HISTORY)]):
            scenes = self._fresh(usable, 1)
            name = f"open-{place}-{time}"
            task = self._task(TaskKind.NIGHT, before.tile, scenes, name)
            yield _on_copy(self._like(task, place), before)

    def nights(
        self, opened: Sequence[TileTask], usable: Mapping[str, float], time: int
    ) -> Iterator[TileTask]:
        """As `baselines`, later nights: what has news is judged.

        Parameters
        ----------
        opened
            The tasks of `openings`, done; each state is a copy of what one left.
        usable
            Usable share by scene id: scenes to judge are taken from the history
            as clear and as cloudy as it is.
        time
            Tasks of another time write elsewhere.
        """
        for place, before in enumerate(opened):
            for count in NIGHT:
                name = f"night-{place}-{count}-{time}"
                scenes = self._fresh(usable, count, after=1)
                task = self._task(TaskKind.NIGHT, before.tile, scenes, name)
                yield _on_copy(self._like(task, place), before)

    def _like(self, task: TileTask, place: int) -> TileTask:
        """Take the forest away where `baselines` did."""
        return task if place < len(self._tiles) else _bare(task)

    def _fresh(
        self, usable: Mapping[str, float], count: int, *, after: int = 0
    ) -> list[Scene]:
        """Scenes of the history as if they came after it and so many others."""
        ranked = sorted(self._history, key=lambda s: (usable.get(s.id, 0.0), s.id))
        # The middles of as many classes of clearness.
        middles = (np.arange(count) + 0.5) / count * len(ranked)
        start = self._pipeline.baseline.end
        return [
            _moved(ranked[int(at)], start + timedelta(days=5 * (after + n + 1)))
            for n, at in enumerate(middles)
        ]

    def _workplace(self, name: str) -> Workplace:
        return Workplace(root=self._scratch / name, pipeline=self._pipeline.name)

    def _task(
        self, kind: TaskKind, tile: Tile, scenes: Sequence[Scene], name: str
    ) -> TileTask:
        days = [s.date for s in scenes]
        return TileTask(
            id=digest("rehearsal", name),
            kind=kind,
            tile=tile,
            night=max(days, default=self._pipeline.baseline.end),
            scenes=tuple(scenes),
            baseline=digest("rehearsal", tile.grid.width, tile.grid.height),
            pipeline=self._pipeline,
            workplace=self._workplace(name),
            forest=self._forest.on(tile),
        )


def window(task: TileTask, side: int) -> Tile:
    """Window of a task's tile, of those tried the one with forest like the tile's.

    Parameters
    ----------
    task
        Its tile.
    side
        Pixels; no more than the tile has.
    """
    tile = task.tile
    grid = tile.grid
    # On corners that Sentinel-2 shares, as tiles are.
    step = max(1, round(lcm(round(grid.resolution), 20) / grid.resolution))
    rows, columns = (
        sorted({int(at) // step * step for at in np.linspace(0, size - side, 4)})
        for size in grid.shape
    )
    forest = read_forest(task)
    usual = forest.mean()
    row, column = min(
        ((r, c) for r in rows for c in columns),
        key=lambda at: abs(
            forest[at[0] : at[0] + side, at[1] : at[1] + side].mean() - usual
        ),
    )
    return replace(
        tile,
        grid=grid.patch(
            left=grid.left + column * grid.resolution,
            top=grid.top - row * grid.resolution,
            width=side,
            height=side,
        ),
    )


def _moved(scene: Scene, day: date) -> Scene:
    """Move a scene to another day, under another name; its files are the same."""
    shift = day - scene.date
    return build_scene(
        tuple(
            g.patch(id=f"{g.id}-{day:%Y%m%d}", sensed=g.sensed + shift)
            for g in scene.granules
        )
    )


def _bare(task: TileTask) -> TileTask:
    """Take the forest away: what is done for its sake is the difference."""
    risk = task.pipeline.risk.model_copy(update={"forest": "compartments"})
    pipeline = task.pipeline.model_copy(update={"risk": risk})
    return task.patch(pipeline=pipeline, forest=_NOWHERE)


def _on_copy(task: TileTask, before: TileTask) -> TileTask:
    """Give a task the state that another one left."""
    shutil.copytree(before.workplace.state, task.workplace.state)
    return task
