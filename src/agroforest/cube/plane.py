"""One band on (part of) a grid as its file stores it, made reflectance row by row.

A chunk of stored numbers is a quarter of what it is as float32 on a finer grid, so
it is turned into reflectance in strips that stay in the processor's cache.
"""
# mypy: disable-error-code="untyped-decorator"
# (numba has no types)

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

_jit = njit(nogil=True, cache=True, error_model="numpy")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Plane:
    """Pixels of one band that cover a grid.

    Attributes
    ----------
    numbers
        ``(y, x)`` as stored, of the file's own pixels.
    repeat
        Grid pixels on a side of a stored pixel.
    row, column
        Of the grid's first pixel, counted in grid pixels from the corner of
        `numbers`; less than `repeat`.
    scale, offset
        ``reflectance = number * scale + offset``.
    nodata
        Numbers that mean nothing was measured.
    """

    numbers: NDArray[Any]
    repeat: int = 1
    row: int = 0
    column: int = 0
    scale: float = 1.0
    offset: float = 0.0
    nodata: tuple[float, ...] = ()

    def fill(self, first: int, out: NDArray[np.float32]) -> None:
        """Write the reflectance of some rows of the grid.

        Parameters
        ----------
        first
            First row.
        out
            ``(rows, x)`` float32, overwritten; NaN is nodata and what is not
            finite.
        """
        _fill(
            self.numbers,
            np.array(self.nodata, dtype=np.float64),
            self.scale,
            self.offset,
            self.repeat,
            self.row + first,
            self.column,
            out,
        )


@_jit
def _fill(
    numbers: NDArray[Any],
    nodata: NDArray[np.float64],
    scale: float,
    offset: float,
    repeat: int,
    row: int,
    column: int,
    out: NDArray[np.float32],
) -> None:
    rows, width = out.shape
    for y in range(rows):
        source = (row + y) // repeat
        if y and source == (row + y - 1) // repeat:
            out[y] = out[y - 1]
        elif repeat == 1:
            _convert(
                numbers[source, column : column + width], nodata, scale, offset, out[y]
            )
        else:
            last = (column + width - 1) // repeat + 1
            native = np.empty(last, np.float32)
            _convert(numbers[source, :last], nodata, scale, offset, native)
            _stretch(native, repeat, column, out[y])


@_jit
def _convert(
    numbers: NDArray[Any],
    nodata: NDArray[np.float64],
    scale: float,
    offset: float,
    out: NDArray[np.float32],
) -> None:
    # In float64, so that 500 / 10000 is the float32 nearest to 0.05.
    for x in range(out.size):
        value = np.float32(np.float64(numbers[x]) * scale + offset)
        out[x] = value if abs(value) < math.inf else math.nan
    for number in nodata:
        for x in range(out.size):
            out[x] = math.nan if numbers[x] == number else out[x]


@_jit
def _stretch(values: Any, repeat: int, column: int, out: Any) -> None:  # noqa: ANN401
    """Repeat values along a row that begins inside the first of them."""
    head = min((repeat - column % repeat) % repeat, out.size)
    first = column // repeat
    for x in range(head):
        out[x] = values[first]
    if head:
        first += 1
    whole = (out.size - head) // repeat
    if repeat == 2:  # the usual case, written so that it becomes vector code
        for n in range(whole):
            out[head + 2 * n] = values[first + n]
            out[head + 2 * n + 1] = values[first + n]
    else:
        for n in range(whole):
            for k in range(repeat):
                out[head + repeat * n + k] = values[first + n]
    for x in range(head + whole * repeat, out.size):
        out[x] = values[first + whole]


@_jit
def stretch(
    values: NDArray[Any], repeat: int, row: int, column: int, out: NDArray[Any]
) -> None:
    """Repeat coarser pixels on a grid.

    Parameters
    ----------
    values
        ``(y, x)`` of the file's pixels.
    repeat, row, column
        As in `Plane`.
    out
        ``(y, x)`` of the grid, same dtype, overwritten.
    """
    for y in range(out.shape[0]):
        source = (row + y) // repeat
        if y and source == (row + y - 1) // repeat:
            out[y] = out[y - 1]
        else:
            _stretch(values[source], repeat, column, out[y])
