"""Pixel grids and the tiles that cover an area of interest exactly once.

A `Tile` is (part of) a 100 km square of the Military Grid Reference System, the
square after which Sentinel-2 granules are named (without the 10 km overlap of
the granules). Squares of one UTM zone do not overlap, and where two zones meet
(at 108° E inside Guangxi) each side keeps only its own strip, so every point of
an area belongs to exactly one tile.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

from agroforest.core.errors import ConfigurationError

WGS84 = "EPSG:4326"
MGRS_SQUARE = 100_000.0  # metres
# Edges longer than this are divided before projecting: a straight line in
# degrees is a curve in metres. 0.01 degrees keep the sagitta under a metre.
_SEGMENT_DEGREES = 0.01
# Sentinel-2 pixels of 10 and 20 m share corners at multiples of 20 m.
_SENTINEL2_SNAP = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """A north-up grid of square pixels.

    Attributes
    ----------
    crs
        Authority code such as ``"EPSG:32649"``.
    left, top
        Outer corner of the first pixel, in metres (or CRS units).
    resolution
        Side of a pixel in CRS units.
    width, height
        Columns and rows.
    """

    crs: str
    left: float
    top: float
    resolution: float
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1 or not self.resolution > 0:
            raise ConfigurationError(
                "grid",
                f"{self.width} x {self.height} pixels of {self.resolution}",
                "width, height and resolution must be positive",
            )

    @classmethod
    def from_bounds(
        cls,
        *,
        crs: str,
        bounds: tuple[float, float, float, float],
        resolution: float,
        snap: float | None = None,
    ) -> "Grid":
        """Smallest grid around `bounds` (left, bottom, right, top).

        Corners are moved outward to multiples of `snap` (the resolution, unless
        given).
        """
        step = snap or resolution
        tolerance = 1e-6 * resolution / step  # a corner a micrometre off is on it
        left = math.floor(bounds[0] / step + tolerance) * step
        bottom = math.floor(bounds[1] / step + tolerance) * step
        right = math.ceil(bounds[2] / step - tolerance) * step
        top = math.ceil(bounds[3] / step - tolerance) * step
        return cls(
            crs=crs,
            left=left,
            top=top,
            resolution=resolution,
            width=max(1, round((right - left) / resolution)),
            height=max(1, round((top - bottom) / resolution)),
        )

    def patch(self, **changes: object) -> "Grid":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, ``(y, x)``."""
        return self.height, self.width

    @property
    def transform(self) -> Affine:
        """Pixel (column, row) to CRS coordinates."""
        return Affine(self.resolution, 0.0, self.left, 0.0, -self.resolution, self.top)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, bottom, right, top in CRS units."""
        return (
            self.left,
            self.top - self.height * self.resolution,
            self.left + self.width * self.resolution,
            self.top,
        )

    @property
    def pixel_area_ha(self) -> float:
        """Area of a pixel in hectares (metric CRS)."""
        return self.resolution**2 / 10_000.0

    def x_centres(self) -> NDArray[np.float64]:
        """X of the pixel centres, shape ``(width,)``, CRS units."""
        return self.left + self.resolution * (
            np.arange(self.width, dtype=np.float64) + 0.5
        )

    def y_centres(self) -> NDArray[np.float64]:
        """Y of the pixel centres, shape ``(height,)``, falling, CRS units."""
        return self.top - self.resolution * (
            np.arange(self.height, dtype=np.float64) + 0.5
        )

    def pad(self, pixels: int) -> "Grid":
        """Grow by `pixels` on every side."""
        return self.patch(
            left=self.left - pixels * self.resolution,
            top=self.top + pixels * self.resolution,
            width=self.width + 2 * pixels,
            height=self.height + 2 * pixels,
        )

    def at_resolution(self, resolution: float) -> "Grid":
        """Grid over the same (or slightly more) ground with other pixels."""
        return Grid.from_bounds(crs=self.crs, bounds=self.bounds, resolution=resolution)

    def blocks(self, size: int) -> Iterator["Block"]:
        """Cut into blocks of at most `size` x `size` pixels, row by row."""
        for row in range(0, self.height, size):
            for column in range(0, self.width, size):
                yield Block(
                    row=row,
                    column=column,
                    grid=self.patch(
                        left=self.left + column * self.resolution,
                        top=self.top - row * self.resolution,
                        width=min(size, self.width - column),
                        height=min(size, self.height - row),
                    ),
                )

    def contains(self, geometry: BaseGeometry) -> NDArray[np.bool_]:
        """Which pixel centres lie inside `geometry` (in the grid's CRS).

        Returns
        -------
        ndarray
            Shape ``(y, x)``, bool; True inside.
        """
        shapely.prepare(geometry)
        xx, yy = np.meshgrid(self.x_centres(), self.y_centres())
        return np.asarray(shapely.contains_xy(geometry, xx, yy))


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A window of a grid.

    Attributes
    ----------
    row, column
        First row and column in the parent grid.
    grid
        The window as a grid of its own.
    """

    row: int
    column: int
    grid: Grid

    @property
    def window(self) -> tuple[slice, slice]:
        """``(rows, columns)`` slices into the parent's arrays."""
        return (
            slice(self.row, self.row + self.grid.height),
            slice(self.column, self.column + self.grid.width),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Tile:
    """A piece of an area of interest that one task works on.

    Attributes
    ----------
    id
        MGRS square, ``49QCE``, followed by ``-<column><row>`` for tiles smaller
        than the square.
    grid
        Pixels of the tile, in its UTM zone.
    area
        The part of the area of interest that belongs to this tile, in the
        tile's CRS. Tiles of one area never overlap in `area`, though their
        grids may, where zones meet.
    """

    id: str
    grid: Grid
    area: BaseGeometry

    def footprint(self) -> BaseGeometry:
        """Outline of the grid in WGS84 longitude, latitude."""
        outline = shapely.box(*self.grid.bounds)
        outline = shapely.segmentize(outline, max(self.grid.resolution, 1000.0))
        return reproject(outline, self.grid.crs, WGS84)


def find_tiles(
    area: BaseGeometry, *, resolution: float, size: float = MGRS_SQUARE
) -> tuple[Tile, ...]:
    """Tiles that cover an area exactly once.

    Parameters
    ----------
    area
        Polygon or multipolygon, WGS84 longitude and latitude in degrees,
        between 80° S and 84° N.
    resolution
        Pixel side in metres.
    size
        Side of a tile in metres; divides 100 km.

    Returns
    -------
    tuple of Tile
        In order of id. The grid of a tile is cut to the bounding box of its
        part of the area, on pixel corners that Sentinel-2 shares.

    Raises
    ------
    ConfigurationError
        If `size` does not divide 100 km or the area leaves the UTM range.
    """
    if size <= 0 or MGRS_SQUARE % size:
        raise ConfigurationError(
            "grid.tile_size", f"{size} m", "use a divisor of 100000, for example 20000"
        )
    west, south, east, north = area.bounds
    if south < -80 or north > 84 or west < -180 or east > 180:
        raise ConfigurationError(
            "area of interest",
            f"bounds {area.bounds} lie outside UTM",
            "use longitude, latitude in degrees between 80° S and 84° N",
        )
    snap = math.lcm(round(resolution), round(_SENTINEL2_SNAP))
    tiles: list[Tile] = []
    for crs, strip in _utm_strips(area.bounds):
        part = area.intersection(strip)
        if part.area == 0:
            continue
        metric = reproject(shapely.segmentize(part, _SEGMENT_DEGREES), WGS84, crs)
        metric = shapely.make_valid(metric)
        tiles += _squares(metric, crs=crs, resolution=resolution, size=size, snap=snap)
    return tuple(sorted(tiles, key=lambda t: t.id))


def reproject(geometry: BaseGeometry, source: str, target: str) -> BaseGeometry:
    """Geometry in another CRS; axes always easting/longitude first."""
    if source == target:
        return geometry
    transformer = _transformer(source, target)

    def move(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(transformer.transform(points[:, 0], points[:, 1]))

    return shapely.transform(geometry, move)


def mgrs_square(crs: str, easting: float, northing: float) -> str:
    """Name of the 100 km MGRS square of a UTM point, such as ``49QCE``.

    Parameters
    ----------
    crs
        ``EPSG:326zz`` (north) or ``EPSG:327zz`` (south).
    easting, northing
        Metres.

    Notes
    -----
    Lettering after NGA.STND.0037, section 3: columns repeat every three zones,
    rows every two; I and O are not used.
    """
    zone = int(crs[-2:])
    latitude = _transformer(crs, WGS84).transform(easting, northing)[1]
    band = "CDEFGHJKLMNPQRSTUVWX"[min(19, max(0, int((latitude + 80) // 8)))]
    columns = ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")[(zone - 1) % 3]
    rows = "ABCDEFGHJKLMNPQRSTUV"
    shift = 0 if zone % 2 else 5
    column = columns[int(easting // MGRS_SQUARE) - 1]
    row = rows[(int(northing // MGRS_SQUARE) + shift) % 20]
    return f"{zone:02d}{band}{column}{row}"


def utm_crs(longitude: float, latitude: float) -> str:
    """UTM zone of a point as an EPSG code (without the exceptions of Norway)."""
    zone = min(60, int((longitude + 180) // 6) + 1)
    return f"EPSG:{'326' if latitude >= 0 else '327'}{zone:02d}"


def _utm_strips(
    bounds: tuple[float, float, float, float],
) -> Iterator[tuple[str, BaseGeometry]]:
    west, south, east, north = bounds
    first = int((west + 180) // 6) + 1
    last = min(60, int((east + 180) // 6) + 1)
    for zone in range(first, last + 1):
        left = -180.0 + 6 * (zone - 1)
        if north > 0:
            yield f"EPSG:326{zone:02d}", shapely.box(left, max(south, 0), left + 6, 84)
        if south < 0:
            yield f"EPSG:327{zone:02d}", shapely.box(left, -80, left + 6, min(north, 0))


def _squares(
    part: BaseGeometry, *, crs: str, resolution: float, size: float, snap: float
) -> Iterator[Tile]:
    left, bottom, right, top = part.bounds
    for column in range(int(left // size), int(right // size) + 1):
        for row in range(int(bottom // size), int(top // size) + 1):
            square = shapely.box(
                column * size, row * size, (column + 1) * size, (row + 1) * size
            )
            inside = part.intersection(square)
            if inside.area == 0:
                continue
            yield Tile(
                id=_tile_id(crs, column * size, row * size, size),
                grid=Grid.from_bounds(
                    crs=crs, bounds=inside.bounds, resolution=resolution, snap=snap
                ),
                area=inside,
            )


def _tile_id(crs: str, left: float, bottom: float, size: float) -> str:
    middle = size / 2
    square = mgrs_square(crs, left + middle, bottom + middle)
    if size == MGRS_SQUARE:
        return square
    column = int(left % MGRS_SQUARE // size)
    row = int(bottom % MGRS_SQUARE // size)
    return f"{square}-{column:02d}{row:02d}"


@lru_cache(maxsize=64)
def _transformer(source: str, target: str) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)
