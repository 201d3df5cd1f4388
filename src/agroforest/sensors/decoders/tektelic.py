"""Tektelic Kiwi and Clover: the battery report on port 10.

Two channels are known: ``00 d3`` remaining capacity, one byte, %, and ``00 bd``
remaining days, two bytes, big-endian. Anything else is left as the rest.
"""

from agroforest.core.errors import DataError
from agroforest.sensors.decoders.message import Measured, Message

_PORT = 10
_CHANNELS = {b"\x00\xd3": ("battery_pct", 1), b"\x00\xbd": ("battery_days", 2)}


def decode_tektelic(
    payload: bytes,
    fport: int | None,
    firmware: str | None,  # noqa: ARG001  every decoder takes the same
) -> Message:
    """Decode a battery report; see the module for the layout."""
    if fport not in {None, _PORT}:
        raise DataError(
            "Tektelic", f"port {fport} carries no readings", "use messages of port 10"
        )
    measured: list[Measured] = []
    at = 0
    while known := _CHANNELS.get(payload[at : at + 2]):
        name, size = known
        content = payload[at + 2 : at + 2 + size]
        if len(content) < size:
            break
        measured.append(Measured(name=name, value=float(int.from_bytes(content))))
        at += 2 + size
    return Message(measured=tuple(measured), rest=payload[at:])
