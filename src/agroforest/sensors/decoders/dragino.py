"""Dragino soil probes.

LSE01, port 2, eleven bytes, big-endian (LSE01 user manual 2.3)::

    battery 2 (low 14 bits, mV) · external DS18B20 2 (0.1 °C) · moisture 2 (0.01 %)
    · soil temperature 2 (0.01 °C, two's complement) · conductivity 2 (uS/cm) · flags 1

Firmware 1.2.1 gave the flags a meaning: bit 7 set means raw mode, in which the
three soil fields are permittivity (0.1) and two uncalibrated counts. Before that,
the bit means nothing.
"""

import struct

from agroforest.core.errors import DataError
from agroforest.sensors.decoders.message import Measured, Message

_PORT = 2
_LAYOUT = struct.Struct(">HhHhHB")
_BATTERY_BITS = 0x3FFF
_RAW_MODE = 0x80
#: What the cable input reads without a probe, 0.1 °C (SE01-LB manual).
_NO_PROBE = 0x0CCC
_NO_ANSWER = 0xFFFF


def decode_lse01(payload: bytes, fport: int | None, firmware: str | None) -> Message:
    """Decode an LSE01 payload; see the module for the layout."""
    if fport not in {None, _PORT}:
        raise DataError(
            "LSE01", f"port {fport} carries no readings", "use messages of port 2"
        )
    if len(payload) < _LAYOUT.size:
        raise DataError(
            "LSE01",
            f"payload {payload.hex()!r} has {len(payload)} bytes of {_LAYOUT.size}",
            "look at the gateway",
        )
    battery, external, first, second, third, flags = _LAYOUT.unpack_from(payload)
    measured = [
        Measured(name="battery_v", value=(battery & _BATTERY_BITS) / 1000),
        Measured(
            name="external_temperature_c",
            value=None if external == _NO_PROBE else external / 10,
        ),
    ]
    if flags & _RAW_MODE and not _is_older(firmware):
        measured.append(Measured(name="dielectric", value=first / 10))
    else:
        silent = first == _NO_ANSWER
        measured += [
            Measured(name="vwc_pct", value=None if silent else first / 100),
            Measured(name="soil_temperature_c", value=None if silent else second / 100),
            Measured(
                name="ec_us_cm",
                value=None if silent or third == _NO_ANSWER else float(third),
            ),
        ]
    return Message(measured=tuple(measured), rest=payload[_LAYOUT.size :])


def _is_older(firmware: str | None) -> bool:
    if firmware is None:
        return False
    if firmware.startswith("<"):
        return True
    parts = [p for p in firmware.lstrip("vV").split(".") if p.isdecimal()]
    return bool(parts) and [int(p) for p in parts] < [1, 2, 1]
