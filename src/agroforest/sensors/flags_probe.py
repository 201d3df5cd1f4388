"""Flags of a probe as a whole: drops, stale messages, low battery, silence.

Unlike those of `agroforest.sensors.flags_ismn`, they do not need hourly readings.
"""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

_HOUR = 3600.0

#: Drop of soil moisture: relative and absolute change (m3/m3) from one reading to the
#: next, as Dorigo et al. 2013, Eq. 7.
DROP_SHARE, DROP_CHANGE = 0.1, 0.01
#: How many times the mean change of the readings around it (in the spirit of Eq. 8).
DROP_TIMES = 10.0
_AROUND = 12  # readings on either side, for that mean
#: The level of so many readings before and after must differ by half the drop.
#: Arbitrary; tells a drop from a spike.
DROP_LEVEL = 6
#: Soil drains by a tenth in an afternoon: between readings further apart than this a
#: drop means nothing, hours. Arbitrary.
DROP_HOURS = 2.0

#: A probe whose messages do not change at all for so long and so many is stale.
#: Arbitrary: the temperature of no soil stands still for a day at 0.01 or 0.1 degrees
#: while its moisture does so too.
STALE_HOURS, STALE_MESSAGES = 24.0, 12
#: Messages in a row that were all sent before, in this order, are stale ...
REPLAY_MESSAGES = 12
#: ... if so many of them differ from each other. Arbitrary.
REPLAY_DISTINCT = 6

#: Volts below which no probe measures reliably. Dragino's manuals give 2.5 V as the
#: lowest supply; Decentlab's probes were seen to work at 2.53 V.
LOW_VOLTS = 2.5
#: The same of devices that tell percent. Arbitrary: what they say of the last tenth
#: is a guess, and somebody must still get there with a new battery.
LOW_PERCENT = 10.0
#: A battery report speaks of the readings after it for so many days. Arbitrary.
BATTERY_DAYS = 7.0

#: A probe is silent after so many of its median intervals, but not before so many
#: hours. Arbitrary: LoRaWAN loses single messages all the time.
SILENT_INTERVALS, SILENT_HOURS = 6.0, 6.0


def find_drops(time: Values, value: Values) -> Mask:
    """Find readings at which soil moisture falls at once to another level.

    Rain is no drop, so that rises are left to rules that know of rain.

    Parameters
    ----------
    time
        ``(n,)`` seconds, ascending.
    value
        ``(n,)`` m3/m3; NaN is passed over.

    Returns
    -------
    ndarray
        ``(n,)`` bool, the first reading of the lower level.
    """
    found = np.zeros(len(value), np.bool_)
    there = np.flatnonzero(~np.isnan(value))
    if len(there) < 2 * DROP_LEVEL:
        return found
    level, when = value[there], time[there]
    change = np.round(np.diff(level), 9)
    near = np.diff(when) <= DROP_HOURS * _HOUR
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.abs(change / level[1:])
    large = (change < -DROP_CHANGE) & (share > DROP_SHARE) & near
    large[: DROP_LEVEL - 1] = False
    large[len(level) - DROP_LEVEL :] = False
    for step in np.flatnonzero(large):
        around = np.abs(change[max(0, step - _AROUND) : step + _AROUND + 1])
        others = (around.sum() - abs(change[step])) / max(len(around) - 1, 1)
        before = np.median(level[step + 1 - DROP_LEVEL : step + 1])
        after = np.median(level[step + 1 : step + 1 + DROP_LEVEL])
        if (
            abs(change[step]) > DROP_TIMES * others
            and before - after > abs(change[step]) / 2
        ):
            found[there[step + 1]] = True
    return found


def find_stale(time: Values, messages: Sequence[Hashable]) -> Mask:
    """Find messages that were sent again under a new time.

    Parameters
    ----------
    time
        ``(n,)`` seconds, ascending.
    messages
        ``n`` messages of one probe, of all its numbers but battery and rain. Give
        those of several numbers: one alone may rest, which is another flag.

    Returns
    -------
    ndarray
        ``(n,)`` bool. The first of equal messages is no repetition, and is left.
    """
    found = np.zeros(len(messages), np.bool_)
    start = 0
    for end in range(1, len(messages) + 1):
        if end < len(messages) and messages[end] == messages[start]:
            continue
        long = time[end - 1] - time[start] >= STALE_HOURS * _HOUR
        if long and end - start >= STALE_MESSAGES:
            found[start + 1 : end] = True
        start = end
    return found | _find_replays(messages)


def _find_replays(messages: Sequence[Hashable]) -> Mask:
    found = np.zeros(len(messages), np.bool_)
    seen: dict[tuple[Hashable, ...], int] = {}
    for start in range(len(messages) - REPLAY_MESSAGES + 1):
        window = tuple(messages[start : start + REPLAY_MESSAGES])
        first = seen.setdefault(window, start)
        if start - first >= REPLAY_MESSAGES and len(set(window)) >= REPLAY_DISTINCT:
            found[start : start + REPLAY_MESSAGES] = True
    return found


def find_low_battery(time: Values, reported: Values, told: Values, low: float) -> Mask:
    """Find readings that were sent while the battery was low.

    Parameters
    ----------
    time
        ``(n,)`` seconds of the readings.
    reported, told
        ``(m,)`` seconds, ascending, and the battery's own readings.
    low
        What is low, `LOW_VOLTS` or `LOW_PERCENT`.
    """
    known = ~np.isnan(told)
    reported, told = reported[known], told[known]
    if len(reported) == 0:
        return np.zeros(len(time), np.bool_)
    last = np.searchsorted(reported, time, side="right") - 1
    age = time - reported[np.maximum(last, 0)]
    fresh = (last >= 0) & (age <= BATTERY_DAYS * 24 * _HOUR)
    found: Mask = fresh & (told[np.maximum(last, 0)] < low)
    return found


def find_silence(time: Values, now: float) -> float | None:
    """Find for how long a probe has been silent.

    Parameters
    ----------
    time
        ``(n,)`` seconds of its readings, ascending, at least one.
    now
        Seconds.

    Returns
    -------
    float or None
        Hours since its last reading; ``None`` while that is nothing unusual.
    """
    steps = np.diff(np.unique(time))
    interval = float(np.median(steps)) if len(steps) else SILENT_HOURS * _HOUR
    allowed = max(SILENT_INTERVALS * interval, SILENT_HOURS * _HOUR)
    quiet = now - float(time[-1])
    return quiet / _HOUR if quiet > allowed else None
