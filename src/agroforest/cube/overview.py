"""Overviews: the same raster in ever larger pixels.

Each level is made of the one before it, two by two pixels. Sizes are rounded up,
as gdaladdo does, so that the last row and column of an odd raster take part.

All that numba compiles for this lives here, because numba's on-disk cache notices
a changed file but not a changed callee in another file. The kernel releases the GIL.
"""
# mypy: disable-error-code="untyped-decorator"
# (numba has no types)

from typing import Any, Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

_Real = np.floating[Any]
_kernel = njit(nogil=True, cache=True, error_model="numpy")

#: How overviews are made: the mean of the valid pixels, or one of the pixels for
#: numbers that are codes or days.
Overviews = Literal["average", "nearest"]


def overview_shapes(shape: tuple[int, int], tile: int) -> list[tuple[int, int]]:
    """Rows and columns of every level, full resolution first.

    The last is the first that fits one tile of `tile` pixels.
    """
    shapes = [shape]
    while max(shapes[-1]) > tile:
        height, width = shapes[-1]
        shapes.append(((height + 1) // 2, (width + 1) // 2))
    return shapes


def halve(
    pixels: NDArray[Any], nodata: float | None, overviews: Overviews
) -> NDArray[Any]:
    """Next level of an array.

    Parameters
    ----------
    pixels
        C-contiguous, ``(y, x)``; integers of up to 32 bits, or float32.
    nodata
        The number that means nodata, if one does. NaN never counts as valid.
    overviews
        ``"average"``: the mean of those of the two by two pixels that are valid,
        rounded half away from zero like GDAL's; nodata if none is. A mean that
        happens to be `nodata` becomes the next number. ``"nearest"``: the upper
        left pixel.

    Returns
    -------
    ndarray
        C-contiguous, half of each side, rounded up.
    """
    if overviews == "nearest":
        return np.ascontiguousarray(pixels[::2, ::2])
    dtype = pixels.dtype
    height, width = pixels.shape
    halved = np.empty(((height + 1) // 2, (width + 1) // 2), dtype)
    # Sums of four are exact in float32 up to 16 bits, in float64 up to 32. The
    # scalars are of that type too: numba computes in the widest it is given.
    real = np.float32 if dtype.itemsize < 4 else np.float64
    # NaN equals no pixel: without nodata every number is valid.
    missing = real(np.nan if nodata is None else dtype.type(nodata))
    empty = real(0) if nodata is None and dtype.kind != "f" else missing
    instead = real(_next(float(missing), dtype))
    sums, half = np.empty((2, 2 * halved.shape[1]), real), real(0.5)
    kernel = _mean_floats if dtype.kind == "f" else _mean_integers
    kernel(pixels, missing, empty, instead, half, sums, halved)
    return halved


def _next(number: float, dtype: np.dtype[Any]) -> float:
    """Return the number of `dtype` beside `number`."""
    if dtype.kind == "f":
        return float(np.nextafter(dtype.type(number), dtype.type(np.inf)))
    return number - 1 if number == np.iinfo(dtype).max else number + 1


@_kernel
def _mean_integers(
    pixels: NDArray[Any],
    missing: _Real,
    empty: _Real,
    instead: _Real,
    half: _Real,
    sums: NDArray[Any],
    halved: NDArray[Any],
) -> None:
    total, number = sums[0], sums[1]  # unpacked they would not count as contiguous
    for y in range(halved.shape[0]):
        _add_rows(pixels, y, missing, half - half, half + half, total, number)
        row = halved[y]
        for x in range(halved.shape[1]):
            count = number[2 * x] + number[2 * x + 1]
            mean = (total[2 * x] + total[2 * x + 1]) / count
            mean = np.trunc(mean + half if mean >= 0 else mean - half)
            mean = instead if mean == missing else mean
            row[x] = mean if count > 0 else empty


@_kernel
def _mean_floats(
    pixels: NDArray[Any],
    missing: _Real,
    empty: _Real,
    instead: _Real,
    half: _Real,
    sums: NDArray[Any],
    halved: NDArray[Any],
) -> None:
    total, number = sums[0], sums[1]  # unpacked they would not count as contiguous
    for y in range(halved.shape[0]):
        _add_rows(pixels, y, missing, half - half, half + half, total, number)
        row = halved[y]
        for x in range(halved.shape[1]):
            count = number[2 * x] + number[2 * x + 1]
            mean = np.float32((total[2 * x] + total[2 * x + 1]) / count)
            mean = instead if mean == missing else mean
            row[x] = mean if count > 0 else empty


@_kernel
def _add_rows(
    pixels: NDArray[Any],
    y: int,
    missing: _Real,
    zero: _Real,
    one: _Real,
    total: NDArray[Any],
    number: NDArray[Any],
) -> None:
    """Add rows ``2 y`` and ``2 y + 1``: the valid pixels and how many they are.

    Where the raster ends, the last row and column stand for the next too: the
    mean is the same.
    """
    height, width = pixels.shape
    upper, lower = pixels[2 * y], pixels[min(2 * y + 1, height - 1)]
    for x in range(width):
        total[x] = upper[x]
        number[x] = lower[x]
        a, b = total[x], number[x]
        first = a == a and a != missing  # NaN differs from itself
        second = b == b and b != missing
        total[x] = (a if first else zero) + (b if second else zero)
        number[x] = (one if first else zero) + (one if second else zero)
    if width < len(total):
        total[width], number[width] = total[width - 1], number[width - 1]
