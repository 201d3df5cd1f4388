"""Tektelic Kiwi and Clover, port 10: a list of channels, numbers big-endian.

=========== ==== =========================================================
channel     size content
=========== ==== =========================================================
``00 d3``   1    battery, %
``00 bd``   2    days the battery will last
``00 ff``   2    battery, 0.01 V
``0b 67``   2    air temperature, 0.1 °C, two's complement
``0b 68``   1    relative humidity of the air, 0.5 %
``09 65``   2    light, lux
``01 04``   2    soil probe, kHz (uncalibrated)
``02 02``   2    soil thermistor, mV
``03 02``   2    first outer thermistor, mV; ``04 02`` the second
``05 04``   2    first outer moisture probe, Hz; ``06 04`` the second
=========== ==== =========================================================

The soil channels need the probe's own calibration and keep names of their own.
"""

from agroforest.sensors.decoders.message import Measured, Message
from agroforest.sensors.decoders.payload import damaged, signed

#: Name, size and divisor of each channel.
_CHANNELS = {
    b"\x00\xd3": ("battery_pct", 1, 1),
    b"\x00\xbd": ("battery_days", 2, 1),
    b"\x00\xff": ("battery_v", 2, 100),
    b"\x0b\x67": ("air_temperature_c", 2, 10),
    b"\x0b\x68": ("air_humidity_pct", 1, 2),
    b"\x09\x65": ("light_lux", 2, 1),
    b"\x01\x04": ("tektelic_soil_khz", 2, 1),
    b"\x02\x02": ("tektelic_soil_mv", 2, 1),
    b"\x03\x02": ("tektelic_input3_mv", 2, 1),
    b"\x04\x02": ("tektelic_input4_mv", 2, 1),
    b"\x05\x04": ("tektelic_input5_hz", 2, 1),
    b"\x06\x04": ("tektelic_input6_hz", 2, 1),
}


def decode_tektelic(payload: bytes, fport: int, firmware: str | None) -> Message:  # noqa: ARG001  every decoder takes the same
    """Decode a Kiwi or Clover payload; see the module for the layout."""
    measured: list[Measured] = []
    at = 0
    while at < len(payload):
        channel = payload[at : at + 2]
        if channel not in _CHANNELS:
            raise damaged(
                "Tektelic",
                payload,
                f"has {channel.hex()!r} at byte {at}, which is no known channel",
            )
        name, size, divisor = _CHANNELS[channel]
        content = payload[at + 2 : at + 2 + size]
        if len(content) < size:
            raise damaged("Tektelic", payload, f"ends inside channel {channel.hex()}")
        number = int.from_bytes(content)
        if name == "air_temperature_c":
            number = signed(number, 16)
        value = number / divisor if divisor > 1 else float(number)
        measured.append(Measured(name=name, value=value))
        at += 2 + size
    return Message(measured=tuple(measured))
