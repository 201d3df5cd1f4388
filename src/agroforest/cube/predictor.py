"""TIFF predictors: what a tile becomes before it is compressed.

Neighbours differ less than pixels, so their differences compress better. All that
numba compiles for this lives here, because numba's on-disk cache notices a
changed file but not a changed callee in another file. The kernels release the GIL.

References
----------
TIFF 6.0 (Adobe 1992), section 14; for floats, TIFF Technical Note 3 (Adobe 2005).
"""
# mypy: disable-error-code="untyped-decorator"
# (numba has no types)

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

#: Values of TIFF's Predictor tag.
HORIZONTAL, FLOATING_POINT = 2, 3

_UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32}
_Bits = np.unsignedinteger[Any]
_kernel = njit(nogil=True, cache=True, error_model="numpy")


class Predictor:
    """Cuts tiles out of arrays, as the differences that are to be compressed.

    One for each thread: its tile is overwritten by the next.

    Parameters
    ----------
    dtype
        Integers, or float32.
    fill
        The pixel that stands beyond the edge of the raster.
    tile
        Side of a tile in pixels.
    """

    def __init__(self, dtype: np.dtype[Any], fill: float, tile: int) -> None:
        self._bits = _UNSIGNED[dtype.itemsize]
        self._fill: _Bits = np.array([fill], dtype).view(self._bits)[0]
        self._floats = dtype.kind == "f"
        if self._floats:
            self._tile: NDArray[Any] = np.empty((tile, tile * dtype.itemsize), np.uint8)
        else:
            self._tile = np.empty((tile, tile), self._bits)

    def cut(self, pixels: NDArray[Any], row: int, column: int) -> NDArray[Any]:
        """Differences of the tile whose first pixel is ``pixels[row, column]``.

        Parameters
        ----------
        pixels
            C-contiguous, ``(y, x)``. Where it ends, the rest of the tile is filled.
        row, column
            Inside `pixels`.

        Returns
        -------
        ndarray
            Valid until the next call. Unsigned differences ``(tile, tile)``; for
            floats the differences of their bytes, ``(tile, 4 * tile)``.
        """
        bits = pixels.view(self._bits)
        kernel = _cut_floats if self._floats else _cut_integers
        kernel(bits, row, column, self._fill, self._tile)
        return self._tile


@_kernel
def _cut_integers(
    bits: NDArray[Any], row: int, column: int, fill: _Bits, tile: NDArray[Any]
) -> None:
    side = tile.shape[0]
    height = min(side, bits.shape[0] - row)
    width = min(side, bits.shape[1] - column)
    for y in range(height):
        # Slices, because numba's check for negative indices forbids vectors.
        source, target = bits[row + y, column : column + width], tile[y]
        left, right, within = source[: width - 1], source[1:], target[1:width]
        target[0] = source[0]
        for x in range(width - 1):
            within[x] = right[x] - left[x]
        if width < side:
            target[width] = fill - source[width - 1]
            target[width + 1 :] = 0
    tile[height:, 0] = fill
    tile[height:, 1:] = 0


@_kernel
def _cut_floats(
    bits: NDArray[Any], row: int, column: int, fill: _Bits, tile: NDArray[Any]
) -> None:
    side = tile.shape[0]
    height = min(side, bits.shape[0] - row)
    width = min(side, bits.shape[1] - column)
    pixels = np.empty(side, np.uint32)
    for y in range(side):
        if y < height:
            pixels[:width] = bits[row + y, column : column + width]
            pixels[width:] = fill
        else:
            pixels[:] = fill
        last = np.uint8(0)
        for plane in range(4):  # the bytes of highest worth first
            shift = np.uint32(24 - 8 * plane)
            target = tile[y, plane * side : (plane + 1) * side]
            target[0] = np.uint8(pixels[0] >> shift) - last
            for x in range(1, side):
                here, before = pixels[x] >> shift, pixels[x - 1] >> shift
                target[x] = np.uint8(here) - np.uint8(before)
            last = np.uint8(pixels[side - 1] >> shift)
