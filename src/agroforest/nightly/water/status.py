"""How every probe is: its last reading, battery, flags, trust, place and parcel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from agroforest.core.aoi import read_aoi
from agroforest.core.config import Pipeline
from agroforest.core.reading import Quality, Reading, Sensor, Variable
from agroforest.farm.crops import read_crops
from agroforest.nightly.water.capacity import LEARNING, learn, read_moisture
from agroforest.nightly.water.fields import FarmField, build_fields
from agroforest.nightly.water.probes import Probes, read_probes
from agroforest.nightly.water.seen import SeenDesk, follow_probes
from agroforest.sensors import Series, read_calibrations
from agroforest.sensors.calibration import Calibration
from agroforest.store import Store

#: A sensor silent for longer counts as one without readings.
_LONGEST = timedelta(days=3650)


@dataclass(frozen=True, kw_only=True, slots=True)
class SensorStatus:
    """A sensor as it is.

    Attributes
    ----------
    sensor
        Which.
    moment
        When.
    last
        Newest reading; ``None`` without any.
    battery, battery_level
        Newest of the last weeks, V and percent; ``None`` where a device tells none.
    battery_low
        Whether its newest reading was sent on a low battery.
    flags
        Readings of the last days by flag.
    readings
        How many there were.
    trust, usable
        0 to 1, and whether advice may be given from it; ``None`` for a sensor without
        soil moisture.
    reasons
        What lowers it, Chinese and English.
    notes
        What was asked and does not lower it.
    field_capacity
        By depth in metres, m³/m³, as learned from drainage after rain.
    parcels
        Ids of the parcels it belongs to.
    """

    sensor: Sensor
    moment: datetime
    last: datetime | None = None
    battery: float | None = None
    battery_level: float | None = None
    battery_low: bool = False
    flags: dict[str, int] = field(default_factory=dict)
    readings: int = 0
    trust: float | None = None
    usable: bool | None = None
    reasons: tuple[str, str] = ("", "")
    notes: tuple[tuple[str, str], ...] = ()
    field_capacity: dict[float, float] = field(default_factory=dict)
    parcels: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        age = None if self.last is None else self.moment - self.last
        return {
            "id": self.sensor.id,
            "name": self.sensor.name,
            "last": None if self.last is None else self.last.isoformat(),
            "age_hours": None if age is None else round(age.total_seconds() / 3600, 2),
            "battery_v": self.battery,
            "battery_pct": self.battery_level,
            "battery_low": self.battery_low,
            "readings": self.readings,
            "flags": self.flags,
            "trust": self.trust,
            "usable": self.usable,
            "reasons_zh": self.reasons[0],
            "reasons_en": self.reasons[1],
            "notes": [{"zh": zh, "en": en} for zh, en in self.notes],
            "field_capacity": {f"{d:g}": v for d, v in self.field_capacity.items()},
            "parcels": list(self.parcels),
            "longitude": self.sensor.longitude,
            "latitude": self.sensor.latitude,
            "simulated": self.sensor.simulated,
        }


def find_status(
    store: Store,
    *,
    moment: datetime,
    days: int,
    pipeline: Pipeline | None = None,
    folder: Path | None = None,
) -> list[SensorStatus]:
    """Find how every sensor of a store is.

    Parameters
    ----------
    store
        Where readings are.
    moment
        What came later does not count.
    days
        Whose flags are counted.
    pipeline
        For parcels and calibrations.
    folder
        Where the pipeline works, for the wetness that satellites saw.

    Raises
    ------
    AgroforestError
        The pipeline's files, or an index map, cannot be used.
    """
    sensors = {one.id: one for one in store.sensors()}
    file = None if pipeline is None else pipeline.water.calibrations
    calibrations = () if file is None else read_calibrations(file)
    fields = [] if pipeline is None else _build_fields(pipeline, sensors)
    probes = read_probes(
        store,
        sensors,
        calibrations,
        moment=moment,
        wetness=_look_down(pipeline, folder, fields, moment),
        offset=timedelta(),
    )
    parcels: dict[str, list[str]] = {}
    for field_ in fields:
        for name in field_.sensors:
            parcels.setdefault(name, []).append(field_.id)
    return [
        replace(
            _describe(store, sensor, probes, moment, days),
            field_capacity=_learn(store, name, calibrations, moment),
            parcels=tuple(parcels.get(name, ())),
        )
        for name, sensor in sensors.items()
    ]


def _look_down(
    pipeline: Pipeline | None,
    folder: Path | None,
    fields: Sequence[FarmField],
    moment: datetime,
) -> dict[str, Series] | None:
    """Look what satellites saw of the probes' parcels; ``None`` if nobody looks."""
    if pipeline is None or folder is None or not fields:
        return None
    if pipeline.water.satellite == "none":
        return None
    offset = timedelta(hours=pipeline.map.utc_offset_hours)
    desk = SeenDesk(folder / "indices", folder / "water" / "seen")
    day = moment.astimezone(timezone(offset)).date()
    seen = desk.look(pipeline.water.satellite, fields, day)
    return follow_probes(seen, fields, offset)


def _describe(
    store: Store,
    sensor: Sensor,
    probes: Probes,
    moment: datetime,
    days: int,
) -> SensorStatus:
    state = probes.judge(sensor.id, moment)
    known = probes.readings(sensor.id)
    recent = [one for one in known if one.time > moment - timedelta(days=days)]
    last = state.last or _find_last(store, sensor.id, moment)
    return SensorStatus(
        sensor=sensor,
        moment=moment,
        last=last,
        battery=_find_newest(known, Variable.BATTERY),
        battery_level=_find_newest(known, Variable.BATTERY_LEVEL),
        battery_low=bool(known and known[-1].quality & Quality.BATTERY),
        flags=_count(recent),
        readings=len(recent),
        trust=None if state.trust is None else state.trust.score,
        usable=None if state.trust is None else state.trust.usable,
        reasons=("", "") if state.trust is None else state.words,
        notes=() if state.trust is None else state.trust.notes,
    )


def _find_newest(readings: Sequence[Reading], variable: Variable) -> float | None:
    told = [one.value for one in readings if one.variable == variable]
    return next((value for value in reversed(told) if value is not None), None)


def _count(readings: Sequence[Reading]) -> dict[str, int]:
    counted = {
        str(quality.name).lower(): sum(1 for one in readings if one.quality & quality)
        for quality in Quality
    }
    return {name: number for name, number in counted.items() if number}


def _find_last(store: Store, sensor: str, moment: datetime) -> datetime | None:
    """Newest reading of a sensor that has been silent for weeks."""
    old = store.readings([sensor], moment - _LONGEST, moment)
    return max((one.time for one in old), default=None)


def _learn(
    store: Store, sensor: str, calibrations: Sequence[Calibration], moment: datetime
) -> dict[float, float]:
    """Learn field capacity at each depth where enough soakings were seen."""
    moisture = read_moisture(
        store, [sensor], calibrations, since=moment - LEARNING, until=moment
    )
    found = {
        depth: learn(series, moment.timestamp())
        for (_, depth), series in moisture.items()
    }
    return {depth: one.value for depth, one in found.items() if one is not None}


def _build_fields(pipeline: Pipeline, sensors: Mapping[str, Sensor]) -> list[FarmField]:
    fields, _ = build_fields(
        read_aoi(pipeline.aoi),
        pipeline.water,
        read_crops(pipeline.water.crops),
        list(sensors.values()),
    )
    return fields
