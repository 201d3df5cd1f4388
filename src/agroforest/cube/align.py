"""Pixels of a file brought to a grid.

* Same CRS, corners on common lines, pixel sides in a whole ratio: exact. Coarser
  pixels are repeated; finer ones are combined.
* Anything else (another UTM zone, Landsat's corners at 15 m): each grid pixel's
  centre is projected into the file, without approximation, and the file is
  sampled there. Files of pixels at most half as large as the grid's are combined
  to about the grid's pixel first.

Reflectance is *combined* by averaging the valid pixels, and *sampled* bilinearly
among the valid ones of the four around the place, where the pixel at the place
itself is valid. Mask flags are combined by "any of them", and sampled by the
pixel at the place. Nodata is gone before, so it enters no average.

What a grid pixel gets depends on its own place only: a grid read in blocks is
the grid read at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.cube.plane import Plane, stretch
from agroforest.cube.rules import FLAGS, REFLECTANCE, Pixels, Rule
from agroforest.cube.source import Source

# A corner or a ratio is whole when it is off by less than this share of a pixel,
# over the whole file.
_WHOLE = 0.01
# Finer files are refused: a wrong pixel size in a damaged header would otherwise
# ask for terabytes. Arbitrary.
_MAX_RATIO = 100
# Rows worked on at a time; bounds the memory for float64.
_STRIP = 256

_Floats = NDArray[np.float32]
_Flags = NDArray[np.uint8]
_Bools = NDArray[np.bool_]
_Places = NDArray[np.float64]
_N = TypeVar("_N", bound=np.generic)


def read_plane(source: Source, grid: Grid, needed: _Bools | None = None) -> Plane:
    """One band on a grid, kept as it is stored where that is exact.

    Parameters
    ----------
    source
        The band.
    grid
        Where to.
    needed
        ``(y, x)`` bool of the grid. Blocks of the file without a needed pixel may
        be left unread; numbers of pixels that are not needed then mean nothing.

    Raises
    ------
    DataError
        If the file is damaged, or its pixels are absurdly small.
    """
    place = _place(source, grid)
    scale, offset = source.asset.scale, source.asset.offset
    if place is not None and place.combine == 1:
        window = _window(place, grid)
        if _is_inside(window, source.shape):
            rows, columns = window
            return Plane(
                numbers=_read_needed(source, place, window, needed),
                repeat=place.repeat,
                row=place.row - rows.start * place.repeat,
                column=place.column - columns.start * place.repeat,
                scale=scale,
                offset=offset,
                nodata=source.nodata,
            )
    values = _bring(source, grid, source.valid_numbers, REFLECTANCE)
    return Plane(numbers=values, scale=scale, offset=offset)


def read_reflectance(source: Source, grid: Grid) -> _Floats:
    """Reflectance on a grid.

    Returns
    -------
    ndarray
        ``(y, x)``, float32, ``number * scale + offset``; NaN is nodata and
        everything outside the file.

    Raises
    ------
    DataError
        If the file is damaged, or its pixels are absurdly small.
    """
    values = np.empty(grid.shape, np.float32)
    read_plane(source, grid).fill(0, values)
    return values


def read_flags(
    source: Source, grid: Grid, judge: Callable[[NDArray[Any]], _Flags]
) -> _Flags:
    """Bit flags of a mask on a grid.

    Parameters
    ----------
    source
        The mask.
    grid
        Where to.
    judge
        Mask numbers to bit flags; 0 must mean "nothing known", as it stands for
        everything outside the file.

    Returns
    -------
    ndarray
        ``(y, x)``, uint8.
    """

    def read(rows: slice, columns: slice) -> _Flags:
        return judge(source.numbers(rows, columns))

    return _bring(source, grid, read, FLAGS)


def _read_needed(
    source: Source,
    place: "_Place",
    window: tuple[slice, slice],
    needed: _Bools | None,
) -> NDArray[Any]:
    """Numbers of a window of a file of equal or coarser pixels."""
    if needed is None:
        return source.numbers(*window)
    rows, columns = window
    k = place.repeat

    def is_needed(rows: slice, columns: slice) -> bool:
        down = slice(max(rows.start * k - place.row, 0), rows.stop * k - place.row)
        across = slice(
            max(columns.start * k - place.column, 0), columns.stop * k - place.column
        )
        return bool(needed[down, across].any())

    return source.numbers_where(rows, columns, is_needed)


def _window(place: "_Place", grid: Grid) -> tuple[slice, slice]:
    """Rows and columns of a file of equal or coarser pixels that cover a grid."""
    k, (rows, columns) = place.repeat, grid.shape
    return (
        slice(place.row // k, (place.row + rows - 1) // k + 1),
        slice(place.column // k, (place.column + columns - 1) // k + 1),
    )


def _is_inside(window: tuple[slice, slice], shape: tuple[int, int]) -> bool:
    return all(
        part.start >= 0 and part.stop <= size
        for part, size in zip(window, shape, strict=True)
    )


def _bring(
    source: Source,
    grid: Grid,
    read: Callable[[slice, slice], NDArray[_N]],
    rule: Rule[_N],
) -> NDArray[_N]:
    pixels = _padded(source, read, rule.nothing)
    place = _place(source, grid)
    if place is None:
        return _project(source, grid, pixels, rule)
    rows, columns = grid.shape
    if place.repeat > 1:
        return _repeat(pixels, place, grid)
    n = place.combine
    block = pixels(
        place.row, place.row + rows * n, place.column, place.column + columns * n
    )
    return block if n == 1 else rule.combine(block, n)


def _padded(
    source: Source, read: Callable[[slice, slice], NDArray[_N]], nothing: _N
) -> Pixels[_N]:
    height, width = source.shape

    def pixels(top: int, bottom: int, left: int, right: int) -> NDArray[_N]:
        rows = slice(max(top, 0), min(bottom, height))
        columns = slice(max(left, 0), min(right, width))
        if (rows.start, rows.stop, columns.start, columns.stop) == (
            top,
            bottom,
            left,
            right,
        ):
            return read(rows, columns)
        block = np.full((bottom - top, right - left), nothing)
        if rows.start < rows.stop and columns.start < columns.stop:
            block[
                rows.start - top : rows.stop - top,
                columns.start - left : columns.stop - left,
            ] = read(rows, columns)
        return block

    return pixels


# ------------------------------------------------------------ common lines


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Where a grid lies in a file, in the smaller of the two pixels.

    Attributes
    ----------
    row, column
        Of the grid's first corner, counted from the file's.
    repeat
        Grid pixels on a side of a file pixel; 1 unless the file is coarser.
    combine
        File pixels on a side of a grid pixel; 1 unless the file is finer.
    """

    row: int
    column: int
    repeat: int
    combine: int


def _place(source: Source, grid: Grid) -> _Place | None:
    t = source.transform
    if not source.is_in(grid.crs) or t.b or t.d or t.a <= 0 or t.e >= 0:
        return None
    across = _whole_ratio(t.a, grid.resolution, span=source.shape[1])
    down = _whole_ratio(-t.e, grid.resolution, span=source.shape[0])
    if across is None or across != down:
        return None
    unit = min(t.a, grid.resolution)
    row, column = (t.f - grid.top) / unit, (grid.left - t.c) / unit
    if max(abs(row - round(row)), abs(column - round(column))) > _WHOLE:
        return None
    repeat, combine = across
    _refuse_absurd(source, combine)
    return _Place(row=round(row), column=round(column), repeat=repeat, combine=combine)


def _whole_ratio(file: float, grid: float, *, span: int) -> tuple[int, int] | None:
    ratio = max(file, grid) / min(file, grid)
    whole = round(ratio)
    if abs(ratio - whole) * span > _WHOLE:
        return None
    return (whole, 1) if file > grid else (1, whole)


def _refuse_absurd(source: Source, ratio: float) -> None:
    if ratio > _MAX_RATIO:
        raise DataError(
            source.asset.href,
            f"has pixels of {source.pixel:g}, {ratio:.0f} times finer than the grid",
            "check its georeference, or use a finer grid",
        )


def _repeat(pixels: Pixels[_N], place: _Place, grid: Grid) -> NDArray[_N]:
    rows, columns = _window(place, grid)
    block = pixels(rows.start, rows.stop, columns.start, columns.stop)
    result = np.empty(grid.shape, block.dtype)
    stretch(
        block,
        place.repeat,
        place.row - rows.start * place.repeat,
        place.column - columns.start * place.repeat,
        result,
    )
    return result


# --------------------------------------------------------- other projection


def _project(
    source: Source, grid: Grid, pixels: Pixels[_N], rule: Rule[_N]
) -> NDArray[_N]:
    factor = _reduction(source, grid)

    def coarser(top: int, bottom: int, left: int, right: int) -> NDArray[_N]:
        n = factor
        block = pixels(top * n, bottom * n, left * n, right * n)
        return block if n == 1 else rule.combine(block, n)

    to_file = _transformer(grid.crs, source.crs)
    to_pixel = ~source.transform
    x = grid.x_centres()
    result = np.full(grid.shape, rule.nothing)
    for first in range(0, grid.height, _STRIP):
        y = grid.y_centres()[first : first + _STRIP]
        east, north = to_file.transform(*np.meshgrid(x, y))
        column, row = (at / factor for at in _apply(to_pixel, east, north))
        inside = _inside(row, column, source.shape, factor)
        if inside.any():
            strip = result[first : first + _STRIP]
            strip[inside] = rule.sample(coarser, row[inside], column[inside])
    return result


def _inside(
    row: _Places, column: _Places, shape: tuple[int, int], factor: int
) -> NDArray[np.bool_]:
    # Places off the projection are infinite, which is outside as well.
    inside: NDArray[np.bool_] = (
        (row >= 0)
        & (column >= 0)
        & (row < shape[0] / factor)
        & (column < shape[1] / factor)
    )
    return inside


def _reduction(source: Source, grid: Grid) -> int:
    """Whole number of file pixels in a grid pixel, at the middle of the file."""
    height, width = source.shape
    column = width // 2 + np.array([0.0, 1.0, 0.0])
    row = height // 2 + np.array([0.0, 0.0, 1.0])
    x, y = _apply(source.transform, column, row)
    x, y = _transformer(source.crs, grid.crs).transform(x, y)
    sides = np.hypot(x[1:] - x[0], y[1:] - y[0])
    if not (np.isfinite(sides).all() and (sides > 0).all()):
        raise DataError(
            source.asset.href,
            f"cannot be projected to {grid.crs}",
            "check its georeference",
        )
    ratio = float(grid.resolution / sides.max())
    _refuse_absurd(source, ratio)
    return max(1, int(ratio + _WHOLE))


def _apply(t: Affine, first: _Places, second: _Places) -> tuple[_Places, _Places]:
    return t.a * first + t.b * second + t.c, t.d * first + t.e * second + t.f


@lru_cache(maxsize=32)
def _transformer(first: str, second: str) -> Transformer:
    return Transformer.from_crs(first, second, always_xy=True)
