"""Fire weather: the Canadian indices day by day, local classes, the Chinese rank.

`step` takes yesterday's `Codes` and today's weather. The fine fuel moisture code has
a scale constant that differs between releases of the reference program: 147.2 as
published, which is the default here, or 147.27723; `Method` says which, and every
state carries it.
"""

from agroforest.indices.fire_weather.dryness import find_vpd
from agroforest.indices.fire_weather.equations import EXACT_SCALE, PUBLISHED_SCALE
from agroforest.indices.fire_weather.season import Winter, find_season, overwinter
from agroforest.indices.fire_weather.state import Codes, Method, StartUp
from agroforest.indices.fire_weather.step import FireWeather, step

__all__ = [
    "EXACT_SCALE",
    "PUBLISHED_SCALE",
    "Codes",
    "FireWeather",
    "Method",
    "StartUp",
    "Winter",
    "find_season",
    "find_vpd",
    "overwinter",
    "step",
]
