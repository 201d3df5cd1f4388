"""Milesight EM500-SMTC: a list of channels, numbers little-endian.

=========== ==== =========================================================
channel     size content
=========== ==== =========================================================
``01 75``   1    battery, %
``03 67``   2    temperature, 0.1 °C, two's complement
``04 68``   1    moisture, 0.5 %
``04 ca``   2    moisture, 0.01 %
``05 7f``   2    conductivity, uS/cm
``83 67``   3    temperature 2, alarm 1; of its sister models
``83 d7``   5    temperature 2, its change 2, alarm 1: 0 threshold passed,
                 1 back inside, 2 sudden change
``20 ce``   10   time 4 (seconds since 1970), conductivity 2, temperature 2,
                 moisture 2 (0.01 %)
``ff ..``   1-8  about the device itself
``fe ..``   1-9  answers to commands, as ``ff`` too
=========== ==== =========================================================

Two numbers are errors: ``ffff`` collection failed, ``fffd`` out of range. They hide
the temperatures -0.1 and -0.3 °C.
"""

import struct
from datetime import UTC, datetime

from agroforest.sensors.decoders.message import Kept, Measured, Message
from agroforest.sensors.decoders.payload import damaged, signed

_ERRORS = frozenset({0xFFFF, 0xFFFD})
_HISTORY = struct.Struct("<IHHH")
_PERCENT = 100

#: Bytes that follow a channel.
_SIZES = {
    b"\x01\x75": 1,
    b"\x03\x67": 2,
    b"\x04\x68": 1,
    b"\x04\xca": 2,
    b"\x05\x7f": 2,
    b"\x83\x67": 3,
    b"\x83\xd7": 5,
    b"\x20\xce": _HISTORY.size,
}


def _by_size(types: dict[int, bytes]) -> dict[int, int]:
    return {kind: size for size, kinds in types.items() for kind in kinds}


#: Bytes that follow ``ff`` and a type: what the device says of itself.
_ABOUT = _by_size({1: b"\x01\x0b\x0f\xfe", 2: b"\x09\x0a\xff", 8: b"\x16"})
#: Bytes that follow ``fe`` or ``ff`` and a type: answers to commands.
_ANSWERS = _by_size(
    {
        1: b"\x10\x27\x28\x3b\x4a\x68\x69\x84\xf5",
        2: b"\x02\x03\x17\x18\x1c\xf2",
        3: b"\x6a",
        4: b"\x11\xf1",
        8: b"\x35\x96",
        9: b"\x06",
    }
)
_VERSIONS = {b"\xff\x09": "hardware", b"\xff\x0a": "firmware"}


def decode_em500_smtc(payload: bytes, fport: int, firmware: str | None) -> Message:  # noqa: ARG001  every decoder takes the same
    """Decode an EM500-SMTC payload; see the module for the layout."""
    measured: list[Measured] = []
    history: list[Kept] = []
    about: list[tuple[str, str]] = []
    at = 0
    while at < len(payload):
        channel = payload[at : at + 2]
        size = _find_size(channel)
        if size is None:
            raise damaged(
                "EM500-SMTC",
                payload,
                f"has {channel.hex()!r} at byte {at}, which is no channel of it",
            )
        content = payload[at + 2 : at + 2 + size]
        if len(content) < size:
            raise damaged("EM500-SMTC", payload, f"ends inside channel {channel.hex()}")
        if channel == b"\x20\xce":
            history.append(_read_history(content))
        elif channel in _VERSIONS:
            about.append((_VERSIONS[channel], f"{content[0]:x}.{content[1]:x}"))
        elif channel == b"\xff\x16":
            about.append(("serial_number", content.hex()))
        else:
            measured += _read_channel(channel, content)
        at += 2 + size
    return Message(measured=tuple(measured), history=tuple(history), about=tuple(about))


def _find_size(channel: bytes) -> int | None:
    if len(channel) < 2:
        return None
    if channel[0] == 0xFF:
        return _ABOUT.get(channel[1], _ANSWERS.get(channel[1]))
    if channel[0] == 0xFE:
        return _ANSWERS.get(channel[1])
    return _SIZES.get(channel)


def _read_channel(channel: bytes, content: bytes) -> list[Measured]:
    match channel:
        case b"\x01\x75":
            full = content[0] <= _PERCENT
            return [
                Measured(name="battery_pct", value=float(content[0]) if full else None)
            ]
        case b"\x03\x67":
            return [_temperature(_number(content))]
        case b"\x83\x67":
            return [_temperature(_number(content[:2]))]
        case b"\x83\xd7":
            change = signed(_number(content[2:4]), 16) / 10
            return [
                _temperature(_number(content[:2])),
                Measured(name="temperature_change_c", value=change),
                Measured(name="temperature_alarm", value=float(content[4])),
            ]
        case b"\x04\x68":
            percent = content[0] / 2
            return [
                Measured(name="vwc_pct", value=percent if percent <= _PERCENT else None)
            ]
        case b"\x04\xca":
            return [_moisture(_number(content))]
        case b"\x05\x7f":
            return [_conductivity(_number(content))]
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


def _number(content: bytes) -> int:
    return int.from_bytes(content, "little")


def _temperature(number: int) -> Measured:
    return Measured(
        name="soil_temperature_c",
        value=None if number in _ERRORS else signed(number, 16) / 10,
    )


def _moisture(number: int) -> Measured:
    return Measured(name="vwc_pct", value=None if number in _ERRORS else number / 100)


def _conductivity(number: int) -> Measured:
    return Measured(name="ec_us_cm", value=None if number in _ERRORS else float(number))
