"""Pixels under polygons: exact fractions, each block of a raster decoded once.

exactextract counts how much of each pixel a polygon covers. It is given polygons
in the order of the raster's blocks, and blocks from a cache of fixed size, so that
memory depends neither on the raster's size nor on the polygons'.
"""

from collections.abc import Callable, Iterator, Sequence

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
        Whether to compute it, too; it takes half as long again.
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
    budget = _CACHE // len(rasters)
    cells = [Cells(raster, wide=median, budget=budget) for raster in rasters]
    operations = [
        Operation(name, f"{n}{name}", source)
        for n, source in enumerate(cells)
        for name in names
    ]
    numbers = np.full((len(polygons), len(operations)), np.nan)
    order = _in_block_order(polygons, grid)
    for start in range(0, len(order), _STEP):
        chosen = order[start : start + _STEP]
        numbers[chosen] = exactextract.exact_extract(
            cells,
            _Polygons(shapely.to_wkb(polygons[chosen]).tolist()),
            operations,
            max_cells_in_memory=_PIXELS,
            output=_Rows(),
        )
        advance(len(chosen))
    advance(len(polygons) - len(order))
    pixels = shapely.area(polygons) / grid.resolution**2
    return [
        _figures(raster, names, values) | {"pixels": np.nan_to_num(pixels)}
        for raster, values in zip(
            rasters, np.split(numbers, len(rasters), axis=1), strict=True
        )
    ]


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


def _figures(
    raster: RasterFile, names: Sequence[str], numbers: NDArray[np.float64]
) -> Figures:
    """Numbers of exactextract as values, by name."""
    figures = dict(zip(names, numbers.T, strict=True))
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
        self.figures: dict[str, float | None] = {}

    def geometry(self) -> bytes | None:
        return self._wkb

    def fields(self) -> list[str]:
        return list(self.figures)

    def get(self, name: str) -> float | None:
        return self.figures[name]

    def set(self, name: str, value: float | None) -> None:
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


class _Rows(Writer):  # type: ignore[misc]  # it has no types
    """Collects one row of floats a polygon, in the order of the operations."""

    def __init__(self) -> None:
        super().__init__()
        self._names: list[str] = []
        self._rows: list[list[float]] = []

    def add_operation(self, operation: Operation) -> None:
        self._names.append(operation.name)

    def write(self, feature: Feature) -> None:
        row = _Polygon()
        feature.copy_to(row)
        values = (row.figures.get(name) for name in self._names)
        self._rows.append([np.nan if v is None else float(v) for v in values])

    def features(self) -> list[list[float]]:
        return self._rows
