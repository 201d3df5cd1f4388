"""Messages that carry numbers and not bytes: plain objects, and Observations."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from agroforest.core.reading import Quality, Reading, Sensor, Variable
from agroforest.core.table import resolve_timezone
from agroforest.listen.meaning import DatastreamSection, ObjectMapping
from agroforest.sensors.mapping import Place
from agroforest.sensors.units import convert, resolve_unit

Found = list[tuple[Sensor, Reading]]

_DATASTREAM = re.compile(r"Datastreams\(('?)(?P<id>[^()']{1,64})\1\)")
_LONGEST_ID = 128
_MISSING = object()


def read_objects(
    document: object, mapping: ObjectMapping, topic: str, received: datetime
) -> tuple[Found, list[str]]:
    """Read an object, or a list of them, by a mapping.

    Returns
    -------
    tuple
        Readings with their sensors, and why some objects were set aside.
    """
    objects = document if isinstance(document, list) else [document]
    found: Found = []
    problems: list[str] = []
    for place, each in enumerate(objects, 1):
        try:
            found += _read_object(each, mapping, topic, received)
        except (ValueError, OverflowError) as error:
            where = f"object {place}: " if len(objects) > 1 else ""
            problems.append(f"{where}{error}")
    return found, problems


def read_observation(
    document: object,
    datastreams: Mapping[str, DatastreamSection],
    topic: str,
    received: datetime,
) -> Found:
    """Read an Observation of SensorThings 1.1 (OGC 18-088, 8.2.7).

    Raises
    ------
    ValueError
        It is none, or of a Datastream that the settings do not name.
    """
    fields = _object(document)
    name = _find_datastream(fields, topic)
    section = datastreams.get(name)
    if section is None:
        raise ValueError(f"[datastreams.{name}] is not in the settings")
    # An interval counts from its end on: before, its mean was not known.
    written = fields.get("phenomenonTime") or fields.get("resultTime")
    time = received
    if written is not None:
        time = _read_time(str(written).rpartition("/")[2], "iso", "")
    if "result" not in fields:
        raise ValueError("the observation has no result")
    reading = _build_reading(
        section.sensor,
        time,
        section.variable,
        section.unit,
        section.depth_m,
        _number(fields["result"], "result", ()),
    )
    return [(_build_sensor(section.sensor, section), reading)]


def _read_object(
    document: object, mapping: ObjectMapping, topic: str, received: datetime
) -> Found:
    fields = _object(document)
    name = _find_sensor(fields, mapping, topic)
    time = received
    if mapping.time:
        written = _look_up(fields, mapping.time)
        if written is _MISSING:
            raise ValueError(f"there is no {mapping.time}")
        time = _read_time(written, mapping.time_format, mapping.timezone)
    sensor = _build_sensor(name, mapping)
    found: Found = []
    for section in mapping.value:
        value = _look_up(fields, section.field)
        if value is _MISSING:
            continue
        number = _number(value, section.field, mapping.missing)
        reading = _build_reading(
            name, time, section.variable, section.unit, section.depth_m, number
        )
        found.append((sensor, reading))
    if not found:
        names = ", ".join(section.field for section in mapping.value)
        raise ValueError(f"it has none of {names}")
    return found


def _find_sensor(fields: Mapping[str, Any], mapping: ObjectMapping, topic: str) -> str:
    if mapping.id:
        return mapping.id
    if mapping.sensor_level is not None:
        levels = topic.split("/")
        if len(levels) < mapping.sensor_level:
            raise ValueError(f"topic {topic!r} has no level {mapping.sensor_level}")
        name: object = levels[mapping.sensor_level - 1]
    else:
        name = _look_up(fields, mapping.sensor)
    if isinstance(name, int) and not isinstance(name, bool):
        name = str(name)
    if not isinstance(name, str) or not 0 < len(name.strip()) <= _LONGEST_ID:
        raise ValueError("the object names no sensor")
    return name.strip()


def _find_datastream(fields: Mapping[str, Any], topic: str) -> str:
    link = fields.get("Datastream")
    if isinstance(link, Mapping) and "@iot.id" in link:
        return str(link["@iot.id"])
    written = str(fields.get("Datastream@iot.navigationLink", ""))
    match = _DATASTREAM.search(topic) or _DATASTREAM.search(written)
    if match is None:
        raise ValueError("neither topic nor observation names a Datastream")
    return match["id"]


def _build_sensor(name: str, place: Place) -> Sensor:
    return Sensor(
        id=name,
        name=place.name or name,
        longitude=place.longitude,
        latitude=place.latitude,
        elevation=place.elevation,
        simulated=place.simulated,
    )


def _build_reading(
    sensor: str,
    time: datetime,
    variable: Variable,
    unit: str,
    depth_m: float | None,
    number: float | None,
) -> Reading:
    value = None
    if number is not None:
        value = convert(number, *resolve_unit(unit, variable))
    return Reading(
        sensor=sensor,
        time=time,
        variable=variable,
        depth_m=depth_m,
        value=value,
        quality=Quality.MISSING if value is None else Quality.GOOD,
    )


def _read_time(written: object, form: str, zone: str) -> datetime:
    try:
        if form != "iso":
            number = float(str(written))
            seconds = number / 1000 if form == "unix_ms" else number
            return datetime.fromtimestamp(seconds, UTC)
        time = datetime.fromisoformat(str(written))
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(f"time {str(written)[:40]!r} cannot be read") from error
    if time.tzinfo is None:
        if not zone:
            raise ValueError(f"time {str(written)[:40]!r} has no time zone")
        time = time.replace(tzinfo=resolve_timezone(zone, "timezone"))
    try:
        return time.astimezone(UTC)
    except OverflowError as error:  # the first and the last hours of all
        raise ValueError(f"time {str(written)[:40]!r} cannot be read") from error


def _number(value: object, name: str, missing: Sequence[float]) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{name} is no number")  # noqa: TRY004  set aside like any other
    try:
        number = float(value)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{name} is {str(value)[:40]!r}, no number") from error
    if not math.isfinite(number):
        raise ValueError(f"{name} is {number}")
    return None if number in missing else number


def _look_up(fields: Mapping[str, Any], path: str) -> object:
    if path in fields:
        return fields[path]
    at: object = fields
    for name in path.split("."):
        if not isinstance(at, Mapping) or name not in at:
            return _MISSING
        at = at[name]
    return at


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("the message is no object")  # noqa: TRY004  set aside like any other
    return value
