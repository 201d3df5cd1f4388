"""Rasters as exactextract wants them: any window, each block decoded once."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from exactextract.raster import RasterSource
from numpy.typing import NDArray
from rasterio.enums import MaskFlags
from rasterio.errors import RasterioError, RasterioIOError
from rasterio.windows import Window

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.grid import Grid
from agroforest.cube.write import read_grid

#: Pixels a side that are read together, where a file's blocks are smaller.
SIDE = 512

_LARGEST_BLOCK = 64 << 20  # bytes; a file of larger ones is not made to be cut
_OPTIONS = {
    # No side-car files: georeference and nodata are the file's own.
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_CACHEMAX": 16 << 20,  # bytes: decoded blocks are kept by `Cells`
}


@dataclass(frozen=True, kw_only=True, slots=True)
class RasterFile:
    """An open raster.

    Attributes
    ----------
    path
        Where it is.
    grid
        Its pixels.
    data
        The open rasterio dataset.
    scale, offset
        ``value = number * scale + offset``.
    """

    path: Path
    grid: Grid
    data: Any
    scale: float
    offset: float


@contextmanager
def opened_raster(path: Path) -> Iterator[RasterFile]:
    """Open a one-band GeoTIFF of square, north-up pixels.

    Raises
    ------
    ConfigurationError
        No such file.
    DataError
        Not a GeoTIFF, damaged, no CRS, more than one band, other pixels, or
        blocks too large to hold.
    """
    if not path.is_file():
        raise ConfigurationError(path, "no such file", "give a GeoTIFF")
    with rasterio.Env(**_OPTIONS):
        try:
            data = rasterio.open(path, driver="GTiff")
        except (RasterioError, RasterioIOError) as error:
            raise _damaged(path, error) from error
        with data:
            grid = read_grid(data, path)
            _check(path, data)
            yield RasterFile(
                path=path,
                grid=grid,
                data=data,
                scale=float(data.scales[0]),
                offset=float(data.offsets[0]),
            )


def _check(path: Path, data: Any) -> None:  # noqa: ANN401  rasterio has no types
    dtype = np.dtype(data.dtypes[0])
    if dtype.kind not in "iuf":
        raise DataError(path, f"holds {dtype}", "give integers or floats")
    if not np.isfinite([data.scales[0], data.offsets[0]]).all() or not data.scales[0]:
        raise DataError(
            path, f"has scale {data.scales[0]}, offset {data.offsets[0]}", "mend them"
        )
    rows, columns = data.block_shapes[0]
    if rows * columns * dtype.itemsize > _LARGEST_BLOCK:
        raise DataError(
            path, f"is stored in blocks of {rows} x {columns}", "make it a COG"
        )


def _damaged(path: Path, error: Exception) -> DataError:
    # rasterio keeps GDAL's own words in the cause.
    reason = " ".join(str(error.__cause__ or error).split()).rstrip(".")
    return DataError(path, f"cannot be read as GeoTIFF ({reason})", "make it again")


class Cells(RasterSource):  # type: ignore[misc]  # it has no types
    """What exactextract asks of a raster, answered from decoded blocks.

    Numbers are handed over as stored.
    """

    def __init__(self, raster: RasterFile, *, budget: int) -> None:
        super().__init__()
        self.set_name(raster.path.stem)
        self._raster = raster
        data = raster.data
        stored = np.dtype(data.dtypes[0])
        masked = MaskFlags.per_dataset in data.mask_flag_enums[0]
        self._masked = masked
        self._floats = masked or stored.kind == "f"
        self._dtype = np.dtype(np.float64) if masked else stored
        self._nodata = norm_nodata(data.nodata, stored)
        rows, columns = data.block_shapes[0]
        self._rows = rows * max(1, SIDE // rows)
        self._columns = columns * max(1, SIDE // columns)
        self._blocks: OrderedDict[tuple[int, int], NDArray[Any]] = OrderedDict()
        block = self._rows * min(self._columns, raster.grid.width)
        self._kept = max(4, budget // (block * self._dtype.itemsize))

    def res(self) -> tuple[float, float]:
        """Sides of a pixel."""
        return self._raster.grid.resolution, self._raster.grid.resolution

    def extent(self) -> tuple[float, float, float, float]:
        """Left, bottom, right, top."""
        return self._raster.grid.bounds

    def nodata_value(self) -> int | None:
        """Nodata of integers; that of floats is NaN already."""
        return None if self._floats else self._nodata

    def srs_wkt(self) -> None:
        """Nothing: polygons are in the grid's CRS already."""

    def read_window(self, x0: int, y0: int, nx: int, ny: int) -> NDArray[Any]:
        """Numbers of a window, ``(ny, nx)``."""
        window = np.empty((ny, nx), self._dtype)
        for row in range(y0 // self._rows, -(-(y0 + ny) // self._rows)):
            for column in range(x0 // self._columns, -(-(x0 + nx) // self._columns)):
                block = self._block(row, column)
                top, left = row * self._rows - y0, column * self._columns - x0
                into = window[max(0, top) :, max(0, left) :]
                part = block[max(0, -top) :, max(0, -left) :]
                high, wide = np.minimum(into.shape, part.shape)
                into[:high, :wide] = part[:high, :wide]
        return window

    def _block(self, row: int, column: int) -> NDArray[Any]:
        block = self._blocks.pop((row, column), None)
        if block is None:
            block = self._decode(row, column)
            if len(self._blocks) >= self._kept:
                self._blocks.popitem(last=False)
        self._blocks[row, column] = block
        return block

    def _decode(self, row: int, column: int) -> NDArray[Any]:
        data = self._raster.data
        top, left = row * self._rows, column * self._columns
        window = Window(
            left,
            top,
            min(self._columns, data.width - left),
            min(self._rows, data.height - top),
        )
        try:
            stored = data.read(1, window=window)
            valid = data.dataset_mask(window=window) if self._masked else None
        except (RasterioError, RasterioIOError) as error:
            raise _damaged(self._raster.path, error) from error
        if not self._floats:
            block: NDArray[Any] = stored
            return block
        block = stored.astype(self._dtype)
        if self._nodata is not None:
            block[stored == self._nodata] = np.nan
        if valid is not None:
            block[valid == 0] = np.nan
        block[~np.isfinite(block)] = np.nan
        return block


def norm_nodata(stated: float | None, dtype: np.dtype[Any]) -> Any:  # noqa: ANN401  a number of that dtype
    """Nodata as a number that the pixels can have; None if there is none."""
    if stated is None or np.isnan(stated):
        return None
    if dtype.kind == "f":
        return dtype.type(stated)
    bounds = np.iinfo(dtype)
    fits = float(stated).is_integer() and bounds.min <= stated <= bounds.max
    return int(stated) if fits else None
