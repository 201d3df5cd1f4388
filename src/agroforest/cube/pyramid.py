"""A raster and its overviews as compressed tiles, made block by block."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agroforest.cube.compression import Codec, compressor
from agroforest.cube.overview import Overviews, halve, overview_shapes
from agroforest.cube.predictor import Predictor
from agroforest.cube.spool import Spool
from agroforest.cube.tiff import LEADER, TRAILER, frame

#: Overviews whose tiles are complete inside a block: a block is 4 tiles long.
BLOCK_LEVELS = 2


class Level:
    """Tiles of one image, and where they are in the spool.

    Attributes
    ----------
    shape
        Rows and columns of pixels.
    starts, sizes
        First byte and number of bytes of every compressed tile, int64, shape
        ``(rows, columns)`` of tiles; size 0 for tiles that are not there yet.
    """

    def __init__(self, shape: tuple[int, int], tile: int) -> None:
        self.shape = shape
        tiles = tuple(-(-side // tile) for side in shape)
        self.starts = np.zeros(tiles, np.int64)
        self.sizes = np.zeros(tiles, np.int64)

    def runs(self) -> Iterator[tuple[int, int]]:
        """Start and length of the stretches to copy, tiles with their frames."""
        starts = self.starts.ravel()
        ends = starts + self.sizes.ravel() + LEADER + TRAILER
        breaks = np.flatnonzero(starts[1:] != ends[:-1])
        firsts, lasts = [0, *(breaks + 1)], [*breaks, len(starts) - 1]
        for first, last in zip(firsts, lasts, strict=True):
            yield int(starts[first]), int(ends[last] - starts[first])


class Pyramid:
    """Take the blocks of a raster, give the tiles of all its levels.

    Tiles of the raster and of two overviews are compressed as their block comes,
    and kept in a spool. Memory holds what the further overviews are made of: a
    64th of the pixels.

    Parameters
    ----------
    shape
        Rows and columns of the raster.
    dtype
        Its dtype.
    nodata
        The number that means nodata, if one does.
    overviews, codec, tile
        As in `agroforest.cube.write.CogWriter`.
    spool
        For the tiles.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        dtype: np.dtype[Any],
        nodata: float | None,
        *,
        overviews: Overviews,
        codec: Codec,
        tile: int,
        spool: Spool,
    ) -> None:
        self._dtype = dtype
        self._nodata = nodata
        self._fill = 0.0 if nodata is None else nodata
        self._overviews = overviews
        self._codec: Codec = codec
        self._tile = tile
        self._spool = spool
        self.levels = [Level(s, tile) for s in overview_shapes(shape, tile)]
        self._small: NDArray[Any] | None = None
        if len(self.levels) > BLOCK_LEVELS + 1:
            beyond = self.levels[BLOCK_LEVELS + 1].shape
            self._small = np.full(beyond, self._fill, dtype)

    def add(self, row: int, column: int, pixels: NDArray[Any]) -> None:
        """Compress a block, on any thread.

        Parameters
        ----------
        row, column
            Of its first pixel; multiples of four tiles.
        pixels
            ``(y, x)``: four tiles long and wide, or to the edge of the raster.
        """
        pixels = np.ascontiguousarray(pixels)
        pixels = self._add_levels(self.levels[: BLOCK_LEVELS + 1], row, column, pixels)
        if self._small is not None:
            row, column = row >> BLOCK_LEVELS + 1, column >> BLOCK_LEVELS + 1
            height, width = pixels.shape
            self._small[row : row + height, column : column + width] = pixels

    def finish(self) -> None:
        """Make the small overviews, and nodata of what was never added."""
        if self._small is not None:
            self._add_levels(self.levels[BLOCK_LEVELS + 1 :], 0, 0, self._small)
        pixel = np.full((1, 1), self._fill, self._dtype)
        nothing = compressor(self._codec)(self._predictor().cut(pixel, 0, 0))
        start = self._spool.append(frame(nothing))
        for level in self.levels:
            missing = level.sizes == 0
            level.starts[missing], level.sizes[missing] = start, len(nothing)

    def content(self, number: int) -> Iterator[memoryview]:
        """Yield the bytes of the tiles of a level, row by row."""
        for start, length in self.levels[number].runs():
            yield from self._spool.read(start, length)

    def _add_levels(
        self, levels: list[Level], row: int, column: int, pixels: NDArray[Any]
    ) -> NDArray[Any]:
        """Compress `pixels` and their overviews; return the next overview."""
        predictor, compress = self._predictor(), compressor(self._codec)
        side = self._tile
        for level in levels:
            height, width = pixels.shape
            for y, x in product(range(0, height, side), range(0, width, side)):
                content = compress(predictor.cut(pixels, y, x))
                at = (row + y) // side, (column + x) // side
                level.starts[at] = self._spool.append(frame(content))
                level.sizes[at] = len(content)
            pixels = halve(pixels, self._nodata, self._overviews)
            row, column = row // 2, column // 2
        return pixels

    def _predictor(self) -> Predictor:
        return Predictor(self._dtype, self._fill, self._tile)


def contents(bands: Sequence[Pyramid]) -> Iterator[memoryview]:
    """Yield the bytes of all tiles in file order.

    The smallest image comes first; of each image, one band after the other.
    """
    for number in reversed(range(len(bands[0].levels))):
        for band in bands:
            yield from band.content(number)
