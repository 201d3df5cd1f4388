"""Mapping files for SensorThings services: what the names of others mean.

A mapping is TOML; without one, names and units that are known are understood::

    prefix = "upstream:"  # before the id of a Thing; else "sta:HOST/"
    depth_property = "tiefe"  # of a Datastream, else "depth_m"
    depth_unit = "cm"
    missing = [-9999]

    [properties]  # name of an ObservedProperty = our variable
    "Bodenfeuchte" = "soil_moisture"

    [units]  # symbol or name of a unit = a unit that is known
    "Vol.-%" = "%"

    [datastreams.17]  # by id; stands above everything else
    variable = "soil_moisture"
    unit = "%"
    depth_m = 0.1

    [datastreams.18]
    skip = true
"""

from collections.abc import Mapping as Table
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from agroforest.core.config import read_settings
from agroforest.core.reading import Variable


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StreamSection(_Section):
    """``[datastreams.ID]``: one Datastream."""

    skip: bool = False
    """Leave it out."""
    variable: Variable | None = None
    unit: str = ""
    depth_m: Annotated[float, Field(ge=-100, le=100)] | None = None


class ServiceMapping(_Section):
    """A whole mapping file."""

    prefix: str | None = None
    """Before the id of a Thing, to make the id of a sensor. With ``""`` a service
    can name any sensor that there is; only for one's own."""
    depth_property: str = "depth_m"
    """Property of a Datastream that holds its depth."""
    depth_unit: Annotated[str, Field(pattern="^(m|cm|mm|in)$")] = "m"
    missing: tuple[float, ...] = ()
    """Error values."""
    properties: Table[str, Variable] = {}
    units: Table[str, str] = {}
    datastreams: Table[str, StreamSection] = {}


def read_service_mapping(path: Path) -> ServiceMapping:
    """Read a mapping file.

    Raises
    ------
    ConfigurationError
        One line with the file, the setting, its value and the way out.
    """
    return read_settings(path, ServiceMapping, manual="docs/sensorthings.md")
