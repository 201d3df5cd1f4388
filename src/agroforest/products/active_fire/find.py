"""Burning pixels of a level-1 scene: two of three rules agree."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agroforest.catalog.level1 import Level1Scene
from agroforest.core.grid import Grid
from agroforest.indices.active_fire import (
    MARGIN,
    VOTES_NEEDED,
    DayImage,
    Level,
    find_active_fire,
    widen,
)
from agroforest.products.active_fire.files import Rows, SceneFiles
from agroforest.products.active_fire.strips import STRIP, strips

#: Called with rows done and rows in all.
Progress = Callable[[int, int], None]
# Columns judged at a time: rules need some 150 bytes a pixel. Arbitrary.
_COLUMNS = 1024
_NAMES = ("coastal", "blue", "green", "red", "nir", "swir1", "swir2")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FirePixels:
    """Burning pixels of a scene.

    Attributes
    ----------
    grid
        Pixels of the scene.
    row, column
        ``(n,)`` int64: of each burning pixel, by row, then column.
    votes
        ``(n,)`` uint8: rules that say fire, 2 or 3.
    judged
        Pixels that could be judged.
    """

    grid: Grid
    row: NDArray[np.int64] = field(repr=False)
    column: NDArray[np.int64] = field(repr=False)
    votes: NDArray[np.uint8] = field(repr=False)
    judged: int


def find_fires(
    scene: Level1Scene, *, progress: Progress | None = None, strip: int = STRIP
) -> FirePixels:
    """Judge every pixel of a scene.

    Cloud is not masked: it is no brighter at 2.2 um than at 1.6 and 0.86, so that the
    rules leave it alone, and masks of the producers take smoke and flames for cloud.
    What burns below cloud is not seen. A pixel without one of its bands, or beside
    one, is not judged: at the edge of the swath bands end at different places.

    Parameters
    ----------
    scene
        Its record.
    progress
        Called after each strip.
    strip
        Rows read at a time.

    Raises
    ------
    DataError
        A file is damaged, or its numbers are no reflectance.
    """
    found: list[NDArray[np.int64]] = []
    judged = 0
    with SceneFiles(scene) as files:
        grid = files.grid
        parts = strips(files, grid.height, margin=MARGIN, strip=strip)
        for rows, first, end in parts:
            for window in _windows(rows, first, end, grid.width):
                pixels, count = _judge(scene, window)
                found.append(pixels)
                judged += count
            if progress is not None:
                progress(end, grid.height)
    row, column, votes = np.concatenate(found, axis=1)
    order = np.lexsort((column, row))
    return FirePixels(
        grid=grid,
        row=row[order],
        column=column[order],
        votes=votes[order].astype(np.uint8),
        judged=judged,
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Window:
    """Rows and columns to judge, within those that rules look at."""

    rows: Rows
    left: int
    inner: tuple[slice, slice]


def _windows(rows: Rows, first: int, end: int, width: int) -> Iterator[_Window]:
    """Cut rows into blocks of columns, each with its margin."""
    above, below = max(first - MARGIN, rows.first), min(end + MARGIN, rows.end)
    rows = rows.take(above, below)
    for column in range(0, width, _COLUMNS):
        last = min(column + _COLUMNS, width)
        left, right = max(column - MARGIN, 0), min(last + MARGIN, width)
        yield _Window(
            rows=Rows(
                first=above,
                bands=rows.bands[:, :, left:right],
                saturated=rows.saturated[:, left:right],
            ),
            left=left,
            inner=(
                slice(first - above, end - above),
                slice(column - left, last - left),
            ),
        )


def _judge(scene: Level1Scene, window: _Window) -> tuple[NDArray[np.int64], int]:
    """Judge a block: ``(row, column, votes)`` of what burns; how many were judged."""
    rows = window.rows
    bands = dict(zip(_NAMES, rows.bands, strict=True))
    votes = find_active_fire(
        DayImage(
            source=str(scene.source),
            level=Level.TOP_OF_ATMOSPHERE,
            sun_elevation=scene.sun_elevation,
            saturated=rows.saturated,
            **bands,
        )
    )
    gaps = np.logical_or.reduce(np.isnan(rows.bands))
    judged = (votes.judged & ~widen(gaps))[window.inner]
    count = votes.count[window.inner]
    y, x = np.nonzero((count >= VOTES_NEEDED) & judged)
    row = y + rows.first + window.inner[0].start
    column = x + window.left + window.inner[1].start
    return np.stack([row, column, count[y, x].astype(np.int64)]), int(judged.sum())
