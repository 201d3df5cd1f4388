"""Milesight EM500-SMTC: a list of channels, numbers little-endian.

=========== ==== =========================================================
channel     size content
=========== ==== =========================================================
``01 75``   1    battery, %
``03 67``   2    temperature, 0.1 °C, two's complement
``04 68``   1    moisture, 0.5 %
``04 ca``   2    moisture, 0.01 %
``05 7f``   2    conductivity, uS/cm
``83 d7``   5    temperature 2, its change 2, alarm 1
``20 ce``   10   time 4 (seconds since 1970), conductivity 2, temperature 2,
                 moisture 2 (0.01 %)
``ff ..``        about the device itself
=========== ==== =========================================================

Two numbers are errors: ``ffff`` collection failed, ``fffd`` out of range.
"""

import struct
from datetime import UTC, datetime

from agroforest.core.errors import DataError
from agroforest.sensors.decoders.message import Kept, Measured, Message

_ERRORS = frozenset({0xFFFF, 0xFFFD})
_HISTORY = struct.Struct("<IHHH")

#: Bytes that follow a channel; those about the device are skipped.
_SIZES = {
    b"\x01\x75": 1,
    b"\x03\x67": 2,
    b"\x04\x68": 1,
    b"\x04\xca": 2,
    b"\x05\x7f": 2,
    b"\x83\xd7": 5,
    b"\x20\xce": _HISTORY.size,
    b"\xff\x01": 1,
    b"\xff\x09": 2,
    b"\xff\x0a": 2,
    b"\xff\x0b": 1,
    b"\xff\x0f": 1,
    b"\xff\x16": 8,
    b"\xff\xfe": 1,
    b"\xff\xff": 2,
}


def decode_em500_smtc(
    payload: bytes,
    fport: int | None,  # noqa: ARG001  every decoder takes the same
    firmware: str | None,  # noqa: ARG001
) -> Message:
    """Decode an EM500-SMTC payload; see the module for the layout."""
    measured: list[Measured] = []
    history: list[Kept] = []
    at = 0
    while at < len(payload):
        channel = payload[at : at + 2]
        size = _SIZES.get(channel)
        if size is None:
            break
        content = payload[at + 2 : at + 2 + size]
        if len(content) < size:
            raise DataError(
                "EM500-SMTC",
                f"payload {payload.hex()!r} ends inside channel {channel.hex()}",
                "look at the gateway",
            )
        if channel == b"\x20\xce":
            history.append(_read_history(content))
        else:
            measured += _read_channel(channel, content)
        at += 2 + size
    return Message(measured=tuple(measured), history=tuple(history), rest=payload[at:])


def _read_channel(channel: bytes, content: bytes) -> list[Measured]:
    match channel:
        case b"\x01\x75":
            return [Measured(name="battery_pct", value=float(content[0]))]
        case b"\x03\x67" | b"\x83\xd7":
            return [_temperature(int.from_bytes(content[:2], "little"))]
        case b"\x04\x68":
            return [Measured(name="vwc_pct", value=content[0] / 2)]
        case b"\x04\xca":
            return [_moisture(int.from_bytes(content, "little"))]
        case b"\x05\x7f":
            return [_conductivity(int.from_bytes(content, "little"))]
    return []


def _read_history(content: bytes) -> Kept:
    seconds, conductivity, temperature, moisture = _HISTORY.unpack(content)
    return Kept(
        time=datetime.fromtimestamp(seconds, UTC),
        measured=(
            _conductivity(conductivity),
            _temperature(temperature),
            _moisture(moisture),
        ),
    )


def _temperature(number: int) -> Measured:
    signed = number - 0x10000 if number & 0x8000 else number
    return Measured(
        name="soil_temperature_c", value=None if number in _ERRORS else signed / 10
    )


def _moisture(number: int) -> Measured:
    return Measured(name="vwc_pct", value=None if number in _ERRORS else number / 100)


def _conductivity(number: int) -> Measured:
    return Measured(name="ec_us_cm", value=None if number in _ERRORS else float(number))
