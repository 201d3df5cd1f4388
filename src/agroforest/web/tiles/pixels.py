"""Which pixel of a raster each pixel of a tile shows, found in compiled code.

A row of numpy's operations on so many numbers lets go of Python at each of them, and
then waits for its turn again: while pages are made, longer than it computes. This lets
go once.
"""
# mypy: disable-error-code="untyped-decorator"
# (numba has no types)

import numpy as np
from numba import njit
from numpy.typing import NDArray

#: Pixels of a tile's side.
SIZE = 256
#: Pixels between two knots of the net. A straight line between them is off by
#: ``STEP² / 8`` pixels over the Earth's radius: a fiftieth of a pixel at zoom 5.
STEP = 16


@njit(
    "int64(float32[:, ::1], float32[:, ::1], uint8[:, ::1], uint8[:, ::1])",
    nogil=True,
    cache=True,
    error_model="numpy",
)
def spread(
    columns: NDArray[np.float32],
    rows: NDArray[np.float32],
    codes: NDArray[np.uint8],
    tile: NDArray[np.uint8],
) -> int:
    """Spread codes of a raster's pixels over the pixels of a tile that have none.

    Parameters
    ----------
    columns, rows
        ``(y, x)`` float32, where the knots of the tile's net lie among the codes; NaN
        where that is not known.
    codes
        ``(y, x)`` uint8; 0 for none.
    tile
        ``(y, x)`` uint8, `SIZE` a side, C order; it is written to.

    Returns
    -------
    int
        How many pixels of the tile are left without a code.
    """
    down, across = codes.shape
    left = 0
    for y in range(SIZE):
        north, part = y // STEP, np.float32((y % STEP + 0.5) / STEP)
        south, other = north + 1, np.float32(1) - part
        for west in range(SIZE // STEP):
            east = west + 1
            column = columns[north, west] * other + columns[south, west] * part
            last_column = columns[north, east] * other + columns[south, east] * part
            row = rows[north, west] * other + rows[south, west] * part
            last_row = rows[north, east] * other + rows[south, east] * part
            for step in range(STEP):
                x = west * STEP + step
                if tile[y, x]:
                    continue
                share = np.float32((step + 0.5) / STEP)
                rest = np.float32(1) - share
                here = column * rest + last_column * share
                there = row * rest + last_row * share
                if 0 <= here < across and 0 <= there < down:
                    tile[y, x] = codes[np.int32(there), np.int32(here)]
                left += tile[y, x] == 0
    return left
