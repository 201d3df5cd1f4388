"""Pages: one night's maps, alerts and sensors in one file that needs no network."""

from agroforest.maps.build import build_page
from agroforest.maps.page import IndexLayer, MapPage, Notice, SensorSeries

__all__ = ["IndexLayer", "MapPage", "Notice", "SensorSeries", "build_page"]
