"""Quality flags of the International Soil Moisture Network.

Dorigo et al. 2013, Global automated quality control of in situ soil moisture data,
Vadose Zone Journal 12(3), doi 10.2136/vzj2012.0097. Where the paper and the flags in
ISMN's own files differ, the files are followed and the difference is named.

====  ==============================================  ===========================
code  meaning                                         needs
====  ==============================================  ===========================
C01   below 0
C02   above 60 %
C03   above saturation                                saturation
D01   soil frozen                                     soil temperature
D02   air below freezing                              air temperature
D03   soil frozen, by a model                         soil temperature of a model
D04   rise without rain                               rain
D05   rise without rain, by a model                   rain of a model
D06   spike                                           hourly readings
D07   drop                                            hourly readings
D08   jump                                            hourly readings
D09   constant and low, after a drop                  hourly readings
D10   constant and high, after a rise                 hourly readings
====  ==============================================  ===========================
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agroforest.sensors.flags_shape import (
    find_breaks,
    find_high_plateaus,
    find_low_plateaus,
)
from agroforest.sensors.quality import is_dorigo_spike
from agroforest.sensors.surroundings import Surroundings, find_nearest, sum_rain

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Bounds of C01 and C02, m3/m3.
LOWEST, HIGHEST = 0.0, 0.6
#: Bound of C03 where nothing is known of the soil: a loam (Saxton & Rawls 2006, .459),
#: rounded as ISMN rounds.
LOAM_SATURATION = 0.46
#: D04 speaks of probes no deeper than this, metres.
SHALLOW_M = 0.10
#: D04: less rain than this in a day cannot wet a probe, millimetres (ISMN).
LEAST_RAIN = 0.2
#: D06: of the 24 readings around a spike, so many must be there, in ISMN's files.
_SPIKE_NEIGHBOURS = 24
#: D04: the rise of a day is compared with so many deviations of that day.
_RISE_DEVIATIONS = 2.0
_DAY = 24
#: Readings of a day that must be there for its deviation. Arbitrary.
_DAY_READINGS = 13

_HOUR = 3600.0
#: How far the median interval may be from an hour.
_HOURLY = (0.9 * _HOUR, 1.1 * _HOUR)
#: A silence longer than every window of these rules; longer ones are shortened to it,
#: so that a clock that is off by a century costs no memory.
_LONG_HOURS = 60

CODES = ("C01", "C02", "C03", *(f"D{n:02d}" for n in range(1, 11)))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HourlyGrid:
    """Readings laid on whole hours.

    Attributes
    ----------
    percent
        ``(h,)`` float64 soil moisture in percent; NaN where there is no reading.
    place
        ``(n,)`` int: the hour of each reading; -1 for one that shares its hour with
        an earlier one.
    """

    percent: Values
    place: NDArray[np.intp]

    def spread(self, found: Mask) -> Mask:
        """Bring a mask over hours to the readings."""
        return np.where(self.place >= 0, found[self.place], False)


def build_hourly(time: Values, value: Values) -> HourlyGrid | None:
    """Lay readings on whole hours.

    Parameters
    ----------
    time
        ``(n,)`` seconds, ascending.
    value
        ``(n,)`` m3/m3; NaN missing.

    Returns
    -------
    HourlyGrid or None
        ``None`` if the readings do not come once an hour.
    """
    steps = np.diff(time)
    steps = steps[steps > 0]
    if len(steps) == 0 or not _HOURLY[0] <= float(np.median(steps)) <= _HOURLY[1]:
        return None
    hours = np.rint((time - time[0]) / _HOUR).astype(np.int64)
    ahead = np.minimum(np.diff(hours, prepend=hours[0]), _LONG_HOURS)
    place = np.cumsum(ahead).astype(np.intp)
    place[1:][ahead[1:] == 0] = -1
    percent = np.full(int(place.max()) + 1, np.nan)
    first = place >= 0
    percent[place[first]] = np.round(value[first] * 100, 6)
    return HourlyGrid(percent=percent, place=place)


def find_ismn(
    time: Values,
    value: Values,
    *,
    depth_m: float | None = None,
    saturation: float | None = None,
    around: Surroundings | None = None,
) -> dict[str, Mask]:
    """Find the flags of one soil moisture series.

    Parameters
    ----------
    time
        ``(n,)`` seconds, ascending.
    value
        ``(n,)`` m3/m3; NaN missing, which gets no flag.
    depth_m
        Depth of the probe; `SHALLOW_M` or less, or unknown, for D04 and D05.
    saturation
        m3/m3; without it there is no C03.
    around
        Temperatures and rain, for D01 to D05.

    Returns
    -------
    dict
        A mask ``(n,)`` of each code that could be judged; others are not in it.
    """
    around = around or Surroundings()
    there = ~np.isnan(value)
    found: dict[str, Mask] = {"C01": value < LOWEST, "C02": value > HIGHEST}
    if saturation is not None:
        # Rounded: 46 % must not be above 0.46.
        found["C03"] = np.round(value, 6) > saturation
    for code, series in (
        ("D01", around.soil_temperature),
        ("D02", around.air_temperature),
        ("D03", around.model_temperature),
    ):
        if series is not None:
            found[code] = (find_nearest(series, time) < 0) & there
    grid = build_hourly(time, value)
    if grid is None:
        return found
    if depth_m is None or depth_m <= SHALLOW_M + 1e-9:
        for code, series in (("D04", around.rain), ("D05", around.model_rain)):
            if series is not None:
                dry = sum_rain(series, time) < LEAST_RAIN
                found[code] = grid.spread(_find_rises(grid.percent)) & dry
    sane = np.where((grid.percent >= 0) & (grid.percent <= 60), grid.percent, np.nan)
    drops, jumps = find_breaks(grid.percent)
    for code, mask in (
        ("D06", is_dorigo_spike(grid.percent, neighbours=_SPIKE_NEIGHBOURS)),
        ("D07", drops),
        ("D08", jumps),
        ("D09", find_low_plateaus(sane, drops)),
        ("D10", find_high_plateaus(sane)),
    ):
        found[code] = grid.spread(mask)
    return found


def _find_rises(percent: Values) -> Mask:
    """Hours wetter than the last, and than a day ago by two deviations of that day."""
    last = np.concatenate(([np.nan], percent[:-1]))
    padded = np.concatenate((np.full(_DAY, np.nan), percent))
    day = np.lib.stride_tricks.sliding_window_view(padded, _DAY + 1)
    count = np.sum(~np.isnan(day), axis=1)
    filled = np.where(np.isnan(day), 0.0, day)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = filled.sum(axis=1) / count
        square = np.where(np.isnan(day), 0.0, day - mean[:, None]) ** 2
        deviation = np.sqrt(square.sum(axis=1) / (count - 1))
    wide = np.where(count >= _DAY_READINGS, _RISE_DEVIATIONS * deviation, np.nan)
    risen: Mask = (percent > last) & (percent - day[:, 0] > wide)
    return risen
