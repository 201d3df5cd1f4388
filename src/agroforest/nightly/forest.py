"""Where canopy is judged."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from agroforest.core.aoi import Aoi
from agroforest.core.config import Pipeline
from agroforest.core.errors import ConfigurationError
from agroforest.core.grid import WGS84, Tile, reproject
from agroforest.core.identity import digest, digest_file
from agroforest.cube import read_cover
from agroforest.nightly.plan import TileTask

#: Name of the array that keeps it in a tile's state, so that a night need not find
#: it again: the state's name changes when the forest or the area does.
ARRAY = "forest"
# A pixel is forest when at least half of it is.
_FOREST_SHARE = 0.5


def forest_polygons(pipeline: Pipeline, aoi: Aoi) -> BaseGeometry | None:
    """Forest of the area of interest, WGS84; ``None`` if settings do not use it.

    Raises
    ------
    ConfigurationError
        The settings ask for compartments, and the area has none; or for a raster
        that does not exist.
    """
    source = pipeline.risk.forest
    if isinstance(source, Path):
        if not source.is_file():
            raise ConfigurationError(
                source, "no such forest raster", "mend risk.forest in the pipeline"
            )
        return None
    if source == "everywhere":
        return None
    if aoi.forest.is_empty:
        raise ConfigurationError(
            aoi.source,
            "has no feature of kind 'compartment'",
            "add one, or set risk.forest to 'everywhere' or to a raster",
        )
    return aoi.forest


def forest_digest(pipeline: Pipeline, polygons: BaseGeometry | None) -> str:
    """Digest of where canopy is judged: a raster by its content, not its path."""
    source = pipeline.risk.forest
    if isinstance(source, Path):
        return digest_file(source)
    return source if polygons is None else digest(polygons.wkb_hex)


def read_forest(task: TileTask) -> NDArray[np.bool_]:
    """Forest pixels of a task's tile, ``(y, x)`` bool, none outside its area."""
    tile: Tile = task.tile
    inside = tile.grid.contains(tile.area)
    source = task.pipeline.risk.forest
    if isinstance(source, Path):
        return inside & (read_cover(source, tile.grid) >= _FOREST_SHARE)
    if task.forest is None:
        return inside
    return inside & tile.grid.contains(reproject(task.forest, WGS84, tile.grid.crs))
