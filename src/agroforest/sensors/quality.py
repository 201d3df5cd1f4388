"""Whether readings can be trusted: range, spike, flat line, gap; drop, frost, stale.

Each series (one sensor, variable and depth) is judged by itself, in order of time,
whatever the order of the input; then each sensor as a whole. Flags are added, never
taken away, so those of the data's producer stay.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from agroforest.core.reading import Quality, Reading, Variable
from agroforest.sensors.flags_probe import find_drops
from agroforest.sensors.flags_sensor import flag_sensor

#: Lowest and highest value that can be, in the variable's unit.
LIMITS = {
    # Dorigo et al. 2013, doi 10.2136/vzj2012.0097: C01 below 0, C02 above 60 %.
    Variable.SOIL_MOISTURE: (0.0, 0.6),
    Variable.SOIL_TEMPERATURE: (-60.0, 60.0),  # ISMN's own bounds (verify)
    Variable.AIR_TEMPERATURE: (-60.0, 60.0),  # ISMN's own bounds (verify)
    Variable.PRECIPITATION: (0.0, 400.0),  # record of one hour: 401 mm, Shangdi 1947
    Variable.RELATIVE_HUMIDITY: (0.0, 100.0),
    Variable.SOIL_CONDUCTIVITY: (0.0, 50_000.0),  # arbitrary: about sea water
    Variable.BATTERY: (0.0, 60.0),  # arbitrary: no logger runs on more
    Variable.BATTERY_LEVEL: (0.0, 100.0),
}

#: Spike of soil moisture, Dorigo et al. 2013, D06. Eq. 4: relative step.
SPIKE_STEP = 0.15
#: Eq. 5: how far the curvatures before and after may differ. The paper prints 0.2;
#: ISMN's files show 0.15 (all 62 flags of the SCAN station tested, 0.857 to 1.143).
SPIKE_CURVATURE = 0.15
#: Eq. 6: variance over mean of the readings around it, in percent.
SPIKE_VARIATION = 1.0
#: Eq. 6: readings looked at on either side, a day in an hourly series ...
SPIKE_SIDE = 12
#: ... of which so many must be there. Arbitrary: one side, so that the newest
#: readings are judged too.
SPIKE_NEIGHBOURS = 12

#: Spike of temperature: how far a reading leaves both neighbours beyond the step
#: between them, degrees (the form of the Argo and QARTOD spike test). Arbitrary.
TEMPERATURE_SPIKE = {Variable.SOIL_TEMPERATURE: 3.0, Variable.AIR_TEMPERATURE: 8.0}

#: The readings beside a spike must be next to it: no more than so many median
#: intervals away. Arbitrary.
NEXT = 1.5

#: Hours of one unchanged number. Arbitrary; no run in four real soil-moisture
#: stations, frozen winters included, reaches 72 hours. Rain, batteries and the
#: conductivity of dry soil may rest for long.
FLAT_HOURS = {
    Variable.SOIL_MOISTURE: 72.0,
    Variable.SOIL_TEMPERATURE: 48.0,
    Variable.AIR_TEMPERATURE: 12.0,
    Variable.RELATIVE_HUMIDITY: 48.0,
}
#: And so many readings of it, lest a sparse series look flat. Arbitrary.
FLAT_READINGS = 12

#: A silence of more than so many median intervals is a gap. Arbitrary: four or five
#: lost messages in a row are common on LoRaWAN.
GAP_INTERVALS = 6.0

_HOUR = 3600.0
_Numbers = NDArray[np.float64]
_Flags = NDArray[np.uint16]


def flag(readings: Iterable[Reading]) -> list[Reading]:
    """Add quality flags.

    Parameters
    ----------
    readings
        Of any sensors, in any order. For a spike to be seen, and a flat line or a
        gap, its neighbours in time must be among them.

    Returns
    -------
    list of Reading
        The same readings in the same order, with flags.
    """
    given = list(readings)
    series: dict[tuple[str, Variable, float | None], list[int]] = {}
    for index, each in enumerate(given):
        key = each.sensor, each.variable, each.depth_m
        series.setdefault(key, []).append(index)
    for (_, variable, _), places in series.items():
        flags = _flag_series(variable, [given[place] for place in places])
        _add(given, places, flags)
    sensors: dict[str, list[int]] = {}
    for index, each in enumerate(given):
        sensors.setdefault(each.sensor, []).append(index)
    for places in sensors.values():
        _add(given, places, flag_sensor([given[place] for place in places]))
    return given


def find_out_of_range(value: _Numbers, variable: Variable) -> NDArray[np.bool_]:
    """Find values outside `LIMITS`; NaN is none.

    Parameters
    ----------
    value
        ``(n,)`` in the variable's unit.
    """
    low, high = LIMITS[variable]
    return (value < low) | (value > high)


def find_spikes(
    time: _Numbers, value: _Numbers, variable: Variable
) -> NDArray[np.bool_]:
    """Find single readings that leave their neighbours and come back at once.

    Parameters
    ----------
    time
        ``(n,)`` seconds, ascending.
    value
        ``(n,)`` in the variable's unit; NaN is no reading to compare with.

    Notes
    -----
    Soil moisture *x* in percent, *x''* its second difference (Dorigo et al. 2013):
    Eq. 4, x(t)/x(t-1) above 1.15 or below 0.85; Eq. 5, abs(x''(t-1)/x''(t+1))
    within 1 ± 0.15; Eq. 6, variance over mean of the 24 readings around *t* below 1;
    and x(t) is not passed by x(t+1). Temperature: see `TEMPERATURE_SPIKE`. Other
    variables have no spike test.
    """
    if len(value) < 5 or variable not in {
        Variable.SOIL_MOISTURE,
        *TEMPERATURE_SPIKE,
    }:
        return np.zeros(len(value), np.bool_)
    if variable in TEMPERATURE_SPIKE:
        found = _leaves_both(value) > TEMPERATURE_SPIKE[variable]
    else:
        found = is_dorigo_spike(np.round(value * 100, 6), neighbours=SPIKE_NEIGHBOURS)
    return found & _is_between_neighbours(time)


def is_dorigo_spike(percent: _Numbers, *, neighbours: int) -> NDArray[np.bool_]:
    """Tell which readings are spikes after Dorigo et al. 2013, Eq. 4 to 6.

    Parameters
    ----------
    percent
        ``(n,)`` soil moisture in percent, one reading after the other.
    neighbours
        Of the 24 readings around one, so many must be there.

    Returns
    -------
    ndarray
        ``(n,)`` bool; False where a reading or one beside it is missing.
    """
    before, middle, after = percent[:-2], percent[1:-1], percent[2:]
    step = np.full(len(percent), np.nan)
    bend = np.full(len(percent), np.nan)
    curvature = np.full(len(percent), np.nan)
    turns = np.zeros(len(percent), np.bool_)
    with np.errstate(divide="ignore", invalid="ignore"):
        step[1:-1] = np.round(middle / before, 3) - 1  # Eq. 4; ISMN rounds likewise
        bend[1:-1] = before - 2 * middle + after
        curvature[1:-1] = np.abs(np.round(bend[:-2] / bend[2:], 3))  # Eq. 5
        turns[1:-1] = (middle - before) * (after - middle) <= 0
        found: NDArray[np.bool_] = (
            (np.abs(step) > SPIKE_STEP)
            & (np.abs(curvature - 1) < SPIKE_CURVATURE)
            & (_variation(percent, neighbours) < SPIKE_VARIATION)
            & turns
        )
    return found


def find_flat(time: _Numbers, value: _Numbers, variable: Variable) -> NDArray[np.bool_]:
    """Find runs of one unchanged number, longer than `FLAT_HOURS`.

    Parameters
    ----------
    time
        ``(n,)`` seconds, ascending.
    value
        ``(n,)``; NaN neither makes nor breaks a run. Saturated air, at 100 %, is
        no flat line.
    """
    found = np.zeros(len(value), np.bool_)
    there = np.flatnonzero(~np.isnan(value))
    if variable not in FLAT_HOURS or len(there) == 0:
        return found
    numbers, moments = value[there], time[there]
    breaks = np.flatnonzero(np.diff(numbers) != 0)
    silence = np.flatnonzero(_is_after_gap(moments)) - 1
    cuts = np.union1d(breaks, silence)
    first = np.concatenate(([0], cuts + 1)).astype(np.intp)
    last = np.concatenate((cuts, [len(numbers) - 1])).astype(np.intp)
    long = moments[last] - moments[first] > FLAT_HOURS[variable] * _HOUR
    many = last - first + 1 >= FLAT_READINGS
    chosen = np.repeat(long & many, last - first + 1)
    if variable == Variable.RELATIVE_HUMIDITY:
        chosen &= numbers < LIMITS[variable][1]
    found[there] = chosen
    return found


def find_gaps(time: _Numbers) -> NDArray[np.bool_]:
    """Find first readings after a silence of over `GAP_INTERVALS` median intervals.

    Parameters
    ----------
    time
        ``(n,)`` seconds, ascending.
    """
    return _is_after_gap(time)


def _flag_series(variable: Variable, readings: Sequence[Reading]) -> _Flags:
    time = np.array([each.time.timestamp() for each in readings])
    value = np.array([np.nan if r.value is None else r.value for r in readings])
    order = np.lexsort((value, time))
    moments, numbers = time[order], value[order]
    outside = find_out_of_range(numbers, variable)
    inside = np.where(outside, np.nan, numbers)  # a wild value is no yardstick
    there = ~np.isnan(inside)
    spiky = np.zeros(len(readings), np.bool_)
    spiky[there] = find_spikes(moments[there], inside[there], variable)
    flags = np.zeros(len(readings), np.uint16)
    for found, quality in (
        (outside, Quality.RANGE),
        (spiky, Quality.SPIKE),
        (find_flat(moments, numbers, variable), Quality.FLAT),
        (find_gaps(moments), Quality.GAP),
        (np.isnan(numbers), Quality.MISSING),
        (_find_breaks(moments, inside, variable), Quality.BREAK),
    ):
        flags[found] |= np.uint16(quality)
    restored = np.empty_like(flags)
    restored[order] = flags
    return restored


def _find_breaks(
    time: _Numbers, value: _Numbers, variable: Variable
) -> NDArray[np.bool_]:
    if variable != Variable.SOIL_MOISTURE:
        return np.zeros(len(value), np.bool_)
    return find_drops(time, value)


def _add(given: list[Reading], places: Sequence[int], flags: _Flags) -> None:
    for place, bits in zip(places, flags.tolist(), strict=True):
        quality = given[place].quality | Quality(bits)
        if quality != given[place].quality:
            given[place] = given[place].patch(quality=quality)


def _median_interval(time: _Numbers) -> float:
    steps = np.diff(time)
    steps = steps[steps > 0]  # two readings of one moment are no interval
    return float(np.median(steps)) if len(steps) > 1 else np.inf


def _is_after_gap(time: _Numbers) -> NDArray[np.bool_]:
    steps = np.diff(time, prepend=time[:1])
    return steps > GAP_INTERVALS * _median_interval(time)


def _is_between_neighbours(time: _Numbers) -> NDArray[np.bool_]:
    near = np.diff(time) <= NEXT * _median_interval(time)
    found = np.zeros(len(time), np.bool_)
    found[2:-2] = near[:-3] & near[1:-2] & near[2:-1] & near[3:]
    return found


def _leaves_both(value: _Numbers) -> _Numbers:
    before, middle, after = value[:-2], value[1:-1], value[2:]
    height = np.full(len(value), np.nan)
    height[1:-1] = np.abs(middle - (before + after) / 2) - np.abs(after - before) / 2
    return height


def _variation(percent: _Numbers, neighbours: int) -> _Numbers:
    """Variance over mean of the readings around each one, Eq. 6."""
    padded = np.pad(percent, SPIKE_SIDE, constant_values=np.nan)
    there = ~np.isnan(padded)
    zeroed = np.where(there, padded, 0.0)
    count = _sum_around(there.astype(np.float64))
    total = _sum_around(zeroed)
    mean = total / count
    squares = _sum_around(zeroed**2)
    variance = (squares - count * mean**2) / (count - 1)
    variance[count < neighbours] = np.nan
    return np.abs(variance / mean)


def _sum_around(padded: _Numbers) -> _Numbers:
    # Short windows summed directly: a running sum would carry rounding along.
    width = 2 * SPIKE_SIDE + 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, width)
    summed: _Numbers = windows.sum(axis=1) - padded[SPIKE_SIDE:-SPIKE_SIDE]
    return summed
