"""A new scene on a baseline: what it saw, what it shared, what it changes.

Only pixels that a scene saw clearly change, and all a scene does to the others
is to enter the log. So a part of a tile can be taken alone, once the scene's
median is known; the median is asked of a sample over the whole tile.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.indices import cuts, harmonic, reference
from agroforest.indices import ring as rings
from agroforest.indices.season import (
    BANDS,
    NODATA,
    SCALE,
    SIGNALS,
    Calendar,
    quantise,
)
from agroforest.indices.state import MIN_CLEAR, MIN_SPAN, BaselineState

_NO_SCENES = np.empty(0, dtype=np.int32), np.empty((0, len(SIGNALS)), np.float32)


def update(
    state: BaselineState,
    *,
    day: int,
    bands: NDArray[np.floating],
    usable: NDArray[np.bool_],
    scene_id: str,
    forest: NDArray[np.bool_],
    min_clear: int = MIN_CLEAR,
    scene_median: Sequence[float] | None = None,
) -> BaselineState:
    """Take one scene in.

    A scene taken before changes nothing; another scene of the same day replaces
    the pixels it sees; a late one goes where its date belongs.

    Parameters
    ----------
    state
        Not modified. The result shares the arrays that did not change; the ring
        is copied (256 bytes a pixel).
    day
        Days since 1970-01-01.
    bands
        ``(6, y, x)`` float reflectance in the order of `BANDS`, NaN missing.
    usable
        ``(y, x)`` bool.
    scene_id
        Recognises the scene when it comes again.
    forest
        ``(y, x)`` bool.
    min_clear
        As in `fit`.
    scene_median
        Seven numbers, when the scene was judged over a larger area.

    Raises
    ------
    DataError
        If the scene is not on the grid of the state.
    """
    if scene_id in state.scenes:
        return state
    clear = find_clear(bands, usable, grid=state.grid, where=scene_id)
    if not clear.any():
        return state.with_log(state.log.pass_over(scene_id))
    if scene_median is None:
        asked = forest & clear & can_refer(state.model_from, state.cut_day, day)
        rows, columns = reference.sample(asked)
        median = find_median(
            day,
            bands[:, rows, columns],
            state.coefficients[:, :, rows, columns],
            state.spread[:, rows, columns],
        )
    else:
        median = np.asarray(scene_median, dtype=np.float32)
    state = state.patch(ring=state.ring.copy(), ring_day=state.ring_day.copy())
    return absorb(
        state.with_log(state.log.add(scene_id, day, median)),
        day=day,
        bands=bands,
        clear=clear,
        forest=forest,
        min_clear=min_clear,
    )


def find_clear(
    bands: NDArray[np.floating],
    usable: NDArray[np.bool_],
    *,
    grid: Grid,
    where: str,
) -> NDArray[np.bool_]:
    """Find the pixels that a scene adds to: usable, and finite in some band.

    Parameters
    ----------
    bands, usable
        As for `update`.
    grid
        That they must be on.
    where
        Names the scene in an error.

    Returns
    -------
    ndarray
        ``(y, x)`` bool.

    Raises
    ------
    DataError
        If they are not on the grid.
    """
    expected = (len(BANDS), *grid.shape)
    if bands.shape != expected or usable.shape != grid.shape:
        raise DataError(
            where,
            f"bands are {bands.shape} and usable {usable.shape}, expected {expected}",
            "read the scene on the grid of the baseline",
        )
    clear = np.empty(grid.shape, dtype=np.bool_)
    rings.find_clear(bands, usable, clear)
    return clear


def can_refer(
    model_from: NDArray[np.int32], cut_day: NDArray[np.int32], day: int
) -> NDArray[np.bool_]:
    """Say which pixels may tell a scene's own error: a season, and still standing.

    Parameters
    ----------
    model_from, cut_day
        Of a `BaselineState`.
    day
        Of the scene.

    Returns
    -------
    ndarray
        Their shape, bool.
    """
    whole = (cut_day == 0) | (day < cut_day) | (model_from > cut_day)
    return np.asarray((model_from > 0) & whole)


def find_median(
    day: int,
    bands: NDArray[np.floating],
    coefficients: NDArray[np.int16],
    spread: NDArray[np.int16],
) -> NDArray[np.float32]:
    """Find what a scene's reference pixels share: the scene's own error.

    Parameters
    ----------
    day
        Days since 1970-01-01.
    bands
        ``(6, n)`` float reflectance of the reference pixels, NaN missing.
    coefficients, spread
        ``(7, 5, n)`` and ``(7, n)`` int16 of the same pixels.

    Returns
    -------
    ndarray
        ``(7,)`` float32; see `reference.shared_residual`.
    """
    count = bands.shape[1]
    ground = np.full((1, 1, count), day, dtype=np.int32)
    value = harmonic.residual_stack(
        quantise(bands)[None, :, None],
        ground,
        Calendar.over(ground, *_NO_SCENES),
        coefficients[:, :, None],
    )
    return reference.shared_residual(value[0, :, 0], spread / SCALE)


def absorb(
    state: BaselineState,
    *,
    day: int,
    bands: NDArray[np.floating],
    clear: NDArray[np.bool_],
    forest: NDArray[np.bool_],
    min_clear: int,
) -> BaselineState:
    """Put a scene's clear pixels into the rings, and see what follows for them.

    Parameters
    ----------
    state
        A tile or a part of it; its log holds the scene. `ring` and `ring_day`
        are overwritten, the other arrays are not.
    day, bands, forest, min_clear
        As for `update`, on the grid of `state`.
    clear
        From `find_clear`.

    Returns
    -------
    BaselineState
        Shares the arrays that did not change, and the two that did.
    """
    numbers = np.empty(bands.shape, dtype=np.int16)
    rings.encode(bands, clear, numbers)
    rings.insert(
        state.ring, state.ring_day, numbers, day, state.awaits_model, state.cut_day
    )
    return _relearn(_mark_cuts(state, numbers, forest), clear, min_clear)


def _mark_cuts(
    state: BaselineState, numbers: NDArray[np.int16], forest: NDArray[np.bool_]
) -> BaselineState:
    """Record a cut where this scene completes a run of bare dates."""
    rows, columns = np.nonzero(cuts.is_bare(numbers) & forest & ~state.awaits_model)
    if not rows.size:
        return state
    found = np.empty(rows.size, dtype=np.int32)
    cuts.find_cuts(
        state.ring,
        state.ring_day,
        state.coefficients,
        state.model_from,
        Calendar.over(state.ring_day, *_NO_SCENES),
        rows,
        columns,
        found,
    )
    if not found.any():
        return state
    cut_day = state.cut_day.copy()
    cut_day[rows, columns] = np.where(found > 0, found, cut_day[rows, columns])
    return state.patch(cut_day=cut_day)


def _relearn(
    state: BaselineState, clear: NDArray[np.bool_], min_clear: int
) -> BaselineState:
    """Fit pixels that await a model from their ring, once it holds enough."""
    rows, columns = np.nonzero(state.awaits_model & clear)
    ready = np.empty(rows.size, dtype=np.bool_)
    cuts.find_ready(
        state.ring,
        state.ring_day,
        state.cut_day,
        rows,
        columns,
        min_clear,
        MIN_SPAN,
        ready,
    )
    if not ready.any():
        return state
    rows, columns = rows[ready], columns[ready]
    day, ring = state.ring_day[:, rows, columns], state.ring[:, :, rows, columns]
    cut = state.cut_day[rows, columns]
    regrown = (day > cut) & ~((cut > 0) & cuts.is_bare(ring.swapaxes(0, 1)))
    ring = np.where(regrown[:, None], ring, NODATA).astype(np.int16)
    calendar = Calendar.over(day, state.scene_day, state.scene_median)
    c, s, n = harmonic.fit_stack(
        ring[:, :, None], day[:, None], calendar, min_clear, MIN_SPAN
    )
    fitted = n[0] > 0
    rows, columns, newest = rows[fitted], columns[fitted], day[-1, fitted]
    coefficients, spread = state.coefficients.copy(), state.spread.copy()
    model_from, count = state.model_from.copy(), state.clear_count.copy()
    coefficients[:, :, rows, columns] = quantise(c[:, :, 0, fitted])
    spread[:, rows, columns] = quantise(s[:, 0, fitted])
    model_from[rows, columns] = newest + 1
    count[rows, columns] = n[0, fitted]
    return state.patch(
        coefficients=coefficients,
        spread=spread,
        model_from=model_from,
        clear_count=count,
    )
