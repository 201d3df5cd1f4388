"""What else is known where a soil probe stands, at the times of its readings."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

#: A temperature this many hours from a reading still speaks of it. Arbitrary.
NEAR_HOURS = 1.5
#: Rain counts for so many hours (Dorigo et al. 2013, D04).
RAIN_HOURS = 24.0
#: A silence of the rain gauge longer than this leaves the rain unknown. Arbitrary:
#: a gauge read once a day may be an hour late.
_SILENT_HOURS = 25.0
_HOUR = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Series:
    """Numbers of another instrument or model, in order of time.

    Attributes
    ----------
    time
        ``(m,)`` float64 seconds, ascending.
    value
        ``(m,)`` float64; NaN unknown.
    """

    time: Values
    value: Values


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Surroundings:
    """What is known beside the soil moisture; ``None`` where nothing is.

    Attributes
    ----------
    soil_temperature, air_temperature
        Measured there, degrees Celsius.
    rain
        Measured there, millimetres since the reading before.
    model_temperature, model_rain
        The soil's temperature and the rain of a model or a reanalysis.
    """

    soil_temperature: Series | None = None
    air_temperature: Series | None = None
    rain: Series | None = None
    model_temperature: Series | None = None
    model_rain: Series | None = None


def find_nearest(series: Series, time: Values) -> Values:
    """Find the value nearest in time, NaN beyond `NEAR_HOURS`.

    Parameters
    ----------
    series
        What to look in.
    time
        ``(n,)`` seconds.

    Returns
    -------
    ndarray
        ``(n,)`` float64.
    """
    known = ~np.isnan(series.value)
    when, what = series.time[known], series.value[known]
    if len(when) == 0:
        return np.full(len(time), np.nan)
    after = np.clip(np.searchsorted(when, time), 0, len(when) - 1)
    before = np.maximum(after - 1, 0)
    closer = np.abs(when[before] - time) <= np.abs(when[after] - time)
    nearest = np.where(closer, before, after)
    near = np.abs(when[nearest] - time) <= NEAR_HOURS * _HOUR
    return np.where(near, what[nearest], np.nan)


def sum_rain(series: Series, time: Values) -> Values:
    """Sum the rain of the `RAIN_HOURS` before each time, NaN where it is unknown.

    A gauge that is read less than once an hour tells of rain after it fell: then
    the reading that follows counts too.

    Parameters
    ----------
    series
        Millimetres since the reading before.
    time
        ``(n,)`` seconds.

    Returns
    -------
    ndarray
        ``(n,)`` float64, millimetres.
    """
    known = ~np.isnan(series.value)
    when, fallen = series.time[known], series.value[known]
    if len(when) < 2:
        return np.full(len(time), np.nan)
    interval = float(np.median(np.diff(when)))
    late = interval if interval > _HOUR else 0.0
    total = np.concatenate(([0.0], np.cumsum(fallen)))
    first = np.searchsorted(when, time - RAIN_HOURS * _HOUR, side="right")
    last = np.searchsorted(when, time + late, side="right")
    rain = np.round(total[last] - total[first], 6)
    # Known only if the gauge reported, without a long silence, up to the reading.
    longest = np.maximum(np.diff(when, prepend=when[0]), 0.0)
    silent = np.concatenate(([0], np.cumsum(longest > _SILENT_HOURS * _HOUR)))
    heard = (last > first) & (silent[last] == silent[np.maximum(first, 1)])
    heard &= when[0] <= time - (RAIN_HOURS - 1) * _HOUR + late
    heard &= when[-1] >= time - late - _HOUR
    return np.where(heard, rain, np.nan)
