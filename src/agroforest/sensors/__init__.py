"""Readings from sensors: files, uplinks, and whether to trust them."""

from agroforest.sensors.file import read_file
from agroforest.sensors.quality import flag
from agroforest.sensors.record import Refused, SensorFile

__all__ = ["Refused", "SensorFile", "flag", "read_file"]
