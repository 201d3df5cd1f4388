"""Compartments of an area of interest, and which of them a tile touches."""

import numpy as np
import shapely
from shapely import MultiPolygon
from shapely.geometry.base import BaseGeometry

from agroforest.core.grid import WGS84, Tile, reproject


class Compartments:
    """Forest polygons, found by tile.

    A task carries only those that its tile touches: of a province, all would be
    gigabytes in every task, and drawn on every tile.

    Parameters
    ----------
    forest
        Polygon or multipolygon, WGS84; ``None`` where polygons do not say what is
        forest.
    """

    def __init__(self, forest: BaseGeometry | None) -> None:
        self._given = forest is not None
        self._parts = shapely.get_parts(forest)
        left, bottom, right, top = shapely.bounds(self._parts).T
        # Edges are straight in longitude and latitude here and straight in UTM on
        # the tile. They are apart by far less than a polygon is long.
        reach = np.hypot(right - left, top - bottom)
        self._tree = shapely.STRtree(
            shapely.box(left - reach, bottom - reach, right + reach, top + reach)
        )

    def on(self, tile: Tile) -> BaseGeometry | None:
        """Polygons that touch a tile's grid, whole, WGS84.

        Returns
        -------
        geometry or None
            Draws the same pixels on the tile as all of them would. Empty where no
            polygon is near; ``None`` if there are none to ask.
        """
        if not self._given:
            return None
        near = self._parts[np.sort(self._tree.query(tile.footprint()))]
        drawn = reproject(MultiPolygon(list(near)), WGS84, tile.grid.crs)
        outline = shapely.box(*tile.grid.bounds)
        touching = shapely.intersects(shapely.get_parts(drawn), outline)
        return MultiPolygon(list(near[touching]))
