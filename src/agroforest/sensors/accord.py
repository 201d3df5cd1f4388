"""Whether a probe rises and falls with the wetness that satellites see.

A probe measures a spot at a depth, a satellite the skin of a field or its leaves, on
another scale. So their numbers are never compared, only which of the clear dates were
wetter and which drier: by ranks, with the time held still, lest a canopy that grows
while the soil dries look like a contradiction.
"""

import math
from dataclasses import dataclass

import numpy as np

from agroforest.sensors.surroundings import Series, Values

#: Days that are looked back on: clear dates are rare where it rains. Arbitrary.
SEEN_DAYS = 120.0
#: Readings within so many hours of a pass are of its date.
BESIDE_HOURS = 12.0
#: Fewer dates tell nothing. Arbitrary: of eight, chance alone gives rank correlations
#: beyond 0.64 once in ten times.
LEAST_DATES = 8

#: Variance of the inverse hyperbolic tangent of a rank correlation is this over n - 3
#: (Fieller, Hartley & Pearson 1957, Biometrika 44, 470-481); the time held still
#: costs one more.
_VARIANCE, _COST = 1.06, 4
#: Of the normal distribution, nine tenths lie below.
_NINE_TENTHS = 1.2816
_SURE = 0.999  # beyond which the tangent runs away
#: Ranks are whole or half: what is less is rounding.
_STRAIGHT = 1e-6
_HOUR, _DAY = 3600.0, 86_400.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Accord:
    """How a probe goes with the wetness seen.

    Attributes
    ----------
    dates
        Clear dates on which the probe had a good reading.
    correlation
        Of the ranks, the time held still, -1 to 1; ``None`` where the dates are too
        few or nothing rose and fell on them.
    at_best
        What nine in ten of the true correlations that give such a one stay below.
    """

    dates: int
    correlation: float | None = None
    at_best: float | None = None


def compare_ranks(own: Series, seen: Series, now: float) -> Accord:
    """Compare a probe with the wetness of its field, date by date.

    Parameters
    ----------
    own
        Of the probe, in order of time; NaN where a reading is missing or doubtful.
    seen
        Of the field, in order of time, on any scale that rises with water; NaN where
        it was not seen.
    now
        Seconds since 1970; what came later does not count.

    Returns
    -------
    Accord
        Of the pairs within `SEEN_DAYS`.
    """
    recent = (seen.time > now - SEEN_DAYS * _DAY) & (seen.time <= now)
    time, wet = seen.time[recent], seen.value[recent]
    mine = _find_beside(own, time, now)
    both = ~np.isnan(mine) & ~np.isnan(wet)
    time, wet, mine = time[both], wet[both], mine[both]
    dates = len(time)
    if dates < LEAST_DATES:
        return Accord(dates=dates)
    found = _correlate_still(_rank(mine), _rank(wet), _rank(time))
    if found is None:
        return Accord(dates=dates)
    error = math.sqrt(_VARIANCE / (dates - _COST))
    best = math.atanh(min(max(found, -_SURE), _SURE)) + _NINE_TENTHS * error
    return Accord(dates=dates, correlation=found, at_best=math.tanh(best))


def _find_beside(own: Series, time: Values, now: float) -> Values:
    """Mean of the readings around each time, NaN where there is none."""
    there = ~np.isnan(own.value) & (own.time <= now)
    when, what = own.time[there], own.value[there]
    first = np.searchsorted(when, time - BESIDE_HOURS * _HOUR, side="left")
    last = np.searchsorted(when, time + BESIDE_HOURS * _HOUR, side="left")
    total = np.concatenate(([0.0], np.cumsum(what)))
    count = (last - first).astype(np.float64)
    mean = np.full(len(time), np.nan)
    np.divide(total[last] - total[first], count, out=mean, where=count > 0)
    return np.round(mean, 9)  # equal days must tie


def _rank(values: Values) -> Values:
    """Ranks from 1; equal values share the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    shared: Values = (np.cumsum(count) - (count - 1) / 2)[place]
    return shared


def _correlate_still(a: Values, b: Values, time: Values) -> float | None:
    """Correlation of two rows of ranks, that of both with time taken out.

    ``None`` if `b` knows nothing but time; 0 if `a` does, for then it did not go along.
    """
    left_a, left_b = _take_out(a, time), _take_out(b, time)
    if left_b is None:
        return None
    if left_a is None:
        return 0.0
    return float(np.clip(np.corrcoef(left_a, left_b)[0, 1], -1.0, 1.0))


def _take_out(values: Values, time: Values) -> Values | None:
    """Take out a straight line over time; ``None`` if nothing is left."""
    slope, start = np.polyfit(time, values, 1)
    left: Values = values - (slope * time + start)
    return left if np.ptp(left) > _STRAIGHT else None
