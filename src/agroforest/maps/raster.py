"""From a grid in metres to a picture the browser can lay on the map.

The map is drawn in web mercator (EPSG:3857). A UTM grid is rotated against it by
up to a degree and more, so laying the array between its corners would shift
pixels by hundreds of metres on a large tile. Each picture is warped first.
"""

import base64
import math
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
_STALE, _DETECTED = 1, 2
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


def draw_index(
    values: NDArray[np.floating],
    grid: Grid,
    *,
    palette: Palette,
    vmin: float,
    vmax: float,
) -> Picture:
    """Picture of a plain layer.

    Parameters
    ----------
    values
        ``(y, x)`` on `grid`; NaN is transparent. Large grids are averaged down
        to `MAX_SIDE` pixels, over valid pixels only.
    """
    factor = _factor(grid)
    codes = palette.codes(_mean(values, factor), vmin=vmin, vmax=vmax)
    canvas = _canvas(grid)
    return _picture(_warp(codes, grid, factor, canvas), canvas, palette)


def draw_risk(risk: RiskMap, *, stale_days: int) -> Picture:
    """Picture of a risk map.

    Transparent: not judged. Colour: probability. Hatched grey: judged, but no
    clear image for more than `stale_days` days. Dark edge: detected.

    When the map is larger than `MAX_SIDE`, probability is averaged over judged
    pixels, while one detected pixel is enough to mark its picture pixel: a small
    spot must not vanish because the tile is large.
    """
    factor = _factor(risk.grid)
    palette = risk_palette()
    judged = np.isfinite(risk.probability)
    age = risk.age_days()
    stale = judged & ((age < 0) | (age > stale_days))
    half_stale = _mean(np.where(judged, stale, np.nan), factor) >= 0.5
    found = _mean((risk.detected & judged).astype(np.float32), factor) > 0
    codes = palette.codes(_mean(risk.probability, factor), vmin=0, vmax=1)
    flags = half_stale * np.uint8(_STALE) + found * np.uint8(_DETECTED)
    canvas = _canvas(risk.grid)
    codes = _warp(codes, risk.grid, factor, canvas)
    flags = _warp(flags.astype(np.uint8), risk.grid, factor, canvas)
    codes = np.where(flags & _STALE, _hatch(codes.shape), codes)
    codes = np.where(_edge((flags & _DETECTED) > 0), OUTLINE, codes)
    return _picture(codes.astype(np.uint8), canvas, palette)


def draw_strip(palette: Palette) -> str:
    """Data URI of the scale alone, one row, low to high: for legends."""
    row = np.arange(1, palette.levels + 1, dtype=np.uint8)[np.newaxis]
    return _png(row, palette)


def _factor(grid: Grid) -> int:
    """Grid pixels averaged into one, each way."""
    return math.ceil(max(grid.shape) / MAX_SIDE)


def _mean(values: NDArray[np.generic], factor: int) -> NDArray[np.float32]:
    """Mean over valid pixels of ``factor`` x ``factor`` cells; NaN if none."""
    array = values.astype(np.float32)
    if factor == 1:
        return array
    rows, columns = (math.ceil(n / factor) * factor for n in array.shape)
    padded = np.full((rows, columns), np.nan, np.float32)
    padded[: array.shape[0], : array.shape[1]] = array
    cells = padded.reshape(rows // factor, factor, columns // factor, factor)
    count = np.isfinite(cells).sum(axis=(1, 3))
    total = np.nansum(cells, axis=(1, 3), dtype=np.float64)
    mean = np.full(count.shape, np.nan, np.float32)
    return np.divide(total, count, out=mean, where=count > 0, casting="same_kind")


def _canvas(grid: Grid) -> _Canvas:
    west, south, east, north = transform_bounds(grid.crs, MERCATOR, *grid.bounds)
    side = min(MAX_SIDE, max(_MIN_SIDE, 2 * math.ceil(max(grid.shape) / _factor(grid))))
    pixel = max(east - west, north - south) / side
    return _Canvas(
        left=west,
        top=north,
        pixel=pixel,
        height=math.ceil((north - south) / pixel - 1e-9),
        width=math.ceil((east - west) / pixel - 1e-9),
    )


def _warp(
    codes: NDArray[np.uint8], grid: Grid, factor: int, canvas: _Canvas
) -> NDArray[np.uint8]:
    out = np.zeros((canvas.height, canvas.width), np.uint8)
    pixel = grid.resolution * factor
    reproject(
        codes,
        out,
        src_transform=Affine(pixel, 0.0, grid.left, 0.0, -pixel, grid.top),
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
        uri=_png(codes, palette),
        south=round(south, 8),
        west=round(west, 8),
        north=round(north, 8),
        east=round(east, 8),
    )


def _png(codes: NDArray[np.uint8], palette: Palette) -> str:
    """PNG with a colour table, as a data URI."""
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
