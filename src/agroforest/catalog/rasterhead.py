"""What a raster file from outside declares, and what is too much to believe.

A few kilobytes can declare terabytes. So each file is looked at here, in bounded
memory, before GDAL is let near it: which of the two formats it is, by its
content and not its name, and whether its sizes are those of any known product.
"""

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agroforest.catalog import jp2head, tiffhead
from agroforest.catalog.tiffhead import (
    BlockTable,
    Bytes,
    TiffHead,
    UnreadableHeaderError,
)
from agroforest.core.errors import DataError

GEOTIFF, JPEG2000 = "GTiff", "JP2OpenJPEG"

#: Pixels a side. Tiles of Sentinel-2 have 10,980, Landsat scenes under 16,000,
#: the panchromatic band of Gaofen-2 about 29,000, ESA WorldCover 36,000.
MAX_SIDE = 40_000
#: Bytes that one block unpacks to. A whole Sentinel-2 band as a single block of
#: 16-bit numbers, the largest that occurs, takes 241 MB.
MAX_BLOCK_BYTES = 256 * 1024 * 1024
#: Blocks in all. A file of `MAX_SIDE` in tiles of 64 pixels has 391,000.
MAX_BLOCKS = 1_000_000
#: Bands in all; more than the hyperspectral products have. Arbitrary.
MAX_BANDS = 1_000
#: Bits of a number; complex numbers of two doubles have 128.
MAX_BITS = 128

# What is delivered in place of a raster, by its first bytes.
_OTHERS = (
    (b"\x89PNG", "a PNG file"),
    (b"\xff\xd8\xff", "a JPEG file"),
    (b"\x89HDF", "an HDF5 or netCDF file"),
    (b"CDF", "a netCDF file"),
    (b"SQLite format 3", "a GeoPackage or SQLite file"),
    (b"PK", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"<VRTDataset", "a GDAL virtual raster"),
    (b"<", "an XML or HTML page"),
    (b"{", "a JSON document"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RasterHead:
    """Format and sizes that a file declares.

    Attributes
    ----------
    driver
        `GEOTIFF` or `JPEG2000`: the only GDAL driver that may open it.
    width, height
        Columns and rows.
    bands
        Bands.
    bits
        Of a number.
    block_width, block_height
        Of a tile or strip.
    blocks
        How many there are.
    tiff, table
        The directory and where blocks lie, of GeoTIFFs.
    """

    driver: str
    width: int
    height: int
    bands: int
    bits: int
    block_width: int
    block_height: int
    blocks: int
    tiff: TiffHead | None = None
    table: BlockTable | None = None

    def patch(self, **changes: object) -> "RasterHead":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


class FileBytes:
    """A local file as `Bytes`.

    Parameters
    ----------
    descriptor
        Of the open file.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size

    def read(self, offset: int, length: int) -> bytes:
        """Read some bytes; fewer at the end of the file."""
        # Offsets come from the file: beyond its end, and beyond what a call takes.
        if not 0 <= offset < self.size:
            return b""
        return os.pread(self._descriptor, min(length, self.size - offset), offset)

    def expect(self, spans: Sequence[tuple[int, int]]) -> None:
        """Do nothing: the file is here."""


def read_local_head(path: Path) -> RasterHead:
    """Read the head of a local file.

    Raises
    ------
    OSError
        If the file cannot be opened.
    UnreadableHeaderError
        If it is neither a TIFF nor a JPEG 2000 file, or its header is damaged.
    DataError
        If it declares more than any product has.
    """
    if path.exists() and not path.is_file():
        # A pipe would be waited for, a device has no end.
        raise OSError(errno.EINVAL, "is no regular file")
    with path.open("rb") as stream:
        return read_raster_head(FileBytes(stream.fileno()), where=path)


def read_raster_head(data: Bytes, *, where: object) -> RasterHead:
    """Read what a file declares, and refuse what no product has.

    Parameters
    ----------
    data
        The file.
    where
        Named in errors.

    Raises
    ------
    UnreadableHeaderError
        If it is neither a TIFF nor a JPEG 2000 file, or its header is damaged.
    DataError
        If it declares more than any product has.
    """
    start = data.read(0, 16)
    if start.startswith(tiffhead.STARTS):
        tiff = tiffhead.read_tiff_head(data)
        head = RasterHead(
            driver=GEOTIFF,
            width=tiff.width,
            height=tiff.height,
            bands=tiff.bands,
            bits=tiff.bits,
            block_width=tiff.block_width,
            block_height=tiff.block_height,
            blocks=tiff.blocks,
            tiff=tiff,
        )
    elif start.startswith(jp2head.STARTS):
        jp2 = jp2head.read_jp2_head(data)
        head = RasterHead(
            driver=JPEG2000,
            width=jp2.width,
            height=jp2.height,
            bands=jp2.bands,
            bits=jp2.bits,
            block_width=jp2.block_width,
            block_height=jp2.block_height,
            blocks=jp2.tiles,
        )
    else:
        raise UnreadableHeaderError(_name(start))
    _refuse_bomb(head, where)
    # Every block, stored or not, leaves a trace of some bytes in the file. So what
    # a file may declare is bounded by its own size, and files of nothing but
    # nodata, which pack ten thousand to one, still pass.
    if head.tiff is not None:
        return head.patch(table=head.tiff.read_table(data))
    room = data.size // jp2head.MIN_TILE_BYTES
    if room < head.blocks:
        raise UnreadableHeaderError(f"room for {room} of {head.blocks} blocks")
    return head


def _refuse_bomb(head: RasterHead, where: object) -> None:
    if max(head.width, head.height) > MAX_SIDE:
        raise DataError(
            where,
            f"declares {head.width} x {head.height} pixels, no product has more than "
            f"{MAX_SIDE} a side",
            "fetch it again, or cut it into tiles",
        )
    if head.bands > MAX_BANDS or head.bits > MAX_BITS:
        raise DataError(
            where,
            f"declares {head.bands} bands of {head.bits} bits",
            "fetch it again, or give one band a file",
        )
    planes = head.tiff.planes if head.tiff else 1
    pixels = head.block_width * head.block_height
    if pixels * head.bits // 8 * head.bands // planes > MAX_BLOCK_BYTES:
        raise DataError(
            where,
            f"declares blocks of {head.block_width} x {head.block_height} pixels, "
            f"over {MAX_BLOCK_BYTES >> 20} MB each",
            "write it again in tiles of 512 x 512 pixels",
        )
    if head.blocks > MAX_BLOCKS:
        raise DataError(
            where,
            f"declares {head.blocks} blocks of {head.block_width} x "
            f"{head.block_height} pixels",
            "write it again in tiles of 512 x 512 pixels",
        )


def _name(start: bytes) -> str:
    for magic, name in _OTHERS:
        if start.lstrip().startswith(magic):
            return f"is {name}"
    return f"begins with {start[:8]!r}" if start else "is empty"
