"""Cells of fire danger: squares of about a kilometre that cover an area."""

from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.features import geometry_mask
from shapely.geometry.base import BaseGeometry

from agroforest.core.errors import ConfigurationError
from agroforest.core.grid import WGS84, Grid, reproject, utm_crs

#: Side of a cell in metres, unless another is asked for.
SIDE = 1000.0
#: More cells than this are refused: China at 1 km has ten million. Arbitrary.
MOST_CELLS = 4_000_000
# A straight line in degrees is a curve in metres.
_SEGMENT_DEGREES = 0.01


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Cells:
    """Cells over an area.

    Attributes
    ----------
    grid
        Their squares, in the UTM zone of the middle of the area. Six degrees from
        the zone's meridian a cell is 1 % smaller on the ground than its side says;
        `totals` corrects for it.
    area
        The area, WGS 84.
    inside
        ``(y, x)`` bool: cells that the area touches.
    longitude, latitude
        ``(y, x)`` float64, degrees, of the centres.
    """

    grid: Grid
    area: BaseGeometry = field(repr=False)
    inside: NDArray[np.bool_] = field(repr=False)
    longitude: NDArray[np.float64] = field(repr=False)
    latitude: NDArray[np.float64] = field(repr=False)

    @property
    def count(self) -> int:
        """How many cells the area touches."""
        return int(self.inside.sum())

    def locate(
        self, longitude: NDArray[np.float64], latitude: NDArray[np.float64]
    ) -> NDArray[np.intp]:
        """Cell of each place.

        Returns
        -------
        ndarray of int
            ``(n,)``: place in ``inside.ravel()``; -1 off the grid or outside the
            area.
        """
        move = Transformer.from_crs(WGS84, self.grid.crs, always_xy=True)
        x, y = move.transform(longitude, latitude)
        grid = self.grid
        column = np.floor((np.asarray(x) - grid.left) / grid.resolution)
        row = np.floor((grid.top - np.asarray(y)) / grid.resolution)
        on = (row >= 0) & (row < grid.height) & (column >= 0) & (column < grid.width)
        flat = np.where(on, row * grid.width + column, 0).astype(np.intp)
        return np.where(on & self.inside.ravel()[flat], flat, -1)


def build_cells(area: BaseGeometry, *, side: float = SIDE) -> Cells:
    """Cover an area with cells.

    Parameters
    ----------
    area
        Polygon or multipolygon, WGS 84.
    side
        Metres.

    Raises
    ------
    ConfigurationError
        If the area is empty, or too large for the side.
    """
    if area.is_empty:
        raise ConfigurationError("area of interest", "is empty", "draw a polygon")
    west, south, east, north = area.bounds
    crs = utm_crs((west + east) / 2, (south + north) / 2)
    metric = reproject(shapely.segmentize(area, _SEGMENT_DEGREES), WGS84, crs)
    bounds = metric.bounds
    wanted = (bounds[2] - bounds[0] + side) * (bounds[3] - bounds[1] + side) / side**2
    if not wanted <= MOST_CELLS:
        raise ConfigurationError(
            "area of interest",
            f"would take {wanted:.3g} cells of {side:g} m",
            "ask for larger cells, or for a part of it",
        )
    grid = Grid.from_bounds(crs=crs, bounds=bounds, resolution=side)
    inside = geometry_mask(
        [metric],
        out_shape=grid.shape,
        transform=grid.transform,
        all_touched=True,
        invert=True,
    )
    move = Transformer.from_crs(crs, WGS84, always_xy=True)
    xx, yy = np.meshgrid(grid.x_centres(), grid.y_centres())
    longitude, latitude = move.transform(xx, yy)
    return Cells(
        grid=grid,
        area=area,
        inside=inside,
        longitude=np.asarray(longitude),
        latitude=np.asarray(latitude),
    )
