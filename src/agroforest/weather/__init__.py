"""Weather: station tables and gridded files, and how they come onto a tile's grid.

Units are declared or read, never guessed. What cannot be is set aside by name and
counted; what is missing stays missing.
"""

from agroforest.weather.gridded import read_gridded
from agroforest.weather.network import Network, build_network
from agroforest.weather.record import (
    GriddedWeather,
    Refused,
    Station,
    StationSeries,
)
from agroforest.weather.regrid import Placement, find_degrees, place
from agroforest.weather.station import read_station, read_stations

__all__ = [
    "GriddedWeather",
    "Network",
    "Placement",
    "Refused",
    "Station",
    "StationSeries",
    "build_network",
    "find_degrees",
    "place",
    "read_gridded",
    "read_station",
    "read_stations",
]
