"""Cloud-optimised GeoTIFF: written in blocks, never seen half-written.

The same pixels give the same bytes, in whatever blocks and order they came and on
however many threads. The writer is our own; docs/adr/0005-cog-writer.md says why.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from itertools import chain
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import DTypeLike, NDArray
from rasterio.errors import RasterioError, RasterioIOError
from rasterio.windows import Window

from agroforest.core.errors import DataError
from agroforest.core.files import replacing
from agroforest.core.grid import Block, Grid
from agroforest.core.identity import digest_file
from agroforest.cube.compression import Codec, compressor
from agroforest.cube.geotiff import describe, image_fields
from agroforest.cube.overview import Overviews
from agroforest.cube.pyramid import BLOCK_LEVELS, Pyramid, contents
from agroforest.cube.spool import Spool
from agroforest.cube.tiff import Directory, lay_out

#: Side of an internal tile, and the size below which no overview is made.
TILE = 512
#: Side of the blocks that `CogWriter` takes.
BLOCK = TILE << BLOCK_LEVELS

_DTYPES = ("uint8", "int16", "uint16", "int32", "uint32", "float32")
_OPTIONS = {"GDAL_PAM_ENABLED": "NO"}  # no .aux.xml beside the file
_NO_TAGS: Mapping[str, str] = {}


class Raster(NamedTuple):
    """A raster as it is stored: ``value = number * scale + offset``."""

    array: NDArray[Any]
    grid: Grid
    nodata: float | None
    scale: float
    offset: float


class CogWriter:
    """Write a COG block by block; the file appears when the ``with`` block ends.

    Tiles are compressed as their block comes, with their share of the overviews,
    and wait in a nameless file in the folder of `path`. Pixels never written are
    nodata, or 0 where there is none. When the ``with`` block raises, what was at
    `path` is untouched.

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
        Of the band; of several bands, one each.
    overviews
        How they are made.
    codec
        How tiles are compressed.
    tile
        Side of a tile in pixels, a multiple of 16; blocks are four times as long.
    transform
        Where the pixels lie, if they are not square as the grid's are.

    Raises
    ------
    ValueError
        For another dtype, codec or tile, or a `nodata` that is no number of the
        dtype.
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
        description: str | Sequence[str] = "",
        overviews: Overviews = "average",
        codec: Codec = "zstd",
        tile: int = TILE,
        transform: Affine | None = None,
    ) -> None:
        self._dtype = np.dtype(dtype)
        if self._dtype.name not in _DTYPES:
            raise ValueError(f"dtype {self._dtype}, not one of {', '.join(_DTYPES)}")
        if tile < 1 or tile % 16:
            raise ValueError(f"tiles of {tile} pixels, not a multiple of 16")
        compressor(codec)  # raises if there is none
        self._path = path
        self._grid = grid
        self._nodata = nodata
        self._overviews = overviews
        self._codec: Codec = codec
        self._tile = tile
        self._single = isinstance(description, str)
        names = (description,) if isinstance(description, str) else tuple(description)
        self._bands = len(names)
        self._meaning = describe(
            grid,
            self._dtype,
            nodata,
            scale=scale,
            offset=offset,
            tags=tags,
            descriptions=names,
            transform=transform,
        )
        self._claimed: set[tuple[int, int]] = set()
        self._sha256: str | None = None
        self._lock = Lock()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._scratch = stack.enter_context(replacing(self._path))
            self._spool = stack.enter_context(closing(Spool(self._path.parent)))
            self._pyramids = [
                Pyramid(
                    self._grid.shape,
                    self._dtype,
                    self._nodata,
                    overviews=self._overviews,
                    codec=self._codec,
                    tile=self._tile,
                    spool=self._spool,
                )
                for _ in range(self._bands)
            ]
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.publish()
        except BaseException as failure:
            self._stack.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._stack.__exit__(kind, error, trace)

    @property
    def block(self) -> int:
        """Side of the blocks it takes, in pixels: `BLOCK`, unless `tile` differs."""
        return self._tile << BLOCK_LEVELS

    def write(self, block: Block, array: NDArray[Any]) -> None:
        """Compress the pixels of a block; on any thread, in any order.

        Parameters
        ----------
        block
            Begins at multiples of `BLOCK`, down and across, and is as long and wide
            as a multiple of it or reaches the edge of the raster.
        array
            ``(y, x)`` in the raster's dtype; ``(band, y, x)`` where the bands were
            described one by one.

        Raises
        ------
        ValueError
            If the block is another one, was written before, or `array` does not
            fit it.
        """
        wanted: tuple[int, ...] = block.grid.shape
        if not self._single:
            wanted = (self._bands, *wanted)
        if array.shape != wanted or array.dtype != self._dtype:
            raise ValueError(
                f"{array.dtype} {array.shape}, the block is {self._dtype} {wanted}"
            )
        planes = [array] if self._single else list(array)
        self._check(block)
        for part in block.grid.blocks(self.block):
            row, column = block.row + part.row, block.column + part.column
            self._claim(row, column)
            for pyramid, plane in zip(self._pyramids, planes, strict=True):
                pyramid.add(row, column, plane[part.window])

    def finish(self) -> str:
        """Put the file together and flush it, still under another name.

        Who writes several files calls this on all of them, on several threads, and
        then `publish`: the copies and the disk do not wait for one another, and no
        file appears before all are whole.

        Returns
        -------
        str
            SHA-256 of the file, 64 hexadecimal digits.
        """
        if self._sha256 is not None:
            return self._sha256
        for pyramid in self._pyramids:
            pyramid.finish()
        levels = len(self._pyramids[0].levels)
        layout = lay_out([self._directory(n) for n in range(levels)])
        sha = hashlib.sha256()
        with self._scratch.open("wb") as target:
            for piece in chain((memoryview(layout.head),), contents(self._pyramids)):
                sha.update(piece)
                target.write(piece)
            target.flush()
            os.fsync(target.fileno())
            size = target.tell()
        self._spool.close()
        if size != layout.size:
            raise OSError(f"{self._path}: {size} bytes written, not {layout.size}")
        if digest_file(self._scratch) != sha.hexdigest():
            raise OSError(f"{self._path}: what was written is not what is read")
        # The last pixel comes last in the file: that GDAL can read it says that
        # the directories are right, too.
        with rasterio.Env(**_OPTIONS), rasterio.open(self._scratch) as data:
            data.read(1, window=Window(data.width - 1, data.height - 1, 1, 1))
        self._sha256 = sha.hexdigest()
        return self._sha256

    def publish(self) -> None:
        """Let the file appear at its path; the end of the ``with`` block does, too."""
        self.finish()
        self._stack.close()

    def _check(self, block: Block) -> None:
        for first, length, whole in (
            (block.row, block.grid.height, self._grid.height),
            (block.column, block.grid.width, self._grid.width),
        ):
            end = first + length
            if first % self.block or end > whole or (end % self.block and end < whole):
                raise ValueError(
                    f"block from {first} to {end} of {whole} pixels, "
                    f"not at multiples of {self.block}"
                )

    def _claim(self, row: int, column: int) -> None:
        with self._lock:
            if (row, column) in self._claimed:
                raise ValueError(f"block at ({row}, {column}) is written twice")
            self._claimed.add((row, column))

    def _directory(self, number: int) -> Directory:
        levels = [pyramid.levels[number] for pyramid in self._pyramids]
        fields = image_fields(
            levels[0].shape,
            self._dtype,
            self._codec,
            self._tile,
            self._meaning,
            overview=number > 0,
            bands=self._bands,
        )
        sizes = np.concatenate([level.sizes.ravel() for level in levels])
        return Directory(fields=fields, sizes=sizes)


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
    codec: Codec = "zstd",
    transform: Affine | None = None,
    workers: int = 1,
) -> None:
    """Write a raster as a COG in one step.

    Parameters
    ----------
    path
        The file to create or replace; it appears when it is whole.
    array
        ``(y, x)`` of the grid's shape; its dtype is the file's.
    grid
        Its grid.
    nodata, scale, offset, tags, description, overviews, codec, transform
        As in `CogWriter`.
    workers
        Threads that compress.
    """
    if array.shape != grid.shape:
        raise ValueError(f"array {array.shape}, the grid is {grid.shape}")
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
        codec=codec,
        transform=transform,
    ) as writer:
        blocks = list(grid.blocks(BLOCK))
        parts = [array[block.window] for block in blocks]
        if workers == 1:
            list(map(writer.write, blocks, parts))
        else:
            with ThreadPoolExecutor(workers) as pool:
                list(pool.map(writer.write, blocks, parts))


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


def read_grid(
    data: Any,  # noqa: ANN401  rasterio has no types
    path: Path,
    *,
    bands: int = 1,
) -> Grid:
    """Grid of an open rasterio dataset.

    Raises
    ------
    DataError
        Without CRS, another number of bands, or not north-up with square pixels.
    """
    t = data.transform
    if data.crs is None or data.count != bands:
        raise DataError(
            path,
            f"has CRS {data.crs} and {data.count} bands",
            f"give {'one band' if bands == 1 else f'{bands} bands'} in a CRS",
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
