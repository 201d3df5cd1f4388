"""Cloud-optimised GeoTIFF: written whole or in blocks, never seen half-written.

The same pixels give the same bytes, in whatever blocks and order they came.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import DTypeLike, NDArray
from rasterio.errors import RasterioError, RasterioIOError
from rasterio.windows import Window

from agroforest.core.errors import DataError
from agroforest.core.files import replacing
from agroforest.core.grid import Block, Grid

#: Side of an internal tile, and the size below which no overview is made.
TILE = 512

_DTYPES = ("uint8", "int16", "uint16", "int32", "uint32", "float32")
_OPTIONS = {"GDAL_PAM_ENABLED": "NO"}  # no .aux.xml beside the file
_NO_TAGS: Mapping[str, str] = {}

#: How overviews are made: the mean of the valid pixels, or the commonest or one
#: of them for numbers that are codes or days.
Overviews = Literal["average", "mode", "nearest"]


class Raster(NamedTuple):
    """A raster as it is stored: ``value = number * scale + offset``."""

    array: NDArray[Any]
    grid: Grid
    nodata: float | None
    scale: float
    offset: float


class CogWriter:
    """Write a COG block by block; the file appears when the block ends.

    Memory is bounded by the blocks. Pixels never written are nodata. When the
    ``with`` block raises, the file is untouched.

    Parameters
    ----------
    path
        The file to create or replace.
    grid
        Of the whole raster.
    dtype
        ``uint8``, ``int16``, ``uint16``, ``int32``, ``uint32`` or ``float32``.
    nodata
        The number that means nodata; ``None`` if there is none.
    scale, offset
        ``value = number * scale + offset``, kept in the band's metadata.
    tags
        Further metadata of the file.
    description
        Of the band.
    overviews
        How they are made.
    """

    def __init__(
        self,
        path: Path,
        grid: Grid,
        dtype: DTypeLike = "int16",
        nodata: float | None = -32768,
        *,
        scale: float = 1e-4,
        offset: float = 0.0,
        tags: Mapping[str, str] = _NO_TAGS,
        description: str = "",
        overviews: Overviews = "average",
    ) -> None:
        self._dtype = np.dtype(dtype)
        if self._dtype.name not in _DTYPES:
            raise ValueError(f"dtype {self._dtype}, not one of {', '.join(_DTYPES)}")
        self._path = path
        self._grid = grid
        self._nodata = nodata
        self._scale, self._offset = scale, offset
        self._tags = dict(sorted(tags.items()))
        self._description = description
        self._overviews = overviews
        self._stack = ExitStack()
        self._scratch = self._plain = path
        self._data: Any = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._scratch = stack.enter_context(replacing(self._path))
            self._plain = self._scratch.with_name(f"{self._scratch.name}.plain.tif")
            stack.callback(self._plain.unlink, missing_ok=True)
            stack.enter_context(rasterio.Env(**_OPTIONS))
            self._data = self._create()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._data.close()
            if kind is None:
                self._finish()
        except BaseException as failure:
            self._stack.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._stack.__exit__(kind, error, trace)

    def write(self, block: Block, array: NDArray[Any]) -> None:
        """Write the pixels of one block, ``(y, x)`` in the raster's dtype."""
        if array.shape != block.grid.shape or array.dtype != self._dtype:
            raise ValueError(
                f"{array.dtype} {array.shape}, the block is "
                f"{self._dtype} {block.grid.shape}"
            )
        self._data.write(array, 1, window=Window.from_slices(*block.window))

    def _create(self) -> Any:  # noqa: ANN401  rasterio has no types
        data = rasterio.open(
            self._plain,
            "w",
            driver="GTiff",
            dtype=self._dtype.name,
            count=1,
            height=self._grid.height,
            width=self._grid.width,
            crs=self._grid.crs,
            transform=self._grid.transform,
            nodata=self._nodata,
            tiled=True,
            blockxsize=TILE,
            blockysize=TILE,
            sparse_ok=True,
            bigtiff="IF_SAFER",
        )
        data.update_tags(**self._tags)
        if self._description:
            data.set_band_description(1, self._description)
        if (self._scale, self._offset) != (1.0, 0.0):
            data.scales, data.offsets = (self._scale,), (self._offset,)
        return data

    def _finish(self) -> None:
        rasterio.shutil.copy(
            self._plain,
            self._scratch,
            driver="COG",
            compress="ZSTD",
            level=1,
            predictor="YES",  # differences of integers, bytes of floats
            blocksize=TILE,
            overview_resampling=self._overviews,
            overview_compress="ZSTD",
            overview_predictor="YES",
            statistics="NO",
            bigtiff="IF_SAFER",
        )
        # The full-resolution pixels come last in a COG: if the last of them can
        # be read, the disk was large enough.
        with rasterio.open(self._scratch) as data:
            last = Window(self._grid.width - 1, self._grid.height - 1, 1, 1)
            data.read(1, window=last)


def write_cog(
    path: Path,
    array: NDArray[Any],
    grid: Grid,
    *,
    nodata: float | None = -32768,
    scale: float = 1e-4,
    offset: float = 0.0,
    tags: Mapping[str, str] = _NO_TAGS,
    description: str = "",
    overviews: Overviews = "average",
) -> None:
    """Write a raster as a COG in one step: ZSTD, predictor, overviews.

    Parameters
    ----------
    path
        The file to create or replace; it appears when it is whole.
    array
        ``(y, x)`` of the grid's shape; its dtype is the file's.
    grid
        Its grid.
    nodata, scale, offset, tags, description, overviews
        As in `CogWriter`.
    """
    with CogWriter(
        path,
        grid,
        array.dtype,
        nodata,
        scale=scale,
        offset=offset,
        tags=tags,
        description=description,
        overviews=overviews,
    ) as writer:
        writer.write(Block(row=0, column=0, grid=grid), array)


def read_cog(path: Path) -> Raster:
    """Read a one-band GeoTIFF of square, north-up pixels as it is stored.

    Raises
    ------
    DataError
        Missing, damaged, without CRS, more than one band, or not north-up.
    """
    try:
        with rasterio.Env(**_OPTIONS), rasterio.open(path, driver="GTiff") as data:
            grid = read_grid(data, path)
            return Raster(
                array=data.read(1),
                grid=grid,
                nodata=data.nodata,
                scale=float(data.scales[0]),
                offset=float(data.offsets[0]),
            )
    except (RasterioError, RasterioIOError) as error:
        reason = " ".join(str(error.__cause__ or error).split())
        raise DataError(
            path, f"cannot be read as GeoTIFF ({reason})", "make it again"
        ) from error


def read_grid(data: Any, path: Path) -> Grid:  # noqa: ANN401  rasterio has no types
    """Grid of an open rasterio dataset.

    Raises
    ------
    DataError
        Without CRS, more than one band, or not north-up with square pixels.
    """
    t = data.transform
    if data.crs is None or data.count != 1:
        raise DataError(
            path, f"has CRS {data.crs} and {data.count} bands", "give one band in a CRS"
        )
    if t.b or t.d or t.a <= 0 or abs(t.a + t.e) > 1e-9 * t.a:
        raise DataError(
            path, f"has pixels {tuple(t)[:6]}", "warp it to square north-up pixels"
        )
    code = data.crs.to_epsg()
    return Grid(
        crs=f"EPSG:{code}" if code else data.crs.to_wkt(),
        left=t.c,
        top=t.f,
        resolution=t.a,
        width=data.width,
        height=data.height,
    )
