"""A whole image judged by `burned-area`, window by window, in bounded memory.

The model compares every pixel with the scene around it, and it learned from scenes of
a few kilometres. So a tile is judged in overlapping windows of about ten kilometres,
each a scene of its own, and the answers are blended where windows meet. An image no
larger than a window is one scene: the answer of `agroforest model predict`, but that
every fire in it counts (`Task.finish`).
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from agroforest.core.grid import Grid
from agroforest.fire.scar_image import find_water
from agroforest.risk import ensemble, trees
from agroforest.risk.calibrate import probabilities
from agroforest.risk.card import Model
from agroforest.risk.scene_tile import judge_tile
from agroforest.risk.tasks.burned_area import TASK
from agroforest.risk.train import Progress

if TYPE_CHECKING:
    from agroforest.risk.scene_trees import SceneTrees

#: Pixels a side of a window, and how many of them two windows share. Arbitrary.
WINDOW, OVERLAP = 512, 96
#: The trees, most of the time, are not asked of pixels to which the networks alone
#: give a lower probability. On the training fires that changes the decision of one
#: pixel in twenty thousand; see docs/fire-scars.md.
FLOOR = 0.05
# The logit of 0 and 1 is not finite.
_SUREST = 1e-6
# A window of which less is seen is not judged: its medians say nothing. Arbitrary.
_LEAST_SEEN = 0.01

#: Given a part of the grid: the model's features there, ``(6, y, x)`` float32.
Read = Callable[[Grid], NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Window:
    rows: slice
    columns: slice
    grid: Grid


def judge_image(
    model: Model,
    grid: Grid,
    read: Read,
    *,
    exact: bool = False,
    workers: int = 2,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Judge an image.

    Parameters
    ----------
    model
        Of `burned-area`.
    grid
        Of the image.
    read
        Its pixels, NaN where not seen.
    exact
        Ask the trees of every pixel.
    workers
        Windows that are judged at a time.
    progress
        Told what is being done.

    Returns
    -------
    ndarray
        ``(y, x)`` float32 probability, 0 on water, NaN where nothing is seen.
    """
    total = np.zeros(grid.shape, np.float32)
    weight = np.zeros(grid.shape, np.float32)
    windows = list(_cut(grid))

    def judge(values: NDArray[np.float32]) -> NDArray[np.float32]:
        chance = judge_window(model, values, exact=exact)
        chance[find_water(values)] = 0
        return np.where(np.isfinite(values[:-1]).all(axis=0), chance, np.nan)

    def add(window: _Window, chance: NDArray[np.float32]) -> None:
        where = window.rows, window.columns
        share = np.where(np.isfinite(chance), _taper(window.grid.shape), 0)
        total[where] += np.nan_to_num(chance) * share
        weight[where] += share

    # Files are read by this thread alone; while it reads, others judge.
    with ThreadPoolExecutor(workers) as pool:
        waiting: list[tuple[_Window, Future[NDArray[np.float32]]]] = []
        for number, window in enumerate(windows):
            if progress is not None:
                progress(number / len(windows), f"window {number + 1}/{len(windows)}")
            values = read(window.grid)
            if np.isfinite(values[:-1]).all(axis=0).mean() >= _LEAST_SEEN:
                waiting.append((window, pool.submit(judge, values)))
            if len(waiting) > workers:
                first, said = waiting.pop(0)
                add(first, said.result())
        for last, said in waiting:
            add(last, said.result())
    out = np.full(grid.shape, np.nan, np.float32)
    np.divide(total, weight, out=out, where=weight > 0)
    return out


def judge_window(
    model: Model, values: NDArray[np.float32], *, exact: bool = False
) -> NDArray[np.float32]:
    """Judge one scene.

    Parameters
    ----------
    model
        Of `burned-area`.
    values
        ``(6, y, x)`` float32, NaN where missing.
    exact
        As in `judge_image`.

    Returns
    -------
    ndarray
        ``(y, x)`` float32 probability.
    """
    shape = values.shape[1:]
    # In 32 bits: what 16 lose is alike all over an even scene, and levelling would
    # carry it from the ground into the fire.
    ((_, alone),) = judge_tile(
        *(TASK, model, lambda part: values[:, *part], shape), exact=True
    )
    chance = np.clip(alone.astype(np.float32), _SUREST, 1 - _SUREST)
    network, boosted = model.card.learners
    said = logit(chance).ravel()
    asked = np.flatnonzero(exact | (chance.ravel() >= FLOOR))
    both = said.copy()
    if asked.size:
        found = _ask_trees(model, values, asked) / boosted.temperature
        both[asked] = (network.share * said[asked] + boosted.share * found) / (
            network.share + boosted.share
        )
    calibrated = probabilities(
        both[:, None].astype(np.float32),
        TASK.answer,
        model.card.calibration.temperature,
    )
    return np.asarray(calibrated[:, 0].reshape(shape), np.float32)


def _ask_trees(
    model: Model, values: NDArray[np.float32], asked: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Mean logit of all copies of the trees, ``(asked,)``."""
    student = cast("SceneTrees", TASK.students[1])
    planes = student.features(values)
    rows = np.ascontiguousarray(planes.reshape(len(planes), -1)[:, asked].T)
    folds = model.card.ensemble.folds if model.card.ensemble else 1
    said = [
        trees.predict(ensemble.own_tensors(model.tensors, 1, fold), rows)
        for fold in range(folds)
    ]
    return np.asarray(np.mean(said, axis=0, dtype=np.float32), np.float32)[:, 0]


def _cut(grid: Grid) -> Iterator[_Window]:
    for top, rows in _spans(grid.height):
        for left, columns in _spans(grid.width):
            part = grid.patch(
                left=grid.left + left * grid.resolution,
                top=grid.top - top * grid.resolution,
                width=columns.stop - columns.start,
                height=rows.stop - rows.start,
            )
            yield _Window(rows=rows, columns=columns, grid=part)


def _spans(size: int) -> Iterator[tuple[int, slice]]:
    """Spans of equal length that share `OVERLAP` or a little more."""
    if size <= WINDOW:
        yield 0, slice(0, size)
        return
    count = -(-(size - OVERLAP) // (WINDOW - OVERLAP))
    for start in np.linspace(0, size - WINDOW, count).round().astype(int).tolist():
        yield start, slice(start, start + WINDOW)


def _taper(shape: tuple[int, int]) -> NDArray[np.float32]:
    """How much an answer counts: less towards the edge of its window."""
    rows, columns = (
        np.minimum(np.minimum(np.arange(n) + 1, np.arange(n)[::-1] + 1), OVERLAP)
        for n in shape
    )
    return (rows[:, None] * columns[None] / OVERLAP**2).astype(np.float32)
