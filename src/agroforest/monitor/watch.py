"""The canopy detector over a cube: what it confirms, when, and what it looks like."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.indices import baseline
from agroforest.indices.baseline import BaselineState, Take
from agroforest.monitor.cube import Cube
from agroforest.risk import Model
from agroforest.risk.series import Residuals, Sighting, follow_series, judge_series

#: Meaning of the numbers in `Found.kind`.
CODES = {0: "none", 1: "stress", 2: "cut", 3: "fire", 4: "other"}
#: Called with the share of the work done and a short note.
Progress = Callable[[float, str], None]
# Pixels that tell what a whole scene has in common.
_SAMPLE = 5_000
# Pixels watched together: 4 kB each for a hundred dates. Arbitrary.
_BATCH = 8_192


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Found:
    """What was found in a cube; every array is ``(y, x)``.

    Attributes
    ----------
    crs, transform
        Where the arrays lie, as `Cube` says.
    probability
        float32: of a disturbance at any time after the history, surer of what lasts
        (`agroforest.risk.persistence`); NaN where nothing was judged.
    detected
        int32: first date of the first run of dates that was confirmed, in days
        since 1970-01-01; 0 for none.
    confirmed
        int32: the date on which that run was confirmed; 0 for none.
    kind
        uint8, see `CODES`: what it looks like from above, not why it happened.
    """

    crs: str
    transform: Affine
    probability: NDArray[np.float32]
    detected: NDArray[np.int32]
    confirmed: NDArray[np.int32]
    kind: NDArray[np.uint8]


def watch_cube(
    cube: Cube,
    *,
    train_until: int,
    model: Model,
    forest: NDArray[np.bool_] | None = None,
    progress: Progress | None = None,
) -> Found:
    """Learn the seasons of a cube's first years and watch the rest.

    Parameters
    ----------
    cube
        The scenes.
    train_until
        Epoch day; scenes until then are history.
    model
        A canopy-stress model.
    forest
        ``(y, x)`` bool, pixels to watch; the cube's own mask, or all, unless given.
    progress
        Told what is being done.

    Raises
    ------
    DataError
        The history is too short, or nothing comes after it.
    """
    say = progress or _silent
    rows, columns = choose_pixels(cube, train_until, forest)
    say(0.0, "scenes")
    medians = find_medians(cube, rows, columns, train_until)
    found = _nothing(cube)
    edges = [*range(0, rows.size, _BATCH), rows.size]
    for first, last in pairwise(edges):
        say(0.1 + 0.9 * first / rows.size, "pixels")
        part = rows[first:last], columns[first:last]
        sighting = _watch(cube, part, train_until, medians, model)
        found.probability[part] = sighting.probability
        found.detected[part] = sighting.since
        found.confirmed[part] = sighting.confirmed
        found.kind[part] = sighting.kind
    if not np.isfinite(found.probability).any():
        raise DataError(
            cube.path,
            "no pixel has enough clear dates before --train-until",
            "choose a later date: a season needs ten clear dates over nine months",
        )
    return found


def choose_pixels(
    cube: Cube, train_until: int, forest: NDArray[np.bool_] | None
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the pixels to watch; see `watch_cube`."""
    if not (cube.days <= train_until).any() or not (cube.days > train_until).any():
        raise DataError(
            cube.path,
            "has scenes on one side of --train-until only",
            "choose a date between its first and its last scene",
        )
    if forest is None:
        forest = cube.forest()
    asked = np.ones(cube.shape, bool) if forest is None else forest
    rows, columns = np.nonzero(asked)
    if not rows.size:
        raise DataError(cube.path, "no pixel is forest", "give another mask")
    return rows, columns


def find_medians(
    cube: Cube,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    train_until: int,
) -> dict[int, NDArray[np.float32]]:
    """Find what the undamaged forest shares on every date, from a sample of it."""
    step = -(-rows.size // _SAMPLE)
    some = rows[::step], columns[::step]
    state, later = _learn(cube, some, train_until, None)
    everywhere = np.ones(state.grid.shape, bool)
    for day, bands, usable, name in later:
        state = baseline.update(
            state,
            day=day,
            bands=bands,
            usable=usable,
            scene_id=name,
            forest=everywhere,
        )
    return dict(zip(state.scene_day.tolist(), state.scene_median, strict=True))


def _watch(
    cube: Cube,
    pixels: tuple[NDArray[np.intp], NDArray[np.intp]],
    train_until: int,
    medians: dict[int, NDArray[np.float32]],
    model: Model,
) -> Sighting:
    return judge_series(*follow(cube, pixels, train_until, medians), model)


def follow(
    cube: Cube,
    pixels: tuple[NDArray[np.intp], NDArray[np.intp]],
    train_until: int,
    medians: dict[int, NDArray[np.float32]],
) -> tuple[BaselineState, Residuals]:
    """Learn the seasons of some pixels and take them from all dates."""
    state, later = _learn(cube, pixels, train_until, medians)
    days = np.array([day for day, *_ in later], np.int32)
    bands = np.stack([np.where(usable, b, np.nan)[:, 0] for _, b, usable, _ in later])
    return state, follow_series(state, days, bands, medians)


def _learn(
    cube: Cube,
    pixels: tuple[NDArray[np.intp], NDArray[np.intp]],
    train_until: int,
    medians: dict[int, NDArray[np.float32]] | None,
) -> tuple[BaselineState, list[Take]]:
    """Seasons of some pixels, laid out as one row, and the scenes that follow."""
    later: list[Take] = []

    def history() -> Iterator[Take]:
        for day, bands, usable in cube.read(*pixels):
            take = day, bands, usable, str(day)
            if day <= train_until:
                yield take
            else:
                later.append(take)

    line = Grid(
        crs=cube.crs, left=0, top=1, resolution=1, width=pixels[0].size, height=1
    )
    state = baseline.fit(
        history(),
        line,
        forest=np.ones(line.shape, bool),
        scene_medians=None
        if medians is None
        else {day: median.tolist() for day, median in medians.items()},
    )
    return state, later


def _nothing(cube: Cube) -> Found:
    return Found(
        crs=cube.crs,
        transform=cube.transform,
        probability=np.full(cube.shape, np.nan, np.float32),
        detected=np.zeros(cube.shape, np.int32),
        confirmed=np.zeros(cube.shape, np.int32),
        kind=np.zeros(cube.shape, np.uint8),
    )


def _silent(share: float, note: str) -> None:
    """Say nothing."""
