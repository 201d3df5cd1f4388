"""Pixels: read, mask, align and write them, in bounded memory."""

from agroforest.cube.cover import read_cover
from agroforest.cube.item import raster_name, write_item
from agroforest.cube.read import read
from agroforest.cube.write import CogWriter, Raster, read_cog, write_cog

__all__ = [
    "CogWriter",
    "Raster",
    "raster_name",
    "read",
    "read_cog",
    "read_cover",
    "write_cog",
    "write_item",
]
