"""Field capacity that probes have learned from drainage after rain, month by month.

What is learned changes with every soaking. A night takes what was known on the first
of a day's month, so that an account need not be led anew after each of them.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone

import numpy as np

from agroforest.core.reading import Variable
from agroforest.core.risk import EPOCH
from agroforest.nightly.water.fields import FarmField
from agroforest.nightly.water.probes import DRAWN_DAYS
from agroforest.sensors import (
    FieldCapacity,
    Series,
    calibrate,
    learn_field_capacity,
)
from agroforest.sensors.calibration import Calibration
from agroforest.sensors.trust import BAD
from agroforest.store import Store

#: Readings from which it is learned. Arbitrary: a rainy season.
LEARNING = timedelta(days=400)

#: Sensor and metres below the surface.
Level = tuple[str, float]
Learned = Mapping[Level, FieldCapacity]


class Capacities:
    """What probes have learned.

    Parameters
    ----------
    moisture
        By level, good readings in order of time, m³/m³.
    offset
        Of the local time in which months begin.
    """

    def __init__(
        self, moisture: Mapping[Level, Series], offset: timedelta = timedelta()
    ) -> None:
        self._moisture, self._offset = moisture, offset
        self._known: dict[date, dict[str, dict[Level, FieldCapacity]]] = {}

    def find(self, one: FarmField, day: int) -> Learned:
        """Find what a field's probes knew on the first of a day's month.

        Nothing where its field capacity was measured, which comes first.
        """
        if one.capacity_measured:
            return {}
        first = (EPOCH + timedelta(days=day)).replace(day=1)
        if first not in self._known:
            self._known[first] = self._learn(first)
        known = self._known[first]
        found: dict[Level, FieldCapacity] = {}
        for sensor in one.sensors:
            found |= known.get(sensor, {})
        return found

    def _learn(self, first: date) -> dict[str, dict[Level, FieldCapacity]]:
        """Learn all there is, by sensor."""
        until = _begin(first, self._offset).timestamp()
        found: dict[str, dict[Level, FieldCapacity]] = {}
        for level, series in self._moisture.items():
            learned = learn(series, until)
            if learned is not None:
                found.setdefault(level[0], {})[level] = learned
        return found


def learn(series: Series, until: float) -> FieldCapacity | None:
    """Learn from the readings of `LEARNING` before a moment, seconds since 1970."""
    first = np.searchsorted(series.time, until - LEARNING.total_seconds())
    last = np.searchsorted(series.time, until)
    return learn_field_capacity(series.time[first:last], series.value[first:last])


def read_capacities(
    store: Store,
    fields: Sequence[FarmField],
    calibrations: Sequence[Calibration],
    *,
    night: date,
    offset: timedelta,
) -> Capacities:
    """Read what a night needs to know what its fields' probes have learned."""
    wanted = {
        name for one in fields if not one.capacity_measured for name in one.sensors
    }
    month = night.replace(day=1)
    earliest = (month - timedelta(days=DRAWN_DAYS)).replace(day=1)
    moisture = read_moisture(
        store,
        wanted,
        calibrations,
        since=_begin(earliest, offset) - LEARNING,
        until=_begin(month, offset),
    )
    return Capacities(moisture, offset)


def read_moisture(
    store: Store,
    sensors: Collection[str],
    calibrations: Sequence[Calibration],
    *,
    since: datetime,
    until: datetime,
) -> dict[Level, Series]:
    """Read good soil moisture of known depth, calibrated, from a time on."""
    series = {}
    for sensor in sorted(sensors):  # one by one: a year of hundreds is much to hold
        every = store.readings(
            [sensor], since, until, variables=[Variable.SOIL_MOISTURE]
        )
        found: dict[float, list[tuple[float, float]]] = {}
        for one in calibrate(every, calibrations):
            if one.depth_m is None or one.value is None or one.quality & BAD:
                continue
            pair = one.time.timestamp(), one.value
            found.setdefault(one.depth_m, []).append(pair)
        for depth, pairs in sorted(found.items()):
            times, values = np.array(sorted(pairs), dtype=np.float64).T
            series[sensor, depth] = Series(time=times, value=values)
    return series


def _begin(day: date, offset: timedelta) -> datetime:
    return datetime.combine(day, time(), timezone(offset)).astimezone(UTC)
