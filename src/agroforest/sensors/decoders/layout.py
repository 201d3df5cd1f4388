"""Devices described in TOML instead of code: where each number lies in the payload.

::

    name = "field probe"
    ports = [2]  # empty: any
    length = 11  # bytes, exactly; without it, whatever the fields reach to

    [[field]]
    name = "vwc_pct"  # one of agroforest.sensors.decoders.NAMES
    offset = 4  # first byte, from 0
    length = 2  # bytes, 1 to 8
    endian = "big"  # or "little"
    signed = false  # two's complement
    scale = 0.01  # value = number * scale + add
    add = 0.0
    missing = [65535]  # numbers, before scaling, that are error values
    depth_m = 0.1  # or level = 0 on a probe with several

    [[field]]
    name = "battery_v"
    offset = 0
    length = 2
    bit = 0  # of the number only these bits, bit 0 the lowest
    bits = 14
    scale = 0.001

    [[field]]
    name = "dielectric"
    offset = 4
    length = 2
    scale = 0.1
    when = { offset = 10, mask = 128, equals = 128 }  # only in such messages
"""

import math
import struct
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agroforest.core.config import read_settings
from agroforest.core.errors import DataError
from agroforest.sensors.decoders.message import NAMES, Measured, Message
from agroforest.sensors.decoders.payload import signed, wrong_length
from agroforest.sensors.decoders.registry import check_port

_Byte = Annotated[int, Field(ge=0, le=241)]  # the longest LoRaWAN payload is 242
_FLOATS = {4: "f", 8: "d"}


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Condition(_Section):
    """``when``: a byte that says whether a field is there."""

    offset: _Byte
    mask: Annotated[int, Field(ge=1, le=255)] = 255
    equals: Annotated[int, Field(ge=0, le=255)]


class FieldSection(_Section):
    """``[[field]]``: one number of the payload."""

    name: str
    offset: _Byte
    length: Annotated[int, Field(ge=1, le=8)] = 2
    endian: Literal["big", "little"] = "big"
    type: Literal["int", "float"] = "int"
    """``float``: IEEE 754 of 4 or 8 bytes."""
    signed: bool = False
    bit: Annotated[int, Field(ge=0, le=63)] = 0
    bits: Annotated[int, Field(ge=1, le=64)] | None = None
    scale: float = 1.0
    add: float = 0.0
    missing: tuple[int, ...] = ()
    """Numbers before scaling, as `signed` reads them."""
    depth_m: float | None = None
    level: Annotated[int, Field(ge=0)] | None = None
    when: Condition | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.name not in NAMES:
            raise ValueError(
                f"name {self.name!r} is none of {', '.join(sorted(NAMES))}"
            )
        if self.type == "float" and (
            self.length not in _FLOATS or self.bits or self.bit
        ):
            raise ValueError("a float has 4 or 8 bytes and no bits")
        if self.bit + (self.bits or 1) > 8 * self.length:
            raise ValueError(f"bits reach beyond {self.length} bytes")
        if not (math.isfinite(self.scale) and math.isfinite(self.add)):
            raise ValueError("scale and add are finite numbers")
        return self

    @property
    def end(self) -> int:
        """First byte after the field."""
        return self.offset + self.length


class DeviceLayout(_Section):
    """A whole description of a device."""

    name: str = "described device"
    ports: tuple[Annotated[int, Field(ge=1, le=223)], ...] = ()
    length: Annotated[int, Field(ge=1, le=242)] | None = None
    field: Annotated[tuple[FieldSection, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if self.length is not None and self.reach > self.length:
            raise ValueError(f"a field reaches byte {self.reach} of {self.length}")
        return self

    @property
    def reach(self) -> int:
        """First byte after every field and condition."""
        conditions = [f.when.offset + 1 for f in self.field if f.when is not None]
        return max([f.end for f in self.field] + conditions)

    def decode(self, payload: bytes, *, fport: int | None = None) -> Message:
        """Decode a payload by this description.

        Raises
        ------
        DataError
            Another port or length than described.
        """
        check_port(self.name, self.ports, fport)
        if not payload:
            raise DataError(self.name, "payload is empty", "look at the gateway")
        wanted = self.length if self.length is not None else self.reach
        if len(payload) != wanted:
            raise wrong_length(self.name, payload, str(wanted))
        return Message(
            measured=tuple(
                _read_field(field, payload)
                for field in self.field
                if field.when is None or _applies(field.when, payload)
            )
        )


def read_layout(path: Path) -> DeviceLayout:
    """Read a description from a file.

    Raises
    ------
    ConfigurationError
        One line with the file, the setting, its value and the way out.
    """
    return read_settings(path, DeviceLayout, manual="docs/sensors.md")


def _applies(condition: Condition, payload: bytes) -> bool:
    return payload[condition.offset] & condition.mask == condition.equals


def _read_field(field: FieldSection, payload: bytes) -> Measured:
    content = payload[field.offset : field.end]
    value: float | None
    if field.type == "float":
        order = ">" if field.endian == "big" else "<"
        (number,) = struct.unpack(order + _FLOATS[field.length], content)
        value = number * field.scale + field.add if math.isfinite(number) else None
    else:
        whole = int.from_bytes(content, field.endian)
        bits = field.bits if field.bits is not None else 8 * field.length - field.bit
        count = whole >> field.bit & ((1 << bits) - 1)
        if field.signed:
            count = signed(count, bits)
        value = None if count in field.missing else count * field.scale + field.add
    return Measured(
        name=field.name,
        value=None if value is None else round(value, 9),
        level=field.level,
        depth_m=field.depth_m,
    )
