"""Pages: one night's maps, alerts and sensors in one file that needs no network."""

from agroforest.maps.build import build_page
from agroforest.maps.page import (
    IndexLayer,
    LikelyCause,
    MapPage,
    Notice,
    SensorSeries,
    YearLayer,
)

__all__ = [
    "IndexLayer",
    "LikelyCause",
    "MapPage",
    "Notice",
    "SensorSeries",
    "YearLayer",
    "build_page",
]
