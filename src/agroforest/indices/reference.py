"""What a scene's undamaged forest has in common: the scene's own error.

Haze, a low sun or a dry month shift the residuals of all pixels of a scene.
Subtracting the forest's median removes the shift, as long as most of the forest
is well. Over a forest of which half declines the median follows the decline,
hides it, and makes healthy pixels look too green. So the median is taken over
reference pixels only: those near the place where the median of CRSWIR (which
damage can only raise) must lie, given its lower quartile. Where a band of it is
missing, another signal that damage raises stands in.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from agroforest.indices import harmonic
from agroforest.indices.season import SIGNALS, Calendar, quantise

# With fewer forest pixels a median says more about them than about the scene,
# and nothing is subtracted. Arbitrary.
_MIN_PIXELS = 30
# The median of so many pixels is known to a fiftieth of their spread.
_SAMPLE = 5_000
_ROUNDS = 3
_QUANTILE = 0.25
# Distance of the quartile from the median of a normal distribution, in sigmas.
_QUARTILE_Z = 0.6745
# Reference pixels lie within so many spreads of the anchor. Arbitrary: of the
# widths 1.5 to 3 tried on a declining spruce forest it left the least bias on
# conifers that stayed healthy.
_WINDOW_Z = 2.0
# Signals that damage raises; the first that enough pixels have tells. On a forest of
# which four fifths were felled, and a series of it without B12, 60 % of what did not
# change was called disturbed with CRSWIR alone, 10 % with these (benchmarks/cubes.py).
_RAISED = [SIGNALS.index(name) for name in ("CRSWIR", "B12", "B11", "B04", "B03")]


def sample(pixels: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of at most 5,000 True pixels, evenly and always the same."""
    rows, columns = np.nonzero(pixels)
    step = -(-rows.size // _SAMPLE) or 1
    return rows[::step], columns[::step]


def shared_residual(
    value: NDArray[np.floating], spread: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Median residual of the undamaged part of a forest.

    Parameters
    ----------
    value, spread
        ``(7, n)``: residuals of one scene, NaN missing, and their usual spread.

    Returns
    -------
    ndarray
        ``(7,)`` float32; 0 where fewer than 30 pixels speak.
    """
    for signal in _RAISED:
        z = value[signal] / spread[signal]
        seen = np.isfinite(z)
        if seen.sum() >= _MIN_PIXELS:
            anchor = np.quantile(z[seen], _QUANTILE) + _QUARTILE_Z
            healthy = seen & (np.abs(np.where(seen, z, np.inf) - anchor) <= _WINDOW_Z)
            if healthy.sum() >= _MIN_PIXELS:
                value = value[:, healthy]
            break
    shared = np.zeros(len(SIGNALS), dtype=np.float32)
    for s, row in enumerate(value):
        known = row[np.isfinite(row)]
        if known.size >= _MIN_PIXELS:
            shared[s] = np.median(known)
    return shared


def estimate(
    stack: NDArray[np.int16],
    days: NDArray[np.int32],
    forest: NDArray[np.bool_],
    min_clear: int,
    min_span: int,
    given: Mapping[int, Sequence[float]] | None,
) -> Calendar:
    """Scene medians of a history: fit, take medians, fit again without them.

    Parameters
    ----------
    stack, days
        ``(date, 6, y, x)`` int16 and ``(date,)`` int32.
    forest
        ``(y, x)`` bool.
    min_clear, min_span
        What a model needs.
    given
        Medians by day that are already known; nothing is estimated then.
    """
    medians = np.zeros((days.size, len(SIGNALS)), dtype=np.float32)
    if given is not None:
        for row, day_ in zip(medians, days.tolist(), strict=True):
            row[:] = given.get(day_, 0.0)
        return Calendar.over(days, days, medians)
    rows, columns = sample(forest)
    if rows.size < _MIN_PIXELS or not days.size:
        return Calendar.over(days, days, medians)
    part = stack[:, :, rows, columns][:, :, None]
    day = np.broadcast_to(days[:, None, None], (days.size, 1, rows.size))
    plain = Calendar.over(days, days, medians)
    for _ in range(_ROUNDS):
        calendar = Calendar.over(days, days, medians)
        coef, spread, _ = harmonic.fit_stack(part, day, calendar, min_clear, min_span)
        value = harmonic.residual_stack(part, day, plain, quantise(coef))
        medians = np.array([shared_residual(v[:, 0], spread[:, 0]) for v in value])
    return Calendar.over(days, days, medians)
