"""Dragino SE01-LB (soil) and LMS01-LB (leaf), also sold as -LS.

Port 2, the reading, big-endian. SE01-LB as LSE01, in
`agroforest.sensors.decoders.dragino`, with these flags: bit 7 raw mode, bit 6 counting
(then four more bytes, the count), bit 4 probe found. LMS01-LB, eleven bytes::

    battery 2 (mV) · cable probe 2 (0.1 °C) · leaf moisture 2 (0.1 %)
    · leaf temperature 2 (0.1 °C, two's complement) · interrupt 1 · reserved 1 · type 1

Port 3, the answer to a poll of the log, entries of eleven bytes::

    three fields of 2 as above · flags 1 · time 4 (seconds since 1970)

SE01-LB logs moisture, temperature and conductivity; LMS01-LB cable probe, leaf moisture
and leaf temperature. An entry of nothing but 0 says that there is no data.

Port 5, the state, seven bytes::

    model 1 · firmware 2 · band 1 · sub-band 1 · battery 2 (mV)
"""

import struct
from datetime import UTC, datetime

from agroforest.sensors.decoders.dragino import (
    read_battery,
    read_cable_probe,
    read_soil,
)
from agroforest.sensors.decoders.message import Kept, Measured, Message
from agroforest.sensors.decoders.payload import damaged, signed, wrong_length

#: Ports of readings, of the log and of the state.
READING, LOG, STATE = 2, 3, 5
_SOIL = struct.Struct(">HHHHHB")
_COUNT_SIZE = 4
_LEAF = struct.Struct(">HHHHBBB")
_ENTRY = struct.Struct(">HHHBI")
_STATE = struct.Struct(">BHBBH")
_RAW_MODE, _COUNTING, _PROBE_FOUND = 0x80, 0x40, 0x10
_NO_ANSWER, _NO_TEMPERATURE = 0xFFFF, 0x7FFF
_NO_PROBE = 0x0CCC
_LEAF_FULL = 1000  # 100.0 %
_MODELS = {"SE01-LB": 0x26, "LMS01-LB": 0x2D}
_BANDS = (
    *("EU868", "US915", "IN865", "AU915", "KZ865", "RU864", "AS923"),
    *("AS923-1", "AS923-2", "AS923-3", "CN470", "EU433", "KR920", "MA869"),
)


def decode_se01_lb(payload: bytes, fport: int, firmware: str | None) -> Message:  # noqa: ARG001  every decoder takes the same
    """Decode an SE01-LB payload; see the module for the layouts."""
    if fport == STATE:
        return _read_state("SE01-LB", payload)
    if fport == LOG:
        return Message(history=_read_log("SE01-LB", payload))
    size = _SOIL.size
    if len(payload) < size:
        raise wrong_length("SE01-LB", payload, str(size))
    battery, cable, first, second, third, flags = _SOIL.unpack_from(payload)
    size += _COUNT_SIZE if flags & _COUNTING else 0
    if len(payload) != size:
        raise wrong_length("SE01-LB", payload, str(size))
    counted = int.from_bytes(payload[_SOIL.size :])
    return Message(
        measured=(
            read_battery(battery),
            read_cable_probe(cable),
            *read_soil(
                *(first, second, third),
                raw=bool(flags & _RAW_MODE),
                found=flags & _PROBE_FOUND,
            ),
            *(
                (Measured(name="pulse_count", value=float(counted)),)
                if flags & _COUNTING
                else ()
            ),
        )
    )


def decode_lms01_lb(payload: bytes, fport: int, firmware: str | None) -> Message:  # noqa: ARG001  every decoder takes the same
    """Decode an LMS01-LB payload; see the module for the layouts."""
    if fport == STATE:
        return _read_state("LMS01-LB", payload)
    if fport == LOG:
        return Message(history=_read_log("LMS01-LB", payload))
    if len(payload) != _LEAF.size:
        raise wrong_length("LMS01-LB", payload, str(_LEAF.size))
    battery, cable, moisture, temperature, *_ = _LEAF.unpack(payload)
    return Message(
        measured=(
            read_battery(battery),
            read_cable_probe(cable),
            *_read_leaf(moisture, temperature),
        )
    )


def _read_leaf(moisture: int, temperature: int) -> tuple[Measured, ...]:
    silent = moisture > _LEAF_FULL
    cold = temperature == _NO_TEMPERATURE or (silent and temperature == _NO_ANSWER)
    return (
        Measured(name="leaf_moisture_pct", value=None if silent else moisture / 10),
        Measured(
            name="leaf_temperature_c",
            value=None if cold else signed(temperature, 16) / 10,
        ),
    )


def _read_log(device: str, payload: bytes) -> tuple[Kept, ...]:
    if len(payload) % _ENTRY.size:
        raise wrong_length(device, payload, f"a multiple of {_ENTRY.size}")
    kept: list[Kept] = []
    for first, second, third, _, seconds in _ENTRY.iter_unpack(payload):
        if not (first or second or third or seconds):
            continue
        if device == "SE01-LB":
            measured = read_soil(first, second, third, raw=False, found=1)
        else:
            measured = _read_leaf_entry(first, second, third)
        time = datetime.fromtimestamp(seconds, UTC)
        kept.append(Kept(time=time, measured=measured))
    return tuple(kept)


def _read_leaf_entry(first: int, second: int, third: int) -> tuple[Measured, ...]:
    # The maker's decoder names none of the three. Their order is that of port 2,
    # unless the value that stands for no cable probe comes last.
    if third == _NO_PROBE != first:
        first, second, third = third, first, second
    return (read_cable_probe(first), *_read_leaf(second, third))


def _read_state(device: str, payload: bytes) -> Message:
    if len(payload) != _STATE.size:
        raise wrong_length(device, payload, str(_STATE.size))
    model, version, band, sub_band, battery = _STATE.unpack(payload)
    if model != _MODELS[device]:
        raise damaged(
            device, payload, f"is of model {model:#04x}, not {_MODELS[device]:#04x}"
        )
    known = 1 <= band <= len(_BANDS)
    return Message(
        measured=(Measured(name="battery_v", value=battery / 1000),),
        about=(
            ("firmware", f"{version >> 8 & 15}.{version >> 4 & 15}.{version & 15}"),
            ("band", _BANDS[band - 1] if known else f"{band:#04x}"),
            ("sub_band", "" if sub_band == 0xFF else str(sub_band)),
        ),
    )
