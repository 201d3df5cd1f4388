"""Our rasters as map tiles: XYZ, WMTS, and styles for QGIS."""

from agroforest.web.tiles.layers import Layer, Shelf
from agroforest.web.tiles.router import build_router

__all__ = ["Layer", "Shelf", "build_router"]
