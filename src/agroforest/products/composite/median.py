"""Median of dated reflectance, pixel by pixel.

Numbers of a row are sorted together, all pixels at once: comparing and exchanging
two rows is one vector instruction for many pixels, where sorting a pixel's dates by
themselves is a branch a number.
"""
# mypy: disable-error-code="untyped-decorator"
# (numba has no types)

import numpy as np
from numba import njit
from numpy.typing import NDArray

#: Stands for "not seen clearly" in a stack, and sorts behind every number.
UNSEEN = 65535
#: Stands for it in a median.
NODATA = 0


@njit(nogil=True, cache=True, error_model="numpy")
def median(
    stack: NDArray[np.uint16], count: NDArray[np.uint16], out: NDArray[np.uint16]
) -> None:
    """Median of what was seen clearly.

    Parameters
    ----------
    stack
        ``(date, band, y, x)`` uint16; `UNSEEN` in all bands of a date or in none.
        Overwritten: its rows are sorted.
    count
        ``(y, x)`` uint16, dates seen clearly.
    out
        ``(band, y, x)`` uint16, overwritten. Of an even number of dates the mean of
        the two in the middle, halves rounded up; `NODATA` where there is none.
    """
    dates, bands, height, width = stack.shape
    for band in range(bands):
        for y in range(height):
            # A median is in place once the smaller half of all dates is.
            for first in range(dates // 2 + 1):
                for other in range(first + 1, dates):
                    _exchange(stack[first, band, y], stack[other, band, y])
            for x in range(width):
                seen = int(count[y, x])
                if seen == 0:
                    out[band, y, x] = NODATA
                    continue
                low = int(stack[(seen - 1) // 2, band, y, x])
                high = int(stack[seen // 2, band, y, x])
                out[band, y, x] = (low + high + 1) // 2


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def _exchange(low: NDArray[np.uint16], high: NDArray[np.uint16]) -> None:
    for x in range(low.size):
        a, b = low[x], high[x]
        low[x] = min(a, b)
        high[x] = max(a, b)
