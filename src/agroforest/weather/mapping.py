"""Mapping files: what the columns of a weather table mean.

A mapping is TOML::

    delimiter = ","
    decimal = "."
    encoding = "utf-8"
    missing = ["-9999", "32766"]  # error values

    [time]
    column = "date"  # a heading, a number from 1, or a list joined with "-"
    format = "%Y-%m-%d"  # ISO 8601 unless given

    [noon]  # only where a day has several rows
    timezone = "+08:00"  # of times without an offset, and whose noon is meant
    hour = 12.0
    tolerance_minutes = 30
    rain_hours = 24

    [station]
    id = "59431"  # or id_column
    longitude = 108.22
    latitude = 22.63
    elevation = 122.0

    [temperature]
    column = "maxtemp"
    unit = "°C"

    [humidity]  # or [dewpoint]
    column = "minrh"
    unit = "%"

    [wind]
    column = "avgws"
    unit = "m/s"

    [rain]
    column = "precipitation"
    unit = "mm"

    [forecast]  # at most one of the two
    from = 2021-04-25
    column = "kind"
    values = ["forecast"]
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agroforest.core.config import read_settings
from agroforest.core.table import resolve_timezone
from agroforest.weather.units import Quantity

#: A heading, or the number of a column from 1.
Column = str | Annotated[int, Field(ge=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TimeSection(_Section):
    """``[time]``: where the date is and how it is written."""

    column: Column | tuple[Column, ...] = "date"
    """Several columns (year, month, day) are joined with a dash."""
    format: str = ""
    """As for ``strptime``; ISO 8601 if empty."""


class NoonSection(_Section):
    """``[noon]``: which of a day's rows is noon, and which hours of rain count."""

    timezone: str
    hour: Annotated[float, Field(ge=0, lt=24)] = 12.0
    tolerance_minutes: Annotated[float, Field(ge=0, le=360)] = 30.0
    """How far from noon a row may be."""
    rain_hours: Annotated[float, Field(gt=0, le=24)] = 24.0
    """Hours before noon whose rain is summed up."""


class StationSection(_Section):
    """``[station]``: whose weather it is."""

    id: str = ""
    id_column: Column | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    longitude_column: Column | None = None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    latitude_column: Column | None = None
    elevation: float | None = None
    elevation_column: Column | None = None


class ValueSection(_Section):
    """``[temperature]`` and the like: one column of numbers."""

    column: Column
    unit: str


class ForecastSection(_Section):
    """``[forecast]``: which days had not happened yet."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    start: Annotated[date | None, Field(alias="from")] = None
    column: Column | None = None
    values: tuple[str, ...] = ("forecast",)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.start is None) == (self.column is None):
            raise ValueError("give either from or column")
        return self


class TableMapping(_Section):
    """What every mapping of a table says: its form, its clock, its stations."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    decimal: Annotated[str, Field(pattern=r"^[.,]$")] = "."
    encoding: str = "utf-8-sig"
    skip_lines: Annotated[int, Field(ge=0)] = 0
    """Lines before the headings."""
    missing: tuple[str, ...] = ()
    time: TimeSection = TimeSection()
    station: StationSection = StationSection()
    forecast: ForecastSection | None = None

    @model_validator(mode="after")
    def _two_signs(self) -> Self:
        if self.delimiter == self.decimal:
            raise ValueError(f"delimiter and decimal are both {self.decimal!r}")
        return self


class Mapping(TableMapping):
    """A whole mapping file."""

    noon: NoonSection | None = None
    temperature: ValueSection
    humidity: ValueSection | None = None
    dewpoint: ValueSection | None = None
    wind: ValueSection
    rain: ValueSection

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.humidity is None) == (self.dewpoint is None):
            raise ValueError("give either humidity or dewpoint")
        return self

    def columns(self) -> dict[Quantity, ValueSection]:
        """Columns of numbers, by what they hold."""
        sections = {
            Quantity.TEMPERATURE: self.temperature,
            Quantity.HUMIDITY: self.humidity,
            Quantity.DEWPOINT: self.dewpoint,
            Quantity.WIND: self.wind,
            Quantity.RAIN: self.rain,
        }
        return {name: s for name, s in sections.items() if s is not None}


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises
    ------
    ConfigurationError
        One line with the file, the setting, its value and the way out.
    """
    mapping = read_settings(path, Mapping, manual="docs/fire.md")
    if mapping.noon is not None:
        resolve_timezone(mapping.noon.timezone, path)
    return mapping
