"""Layers that do not change from day to day, brought to the cells."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.errors import RasterioError, RasterioIOError
from rasterio.warp import Resampling, reproject
from shapely.geometry.base import BaseGeometry

from agroforest.core.aoi import Aoi, read_features
from agroforest.core.errors import DataError
from agroforest.core.grid import WGS84, Grid
from agroforest.core.grid import reproject as move
from agroforest.fire.cells import Cells

Floats = NDArray[np.float64]

#: A terrain model is read this many times finer than the cells, so that a slope is
#: that of a hillside and not that of a whole cell. Arbitrary; 100 m for cells of 1 km.
FINER = 10
# Van Wagner (1977), Conditions for the start and spread of crown fire; Forestry Canada
# (1992), ST-X-3, Eq. 39. Wang Zhengfei's factor for Chinese forests has the same form.
_SLOPE_SCALE, _SLOPE_POWER = 3.533, 1.2
# The factor is defined up to a slope of 70 %.
_STEEPEST = 0.70


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Terrain:
    """What a terrain model says of the cells; each ``(y, x)`` float64, NaN outside it.

    Attributes
    ----------
    elevation
        Mean, metres.
    slope
        Mean of the slopes inside the cell, degrees.
    south, west
        Mean of the components of the downhill direction, each from -1 to 1 and
        weighted by the sine of the slope: how far the cell leans to the sun.
    slope_factor
        Mean factor by which a fire climbs faster than on flat ground (Eq. 39).
    """

    elevation: Floats = field(repr=False)
    slope: Floats = field(repr=False)
    south: Floats = field(repr=False)
    west: Floats = field(repr=False)
    slope_factor: Floats = field(repr=False)


def read_layer(
    path: Path, grid: Grid, *, resampling: Resampling = Resampling.average
) -> Floats:
    """Bring a one-band raster to a grid.

    Parameters
    ----------
    path
        GeoTIFF in any CRS; scale, offset and nodata of the file are applied.
    grid
        Where to bring it.
    resampling
        The mean of the valid pixels of a cell unless given.

    Returns
    -------
    ndarray
        ``(y, x)`` float64; NaN outside the file and where it has no data.

    Raises
    ------
    DataError
        If it cannot be read, has no CRS or several bands.
    """
    out = np.full(grid.shape, np.nan, dtype=np.float64)
    try:
        with rasterio.open(path, driver="GTiff") as data:
            if data.crs is None or data.count != 1:
                raise DataError(
                    path,
                    f"has CRS {data.crs} and {data.count} bands",
                    "give one band in a CRS",
                )
            reproject(
                rasterio.band(data, 1),
                out,
                src_nodata=data.nodata,
                dst_transform=grid.transform,
                dst_crs=grid.crs,
                dst_nodata=np.nan,
                resampling=resampling,
            )
            return np.asarray(out * data.scales[0] + data.offsets[0])
    except (RasterioError, RasterioIOError) as error:
        reason = " ".join(str(error.__cause__ or error).split())
        raise DataError(
            path, f"cannot be read as GeoTIFF ({reason})", "make it again"
        ) from error


def read_terrain(path: Path, cells: Cells) -> Terrain:
    """Read elevation, and what follows from it, of the cells.

    Slopes are those of Horn (1981, Proceedings of the IEEE 69, 14-47) on a grid
    `FINER` times finer than the cells, then averaged.

    Raises
    ------
    DataError
        As `read_layer`; or the model covers none of the cells.
    """
    grid = cells.grid
    fine = grid.pad(1).at_resolution(grid.resolution / FINER)
    heights = read_layer(path, fine, resampling=Resampling.average)
    if not np.isfinite(heights).any():
        raise DataError(path, "covers none of the cells", "give the terrain there")
    east, north = _find_gradient(heights, fine.resolution)
    steep = np.hypot(east, north)
    with np.errstate(invalid="ignore"):
        sine = steep / np.hypot(steep, 1.0)
        lean = np.where(steep > 0, sine / np.where(steep > 0, steep, 1.0), 0.0)
    inner = slice(FINER, -FINER)

    def mean(values: Floats) -> Floats:
        return _average(values[inner, inner], FINER)

    return Terrain(
        elevation=mean(heights),
        slope=mean(np.degrees(np.arctan(steep))),
        south=mean(north * lean),  # ground that rises to the north faces south
        west=mean(east * lean),
        slope_factor=mean(find_slope_factor(steep)),
    )


def find_slope_factor(gradient: Floats) -> Floats:
    """Factor by which a fire spreads faster uphill than on flat ground.

    Parameters
    ----------
    gradient
        Any shape, rise over run; NaN is missing.

    Returns
    -------
    ndarray
        Same shape, float64, from 1 to 10 (Forestry Canada 1992, ST-X-3, Eq. 39).
    """
    held = np.minimum(gradient, _STEEPEST)
    return np.asarray(np.exp(_SLOPE_SCALE * held**_SLOPE_POWER))


def _find_gradient(heights: Floats, side: float) -> tuple[Floats, Floats]:
    """Rise eastwards and northwards; NaN beside what is not known."""
    around = np.pad(heights, 1, constant_values=np.nan)
    rows, columns = heights.shape

    def at(down: int, right: int) -> Floats:
        return around[1 + down : 1 + down + rows, 1 + right : 1 + right + columns]

    east = at(-1, 1) + 2 * at(0, 1) + at(1, 1) - at(-1, -1) - 2 * at(0, -1) - at(1, -1)
    north = at(-1, -1) + 2 * at(-1, 0) + at(-1, 1) - at(1, -1) - 2 * at(1, 0) - at(1, 1)
    return east / (8 * side), north / (8 * side)


def _average(values: Floats, n: int) -> Floats:
    """Mean of the valid ones of ``n`` x ``n``; NaN if there is none."""
    rows, columns = values.shape
    blocks = values.reshape(rows // n, n, columns // n, n)
    known = np.isfinite(blocks)
    count = known.sum(axis=(1, 3))
    total = np.where(known, blocks, 0.0).sum(axis=(1, 3))
    mean = np.full(count.shape, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean


def measure_distance(path: Path, cells: Cells) -> Floats:
    """Distance from the centre of each cell to the nearest feature of a layer.

    Parameters
    ----------
    path
        Roads, settlements: lines, points or polygons in a format of `core.aoi`.
    cells
        The cells.

    Returns
    -------
    ndarray
        ``(y, x)`` float64, kilometres; 0 inside a polygon.

    Raises
    ------
    ConfigurationError, DataError
        The file cannot be used, or has no geometry.
    """
    drawn = [g for _, g in read_features(path) if g is not None and not g.is_empty]
    if not drawn:
        raise DataError(path, "has no geometry", "give lines, points or polygons")
    metric = [move(shapely.force_2d(g), WGS84, cells.grid.crs) for g in drawn]
    tree = shapely.STRtree(metric)
    xx, yy = np.meshgrid(cells.grid.x_centres(), cells.grid.y_centres())
    centres = shapely.points(np.column_stack([xx.ravel(), yy.ravel()]))
    (which, _), metres = tree.query_nearest(
        centres, return_distance=True, all_matches=False
    )
    out = np.full(xx.size, np.nan)
    out[which] = metres / 1000.0
    return out.reshape(cells.grid.shape)


def find_cover(aoi: Aoi, cells: Cells) -> tuple[NDArray[np.int16], tuple[str, ...]]:
    """Crop or species with the largest share of each cell, as the area's file has it.

    Returns
    -------
    tuple
        ``(y, x)`` int16, a number from 1 into the names, 0 where nobody says; and
        the names.
    """
    names = tuple(sorted({place.cover for place in aoi.places if place.cover}))
    codes = np.zeros(cells.grid.shape, dtype=np.int16)
    most = np.zeros(cells.grid.shape, dtype=np.float64)
    for number, name in enumerate(names, start=1):
        drawn = shapely.union_all([p.geometry for p in aoi.places if p.cover == name])
        share = _find_shares(drawn, cells)
        larger = share > most
        codes[larger], most[larger] = number, share[larger]
    return codes, names


def _find_shares(drawn: BaseGeometry, cells: Cells) -> Floats:
    """Share of each cell that a polygon covers."""
    grid = cells.grid
    metric = move(drawn, WGS84, grid.crs)
    share = np.zeros(grid.shape)
    left, bottom, right, top = metric.bounds
    columns = range(
        max(0, int((left - grid.left) // grid.resolution)),
        min(grid.width, int((right - grid.left) // grid.resolution) + 1),
    )
    rows = range(
        max(0, int((grid.top - top) // grid.resolution)),
        min(grid.height, int((grid.top - bottom) // grid.resolution) + 1),
    )
    shapely.prepare(metric)
    for row in rows:
        upper = grid.top - row * grid.resolution
        for column in columns:
            start = grid.left + column * grid.resolution
            cell = shapely.box(
                start, upper - grid.resolution, start + grid.resolution, upper
            )
            if metric.intersects(cell):
                share[row, column] = metric.intersection(cell).area
    return np.asarray(share / grid.resolution**2)
