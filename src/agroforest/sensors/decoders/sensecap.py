"""SenseCAP S210x and soil probes: records of seven bytes, then a checksum.

A record is channel 1, measurement id 2, value 4 (signed, thousandths), all
little-endian; the last two bytes are CRC-16/KERMIT over the rest, little-endian.
"""

import struct

from agroforest.core.errors import DataError
from agroforest.sensors.decoders.message import Measured, Message

_RECORD = struct.Struct("<BHi")
_CHECKSUM_SIZE = 2
_KERMIT = 0x8408  # polynomial 0x1021, reflected

#: SenseCAP measurement ids (document station, "measurement list").
_NAMES = {
    4097: "air_temperature_c",
    4098: "air_humidity_pct",
    4102: "soil_temperature_c",
    4103: "vwc_pct",
    4108: "ec_ds_m",
    4110: "vwc_pct",
    4111: "ec_ds_m",
    4112: "soil_temperature_c",
}


def decode_sensecap(
    payload: bytes,
    fport: int | None,  # noqa: ARG001  every decoder takes the same
    firmware: str | None,  # noqa: ARG001
) -> Message:
    """Decode a SenseCAP payload whose checksum is right."""
    records, checksum = payload[:-_CHECKSUM_SIZE], payload[-_CHECKSUM_SIZE:]
    if not records or crc16_kermit(records) != int.from_bytes(checksum, "little"):
        raise DataError(
            "SenseCAP",
            f"payload {payload.hex()!r} fails its checksum",
            "look at the gateway",
        )
    whole = len(records) // _RECORD.size * _RECORD.size
    measured = tuple(
        _build_measured(number, thousandths)
        for _, number, thousandths in _RECORD.iter_unpack(records[:whole])
    )
    return Message(measured=measured, rest=records[whole:])


def crc16_kermit(content: bytes) -> int:
    """CRC-16/KERMIT: polynomial 0x1021 reflected, start 0, no final inversion."""
    crc = 0
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (_KERMIT if crc & 1 else 0)
    return crc


def _build_measured(number: int, thousandths: int) -> Measured:
    name = _NAMES.get(number, f"sensecap_{number}")
    if name == "ec_ds_m":
        return Measured(name="ec_us_cm", value=float(thousandths))
    return Measured(name=name, value=thousandths / 1000)
