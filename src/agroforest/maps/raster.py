"""From a grid in metres to a picture the browser can lay on the map.

The map is drawn in web mercator (EPSG:3857). A UTM grid is rotated against it by
up to a degree and more, so laying the array between its corners would shift
pixels by hundreds of metres on a large tile. Each picture is warped first.
"""

import base64
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.io import MemoryFile
from rasterio.warp import Resampling, reproject, transform, transform_bounds

from agroforest.core.grid import WGS84, Grid
from agroforest.core.risk import RiskMap
from agroforest.maps.colors import (
    OUTLINE,
    STALE_GROUND,
    STALE_STRIPE,
    Palette,
    risk_palette,
)

MERCATOR = "EPSG:3857"
MAX_SIDE = 1024  # pixels of a picture's long side: a screen's worth
_MIN_SIDE = 256  # small grids are enlarged, so that hatch and slanted edges show
_HATCH_PERIOD = 8  # picture pixels from stripe to stripe
_HATCH_WIDTH = 3
_STRIP_CELLS = 32
_Codes = NDArray[np.uint8]
# PNG keeps no position; rasterio warns when it is given none or the identity.
_NOWHERE = Affine(2.0, 0.0, 0.0, 0.0, -2.0, 0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A palette PNG and where it lies.

    Attributes
    ----------
    uri
        ``data:image/png;base64,…``
    south, west, north, east
        Edges in degrees; inside them the picture is linear in web mercator.
    """

    uri: str
    south: float
    west: float
    north: float
    east: float

    @property
    def corners(self) -> list[list[float]]:
        """South-west and north-east corner as Leaflet wants them."""
        return [[self.south, self.west], [self.north, self.east]]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Canvas:
    """Square pixels of a picture in web mercator, metres."""

    left: float
    top: float
    pixel: float
    height: int
    width: int


def choose_pixel(grids: Iterable[Grid]) -> float:
    """Side of a picture pixel, in mercator metres, for a set of grids.

    Pictures of one page share the pixel and its lattice, so that neighbouring
    tiles meet without a gap or an overlap. The largest grid decides.
    """
    return max((_own_pixel(grid) for grid in grids), default=1.0)


def draw_index(
    values: NDArray[np.floating],
    grid: Grid,
    *,
    palette: Palette,
    vmin: float,
    vmax: float,
    pixel: float | None = None,
) -> Picture:
    """Picture of a plain layer.

    Parameters
    ----------
    values
        ``(y, x)`` on `grid`; NaN is transparent. Large grids are averaged down
        to about `MAX_SIDE` pixels, over valid pixels only.
    grid
        Any CRS.
    palette, vmin, vmax
        Colours and the values at their ends.
    pixel
        From `choose_pixel`, when several pictures must fit together.
    """
    factor = _factor(grid)
    means = [_mean(values[rows], factor) for rows in _strips(grid, factor)]
    codes = palette.codes(np.concatenate(means), vmin=vmin, vmax=vmax)
    canvas = _canvas(grid, pixel)
    return _picture(_warp(codes, grid, factor, canvas), canvas, palette)


def draw_risk(risk: RiskMap, *, stale_days: int, pixel: float | None = None) -> Picture:
    """Picture of a risk map.

    Transparent: not judged. Colour: probability. Hatched grey: judged, but no
    clear image for more than `stale_days` days. Dark edge: detected.

    When the map is larger than `MAX_SIDE`, probability is averaged over judged
    pixels, while one detected pixel is enough to mark its picture pixel: a small
    spot must not vanish because the tile is large.
    """
    factor = _factor(risk.grid)
    palette = risk_palette()
    parts = [
        _risk_codes(_cut(risk, rows), factor, stale_days, palette)
        for rows in _strips(risk.grid, factor)
    ]
    canvas = _canvas(risk.grid, pixel)
    codes, stale, found = (
        _warp(np.concatenate(layer), risk.grid, factor, canvas)
        for layer in zip(*parts, strict=True)
    )
    codes = np.where(stale, _hatch(codes.shape), codes)
    codes = np.where(_edge(found > 0), OUTLINE, codes).astype(np.uint8)
    return _picture(codes, canvas, palette)


def draw_strip(palette: Palette) -> str:
    """Picture of the scale alone for legends: a data URI, one row, low to high."""
    row = np.arange(1, palette.levels + 1, dtype=np.uint8)[np.newaxis]
    return encode_png(row, palette)


def _risk_codes(
    risk: RiskMap, factor: int, stale_days: int, palette: Palette
) -> tuple[_Codes, _Codes, _Codes]:
    judged = np.isfinite(risk.probability)
    age = risk.age_days()
    stale = judged & ((age < 0) | (age > stale_days))
    count = _sum(judged, factor)
    half = (2 * _sum(stale, factor) >= count) & (count > 0)
    found = _sum(risk.detected & judged, factor) > 0
    return (
        palette.codes(_mean(risk.probability, factor), vmin=0, vmax=1),
        half.astype(np.uint8),
        found.astype(np.uint8),
    )


def _cut(risk: RiskMap, rows: slice) -> RiskMap:
    grid = risk.grid.patch(
        top=risk.grid.top - rows.start * risk.grid.resolution,
        height=rows.stop - rows.start,
    )
    return risk.patch(
        grid=grid,
        probability=risk.probability[rows],
        evidence=risk.evidence[rows],
        since=risk.since[rows],
    )


def _factor(grid: Grid) -> int:
    """Grid pixels averaged into one, each way."""
    return math.ceil(max(grid.shape) / MAX_SIDE)


def _strips(grid: Grid, factor: int) -> Iterator[slice]:
    """Rows in strips of whole cells, so that a full tile needs little memory."""
    step = _STRIP_CELLS * factor
    for start in range(0, grid.height, step):
        yield slice(start, min(start + step, grid.height))


def _mean(values: NDArray[np.floating], factor: int) -> NDArray[np.float64]:
    """Mean over valid pixels of ``factor`` x ``factor`` cells; NaN if none."""
    valid = np.isfinite(values)
    count = _sum(valid, factor)
    total = _sum(np.where(valid, values, 0.0), factor)
    mean = np.full(count.shape, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean


def _sum(values: NDArray[np.generic], factor: int) -> NDArray[np.float64]:
    """Sum over ``factor`` x ``factor`` cells; those at the end may be smaller."""
    rows, columns = (math.ceil(n / factor) * factor for n in values.shape)
    padded = np.zeros((rows, columns), np.float32)
    padded[: values.shape[0], : values.shape[1]] = values
    lines = padded.reshape(rows // factor, factor, columns).sum(axis=1)
    cells = lines.reshape(rows // factor, columns // factor, factor)
    return np.asarray(cells.sum(axis=2, dtype=np.float64))


def _own_pixel(grid: Grid) -> float:
    west, south, east, north = transform_bounds(grid.crs, MERCATOR, *grid.bounds)
    cells = math.ceil(max(grid.shape) / _factor(grid))
    side = min(MAX_SIDE, max(_MIN_SIDE, 2 * cells))
    extent = float(max(east - west, north - south))
    return extent / (side - 1)  # the lattice may add one pixel


def _canvas(grid: Grid, pixel: float | None) -> _Canvas:
    west, south, east, north = transform_bounds(grid.crs, MERCATOR, *grid.bounds)
    side = pixel or _own_pixel(grid)
    left, top = math.floor(west / side), math.ceil(north / side)
    return _Canvas(
        left=left * side,
        top=top * side,
        pixel=side,
        height=max(1, top - math.floor(south / side)),
        width=max(1, math.ceil(east / side) - left),
    )


def _warp(codes: _Codes, grid: Grid, factor: int, canvas: _Canvas) -> _Codes:
    out = np.zeros((canvas.height, canvas.width), np.uint8)
    cell = grid.resolution * factor
    reproject(
        codes,
        out,
        src_transform=Affine(cell, 0.0, grid.left, 0.0, -cell, grid.top),
        src_crs=grid.crs,
        dst_transform=Affine(
            canvas.pixel, 0, canvas.left, 0, -canvas.pixel, canvas.top
        ),
        dst_crs=MERCATOR,
        resampling=Resampling.nearest,
        tolerance=0.0,  # exact positions; the approximation is off by 1/8 pixel
    )
    return out


def _hatch(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    rows, columns = np.indices(shape)
    stripe = (rows + columns) % _HATCH_PERIOD < _HATCH_WIDTH
    return np.where(stripe, STALE_STRIPE, STALE_GROUND).astype(np.uint8)


def _edge(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels of `mask` with a neighbour (of four) outside it."""
    around = np.pad(mask, 1)
    inner = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
    return mask & ~inner


def _picture(codes: NDArray[np.uint8], canvas: _Canvas, palette: Palette) -> Picture:
    right = canvas.left + canvas.width * canvas.pixel
    bottom = canvas.top - canvas.height * canvas.pixel
    (west, east), (south, north) = transform(
        MERCATOR, WGS84, [canvas.left, right], [bottom, canvas.top]
    )[:2]
    return Picture(
        uri=encode_png(codes, palette),
        south=round(south, 8),
        west=round(west, 8),
        north=round(north, 8),
        east=round(east, 8),
    )


def encode_png(codes: NDArray[np.uint8], palette: Palette) -> str:
    """PNG with a colour table, as a data URI; `codes` are ``(y, x)`` entries of it."""
    height, width = codes.shape
    table = {n: tuple(int(c) for c in rgba) for n, rgba in enumerate(palette.colors)}
    with MemoryFile() as memory:
        with memory.open(
            driver="PNG",
            height=height,
            width=width,
            count=1,
            dtype="uint8",
            transform=_NOWHERE,
            ZLEVEL=9,
        ) as image:
            image.write(codes, 1)
            image.write_colormap(1, table)
        content = memory.read()
    return "data:image/png;base64," + base64.b64encode(content).decode("ascii")
