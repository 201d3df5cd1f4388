"""From the raw bytes of a device to numbers with names."""

from agroforest.sensors.decoders.message import NAMES, Kept, Measured, Message
from agroforest.sensors.decoders.registry import (
    DEVICES,
    Device,
    decode,
    find_device,
    match_devices,
)

__all__ = [
    "DEVICES",
    "NAMES",
    "Device",
    "Kept",
    "Measured",
    "Message",
    "decode",
    "find_device",
    "match_devices",
]
