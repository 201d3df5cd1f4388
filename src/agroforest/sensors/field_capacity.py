"""Field capacity learned from a probe: what is left when the soil has drained.

After a soaking the upper soil drains fast, then hardly at all; what it still holds one
to two days later is its field capacity (Veihmeyer & Hendrickson 1931, doi
10.1097/00010694-193109000-00002). A shower that does not soak it is followed by no
drainage, only by the slow and even loss to roots and sun, and says nothing.

For each wetting: moisture rises by `LEAST_RISE` within a day to a peak, which is among
the wettest tenth of all readings; nothing wets it again for two days; it falls in the
first half day by at least `FAST_TIMES` the rate of the second day (drainage, not use);
and on the second day it changes by less than `REST_RATE` a day. The median of the
second day is the field capacity of this wetting.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_HOUR = 3600.0
_DAY = 24 * _HOUR

#: Rise within a day that may be a soaking, m3/m3. Arbitrary.
LEAST_RISE = 0.03
#: A peak below this quantile of all readings was no soaking. Arbitrary.
SOAKED = 0.9
#: The first half day of drainage against the second day. Arbitrary.
FAST_TIMES = 2.0
#: Largest change on the second day, m3/m3 a day; a field uses 3 to 5 mm of water a
#: day, 0.01 to 0.025 m3/m3 of its upper 20 cm (FAO-56), which must not count as
#: drainage.
REST_RATE = 0.03
#: A rise of this much within two days of the peak is another wetting, m3/m3. Arbitrary,
#: above the noise and the daily wave of a capacitance probe.
WET_AGAIN = 0.01
#: The second day must hold so many readings. Arbitrary.
LEAST_READINGS = 4
#: Fewer wettings teach nothing. Arbitrary.
LEAST_WETTINGS = 3

#: Standard deviations between the quartiles of a normal distribution.
_QUARTILES = 1.349
_REST = (1 * _DAY, 2 * _DAY)
_FAST = 0.5 * _DAY


@dataclass(frozen=True, kw_only=True, slots=True)
class Drainage:
    """One wetting and what was left of it.

    Attributes
    ----------
    time
        Of the peak, seconds since 1970.
    peak
        m3/m3.
    value
        Median of the second day, m3/m3.
    rate
        Change on the second day, m3/m3 a day; negative while it dries.
    """

    time: float
    peak: float
    value: float
    rate: float


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldCapacity:
    """Field capacity of the soil around a probe.

    Attributes
    ----------
    value
        Median over the wettings, m3/m3.
    low, high
        Lower and upper quartile: half of the wettings lie between.
    wettings
        What it was learned from.
    """

    value: float
    low: float
    high: float
    wettings: tuple[Drainage, ...]

    @property
    def spread(self) -> float:
        """Standard deviation of a wetting, m3/m3, as the quartiles of a normal one."""
        return (self.high - self.low) / _QUARTILES


def learn_field_capacity(time: Values, value: Values) -> FieldCapacity | None:
    """Learn field capacity from one probe at one depth.

    Parameters
    ----------
    time
        ``(n,)`` seconds since 1970, ascending.
    value
        ``(n,)`` m3/m3; NaN for readings that are missing or flagged. Leave flagged
        ones out: a spike looks like a wetting.

    Returns
    -------
    FieldCapacity or None
        ``None`` while fewer than `LEAST_WETTINGS` wettings were seen.
    """
    there = ~np.isnan(value)
    wettings = find_drainages(time[there], value[there])
    if len(wettings) < LEAST_WETTINGS:
        return None
    left = np.array([wetting.value for wetting in wettings])
    low, middle, high = np.quantile(left, [0.25, 0.5, 0.75]).round(4).tolist()
    return FieldCapacity(value=middle, low=low, high=high, wettings=tuple(wettings))


def find_drainages(time: Values, value: Values) -> list[Drainage]:
    """Find the wettings after which the soil drained and came to rest.

    Parameters
    ----------
    time
        ``(n,)`` seconds, ascending.
    value
        ``(n,)`` m3/m3, none missing.
    """
    found: list[Drainage] = []
    soaked = float(np.quantile(value, SOAKED)) if len(value) else 0.0
    for peak in _find_peaks(time, value):
        if value[peak] < soaked:
            continue
        drainage = _read_drainage(time, value, peak)
        if drainage is not None:
            found.append(drainage)
    return found


def _find_peaks(time: Values, value: Values) -> list[int]:
    """Places that are the highest of two days and far above the day before."""
    peaks: list[int] = []
    for place in range(1, len(value) - 1):
        if not value[place] > value[place - 1]:
            continue
        before = value[np.searchsorted(time, time[place] - _DAY) : place + 1]
        if value[place] - before.min() < LEAST_RISE or value[place] < before.max():
            continue
        after = value[place : np.searchsorted(time, time[place] + _REST[1], "right")]
        if after.max() <= value[place]:
            peaks.append(place)
    return peaks


def _read_drainage(time: Values, value: Values, peak: int) -> Drainage | None:
    since = time - time[peak]
    start, stop = np.searchsorted(since, _REST)
    if stop - start < LEAST_READINGS or since[-1] < _REST[1]:
        return None
    path = value[peak:stop]
    if float((path - np.minimum.accumulate(path)).max()) > WET_AGAIN:
        return None
    days = since[start:stop] / _DAY
    rate = float(np.polyfit(days, value[start:stop], 1)[0])
    half = int(np.searchsorted(since, _FAST, "right")) - 1
    if half <= peak:
        return None
    fast = (value[peak] - value[half]) / (since[half] / _DAY)
    if abs(rate) > REST_RATE or fast < FAST_TIMES * abs(rate):
        return None
    return Drainage(
        time=float(time[peak]),
        peak=float(value[peak]),
        value=float(np.median(value[start:stop])),
        rate=round(rate, 6),
    )
