"""What of a raster lies under a map tile, and rasters that stay open between tiles.

Opening a raster and preparing a warp takes longer than reading a tile's worth of it.
So rasters stay open, and a tile is read without GDAL's warper: the middles of its
pixels are carried into the raster's system on a coarse net, filled in between, and each
takes the raster's pixel that it falls into.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.enums import MaskFlags
from rasterio.errors import CRSError, RasterioIOError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from agroforest.web.tiles.pixels import SIZE, STEP, spread

_KNOTS = np.arange(0, SIZE + 1, STEP)
_MERCATOR = "EPSG:3857"
_HALF = 20_037_508.342789244  # metres from the middle of web mercator to its edge
#: Rasters that are kept open at most. Arbitrary; a night has some dozens of tiles.
_OPEN = 48

_Stamp = tuple[Path, int, int, int]


class Piece(NamedTuple):
    """What was read of a raster for a tile.

    Attributes
    ----------
    values
        ``(y, x)`` as stored.
    valid
        ``(y, x)``, where that holds anything.
    columns, rows
        ``(y, x)`` float32, where the knots of the tile's net lie in it.
    """

    values: NDArray[np.generic]
    valid: NDArray[np.bool_]
    columns: NDArray[np.float32]
    rows: NDArray[np.float32]

    def spread(self, codes: NDArray[np.uint8], tile: NDArray[np.uint8]) -> int:
        """Spread codes of its pixels over a tile; see `agroforest.web.tiles.pixels`."""
        return int(spread(self.columns, self.rows, codes, tile))


class Sources:
    """Rasters that stay open; each is one thread's at a time.

    Parameters
    ----------
    room
        How many nobody uses are kept at most.
    """

    def __init__(self, room: int = _OPEN) -> None:
        self._room = room
        self._lock = Lock()
        self._idle: list[tuple[_Stamp, DatasetReader]] = []

    def read(self, path: Path, x: int, y: int, z: int) -> Piece | None:
        """Read what lies under a tile; ``None`` if nothing does.

        Parameters
        ----------
        path
            Raster with one band that counts, any CRS.
        x, y, z
            Tile in web mercator, counted from the north-west.

        Returns
        -------
        Piece or None
            ``None`` also for what was removed since it was listed, or is being
            replaced.
        """
        try:
            with self._lend(path) as raster:
                return read_piece(raster, x, y, z)
        except (OSError, RasterioIOError, CRSError):
            return None

    @contextmanager
    def _lend(self, path: Path) -> Iterator[DatasetReader]:
        stat = path.stat()
        stamp = (path, stat.st_ino, stat.st_mtime_ns, stat.st_size)
        raster = self._take(stamp) or rasterio.open(path, driver="GTiff")
        try:
            yield raster
        except BaseException:
            raster.close()  # whatever is wrong with it, the next one opens it anew
            raise
        self._put(stamp, raster)

    def _take(self, stamp: _Stamp) -> DatasetReader | None:
        with self._lock:
            for place in range(len(self._idle) - 1, -1, -1):
                if self._idle[place][0] == stamp:
                    return self._idle.pop(place)[1]
        return None

    def _put(self, stamp: _Stamp, raster: DatasetReader) -> None:
        with self._lock:
            self._idle.append((stamp, raster))
            gone = self._idle.pop(0)[1] if len(self._idle) > self._room else None
        if gone is not None:
            gone.close()


def read_piece(raster: DatasetReader, x: int, y: int, z: int) -> Piece | None:
    """Read what of a raster lies under a tile; see `Sources.read`."""
    columns, rows = _carry(raster, x, y, z)
    across, down = _span(columns, raster.width), _span(rows, raster.height)
    if across is None or down is None:
        return None
    window = Window(across.first, down.first, across.size, down.size)
    shape = (down.read, across.read)
    values = raster.read(1, window=window, out_shape=shape)
    valid = _read_valid(raster, values, window)
    return Piece(values, valid, across.place(columns), down.place(rows))


class _Span(NamedTuple):
    """Rows or columns to read: from which, how many, and how many of those."""

    first: int
    size: int
    read: int

    def place(self, knots: NDArray[np.float64]) -> NDArray[np.float32]:
        """Find where among what is read rows or columns of the raster lie."""
        near = (knots - self.first) * (self.read / self.size)
        return near.astype(np.float32)


def _carry(
    raster: DatasetReader, x: int, y: int, z: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find columns and rows of a net's knots, NaN where the raster's system ends."""
    side = 2 * _HALF / (1 << z)
    east = -_HALF + side * (x + _KNOTS / SIZE)
    north = _HALF - side * (y + _KNOTS / SIZE)
    move = _find_way(raster.crs.to_wkt())
    there = move.transform(*np.meshgrid(east, north))
    easts, norths = (np.where(np.isfinite(a), a, np.nan) for a in there)
    back = ~raster.transform
    return (
        back.a * easts + back.b * norths + back.c,
        back.d * easts + back.e * norths + back.f,
    )


@lru_cache(maxsize=16)
def _find_way(wkt: str) -> Transformer:
    return Transformer.from_crs(_MERCATOR, wkt, always_xy=True)


def _span(knots: NDArray[np.float64], size: int) -> _Span | None:
    """Find which rows or columns a net spans; ``None`` if none of the raster's."""
    known = knots[np.isfinite(knots)]
    if not known.size:
        return None
    least, most = float(known.min()), float(known.max())
    first, last = max(int(np.floor(least)), 0), min(int(np.floor(most)), size - 1)
    if last < first:
        return None
    # Of more pixels than the tile has, every second, third, … is read: from an
    # overview where there is one.
    every = max(int((most - least) / SIZE), 1)
    count = last - first + 1
    return _Span(first, count, -(-count // every))


def _read_valid(
    raster: DatasetReader, values: NDArray[np.generic], window: Window
) -> NDArray[np.bool_]:
    flags = raster.mask_flag_enums[0]
    nodata = raster.nodata
    if MaskFlags.nodata in flags and nodata is not None:
        valid: NDArray[np.bool_] = ~(
            np.isnan(values) if np.isnan(nodata) else values == nodata
        )
        return valid
    if MaskFlags.all_valid in flags:
        return np.ones(values.shape, np.bool_)
    mask = raster.read_masks(1, window=window, out_shape=values.shape)
    return np.asarray(mask != 0)
