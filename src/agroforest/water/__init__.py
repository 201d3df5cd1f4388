"""Water in the soil: the balance day by day, what is measured of it, and advice.

`step` takes yesterday's `RootZone` and today's `FieldDay`. Nothing here reads a file
or a clock.
"""

from agroforest.water.day import FieldDay, WaterDay
from agroforest.water.state import Coefficient, Method, RootZone
from agroforest.water.step import step

__all__ = ["Coefficient", "FieldDay", "Method", "RootZone", "WaterDay", "step"]
