"""Probes of a night: their readings calibrated and flagged, and how far to trust them.

Flags are made from what is known on the night, so a line that turns out to have been
flat for days is doubted from its first day on.
"""

import hashlib
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from agroforest.core.identity import digest
from agroforest.core.reading import Quality, Reading, Sensor, Variable
from agroforest.nightly.water.probe_state import Moisture, ProbeState
from agroforest.sensors import FieldCapacity, Series, calibrate, flag
from agroforest.sensors.accord import BESIDE_HOURS, SEEN_DAYS
from agroforest.sensors.calibration import Calibration
from agroforest.sensors.trust import BAD, Trust, assess
from agroforest.store import Store
from agroforest.water.measured import OwnCapacity

#: Days of readings that a night looks at: those drawn to, those that trust looks back
#: on, and neighbours twice as long (`agroforest.sensors.trust`). Arbitrary beyond that.
LOOK_BACK = timedelta(days=60)
#: Days before a night whose readings the balance is drawn to. What was measured
#: earlier has been overtaken by weather and irrigation. Arbitrary.
DRAWN_DAYS = 30
#: Hours before the end of a day whose readings stand for its evening. Arbitrary.
EVENING = timedelta(hours=12)
#: Probes that may contradict another: the nearest so many within so many degrees,
#: ten kilometres or so, at about its depth, metres. Arbitrary.
_NEIGHBOURS, NEAR_DEGREES, _NEAR_DEPTH = 5, 0.1, 0.1

_DAY = 86_400.0
#: What says that a number is not one of moist soil.
_UNUSABLE = BAD | Quality.FROZEN


@dataclass(slots=True)
class _Level:
    """Soil moisture of one probe at one depth, in order of time."""

    readings: list[Reading] = field(default_factory=list)
    series: Series | None = None


class Probes:
    """Probes as a night knows them.

    Parameters
    ----------
    sensors
        Those that anybody may ask for.
    readings
        Theirs, up to the moment.
    calibrations
        Curves that bring them to what is there.
    wetness
        By sensor, what satellites saw where it stands; on any scale.
    moment
        What came later is not known.
    offset
        Of the local time in which days are counted.
    """

    def __init__(
        self,
        sensors: Sequence[Sensor],
        readings: Iterable[Reading],
        calibrations: Sequence[Calibration] = (),
        *,
        moment: datetime,
        wetness: Mapping[str, Series] | None = None,
        offset: timedelta = timedelta(),
    ) -> None:
        self.moment, self._offset = moment, offset
        self._wetness = wetness or {}
        self._told: dict[str, dict[int, str]] = {}
        self._doubted: dict[tuple[str, float | None], bool] = {}
        self._sensors = {one.id: one for one in sensors}
        known = [r for r in readings if r.time <= moment and r.sensor in self._sensors]
        judged = flag(calibrate(known, calibrations))
        self._of: dict[str, list[Reading]] = {}
        self._lines: dict[str, dict[float | None, _Level]] = {}
        for reading in sorted(judged, key=lambda r: r.time):
            self._of.setdefault(reading.sensor, []).append(reading)
            if reading.variable == Variable.SOIL_MOISTURE:
                depths = self._lines.setdefault(reading.sensor, {})
                depths.setdefault(reading.depth_m, _Level()).readings.append(reading)

    def readings(self, sensor: str) -> Sequence[Reading]:
        """Find the readings of a probe, flagged and calibrated, in order of time."""
        return self._of.get(sensor, ())

    def knows(self, sensor: str) -> bool:
        """Whether there is such a probe."""
        return sensor in self._sensors

    def fingerprint(self, sensors: Collection[str], day: int) -> str:
        """Digest of what probes say of soil moisture on a local day."""
        told: list[object] = []
        for sensor in sorted(sensors):
            said = self._digests(sensor).get(day)
            if said is not None:
                doubted = [
                    d for d in self._lines[sensor] if self._is_doubted(sensor, d)
                ]
                told.append([sensor, said, sorted(map(str, doubted))])
        return digest(*told) if told else ""

    def judge(self, sensor: str, at: datetime) -> ProbeState:
        """Judge a probe by what was known of it at a moment."""
        known = self._sensors.get(sensor) or Sensor(id=sensor, name=sensor)
        every = [one for one in self.readings(sensor) if one.time <= at]
        last = every[-1].time if every else None
        trusts = [
            (self._assess(sensor, depth, at), depth)
            for depth in self._lines.get(sensor, {})
        ]
        if not trusts:
            return ProbeState(sensor=known, trust=None, last=last)
        trust, depth = min(trusts, key=lambda pair: pair[0].score)
        return ProbeState(
            sensor=known,
            trust=trust,
            depth_m=depth,
            last=last,
            placed=any(d is not None and d > 0 for _, d in trusts),
        )

    def measure(
        self,
        sensors: Collection[str],
        end: datetime,
        learned: Mapping[tuple[str, float], FieldCapacity] | None = None,
    ) -> Moisture:
        """Find what trusted probes say of the evening that ends at a moment.

        Depths without trust are left out one by one: a profile probe with one broken
        level still has the others.

        Parameters
        ----------
        sensors
            Ids.
        end
            Of the evening.
        learned
            Field capacity that they learned, by sensor and depth.
        """
        known = learned or {}
        found: dict[float, list[float]] = {}
        own: dict[float, list[FieldCapacity | None]] = {}
        spoke: list[str] = []
        silent: list[str] = []
        for sensor in sensors:
            said = False
            for depth in self._lines.get(sensor, {}):
                if depth is None or depth <= 0:
                    continue  # nobody knows of which soil it speaks
                value = self._evening(sensor, depth, end)
                if value is None or self._is_doubted(sensor, depth):
                    continue
                if not self._assess(sensor, depth, end).usable:
                    continue
                found.setdefault(round(depth, 3), []).append(value)
                own.setdefault(round(depth, 3), []).append(known.get((sensor, depth)))
                said = True
            (spoke if said else silent).append(sensor)
        depths = tuple(sorted(found))
        return Moisture(
            depths=depths,
            values=tuple(float(np.mean(found[depth])) for depth in depths),
            capacities=tuple(_join(own[depth]) for depth in depths),
            sensors=tuple(spoke),
            silent=tuple(silent),
        )

    def soil_temperature(
        self, sensors: Collection[str], start: datetime, end: datetime
    ) -> float | None:
        """Mean temperature of the shallowest soil measured in a time, °C."""
        seen: dict[float, list[float]] = {}
        for sensor in sensors:
            for one in self.readings(sensor):
                if (
                    one.variable == Variable.SOIL_TEMPERATURE
                    and one.value is not None
                    and not one.quality & BAD
                    and start <= one.time < end
                ):
                    seen.setdefault(one.depth_m or 0.0, []).append(one.value)
        return float(np.mean(seen[min(seen)])) if seen else None

    def _digests(self, sensor: str) -> dict[int, str]:
        """By local day, digest of a probe's moisture and what speaks against it."""
        if sensor not in self._told:
            days: dict[int, hashlib.blake2b] = {}
            for depth, level in self._lines.get(sensor, {}).items():
                for one in level.readings:
                    time = one.time.timestamp()
                    day = math.floor((time + self._offset.total_seconds()) / _DAY)
                    doubts = int(one.quality & _UNUSABLE)
                    told = repr((depth, time, one.value, doubts)).encode()
                    days.setdefault(day, hashlib.blake2b(digest_size=8)).update(told)
            self._told[sensor] = {day: d.hexdigest() for day, d in days.items()}
        return self._told[sensor]

    def _evening(self, sensor: str, depth: float, end: datetime) -> float | None:
        line = self._lines[sensor][depth]
        values = [
            one.value
            for one in line.readings
            if one.value is not None
            and not one.quality & _UNUSABLE
            and end - EVENING <= one.time < end
        ]
        return float(np.mean(values)) if values else None

    def _is_doubted(self, sensor: str, depth: float | None) -> bool:
        """Whether a level cannot be trusted by its newest readings.

        What is known tonight counts for the days before, too. That it is silent since
        does not: what it said before may have been right.
        """
        if (sensor, depth) not in self._doubted:
            newest = self._lines[sensor][depth].readings[-1].time
            trust = self._assess(sensor, depth, newest)
            self._doubted[sensor, depth] = not trust.usable
        return self._doubted[sensor, depth]

    def _assess(self, sensor: str, depth: float | None, at: datetime) -> Trust:
        line = self._lines[sensor][depth]
        return assess(
            line.readings,
            now=at.timestamp(),
            neighbours=self._find_neighbours(sensor, depth),
            wetness=self._wetness.get(sensor),
        )

    def _find_neighbours(self, sensor: str, depth: float | None) -> list[Series]:
        here = self._sensors[sensor]
        if here.longitude is None or here.latitude is None or depth is None:
            return []
        found = []
        for other, lines in self._lines.items():
            there = self._sensors[other]
            if other == sensor or there.longitude is None or there.latitude is None:
                continue
            away = math.hypot(
                there.longitude - here.longitude, there.latitude - here.latitude
            )
            beside = [d for d in lines if d is not None]
            if away > NEAR_DEGREES or not beside:
                continue
            nearest = min(beside, key=lambda d: abs(d - depth))
            if abs(nearest - depth) <= _NEAR_DEPTH:
                found.append((away, other, nearest))
        return [
            self._series(other, beside)
            for _, other, beside in sorted(found)[:_NEIGHBOURS]
        ]

    def _series(self, sensor: str, depth: float) -> Series:
        line = self._lines[sensor][depth]
        if line.series is None:
            good = [
                (one.time.timestamp(), one.value)
                for one in line.readings
                if one.value is not None and not one.quality & _UNUSABLE
            ]
            line.series = Series(
                time=np.array([time for time, _ in good]),
                value=np.array([value for _, value in good], dtype=np.float64),
            )
        return line.series


def _join(learned: Sequence[FieldCapacity | None]) -> OwnCapacity | None:
    """Mean of what the probes at one depth learned, with the largest spread."""
    known = [one for one in learned if one is not None]
    if len(known) < len(learned):
        return None
    return OwnCapacity(
        value=float(np.mean([one.value for one in known])),
        spread=max(one.spread for one in known),
    )


def read_probes(
    store: Store,
    sensors: Mapping[str, Sensor],
    calibrations: Sequence[Calibration],
    *,
    moment: datetime,
    wetness: Mapping[str, Series] | None = None,
    offset: timedelta,
) -> Probes:
    """Read what a night needs of probes from the store."""
    end = moment + timedelta(microseconds=1)
    readings = store.readings(sorted(sensors), moment - LOOK_BACK, end)
    readings += _read_clear_dates(store, wetness or {}, moment)
    return Probes(
        list(sensors.values()),
        readings,
        calibrations,
        moment=moment,
        wetness=wetness,
        offset=offset,
    )


def _read_clear_dates(
    store: Store, wetness: Mapping[str, Series], moment: datetime
) -> list[Reading]:
    """Read what probes said on clear dates before the days that are read anyway."""
    first, last = moment - timedelta(days=SEEN_DAYS), moment - LOOK_BACK
    passes = {
        name: series.time[(series.time > first.timestamp())]
        for name, series in wetness.items()
    }
    wanted = sorted(name for name, times in passes.items() if len(times))
    if not wanted:
        return []
    beside = BESIDE_HOURS * 3600.0
    return [
        one
        for one in store.readings(
            wanted, first, last, variables=[Variable.SOIL_MOISTURE]
        )
        if np.abs(passes[one.sensor] - one.time.timestamp()).min() <= beside
    ]
