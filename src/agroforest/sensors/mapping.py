"""Mapping files: how the columns of a CSV, or the devices of uplinks, are meant.

A mapping is TOML. For a table::

    timezone = "+08:00"  # or "Asia/Shanghai"; for times without an offset
    delimiter = ","
    decimal = "."
    encoding = "utf-8"
    sheet = "2024"  # of an Excel workbook; else the first one
    missing = ["-9999"]  # error values of the device

    [time]
    column = "time"  # a heading, or a number from 1; or a list of both
    format = "%Y-%m-%d %H:%M:%S"  # ISO 8601 unless given; or "unix", "unix_ms"

    [sensor]
    id = "farm:3"  # or id_column = "station"
    name = "甘蔗地 3"
    longitude = 108.35
    latitude = 22.81

    [[value]]
    column = "SoilMoisture"
    variable = "soil_moisture"  # or variable_column
    unit = "%"  # or unit_column
    depth_m = 0.1  # or depth_column with depth_unit = "cm"

For uplinks, whose envelope rarely says which device it is::

    device = "LSE01"  # all messages, unless a device below says otherwise
    depth_m = 0.1

    [devices.a840411234567890]  # by EUI
    device = "DL-SMTP"
    levels_m = [0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75]
    name = "甘蔗地 3"

    [layouts.mine]  # then device = "mine"; see agroforest.sensors.decoders.layout
    field = [{ name = "vwc_pct", offset = 0, length = 2, scale = 0.01 }]
"""

from collections.abc import Mapping as Table
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agroforest.core.config import read_settings
from agroforest.core.reading import Variable
from agroforest.core.table import resolve_timezone
from agroforest.sensors.decoders.layout import DeviceLayout
from agroforest.sensors.units import DEPTHS

#: A heading, or the number of a column from 1.
Column = str | Annotated[int, Field(ge=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Place(_Section):
    """What is known of a sensor beside its readings."""

    name: str = ""
    """As people call it; the id unless given."""
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    elevation: float | None = None
    simulated: bool = False


class TimeSection(_Section):
    """``[time]``: where the time is and how it is written."""

    column: Column | tuple[Column, ...] = "time"
    """Several columns are joined with a space."""
    format: str = ""
    """As for ``strptime``, ``unix`` or ``unix_ms``; ISO 8601 if empty."""


class SensorSection(Place):
    """``[sensor]``: whose readings they are."""

    id: str = ""
    id_column: Column | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.id) == (self.id_column is not None):
            raise ValueError("give either id or id_column")
        return self


class ValueSection(_Section):
    """``[[value]]``: one column of numbers."""

    column: Column
    variable: Variable | None = None
    variable_column: Column | None = None
    unit: str = ""
    unit_column: Column | None = None
    depth_m: float | None = None
    depth_column: Column | None = None
    depth_unit: str = "m"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.variable is None) == (self.variable_column is None):
            raise ValueError("give either variable or variable_column")
        if bool(self.unit) == (self.unit_column is not None):
            raise ValueError("give either unit or unit_column")
        if self.depth_m is not None and self.depth_column is not None:
            raise ValueError("give depth_m or depth_column, not both")
        if self.depth_unit not in DEPTHS:
            raise ValueError(f"depth_unit is one of {', '.join(DEPTHS)}")
        return self


class DeviceSection(Place):
    """``[devices.EUI]``: a device behind uplinks."""

    device: str = ""
    firmware: str | None = None
    depth_m: float | None = None
    """Depth of a probe with one level."""
    levels_m: tuple[float, ...] = ()
    """Depths of a probe with several, from the top."""
    any_port: bool = False
    """Its LoRaWAN port was changed: do not compare it with the maker's."""
    layout: DeviceLayout | None = None
    """How its payload is laid out, where it is none of the known devices."""


class Mapping(_Section):
    """A whole mapping file."""

    timezone: str = ""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    decimal: Annotated[str, Field(pattern=r"^[.,]$")] = "."
    encoding: str = "utf-8-sig"
    sheet: str = ""
    """Of a workbook; its first one unless given."""
    skip_lines: Annotated[int, Field(ge=0)] = 0
    """Lines before the headings."""
    missing: tuple[str, ...] = ()
    time: TimeSection = TimeSection()
    sensor: SensorSection | None = None
    value: tuple[ValueSection, ...] = ()
    device: str = ""
    firmware: str | None = None
    depth_m: float | None = None
    levels_m: tuple[float, ...] = ()
    devices: Table[str, DeviceSection] = {}
    layouts: Table[str, DeviceLayout] = {}
    """Devices described here instead of in code, by name."""

    @model_validator(mode="after")
    def _separable(self) -> Self:
        if self.delimiter == self.decimal:
            raise ValueError(f"delimiter and decimal are both {self.decimal!r}")
        return self

    def find_device(self, eui: str) -> DeviceSection:
        """Find what is said of the device with this EUI, or of all devices."""
        wanted = norm_eui(eui)
        own = next((d for e, d in self.devices.items() if norm_eui(e) == wanted), None)
        everyone: dict[str, object] = {
            "device": self.device,
            "firmware": self.firmware,
            "depth_m": self.depth_m,
            "levels_m": self.levels_m,
        }
        if own is not None:
            everyone |= own.model_dump(exclude_unset=True)
        layout = self.layouts.get(str(everyone["device"]))
        if layout is not None:
            everyone["layout"] = layout
        return DeviceSection.model_validate(everyone)


def norm_eui(text: str) -> str:
    """Bring an EUI to lower-case digits without separators."""
    return text.replace("-", "").replace(":", "").casefold()


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises
    ------
    ConfigurationError
        One line with the file, the setting, its value and the way out.
    """
    mapping = read_settings(path, Mapping, manual="docs/sensors.md")
    if mapping.timezone:
        resolve_timezone(mapping.timezone, path)
    return mapping
