"""Seasonal baseline of every pixel: fit once, update by scene, judge by residual.

A pixel's state is its season (five coefficients and a residual spread for each
signal) and a ring of its latest clear observations. What a new scene costs does
not depend on how many scenes came before.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from agroforest.core.grid import Grid
from agroforest.indices import harmonic, reference
from agroforest.indices.ring import encode, insert
from agroforest.indices.season import (
    BANDS,
    COEFFICIENTS,
    NODATA,
    SCALE,
    SIGNALS,
    Calendar,
    quantise,
)
from agroforest.indices.state import MIN_CLEAR, MIN_SPAN, BaselineState, Residuals
from agroforest.indices.update import find_clear, update

__all__ = [
    "BANDS",
    "SIGNALS",
    "BaselineState",
    "Residuals",
    "fit",
    "residuals",
    "update",
]

#: Clear observations kept for a pixel. Arbitrary; covers four to twelve months.
RING_SLOTS = 16

#: One scene: epoch day, reflectance ``(6, y, x)`` float, usable ``(y, x)`` bool, id.
Take = tuple[int, NDArray[np.floating], NDArray[np.bool_], str]


def fit(
    takes: Iterable[Take],
    grid: Grid,
    *,
    forest: NDArray[np.bool_],
    min_clear: int = MIN_CLEAR,
    ring: int = RING_SLOTS,
    scene_medians: Mapping[int, Sequence[float]] | None = None,
    workers: int = 1,
) -> BaselineState:
    """Learn the season of every pixel from its history.

    Parameters
    ----------
    takes
        The history, any order; read once. Values that are not usable or not
        finite are left out. Of two scenes of one day the later given wins.
    grid
        Grid of the scenes.
    forest
        ``(y, x)`` bool; the pixels whose common residual is a scene's own error.
    min_clear
        Clear dates a model needs; they must also span `MIN_SPAN` days.
    ring
        Slots of the ring.
    scene_medians
        Seven numbers a day, from the state of a fit over a larger area; without
        them they are estimated here (three rounds over a sample of the forest).
    workers
        Threads for the regression, 16 rows at a time. The result is the same.

    Returns
    -------
    BaselineState
        See `harmonic.fit_stack` for the regression.

    Raises
    ------
    DataError
        If a scene is not on the grid.

    Notes
    -----
    Memory: 12 bytes a pixel and scene for the history, 350 for the state.
    """
    days, stack, scenes = _stack(takes, grid)
    calendar = reference.estimate(
        stack, days, forest, min_clear, MIN_SPAN, scene_medians
    )
    coefficients, spread, count = _fit(
        stack, _on_grid(days, grid), calendar, min_clear, workers
    )
    modelled = count > 0
    last = days.max(initial=0)
    state = BaselineState(
        grid=grid,
        coefficients=coefficients,
        spread=spread,
        model_from=np.where(modelled, last + 1, 0).astype(np.int32),
        clear_count=count,
        cut_day=np.zeros(grid.shape, dtype=np.int32),
        ring_day=np.zeros((ring, *grid.shape), dtype=np.int32),
        ring=np.full((ring, len(BANDS), *grid.shape), NODATA, dtype=np.int16),
        scene_day=days,
        scene_median=calendar.median_of(days),
        scenes=scenes,
    )
    _fill_ring(state, days, stack)
    return state


def residuals(state: BaselineState, *, slots: int | None = None) -> Residuals:
    """Residuals of the ring's newest observations.

    Parameters
    ----------
    state
        Or a `BaselineState.window` of it: 60 bytes a pixel and slot are needed.
    slots
        How many of the newest; all by default.
    """
    take = slice(None if slots is None else -slots, None)
    day, ring = state.ring_day[take], state.ring[take]
    calendar = Calendar.over(day, state.scene_day, state.scene_median)
    value = harmonic.residual_stack(ring, day, calendar, state.coefficients)
    foreign = ~state.awaits_model & (day < state.cut_day)
    np.copyto(value, np.nan, where=foreign[:, None])
    unknown = state.spread == NODATA
    spread = np.where(unknown, np.nan, state.spread / SCALE).astype(np.float32)
    z = value / spread
    judged = (day >= state.model_from) & state.has_model & (day > 0)
    return Residuals(day=day, value=value, z=z, judged=judged)


def _stack(
    takes: Iterable[Take], grid: Grid
) -> tuple[NDArray[np.int32], NDArray[np.int16], tuple[str, ...]]:
    """Clear history as int16 in order of date; scenes with nothing clear only by id."""
    by_day: dict[int, NDArray[np.int16]] = {}
    ids: dict[str, None] = {}
    for day, bands, usable, scene_id in takes:
        if scene_id in ids:
            continue
        ids[scene_id] = None
        clear = find_clear(bands, usable, grid=grid, where=scene_id)
        if not clear.any():
            continue
        numbers = np.empty(bands.shape, dtype=np.int16)
        encode(bands, clear, numbers)
        if day in by_day:
            np.copyto(by_day[day], numbers, where=clear)
        else:
            by_day[day] = numbers
    days = sorted(by_day)
    stack = np.empty((len(days), len(BANDS), *grid.shape), dtype=np.int16)
    for i, day in enumerate(days):
        stack[i] = by_day.pop(day)
    return np.array(days, dtype=np.int32), stack, tuple(ids)


def _on_grid(days: NDArray[np.int32], grid: Grid) -> NDArray[np.int32]:
    return np.broadcast_to(days[:, None, None], (days.size, *grid.shape))


def _fit(
    stack: NDArray[np.int16],
    day: NDArray[np.int32],
    calendar: Calendar,
    min_clear: int,
    workers: int,
) -> tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.int16]]:
    """Fit in threads; coefficients and spread as the state keeps them."""
    height, width = stack.shape[-2:]
    coef = np.empty((len(SIGNALS), COEFFICIENTS, height, width), dtype=np.int16)
    spread = np.empty((len(SIGNALS), height, width), dtype=np.int16)
    count = np.empty((height, width), dtype=np.int16)

    def fit_rows(top: int) -> None:
        rows = slice(top, top + _ROWS)
        c, s, n = harmonic.fit_stack(
            stack[..., rows, :], day[..., rows, :], calendar, min_clear, MIN_SPAN
        )
        coef[..., rows, :], spread[..., rows, :] = quantise(c), quantise(s)
        count[rows] = n

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(fit_rows, range(0, height, _ROWS)))
    return coef, spread, count


_ROWS = 16


def _fill_ring(
    state: BaselineState, days: NDArray[np.int32], stack: NDArray[np.int16]
) -> None:
    """Put the history into the empty ring.

    Where there is a season only the newest observations stay. Taken from the newest
    on, each goes to its place at once, and what is older than a full ring nowhere.
    Elsewhere the order decides what stays.
    """
    awaits = state.awaits_model
    for day, bands in zip(days[::-1], stack[::-1], strict=True):
        known = np.where(awaits, NODATA, bands) if awaits.any() else bands
        insert(state.ring, state.ring_day, known, day, awaits, state.cut_day)
    if awaits.any():
        for day, bands in zip(days, stack, strict=True):
            other = np.where(awaits, bands, NODATA)
            insert(state.ring, state.ring_day, other, day, awaits, state.cut_day)
