"""Pages: one night's maps, alerts and sensors in one file that needs no network."""

from agroforest.maps.build import build_page
from agroforest.maps.fire import (
    DangerLayer,
    DriverLayer,
    FirePage,
    HeldEvent,
    ScarLayer,
)
from agroforest.maps.page import (
    IndexLayer,
    LikelyCause,
    MapPage,
    Notice,
    SensorSeries,
    YearLayer,
)
from agroforest.maps.water import ParcelWater, ProbeTrust, WaterDay, WaterPage

__all__ = [
    "DangerLayer",
    "DriverLayer",
    "FirePage",
    "HeldEvent",
    "IndexLayer",
    "LikelyCause",
    "MapPage",
    "Notice",
    "ParcelWater",
    "ProbeTrust",
    "ScarLayer",
    "SensorSeries",
    "WaterDay",
    "WaterPage",
    "YearLayer",
    "build_page",
]
