"""Dragino soil probe LSE01.

Port 2, eleven bytes, big-endian (LSE01 user manual 2.3)::

    battery 2 (low 14 bits, mV) · cable probe DS18B20 2 (0.1 °C) · moisture 2 (0.01 %)
    · soil temperature 2 (0.01 °C, two's complement) · conductivity 2 (uS/cm) · flags 1

Firmware 1.2.1 gave the flags a meaning: bit 7 set means raw mode, in which the
three soil fields are permittivity (0.1) and two uncalibrated counts. Before that,
the bit means nothing. Without a cable probe its field is 0, also at 0.0 °C.
"""

import struct

from agroforest.sensors.decoders.message import Measured, Message
from agroforest.sensors.decoders.payload import signed, wrong_length

_LAYOUT = struct.Struct(">HHHHHB")
_BATTERY_BITS = 0x3FFF
_RAW_MODE = 0x80
_PROBE_FOUND = 0x10
_NO_ANSWER = 0xFFFF
#: Degrees a DS18B20 can report (its data sheet); 0x0ccc and 0x7fff, which stand for
#: no probe (SE01-LB manual), lie outside.
_CABLE_PROBE = (-55.0, 125.0)
_NO_TEMPERATURE = 0x7FFF
#: Of a part of a version that means anything.
_MOST_DIGITS = 9


def decode_lse01(payload: bytes, fport: int, firmware: str | None) -> Message:  # noqa: ARG001  every decoder takes the same
    """Decode an LSE01 payload; see the module for the layout."""
    if len(payload) != _LAYOUT.size:
        raise wrong_length("LSE01", payload, str(_LAYOUT.size))
    battery, cable, first, second, third, flags = _LAYOUT.unpack(payload)
    raw = bool(flags & _RAW_MODE) and not _is_older(firmware)
    return Message(
        measured=(
            read_battery(battery),
            read_cable_probe(cable or _NO_TEMPERATURE),
            *read_soil(first, second, third, raw=raw, found=flags & _PROBE_FOUND),
        )
    )


def read_battery(word: int) -> Measured:
    """Read the battery field: the two highest bits belong to something else."""
    return Measured(name="battery_v", value=(word & _BATTERY_BITS) / 1000)


def read_cable_probe(word: int) -> Measured:
    """Read the DS18B20 on the cable input; missing where there is none."""
    degrees = signed(word, 16) / 10
    low, high = _CABLE_PROBE
    return Measured(
        name="external_temperature_c", value=degrees if low <= degrees <= high else None
    )


def read_soil(
    first: int, second: int, third: int, *, raw: bool, found: int
) -> tuple[Measured, ...]:
    """Read the three soil fields.

    Parameters
    ----------
    first, second, third
        Words as sent, unsigned.
    raw
        They are permittivity and uncalibrated counts.
    found
        Not 0 if the device says that it found the probe. Some firmware never says
        so: only if all three words are 0 too, there is no probe.
    """
    if raw:
        return (
            Measured(name="dielectric", value=first / 10),
            Measured(name="raw_moisture", value=float(second)),
            Measured(name="raw_conductivity", value=float(third)),
        )
    silent = first == _NO_ANSWER or not (found or first or second or third)
    cold = silent or second == _NO_TEMPERATURE
    salt = silent or third == _NO_ANSWER
    return (
        Measured(name="vwc_pct", value=None if silent else first / 100),
        Measured(
            name="soil_temperature_c", value=None if cold else signed(second, 16) / 100
        ),
        Measured(name="ec_us_cm", value=None if salt else float(third)),
    )


def _is_older(firmware: str | None) -> bool:
    if firmware is None:
        return False
    if firmware.startswith("<"):
        return True
    written = firmware.lstrip("vV").split(".")
    parts = [int(p) for p in written if p.isdecimal() and len(p) <= _MOST_DIGITS]
    return bool(parts) and parts < [1, 2, 1]
