"""Mapping files of daily weather: what the columns of a table mean.

A mapping is TOML, its form and station as in `agroforest.weather.mapping`; the rest
names columns, all of them optional but rain, and temperatures or `reference_et`::

    [station]
    latitude = 22.63
    elevation = 122.0

    [t_max]
    column = "maxtemp"
    unit = "°C"

    [rh_min]  # also rh_max, rh_mean, dew_point, t_min
    column = "minrh"
    unit = "%"

    [wind]
    column = "avgws"
    unit = "m/s"
    height = 10.0  # metres; 2 unless given

    [radiation]  # or [sunshine]
    column = "rs"
    unit = "MJ/m2"

    [reference_et]  # where the source has it
    column = "eto"
    unit = "mm"

    [rain]
    column = "precipitation"
    unit = "mm"

    [forecast]  # which days had not happened
    from = 2021-04-25

Without a mapping the headings must be the names of the sections, in °C, %, m/s,
MJ/m², hours and mm.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from agroforest.core.errors import ConfigurationError
from agroforest.weather.mapping import (
    StationSection,
    TableMapping,
    TimeSection,
    ValueSection,
)
from agroforest.weather.units import Quantity

#: What a column holds, and the unit kept.
QUANTITIES: dict[str, tuple[Quantity, str]] = {
    "t_max": (Quantity.TEMPERATURE, "°C"),
    "t_min": (Quantity.TEMPERATURE, "°C"),
    "rh_max": (Quantity.HUMIDITY, "%"),
    "rh_min": (Quantity.HUMIDITY, "%"),
    "rh_mean": (Quantity.HUMIDITY, "%"),
    "dew_point": (Quantity.DEWPOINT, "°C"),
    "wind": (Quantity.WIND, "m/s"),
    "radiation": (Quantity.RADIATION, "MJ/m2"),
    "sunshine": (Quantity.SUNSHINE, "h"),
    "rain": (Quantity.RAIN, "mm"),
    "reference_et": (Quantity.RAIN, "mm"),
}


class WindSection(ValueSection):
    """``[wind]``: its column, and how high it was measured."""

    height: Annotated[float, Field(ge=0.5, le=200)] = 2.0
    """Metres above the ground."""


class DailyMapping(TableMapping):
    """A whole mapping file of daily weather."""

    t_max: ValueSection | None = None
    t_min: ValueSection | None = None
    rh_max: ValueSection | None = None
    rh_min: ValueSection | None = None
    rh_mean: ValueSection | None = None
    dew_point: ValueSection | None = None
    wind: WindSection | None = None
    radiation: ValueSection | None = None
    sunshine: ValueSection | None = None
    reference_et: ValueSection | None = None
    rain: ValueSection

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.reference_et is None and (self.t_max is None or self.t_min is None):
            raise ValueError("give t_max and t_min, or reference_et")
        return self

    def columns(self) -> dict[str, ValueSection]:
        """Columns of numbers, by what they hold."""
        named = {name: getattr(self, name) for name in QUANTITIES}
        return {name: section for name, section in named.items() if section}


def find_mapping(headings: Sequence[str], path: Path) -> DailyMapping:
    """Find what columns mean whose headings are the names of quantities.

    Raises
    ------
    ConfigurationError
        There are not enough of them.
    """
    sections = {
        name: {"column": name, "unit": unit}
        for name, (_, unit) in QUANTITIES.items()
        if name in headings
    }
    if "date" not in headings or "rain" not in sections:
        raise ConfigurationError(
            path,
            f"has no columns date and rain (there are {', '.join(headings)})",
            "say in a mapping which columns are meant, see docs/soil-and-water.md",
        )
    if "reference_et" not in sections and not {"t_max", "t_min"} <= set(sections):
        raise ConfigurationError(
            path,
            "has neither t_max and t_min nor reference_et",
            "say in a mapping which columns are meant, see docs/soil-and-water.md",
        )
    names = {"id": "station", "latitude": "latitude", "longitude": "longitude"}
    station = StationSection(
        **{
            f"{key}_column": name
            for key, name in (names | {"elevation": "elevation"}).items()
            if name in headings
        }
    )
    return DailyMapping.model_validate(
        {**sections, "time": TimeSection(), "station": station}
    )
