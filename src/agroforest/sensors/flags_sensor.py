"""Flags of a sensor as a whole: what its variables say of each other."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from agroforest.core.reading import Quality, Reading, Variable
from agroforest.sensors.flags_probe import (
    LOW_PERCENT,
    LOW_VOLTS,
    find_low_battery,
    find_stale,
)
from agroforest.sensors.surroundings import Series, Values, find_nearest

#: What of a probe never stands still for long; batteries and rain may.
_LIVELY = (
    Variable.SOIL_MOISTURE.value,
    Variable.SOIL_TEMPERATURE.value,
    Variable.SOIL_CONDUCTIVITY.value,
    Variable.AIR_TEMPERATURE.value,
    Variable.RELATIVE_HUMIDITY.value,
)

_LOW = {Variable.BATTERY: LOW_VOLTS, Variable.BATTERY_LEVEL: LOW_PERCENT}


def flag_sensor(readings: Sequence[Reading]) -> NDArray[np.uint16]:
    """Judge the readings of one sensor.

    Parameters
    ----------
    readings
        Of all its variables and depths, in any order.

    Returns
    -------
    ndarray
        ``(n,)`` uint16, bits of `agroforest.core.reading.Quality`.
    """
    time = np.array([each.time.timestamp() for each in readings])
    kind = np.array([each.variable.value for each in readings])
    flags = np.zeros(len(readings), np.uint16)
    ground = pick_series(readings, time, Variable.SOIL_TEMPERATURE)
    if ground is not None:
        wet = kind == Variable.SOIL_MOISTURE.value
        flags[wet & (find_nearest(ground, time) < 0)] |= np.uint16(Quality.FROZEN)
    for variable, low in _LOW.items():
        battery = pick_series(readings, time, variable)
        if battery is not None:
            found = find_low_battery(time, battery.time, battery.value, low)
            flags[found] |= np.uint16(Quality.BATTERY)
    stale = _find_stale_times(readings)
    if stale:
        again = np.array([each.time in stale for each in readings])
        flags[again & np.isin(kind, _LIVELY)] |= np.uint16(Quality.STALE)
    return flags


def pick_series(
    readings: Sequence[Reading], time: Values, variable: Variable
) -> Series | None:
    """Pick the numbers of one variable, in order of time.

    Parameters
    ----------
    readings
        Of one sensor.
    time
        ``(n,)`` their times in seconds.
    variable
        Which; of several depths, all.

    Returns
    -------
    Series or None
        ``None`` if there are none.
    """
    places = [n for n, each in enumerate(readings) if each.variable == variable]
    if not places:
        return None
    order = sorted(places, key=lambda n: time[n])
    value = [np.nan if (v := readings[n].value) is None else v for n in order]
    return Series(time=time[order], value=np.array(value))


def _find_stale_times(readings: Sequence[Reading]) -> set[datetime]:
    messages: dict[datetime, dict[tuple[str, float], float]] = {}
    for each in readings:
        if each.value is not None and each.variable.value in _LIVELY:
            key = each.variable.value, -1.0 if each.depth_m is None else each.depth_m
            messages.setdefault(each.time, {})[key] = each.value
    full = {t: m for t, m in messages.items() if len({name for name, _ in m}) > 1}
    times = sorted(full)
    seconds = np.array([time.timestamp() for time in times])
    found = find_stale(seconds, [tuple(sorted(full[time].items())) for time in times])
    return {time for time, again in zip(times, found, strict=True) if again}
