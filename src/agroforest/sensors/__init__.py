"""Readings from sensors: files, uplinks, and whether to trust them."""

from agroforest.sensors.calibration import calibrate, read_calibrations
from agroforest.sensors.check import Checked, Ground, check
from agroforest.sensors.field_capacity import FieldCapacity, learn_field_capacity
from agroforest.sensors.file import read_file
from agroforest.sensors.quality import flag
from agroforest.sensors.record import Refused, SensorFile
from agroforest.sensors.surroundings import Series, Surroundings
from agroforest.sensors.trust import Trust, assess

__all__ = [
    "Checked",
    "FieldCapacity",
    "Ground",
    "Refused",
    "SensorFile",
    "Series",
    "Surroundings",
    "Trust",
    "assess",
    "calibrate",
    "check",
    "flag",
    "learn_field_capacity",
    "read_calibrations",
    "read_file",
]
