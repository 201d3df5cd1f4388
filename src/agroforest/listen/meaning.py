"""What the names in messages mean, where a message carries numbers and not bytes."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agroforest.core.errors import ConfigurationError
from agroforest.core.reading import Variable
from agroforest.core.table import resolve_timezone
from agroforest.sensors.mapping import Place
from agroforest.sensors.units import resolve_unit

_Text = Annotated[str, Field(min_length=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldSection(_Section):
    """``value`` of ``[mappings.NAME]``: one number of an object."""

    field: _Text
    """Its name; names within names with dots: ``soil.moisture``."""
    variable: Variable
    unit: _Text
    depth_m: float | None = None

    @model_validator(mode="after")
    def _unit_is_known(self) -> Self:
        _check_unit(self.unit, self.variable)
        return self


class ObjectMapping(Place):
    """``[mappings.NAME]``: what the names in a JSON object mean."""

    sensor: str = ""
    """Field of the sensor's id."""
    sensor_level: Annotated[int, Field(ge=1)] | None = None
    """Or the level of the topic that is its id, from 1."""
    id: str = ""
    """Or its id."""
    time: str = ""
    """Field of the time; the time of arrival unless given."""
    time_format: Annotated[str, Field(pattern=r"^(iso|unix|unix_ms)$")] = "iso"
    timezone: str = ""
    """Of times without an offset."""
    missing: tuple[float, ...] = ()
    """Error values of the device."""
    value: Annotated[tuple[FieldSection, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [bool(self.sensor), self.sensor_level is not None, bool(self.id)]
        if sum(given) != 1:
            raise ValueError("give one of sensor, sensor_level and id")
        if self.timezone:
            try:
                resolve_timezone(self.timezone, "timezone")
            except ConfigurationError as error:
                raise ValueError(error.problem) from error
        return self


class DatastreamSection(Place):
    """``[datastreams.ID]``: what a SensorThings Datastream is."""

    sensor: _Text
    variable: Variable
    unit: _Text
    depth_m: float | None = None

    @model_validator(mode="after")
    def _unit_is_known(self) -> Self:
        _check_unit(self.unit, self.variable)
        return self


def _check_unit(unit: str, variable: Variable) -> None:
    try:
        resolve_unit(unit, variable)
    except ConfigurationError as error:
        raise ValueError(str(error)) from error
