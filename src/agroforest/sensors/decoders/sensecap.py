"""SenseCAP S210x and soil probes: records of seven bytes, then a checksum.

A record is channel 1, measurement id 2, value 4 (signed, thousandths), all
little-endian; the last two bytes are CRC-16/KERMIT over the rest, little-endian.
Ids up to 4096 are about the device itself; 7 is its battery (%, 2) and its interval
(minutes, 2). (S210x user guide 9.3, measurement list of the SenseCAP documentation)
"""

import struct
from collections.abc import Iterator

from agroforest.sensors.decoders.message import Measured, Message
from agroforest.sensors.decoders.payload import damaged

_RECORD = struct.Struct("<BHI")
_CHECKSUM_SIZE = 2
_KERMIT = 0x8408  # polynomial 0x1021, reflected

#: The last id that is about the device itself.
_LAST_ABOUT = 4096
_VERSION, _BATTERY, _PROBE_REMOVED = 0, 7, 0x120

#: From here on a value is an error code: 2 000 001 and so on, in thousandths. The
#: probes' SDI-12 codes (2001001 no answer, 2001004 probe fault) lie there.
_ERROR_CODES = 2_000_000_000
_PERCENT = 100

#: Measurement ids; conductivity comes in dS/m.
_NAMES = {
    4097: "air_temperature_c",
    4098: "air_humidity_pct",
    4099: "light_lux",
    4102: "soil_temperature_c",
    4103: "vwc_pct",
    4108: "ec_us_cm",
    4110: "vwc_pct",
    4111: "ec_us_cm",
    4112: "soil_temperature_c",
    4133: "water_potential_kpa",
    4136: "leaf_temperature_c",
    4137: "leaf_moisture_pct",
}
#: Probes with four levels at 10, 20, 30 and 40 cm: first ids.
_LEVELS = {4138: "vwc_pct", 4142: "soil_temperature_c"}
_LEVEL_COUNT, _LEVEL_M = 4, 0.1
_IN_DS_M = frozenset({4108, 4111})


def decode_sensecap(payload: bytes, fport: int, firmware: str | None) -> Message:  # noqa: ARG001  every decoder takes the same
    """Decode a SenseCAP payload whose checksum is right."""
    records, checksum = payload[:-_CHECKSUM_SIZE], payload[-_CHECKSUM_SIZE:]
    if not records or crc16_kermit(records) != int.from_bytes(checksum, "little"):
        raise damaged("SenseCAP", payload, "fails its checksum")
    if len(records) % _RECORD.size:
        raise damaged("SenseCAP", payload, "is no whole number of records")
    several = len({channel for channel, *_ in _RECORD.iter_unpack(records)} - {0}) > 1
    measured: list[Measured] = []
    about: list[tuple[str, str]] = []
    for channel, number, value in _RECORD.iter_unpack(records):
        if number > _LAST_ABOUT:
            measured.append(
                _build_measured(number, value, channel - 1 if several else None)
            )
        elif number == _BATTERY:
            percent, minutes = value & 0xFFFF, value >> 16
            sound = percent <= _PERCENT
            measured.append(
                Measured(
                    name="battery_pct",
                    value=float(percent) if sound else None,
                    code=_BATTERY,
                )
            )
            about.append(("interval_min", str(minutes)))
        else:
            about += _read_about(number, value)
    return Message(measured=tuple(measured), about=tuple(about))


def crc16_kermit(content: bytes) -> int:
    """CRC-16/KERMIT: polynomial 0x1021 reflected, start 0, no final inversion."""
    crc = 0
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (_KERMIT if crc & 1 else 0)
    return crc


def _read_about(number: int, value: int) -> Iterator[tuple[str, str]]:
    if number == _VERSION:
        hardware, software = value >> 16, value & 0xFFFF
        yield "hardware", f"{hardware >> 8}.{hardware & 0xFF}"
        yield "firmware", f"{software >> 8}.{software & 0xFF}"
    elif number == _PROBE_REMOVED:
        yield "probe", "removed"


def _build_measured(number: int, value: int, level: int | None) -> Measured:
    thousandths = value - (1 << 32) if value >> 31 else value
    failed = thousandths >= _ERROR_CODES or thousandths == -(1 << 31)
    scale = 1 if number in _IN_DS_M else 1000  # 0.001 dS/m is 1 uS/cm
    name, depth = _NAMES.get(number, f"sensecap_{number}"), None
    for first, of_level in _LEVELS.items():
        if first <= number < first + _LEVEL_COUNT:
            level = number - first
            name, depth = of_level, round((level + 1) * _LEVEL_M, 2)
    return Measured(
        name=name,
        value=None if failed else thousandths / scale,
        level=level,
        depth_m=depth,
        code=number,
    )
