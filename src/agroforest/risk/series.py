"""Whole series judged at once, as the nights would judge them one by one.

The network looks back only, so what it says of a date is the same whether later
dates are there or not: one pass over a series replaces a night for every date.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agroforest.features import NAMES
from agroforest.features.series import FeatureBlock, assemble
from agroforest.indices import harmonic
from agroforest.indices.season import NODATA, SCALE, SIGNALS, Calendar, quantise
from agroforest.indices.state import BaselineState
from agroforest.risk.card import DISTURBED, Model
from agroforest.risk.infer import classify
from agroforest.risk.persistence import find_probability

_HEALTHY, _STRESSED, _GONE = range(3)
#: Kinds of what is seen; see `agroforest.monitor.CODES`.
STRESS, CUT, FIRE, OTHER = 1, 2, 3, 4
# Residuals of char: darker in the near infrared, brighter at 2.2 than at 1.6 um, no
# brighter in the green. Strict, and still weak: it names 16 % of 70 simulated fires
# (the others are called stress or cut), 5 % of the cuts, and 3 % of what changed in a
# real spruce forest where nothing burned.
_CHAR_NIR, _CHAR_SWIR, _CHAR_GREEN = -0.05, 0.02, 0.006
# A pixel that ends in so many healthy dates has recovered.
_RECOVERED = 4


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Residuals:
    """Ring and later dates of ``n`` pixels, less their seasons.

    Attributes
    ----------
    day
        ``(date, n)`` int32, epoch day; 0 where not clear.
    value
        ``(date, 7, n)`` float32 in reflectance, NaN where unknown.
    """

    day: NDArray[np.int32]
    value: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sighting:
    """What a series amounts to, for ``n`` pixels; see `agroforest.monitor.Found`.

    Attributes
    ----------
    probability
        ``(n,)`` float32, NaN where nothing was judged; see `find_probability`.
    since, confirmed
        ``(n,)`` int32, epoch days; 0 for none.
    kind
        ``(n,)`` uint8.
    """

    probability: NDArray[np.float32]
    since: NDArray[np.int32]
    confirmed: NDArray[np.int32]
    kind: NDArray[np.uint8]


def follow_series(
    state: BaselineState,
    days: NDArray[np.int32],
    bands: NDArray[np.float32],
    medians: Mapping[int, NDArray[np.float32]],
) -> Residuals:
    """Take the season from all dates of some pixels.

    Parameters
    ----------
    state
        Seasons and rings of a row of ``n`` pixels, as `baseline.fit` gives them.
    days
        ``(date,)`` int32, epoch days after the history, rising.
    bands
        ``(date, 6, n)`` float32 reflectance in the order of `BANDS`, NaN where not
        clear.
    medians
        What the undamaged forest shares, by day, ``(7,)`` each.
    """
    n = state.grid.width
    numbers = np.concatenate([state.ring[:, :, 0], quantise(bands)])
    day = np.concatenate(
        [state.ring_day[:, 0], np.broadcast_to(days[:, None], (days.size, n))]
    )
    there = (numbers != NODATA).any(axis=1)
    day = np.where(there, day, 0).astype(np.int32)
    return Residuals(day=day, value=_residuals(state, numbers, day, medians))


def build_block(state: BaselineState, rest: Residuals) -> FeatureBlock:
    """Series of `follow_series` without gaps, oldest date first."""
    return _compact(_standardised(state, rest.value), rest.day, state)


def judge_series(state: BaselineState, rest: Residuals, model: Model) -> Sighting:
    """Judge all dates after a history.

    Parameters
    ----------
    state, rest
        See `follow_series`.
    model
        A canopy-stress model.

    Returns
    -------
    Sighting
        A detection needs the card's threshold on ``confirmations`` successive clear
        dates.
    """
    block = build_block(state, rest)
    threshold = model.card.calibration.thresholds[DISTURBED]
    needed = model.card.calibration.confirmations
    chance = classify(model, block)
    unwell = np.where(block.judged, 1 - chance[:, _HEALTHY], np.nan)
    since, confirmed, at = _first_run(unwell >= threshold, block, needed)
    kind = _kinds(block, chance, at, confirmed, threshold)
    kind[_is_charred(rest.value, rest.day, since, confirmed)] = FIRE
    return Sighting(
        probability=find_probability(
            chance[:, _STRESSED], chance[:, _GONE], block.judged
        ),
        since=since,
        confirmed=confirmed,
        kind=kind,
    )


def _residuals(
    state: BaselineState,
    numbers: NDArray[np.int16],
    day: NDArray[np.int32],
    medians: Mapping[int, NDArray[np.float32]],
) -> NDArray[np.float32]:
    """``(date, 7, n)``: residuals in reflectance, NaN where unknown."""
    known = np.array(sorted(medians), np.int32)
    shared = np.array([medians[d] for d in known.tolist()], np.float32)
    calendar = Calendar.over(day, known, shared)
    return harmonic.residual_stack(
        numbers[:, :, None], day[:, None], calendar, state.coefficients
    )[:, :, 0]


def _standardised(
    state: BaselineState, rest: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Residuals in the pixel's own spreads."""
    spread = state.spread[:, 0]
    unknown = spread == NODATA
    return np.asarray(
        rest / np.where(unknown, np.nan, spread / SCALE).astype(np.float32), np.float32
    )


def _compact(
    z: NDArray[np.float32], day: NDArray[np.int32], state: BaselineState
) -> FeatureBlock:
    """Series without gaps, oldest first, empty places before them."""
    there = (day > 0) & np.isfinite(z).any(axis=1)
    order = np.argsort(there, axis=0, kind="stable")
    longest = max(1, int(there.sum(axis=0).max(initial=0)))
    order = order[-longest:]
    mask = np.take_along_axis(there, order, axis=0)
    day = np.where(mask, np.take_along_axis(day, order, axis=0), 0).astype(np.int32)
    values = assemble(np.take_along_axis(z, order[:, None], axis=0), mask, day)
    start = state.model_from[0]
    return FeatureBlock(
        values=values,
        mask=mask,
        judged=mask & (start > 0) & (day >= start),
        day=day,
        names=NAMES,
    )


def _first_run(
    high: NDArray[np.bool_], block: FeatureBlock, needed: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.intp]]:
    """First confirmed run: its first day, the day of its confirmation, and where."""
    dates, n = high.shape
    length = np.zeros(n, np.int32)
    begun = np.zeros(n, np.int32)
    since, confirmed = np.zeros(n, np.int32), np.zeros(n, np.int32)
    at = np.full(n, dates, np.intp)
    for date in range(dates):
        judged, up = block.judged[date], high[date] & block.judged[date]
        begun = np.where(up & (length == 0), block.day[date], begun)
        length = np.where(up, length + 1, np.where(judged, 0, length))
        new = (length >= needed) & (confirmed == 0)
        since[new], confirmed[new] = begun[new], block.day[date, new]
        at[new] = date
    return since, confirmed, at


def _kinds(
    block: FeatureBlock,
    chance: NDArray[np.float32],
    at: NDArray[np.intp],
    confirmed: NDArray[np.int32],
    threshold: float,
) -> NDArray[np.uint8]:
    """Stress, cut or other of what was confirmed; 0 elsewhere."""
    after = block.judged & (np.arange(len(block.day))[:, None] >= at)
    count = np.maximum(after.sum(axis=0), 1)
    stressed, gone = (
        np.where(after, chance[:, c], 0).sum(axis=0) / count for c in (_STRESSED, _GONE)
    )
    well = block.judged & (1 - chance[:, _HEALTHY] < threshold)
    counted_back = block.judged[::-1].cumsum(axis=0)[::-1]
    last = block.judged & (counted_back <= _RECOVERED)
    recovered = (well & last).sum(axis=0) >= _RECOVERED
    kind = np.where(gone > stressed, CUT, np.where(recovered, OTHER, STRESS))
    return np.where(confirmed > 0, kind, 0).astype(np.uint8)


def _is_charred(
    rest: NDArray[np.float32],
    day: NDArray[np.int32],
    since: NDArray[np.int32],
    confirmed: NDArray[np.int32],
) -> NDArray[np.bool_]:
    """Whether the confirming run is darker in the near infrared and charred, ``(n,)``.

    Parameters
    ----------
    rest
        ``(date, 7, n)`` residuals in reflectance.
    day
        ``(date, n)``; 0 where not clear.
    since, confirmed
        ``(n,)``, the run; 0 for none.
    """
    run = (day > 0) & (day >= since) & (day <= confirmed)
    green, nir, short, long_ = (
        _mean(rest[:, SIGNALS.index(band)], run)
        for band in ("B03", "B8A", "B11", "B12")
    )
    charred = (nir < _CHAR_NIR) & (long_ - short > _CHAR_SWIR) & (green < _CHAR_GREEN)
    return np.asarray(charred & (confirmed > 0))


def _mean(
    values: NDArray[np.float32], chosen: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Mean over dates of what is chosen and known; NaN where nothing is."""
    known = chosen & np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0).sum(axis=0)
    return np.asarray(
        np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0),
        np.float32,
    )
