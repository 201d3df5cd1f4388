"""Pixels under polygons: exact fractions, each block of a raster decoded once.

exactextract counts how much of each pixel a polygon covers. It is given polygons
in the order of the raster's blocks, and blocks from a cache of fixed size, so that
memory depends neither on the raster's size nor on the polygons'.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import exactextract
import numpy as np
import shapely
from exactextract.feature import Feature, FeatureSource
from exactextract.operation import Operation
from exactextract.writer import Writer
from numpy.typing import NDArray

from agroforest.core.grid import Grid
from agroforest.products.zonal.rasters import SIDE, Cells, RasterFile

#: Statistics of one raster under one polygon; ``(n,)`` float64 each, by name.
Figures = dict[str, NDArray[np.float64]]

_CACHE = 128 << 20  # bytes of decoded blocks, of all rasters together
_PIXELS = 4_000_000  # of a polygon, held by exactextract at once
_STEP = 500  # polygons between two reports of progress
_PLAIN = ("count", "mean", "stdev", "min", "max")
_SPECTRUM = ("unique", "frac")  # distinct values, and which share each has


def measure(
    rasters: Sequence[RasterFile],
    polygons: NDArray[np.object_],
    *,
    median: bool = False,
    advance: Callable[[int], None] = lambda _: None,
) -> list[Figures]:
    """Statistics of rasters of one grid under polygons.

    Parameters
    ----------
    rasters
        Open, all of the same grid.
    polygons
        ``(n,)`` object: valid polygons in the grid's CRS, or None.
    median
        Whether to compute it, too; that takes about twice as long, and memory for
        every distinct value under a polygon.
    advance
        Told how many more polygons are done.

    Returns
    -------
    list of dict
        For each raster, by name, ``(n,)`` float64. ``pixels``: area of the polygon
        in pixels. ``count``: how many of them, with fractions, are valid.
        ``mean``, ``stdev`` (of the population), ``min``, ``max`` and ``median``:
        of the values of the valid pixels, weighted by the fraction covered; NaN
        if there is none.

    Raises
    ------
    DataError
        If a raster is damaged.
    """
    grid = rasters[0].grid
    names = (*_PLAIN, "median") if median else _PLAIN
    cells = [Cells(raster, budget=_CACHE // len(rasters)) for raster in rasters]
    operations = [
        Operation(name, f"{name}{n}", source)
        for n, source in enumerate(cells)
        for name in (*_PLAIN, *(_SPECTRUM if median else ()))
    ]
    numbers = np.full((len(rasters), len(names), len(polygons)), np.nan)
    order = _in_block_order(polygons, grid)
    for start in range(0, len(order), _STEP):
        chosen = order[start : start + _STEP]
        found = exactextract.exact_extract(
            cells,
            _Polygons(shapely.to_wkb(polygons[chosen]).tolist()),
            operations,
            max_cells_in_memory=_PIXELS,
            output=_Found(),
        )
        for n, one in np.ndindex(len(rasters), len(names)):
            numbers[n, one, chosen] = [_figure(f, names[one], n) for f in found]
        advance(len(chosen))
    advance(len(polygons) - len(order))
    pixels = np.nan_to_num(shapely.area(polygons) / grid.resolution**2)
    return [
        _in_units(raster, names, numbers[n]) | {"pixels": pixels}
        for n, raster in enumerate(rasters)
    ]


def weighted_median(values: NDArray[Any], weights: NDArray[np.floating[Any]]) -> float:
    """Value that half of the weight lies at or below.

    Where exactly half does, the mean of that value and the next, as is usual for
    equal weights. (exactextract's own ``median`` interpolates between the distinct
    values: of nine 1 and one 2 it gives 1.5.)

    Parameters
    ----------
    values
        ``(k,)``, in any order.
    weights
        ``(k,)``, above 0.

    Returns
    -------
    float
        NaN if there are no values.
    """
    if not values.size:
        return float("nan")
    order = np.argsort(values)
    below = np.cumsum(weights[order], dtype=np.float64)
    half = below[-1] / 2
    # Fractions of pixels are float32: halves are not met to the last bit.
    low, high = np.searchsorted(below, [half * (1 - 1e-6), half * (1 + 1e-6)])
    middle = values[order[[low, min(high, values.size - 1)]]]
    return float(middle.mean(dtype=np.float64))


def meets(polygons: NDArray[np.object_], grid: Grid) -> NDArray[np.bool_]:
    """Whose bounding boxes overlap the grid; False for None."""
    left, bottom, right, top = grid.bounds
    box = shapely.bounds(polygons).T
    with np.errstate(invalid="ignore"):  # None has bounds of NaN
        over = (box[0] < right) & (box[2] > left) & (box[1] < top) & (box[3] > bottom)
    return np.asarray(over, dtype=bool)


def _in_block_order(polygons: NDArray[np.object_], grid: Grid) -> NDArray[np.intp]:
    """Order the polygons over the grid by the block of their upper left; indices."""
    left, _, _, top = grid.bounds
    box = shapely.bounds(polygons).T
    inside = np.flatnonzero(meets(polygons, grid))
    side = SIDE * grid.resolution
    row = (top - box[3][inside]) // side
    column = (box[0][inside] - left) // side
    return inside[np.lexsort((column, row))]


def _figure(found: dict[str, Any], name: str, raster: int) -> float:
    """One figure of one raster; NaN where there is none."""
    if name == "median":
        spectrum = [found.get(f"{part}{raster}", np.empty(0)) for part in _SPECTRUM]
        return weighted_median(*spectrum)
    value = found.get(f"{name}{raster}")
    return float("nan") if value is None else float(value)


def _in_units(
    raster: RasterFile, names: Sequence[str], numbers: NDArray[np.float64]
) -> Figures:
    """Figures of stored numbers, ``(name, n)``, as figures of values."""
    figures = dict(zip(names, numbers, strict=True))
    figures["count"] = np.nan_to_num(figures["count"])
    empty = figures["count"] == 0
    for name in names[1:]:
        factor = abs(raster.scale) if name == "stdev" else raster.scale
        shift = 0.0 if name == "stdev" else raster.offset
        figures[name] = np.where(empty, np.nan, figures[name] * factor + shift)
    if raster.scale < 0:
        figures["min"], figures["max"] = figures["max"], figures["min"]
    return figures


class _Polygon(Feature):  # type: ignore[misc]  # it has no types
    """A polygon going in, a row of figures coming out."""

    def __init__(self, wkb: bytes | None = None) -> None:
        super().__init__()
        self._wkb = wkb
        self.figures: dict[str, Any] = {}

    def geometry(self) -> bytes | None:
        return self._wkb

    def fields(self) -> list[str]:
        return list(self.figures)

    def get(self, name: str) -> Any:  # noqa: ANN401  numbers and arrays
        return self.figures[name]

    def set(self, name: str, value: Any) -> None:  # noqa: ANN401  as above
        self.figures[name] = value

    def set_geometry(self, geometry: object) -> None:
        """Nothing: the outline is known to the caller."""

    def set_geometry_format(self) -> str:
        return "wkb"


class _Polygons(FeatureSource):  # type: ignore[misc]  # it has no types
    def __init__(self, wkb: Sequence[bytes]) -> None:
        super().__init__()
        self._wkb = wkb

    def count(self) -> int:
        return len(self._wkb)

    def __iter__(self) -> Iterator[_Polygon]:
        for outline in self._wkb:
            yield _Polygon(outline)

    def srs_wkt(self) -> None:
        return None


class _Found(Writer):  # type: ignore[misc]  # it has no types
    """Collects what was found of each polygon, by the names of the operations."""

    def __init__(self) -> None:
        super().__init__()
        self._found: list[dict[str, Any]] = []

    def write(self, feature: Feature) -> None:
        row = _Polygon()
        feature.copy_to(row)
        self._found.append(row.figures)

    def features(self) -> list[dict[str, Any]]:
        return self._found
