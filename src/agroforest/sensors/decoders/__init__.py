"""From the raw bytes of a device to numbers with names."""

from agroforest.sensors.decoders.message import Kept, Measured, Message
from agroforest.sensors.decoders.registry import DECODERS, decode, find_device

__all__ = ["DECODERS", "Kept", "Measured", "Message", "decode", "find_device"]
