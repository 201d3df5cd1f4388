"""Which sensor, variable, unit and depth a Datastream is of."""

import math
import re
from dataclasses import dataclass

from agroforest.core.errors import ConfigurationError
from agroforest.core.reading import Quality, Reading, Sensor, Variable
from agroforest.sensors.sensorthings.entities import Datastream, Observation, Thing
from agroforest.sensors.sensorthings.mapping import ServiceMapping, StreamSection
from agroforest.sensors.units import DEPTHS, convert, resolve_unit

_WORDS = re.compile(r"[\s_.\-]+")

#: Names of ObservedProperties that are understood, beside our own. Those with
#: underscores are standard names of the CF conventions (version 85).
_NAMES: dict[str, Variable] = {
    "volume fraction of condensed water in soil": Variable.SOIL_MOISTURE,
    "volumetric water content": Variable.SOIL_MOISTURE,
    "volumetric soil moisture": Variable.SOIL_MOISTURE,
    "volumetric soil water content": Variable.SOIL_MOISTURE,
    "soil water content": Variable.SOIL_MOISTURE,
    "vwc": Variable.SOIL_MOISTURE,
    "土壤含水量": Variable.SOIL_MOISTURE,
    "土壤体积含水量": Variable.SOIL_MOISTURE,
    "土壤温度": Variable.SOIL_TEMPERATURE,
    "soil electrical conductivity": Variable.SOIL_CONDUCTIVITY,
    "bulk electrical conductivity": Variable.SOIL_CONDUCTIVITY,
    "土壤电导率": Variable.SOIL_CONDUCTIVITY,
    "气温": Variable.AIR_TEMPERATURE,
    "空气温度": Variable.AIR_TEMPERATURE,
    "air humidity": Variable.RELATIVE_HUMIDITY,
    "相对湿度": Variable.RELATIVE_HUMIDITY,
    "rainfall": Variable.PRECIPITATION,
    "rain": Variable.PRECIPITATION,
    "降水量": Variable.PRECIPITATION,
    "雨量": Variable.PRECIPITATION,
    "battery voltage": Variable.BATTERY,
    "电池电压": Variable.BATTERY,
    "battery percentage": Variable.BATTERY_LEVEL,
    "state of charge": Variable.BATTERY_LEVEL,
    "电池电量": Variable.BATTERY_LEVEL,
} | {str(each).replace("_", " "): each for each in Variable}

#: Codes of UCUM (2.1) and names of units, as `resolve_unit` spells them.
_UNITS = {
    "cel": "degC",
    "[degf]": "degF",
    "[in_i]": "in",
    "1": "fraction",
    "%{vol}": "%",
    "degree celsius": "degC",
    "degrees celsius": "degC",
    "degree fahrenheit": "degF",
    "percent": "%",
    "millimeter": "mm",
    "millimetre": "mm",
    "volt": "V",
    "millivolt": "mV",
    "microsiemens per centimeter": "uS/cm",
    "microsiemens per centimetre": "uS/cm",
    "decisiemens per meter": "dS/m",
    "decisiemens per metre": "dS/m",
    "cubic meter per cubic meter": "m3/m3",
    "cubic metre per cubic metre": "m3/m3",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """A Datastream that is understood.

    Attributes
    ----------
    id, name
        Of the Datastream.
    sensor
        Whose readings they are.
    variable, depth_m
        What is measured, and where.
    factor, offset
        ``ours = theirs * factor + offset``.
    missing
        Error values, in their unit.
    path
        Of the Datastream below the root.
    link
        To its Observations, as the service gave it.
    """

    id: str
    name: str
    sensor: Sensor
    variable: Variable
    depth_m: float | None
    factor: float
    offset: float
    missing: tuple[float, ...]
    path: str
    link: object = None

    @property
    def series(self) -> tuple[str, Variable, float | None]:
        """Sensor, variable and depth."""
        return self.sensor.id, self.variable, self.depth_m

    def build_reading(self, seen: Observation) -> Reading:
        """Build a reading; an interval counts from its end on, when it was known."""
        value = seen.value
        if value is not None and value in self.missing:
            value = None
        if value is not None:
            value = convert(value, self.factor, self.offset)
            if not math.isfinite(value):
                raise ValueError(f"its result {seen.value} is out of all bounds")
        quality = seen.quality & ~Quality.MISSING
        return Reading(
            sensor=self.sensor.id,
            time=seen.end,
            variable=self.variable,
            depth_m=self.depth_m,
            value=value,
            quality=quality | (Quality.MISSING if value is None else Quality.GOOD),
        )


def find_meaning(
    stream: Datastream, thing: Thing, mapping: ServiceMapping, *, host: str
) -> Stream:
    """Settle what a Datastream is of.

    Parameters
    ----------
    stream, thing
        As the service describes them.
    mapping
        Stands above what the service says.
    host
        Of the service; part of the sensor's id unless the mapping names a prefix.

    Raises
    ------
    ConfigurationError
        Its variable or its unit is not known, or its depth is no number.
    """
    said = mapping.datastreams.get(stream.id, StreamSection())
    variable = said.variable or _find_variable(stream, mapping)
    factor, offset = _find_unit(stream, variable, said.unit, mapping)
    depth = said.depth_m
    if depth is None:
        depth = _find_depth(stream, mapping)
    prefix = f"sta:{host}/" if mapping.prefix is None else mapping.prefix
    return Stream(
        id=stream.id,
        name=stream.name,
        sensor=Sensor(
            id=prefix + thing.id,
            name=thing.name,
            longitude=thing.longitude,
            latitude=thing.latitude,
            elevation=thing.elevation,
            simulated=thing.simulated,
        ),
        variable=variable,
        depth_m=depth,
        factor=factor,
        offset=offset,
        missing=mapping.missing,
        path=stream.path,
        link=stream.observations,
    )


def _find_variable(stream: Datastream, mapping: ServiceMapping) -> Variable:
    for name in stream.property_names:
        if name in mapping.properties:
            return mapping.properties[name]
    for name in stream.property_names:
        known = _NAMES.get(_WORDS.sub(" ", name).casefold())
        if known is not None:
            return known
    names = " / ".join(stream.property_names) or "without a name"
    raise ConfigurationError(
        _where(stream),
        f"observes {names!r}, which is none of {', '.join(Variable)}",
        "name it under [properties] of a mapping, or skip the Datastream there",
    )


def _find_unit(
    stream: Datastream, variable: Variable, said: str, mapping: ServiceMapping
) -> tuple[float, float]:
    if said:
        return resolve_unit(said, variable)
    for text in stream.units:
        if text in mapping.units:
            return resolve_unit(mapping.units[text], variable)
    found: dict[tuple[float, float], str] = {}
    for text in stream.units:
        try:
            line = resolve_unit(_UNITS.get(text.casefold(), text), variable)
        except ConfigurationError:
            continue
        found.setdefault(line, text)
    names = " / ".join(stream.units) or "not stated"
    if not found:
        raise ConfigurationError(
            _where(stream),
            f"has the unit {names!r}, which is no unit of {variable}",
            "name it under [units] of a mapping, or skip the Datastream there",
        )
    if len(found) > 1:
        raise ConfigurationError(
            _where(stream),
            f"has several units, {' and '.join(found.values())}",
            "name the right one under [datastreams.ID] of a mapping",
        )
    return next(iter(found))


def _find_depth(stream: Datastream, mapping: ServiceMapping) -> float | None:
    written = stream.properties.get(mapping.depth_property)
    if written is None:
        return None
    try:
        depth = float(written) * DEPTHS[mapping.depth_unit]
    except (TypeError, ValueError, OverflowError):
        depth = math.nan
    # No probe is deeper than a borehole, or higher than a mast.
    if isinstance(written, bool) or not abs(depth) <= 100:
        raise ConfigurationError(
            _where(stream),
            f"has the depth {str(written)[:40]!r}",
            "name it under [datastreams.ID] of a mapping, depth_m",
        )
    return round(depth, 4)


def _where(stream: Datastream) -> str:
    return f"Datastream {stream.id} ({stream.name})"
