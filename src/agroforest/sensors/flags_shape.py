"""Breaks and plateaus of an hourly soil moisture series, D07 to D10.

Dorigo et al. 2013, doi 10.2136/vzj2012.0097; derivatives by a Savitzky-Golay filter of
three readings and second order, that is x' = (x(t+1) - x(t-1)) / 2 and
x'' = x(t-1) - 2 x(t) + x(t+1).
"""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Eq. 7: relative and absolute change (percent of volume) at a break.
BREAK_SHARE, BREAK_CHANGE = 0.1, 1.0
#: Eq. 8: the slope at a break against the mean slope of the day around it.
BREAK_SLOPE = 10.0
BREAK_SIDE = 12
_SLOPES = 4  # readings of that day that must be there (ISMN)
#: Eq. 9: how far x''(t-1)/x''(t) may be from 1. The paper rounds to a whole number; the
#: eight jumps in ISMN's four sample files, and no other reading of them, stay below
#: 0.05.
BREAK_CURVATURE = 0.05
#: Eq. 9: x''(t) against x''(t+2), two hours on, where the paper has one.
BREAK_REST = 10.0
#: A fall from above this to 0 is a drop, percent (ISMN, not in the paper).
ZERO_DROP = 5.0

#: Eq. 14: variance over mean of a low plateau, and its shortest length in readings.
LOW_VARIATION, LOW_READINGS = 0.001, 13
#: Eq. 10 to 13: variance of a high plateau, its shortest length, the slope that begins
#: it, and its mean against the highest value of the series.
HIGH_VARIANCE, HIGH_READINGS, HIGH_RISE, HIGH_SHARE = 0.05, 12, 0.25, 0.95
#: Readings on either side in which the rise, and the fall after it, are looked for.
HIGH_SIDE = 12
#: A plateau does not reach over a silence of so many hours. The paper does not say;
#: the three plateaus of ISMN's SOILSCAPE sample end at silences of 12, 14 and 36.
HIGH_SILENCE = 12


def find_breaks(percent: Values) -> tuple[Mask, Mask]:
    """Find hours at which the level changes and stays, Eq. 7 to 9.

    Parameters
    ----------
    percent
        ``(h,)`` hourly, in percent; NaN missing.

    Returns
    -------
    drops, jumps
        ``(h,)`` bool, D07 and D08: the first hour of the new level.
    """
    change = _shift(percent, 0) - _shift(percent, 1)
    slope = (_shift(percent, -1) - _shift(percent, 1)) / 2
    bend = _shift(percent, 1) - 2 * percent + _shift(percent, -1)
    change, bend = np.round(change, 6), np.round(bend, 6)
    with np.errstate(divide="ignore", invalid="ignore"):
        large = (np.abs(change / percent) > BREAK_SHARE) & (
            np.abs(change) > BREAK_CHANGE
        )  # Eq. 7
        steep = np.abs(slope) > BREAK_SLOPE * np.abs(_mean_around(slope))  # Eq. 8
        bends = np.abs(_shift(bend, 1) / bend)
        later = _shift(bend, -2)
        rests = np.abs(bend / np.where(later == 0, np.nan, later)) > BREAK_REST
        even = np.abs(bends - 1) < BREAK_CURVATURE  # Eq. 9
    broken = large & steep & even & rests & (percent != 0)
    to_zero = (percent == 0) & (change < -ZERO_DROP)
    return (broken & (slope < 0)) | to_zero, broken & (slope > 0)


def find_low_plateaus(percent: Values, drops: Mask) -> Mask:
    """Find readings that rest after a drop, Eq. 14, D09.

    Parameters
    ----------
    percent
        ``(h,)`` hourly, in percent; NaN missing.
    drops
        ``(h,)`` D07.
    """
    found = np.zeros(len(percent), np.bool_)
    there = np.flatnonzero(~np.isnan(percent))
    if len(there) < LOW_READINGS:
        return found
    windows = np.lib.stride_tricks.sliding_window_view(percent[there], LOW_READINGS)
    mean = np.round(windows.mean(axis=1), 4)
    variance = np.round(windows.var(axis=1, ddof=1), 4)
    # A probe that fell to 0 rests at 0: its relative variance is 0/0.
    rests = variance < LOW_VARIATION * mean
    rests |= (mean == 0) & (variance == 0)
    for start in np.flatnonzero(drops[there][: len(rests)] & rests):
        moved = np.flatnonzero(~rests[start:])
        stop = start + moved[0] if len(moved) else len(rests)
        found[there[start : stop + LOW_READINGS - 1]] = True
    return found


def find_high_plateaus(percent: Values) -> Mask:
    """Find readings that rest at the highest level, between rise and fall, D10.

    Parameters
    ----------
    percent
        ``(h,)`` hourly, in percent, values above 60 left out; NaN missing.
    """
    found = np.zeros(len(percent), np.bool_)
    there = np.flatnonzero(~np.isnan(percent))
    if len(there) < HIGH_READINGS:
        return found
    slope = (_shift(percent, -1) - _shift(percent, 1)) / 2
    highest = float(percent[there].max())
    cuts = np.flatnonzero(np.diff(there) >= HIGH_SILENCE) + 1
    for part in np.split(there, cuts):
        for first, last in _find_rests(percent[part]):
            start = _find_start(slope[part], first, last)
            if start is None:
                continue
            plateau = part[start : last + 1]
            if percent[plateau].mean() > HIGH_SHARE * highest:  # Eq. 13
                found[plateau] = True
    return found


def _find_rests(level: Values) -> list[tuple[int, int]]:
    """First and last reading of each run of low variance, Eq. 10."""
    if len(level) < HIGH_READINGS:
        return []
    windows = np.lib.stride_tricks.sliding_window_view(level, HIGH_READINGS)
    calm = windows.var(axis=1, ddof=1) <= HIGH_VARIANCE
    edges = np.diff(np.concatenate(([0], calm.astype(np.int8), [0])))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [
        (int(start), int(stop) + HIGH_READINGS - 2)
        for start, stop in zip(starts, stops, strict=True)
    ]


def _find_start(slope: Values, first: int, last: int) -> int | None:
    """First reading at the rise that begins it, if a fall follows; Eq. 11 and 12."""
    slope = np.nan_to_num(slope)
    rise = slope[max(0, first - HIGH_SIDE) : first + HIGH_SIDE + 1].max()
    fall = slope[max(0, last - HIGH_SIDE + 1) : last + HIGH_SIDE + 1].min()
    if round(float(rise), 3) < HIGH_RISE or round(float(fall), 3) >= 0:
        return None
    inside = np.flatnonzero(slope[first : last + 1] == rise)
    return first + int(inside[0]) if len(inside) else first


def _mean_around(slope: Values) -> Values:
    """Mean of the slopes within half a day, the hour itself among them."""
    padded = np.pad(slope, BREAK_SIDE, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * BREAK_SIDE + 1)
    count = np.sum(~np.isnan(windows), axis=1)
    total = np.where(np.isnan(windows), 0.0, windows).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean: Values = total / np.where(count >= _SLOPES, count, np.nan)
    return mean


def _shift(values: Values, hours: int) -> Values:
    """Value so many hours before; negative after."""
    moved = np.full(len(values), np.nan)
    if hours == 0:
        moved[:] = values
    elif abs(hours) < len(values):
        source, target = slice(None, -hours), slice(hours, None)
        if hours < 0:
            source, target = slice(-hours, None), slice(None, hours)
        moved[target] = values[source]
    return moved
