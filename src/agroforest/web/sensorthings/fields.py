"""Fields of every entity, by path, with the SQL behind them.

Three tables are behind all entities: a sensor is a Thing, a Sensor, a Location and
a FeatureOfInterest; a series is a Datastream; a reading is an Observation. Ids are
made of content: a sensor's own id, the digest of a series, series and time of a
reading. They stay what they are when a database is moved or filled anew.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    null,
)

from agroforest.store.schema import reading, sensor, series
from agroforest.web.sensorthings.declared import Field, Kind, Where
from agroforest.web.sensorthings.vocabulary import OBSERVATION_TYPE, build_table

#: The terms of `vocabulary`, joined like a table.
variable = build_table()

_SERIES = re.compile(r"[0-9a-f]{16}")
_READING = re.compile(r"([0-9a-f]{16})\.(-?[0-9]{1,18})")

DATASTREAM_NAME: ColumnElement[str] = (
    sensor.c.name
    + literal(" ")
    + variable.c.label
    + case(
        (series.c.depth_m.is_(None), literal("")),
        else_=literal(" ")
        + cast(cast(func.round(series.c.depth_m * 100), Integer), Text)
        + literal(" cm"),
    )
)
SENSOR_DESCRIPTION: ColumnElement[str] = literal("传感器 Sensor ") + sensor.c.id
PLACE_DESCRIPTION: ColumnElement[str] = literal("位置 Place of ") + sensor.c.name


def write_series(number: int) -> str:
    """Write the id of a Datastream: 16 hexadecimal digits of its number."""
    return f"{number:016x}"


def write_reading(number: int, time_us: int) -> str:
    """Write the id of an Observation: its series, and microseconds since 1970."""
    return f"{write_series(number)}.{time_us}"


def read_series(text: str) -> int | None:
    """Read the number of a series from a Datastream's id; ``None`` if it is none."""
    number = int(text, 16) if _SERIES.fullmatch(text) else 1 << 63
    return number if number < 1 << 63 else None


def read_reading(text: str) -> tuple[int, int] | None:
    """Read series and time from the id of an Observation; ``None`` if it is none."""
    match = _READING.fullmatch(text)
    number = None if match is None else read_series(match[1])
    return None if match is None or number is None else (number, int(match[2]))


def find_sensor(text: str) -> Where:
    """Build the condition that a sensor has this id."""
    return false() if "\x00" in text else sensor.c.id == text


def find_series(text: str) -> Where:
    """Build the condition that a series is behind the Datastream of this id."""
    number = read_series(text)
    return false() if number is None else series.c.id == number


def find_reading(text: str) -> Where:
    """Build the condition that a reading is behind the Observation of this id."""
    found = read_reading(text)
    if found is None:
        return false()
    return and_(reading.c.series == found[0], reading.c.time_us == found[1])


def find_variable(text: str) -> Where:
    """Build the condition that a variable is behind the ObservedProperty of this id."""
    return false() if "\x00" in text else variable.c.id == text


def _build(
    needs: str,
    find: Callable[[str], Where],
    key: ColumnElement[Any],
    rest: Mapping[str, tuple[Kind, ColumnElement[Any]]],
    nullable: frozenset[str] = frozenset(),
) -> dict[str, Field]:
    wanted = frozenset(needs.split())
    identity = Field(kind=Kind.ID, column=key, needs=wanted, find=find)
    return {"id": identity, "@iot.id": identity} | {
        name: Field(kind=kind, column=column, needs=wanted, nullable=name in nullable)
        for name, (kind, column) in rest.items()
    }


_DESCRIBED = {
    "name": (Kind.TEXT, sensor.c.name),
    "description": (Kind.TEXT, SENSOR_DESCRIPTION),
}


def build_thing_fields(needs: str) -> dict[str, Field]:
    """Build the fields of a Thing; `needs` leads to the table of sensors."""
    free = {
        "properties/elevation": (Kind.NUMBER, sensor.c.elevation),
        "properties/simulated": (Kind.FLAG, sensor.c.simulated),
    }
    return _build(
        needs,
        find_sensor,
        sensor.c.id,
        _DESCRIBED | free,
        frozenset({"properties/elevation"}),
    )


def build_sensor_fields(needs: str) -> dict[str, Field]:
    """Build the fields of a Sensor."""
    return _build(needs, find_sensor, sensor.c.id, _DESCRIBED)


def build_place_fields(needs: str) -> dict[str, Field]:
    """Build the fields of a Location or FeatureOfInterest."""
    rest = {
        "name": (Kind.TEXT, sensor.c.name),
        "description": (Kind.TEXT, PLACE_DESCRIPTION),
    }
    return _build(needs, find_sensor, sensor.c.id, rest)


def build_property_fields(needs: str) -> dict[str, Field]:
    """Build the fields of an ObservedProperty."""
    rest = {
        "name": (Kind.TEXT, variable.c.id),
        "definition": (Kind.TEXT, variable.c.definition),
        "description": (Kind.TEXT, variable.c.description),
    }
    return _build(needs, find_variable, variable.c.id, rest)


def build_datastream_fields(needs: str) -> dict[str, Field]:
    """Build the fields of a Datastream, and those of what it is of."""
    near, all_needed = needs, f"{needs} sensor variable"
    own = {
        "name": (Kind.TEXT, DATASTREAM_NAME),
        "description": (Kind.TEXT, variable.c.description),
        "observationType": (Kind.TEXT, literal(OBSERVATION_TYPE)),
        "unitOfMeasurement/name": (Kind.TEXT, variable.c.unit),
        "unitOfMeasurement/symbol": (Kind.TEXT, variable.c.symbol),
    }
    plain = {
        "properties/depth_m": (Kind.NUMBER, series.c.depth_m),
        "properties/variable": (Kind.TEXT, series.c.variable),
    }
    return (
        _build(all_needed, find_series, series.c.id, own)
        | _build(
            near,
            find_series,
            series.c.id,
            plain,
            frozenset({"properties/depth_m"}),
        )
        | _under("Thing", build_thing_fields(f"{near} sensor"))
        | _under("Sensor", build_sensor_fields(f"{near} sensor"))
        | _under("ObservedProperty", build_property_fields(f"{near} variable"))
    )


def build_observation_fields() -> dict[str, Field]:
    """Build the fields of an Observation, and those of what it is of."""
    own = {
        "result": (Kind.NUMBER, reading.c.value),
        "phenomenonTime": (Kind.TIME, reading.c.time_us),
        # Nobody tells us when a value was ready.
        "resultTime": (Kind.TIME, cast(null(), BigInteger)),
    }
    return (
        _build(
            "",
            find_reading,
            reading.c.series,
            own,
            frozenset({"result", "resultTime"}),
        )
        | _under("Datastream", build_datastream_fields("series"))
        | _under("FeatureOfInterest", build_place_fields("series sensor"))
    )


def _under(name: str, fields: Mapping[str, Field]) -> dict[str, Field]:
    return {f"{name}/{path}": field for path, field in fields.items()}
