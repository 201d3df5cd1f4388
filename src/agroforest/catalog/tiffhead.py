"""The first directory of a TIFF file, read without allocating what it promises.

GDAL and libtiff believe a header before anyone can object to it; here it is read
first. Written after the TIFF 6.0 specification (Adobe, 1992) and the BigTIFF
design of libtiff (https://libtiff.gitlab.io/libtiff/specification/bigtiff.html).
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

#: First bytes: little and big endian, each as TIFF and as BigTIFF.
STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

# Bytes of a value, by type (TIFF 6.0, section 2; 13 and 16-18 are later).
_TYPE_BYTES = {
    **dict.fromkeys((1, 2, 6, 7), 1),
    **dict.fromkeys((3, 8), 2),
    **dict.fromkeys((4, 9, 11, 13), 4),
    **dict.fromkeys((5, 10, 12, 16, 17, 18), 8),
}
_INTEGERS = {1: "u1", 3: "u2", 4: "u4", 16: "u8"}
# Directories of real rasters have under 40 entries, and tables of blocks take
# 16 bytes a block; more than this is made to be large. Arbitrary.
_MAX_ENTRIES = 1000
_MAX_VALUES = 64 * 1024 * 1024
_MAX_SAMPLES = 65535  # bands: the number of them has 16 bits

_WIDTH, _HEIGHT, _BITS = 256, 257, 258
_STRIP_OFFSETS, _BANDS, _STRIP_ROWS, _STRIP_LENGTHS = 273, 277, 278, 279
_PLANAR, _TILE_WIDTH, _TILE_HEIGHT = 284, 322, 323
_TILE_OFFSETS, _TILE_LENGTHS = 324, 325
_SEPARATE = 2  # each band in blocks of its own


class UnreadableHeaderError(ValueError):
    """A header that contradicts itself or its format; says how."""


class Bytes(Protocol):
    """A file as its header's reader sees it."""

    @property
    def size(self) -> int:
        """Bytes in all."""

    def read(self, offset: int, length: int) -> bytes:
        """Read some bytes; fewer at the end of the file."""

    def expect(self, spans: Sequence[tuple[int, int]]) -> None:
        """Hear which parts (offset, length) are about to be read."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class BlockTable:
    """Where the blocks of a file lie.

    Attributes
    ----------
    offsets, lengths
        Of each block, in bytes, uint64, row by row and plane by plane; 0 where it
        is not stored. A file may list more of either; they are of no block.
    """

    offsets: NDArray[np.uint64]
    lengths: NDArray[np.uint64]

    @property
    def end(self) -> int:
        """Where the last of the stored blocks ends, in bytes."""
        stored = (self.offsets > 0) & (self.lengths > 0)
        # As floats: sums of two uint64 from outside may be too large for a third.
        ends = (self.offsets.astype(np.float64) + self.lengths)[stored]
        return int(ends.max(initial=0))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Entry:
    """One tag: its type, how many values, and where they stand."""

    kind: int
    count: int
    at: int

    @property
    def length(self) -> int:
        return self.count * _TYPE_BYTES.get(self.kind, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Layout:
    """How a directory is written: byte order and widths, classic or BigTIFF."""

    order: str
    big: bool

    def directory(self, data: Bytes) -> tuple[dict[int, _Entry], int]:
        """Entries of the first directory, and where its last ends."""
        head = data.read(0, 16)
        if self.big:
            first = self._unpack("Q", head, 8)
            count, start, step = self._number(data, first, "Q"), first + 8, 20
        else:
            first = self._unpack("I", head, 4)
            count, start, step = self._number(data, first, "H"), first + 2, 12
        if not 0 < count <= _MAX_ENTRIES:
            raise UnreadableHeaderError(f"directory of {count} entries")
        raw = data.read(start, count * step)
        if len(raw) < count * step:
            raise UnreadableHeaderError("directory cut off")
        entries: dict[int, _Entry] = {}
        for place in range(0, count * step, step):
            tag, entry = self._entry(raw[place : place + step], start + place)
            if tag in entries:
                # Readers disagree on which of the two counts.
                raise UnreadableHeaderError(f"tag {tag} twice")
            entries[tag] = entry
        return entries, start + count * step

    def integers(self, data: Bytes, entry: _Entry) -> NDArray[np.uint64]:
        """Values of an entry, which must be unsigned integers."""
        if entry.kind not in _INTEGERS:
            raise UnreadableHeaderError(f"values of type {entry.kind}")
        raw = data.read(entry.at, entry.length)
        if len(raw) < entry.length:
            raise UnreadableHeaderError(f"values at {entry.at} cut off")
        return np.frombuffer(raw, self.order + _INTEGERS[entry.kind]).astype(np.uint64)

    def _entry(self, raw: bytes, at: int) -> tuple[int, _Entry]:
        if self.big:
            tag, kind, count, place = struct.unpack(f"{self.order}HHQQ", raw)
        else:
            tag, kind, count, place = struct.unpack(f"{self.order}HHII", raw)
        inline = 8 if self.big else 4
        if count * _TYPE_BYTES.get(kind, 1) <= inline:
            place = at + len(raw) - inline
        return tag, _Entry(kind=kind, count=count, at=place)

    def _number(self, data: Bytes, offset: int, code: str) -> int:
        return self._unpack(code, data.read(offset, struct.calcsize(code)), 0)

    def _unpack(self, code: str, raw: bytes, offset: int) -> int:
        if len(raw) < offset + struct.calcsize(code):
            raise UnreadableHeaderError("header cut off")
        number: int = struct.unpack_from(self.order + code, raw, offset)[0]
        return number


@dataclass(frozen=True, kw_only=True, slots=True)
class TiffHead:
    """What the first directory declares.

    Attributes
    ----------
    width, height
        Columns and rows.
    bands
        Samples a pixel.
    bits
        Of the widest sample.
    block_width, block_height
        Of a tile, or of a strip.
    planes
        1 where a block holds all bands, else the number of bands.
    next_at, next_bytes
        Where the link to the next directory stands, and how many bytes it takes.
    """

    width: int
    height: int
    bands: int
    bits: int
    block_width: int
    block_height: int
    planes: int
    next_at: int
    next_bytes: int
    _layout: _Layout
    _entries: Mapping[int, _Entry]

    @property
    def blocks(self) -> int:
        """How many blocks the sizes ask for."""
        across = -(-self.width // self.block_width)
        return across * -(-self.height // self.block_height) * self.planes

    def read_table(self, data: Bytes) -> BlockTable:
        """Read where the blocks lie, announcing all that GDAL reads on opening.

        Raises
        ------
        UnreadableHeaderError
            If the table is missing, cut off, too short, or takes over 64 MB.
        """
        entries = self._entries
        for tag, entry in entries.items():
            if entry.at + entry.length > data.size:
                raise UnreadableHeaderError(f"values of tag {tag} lie outside the file")
        total = sum(entry.length for entry in entries.values())
        if total > _MAX_VALUES:
            raise UnreadableHeaderError(f"header of {total} bytes")
        tiled = _TILE_WIDTH in entries
        offsets = entries.get(_TILE_OFFSETS if tiled else _STRIP_OFFSETS)
        lengths = entries.get(_TILE_LENGTHS if tiled else _STRIP_LENGTHS)
        if offsets is None or lengths is None:
            raise UnreadableHeaderError("no table of blocks")
        listed = min(offsets.count, lengths.count)
        if listed < self.blocks:
            raise UnreadableHeaderError(f"room for {listed} of {self.blocks} blocks")
        data.expect([(entry.at, entry.length) for entry in entries.values()])
        return BlockTable(
            offsets=self._layout.integers(data, offsets)[: self.blocks],
            lengths=self._layout.integers(data, lengths)[: self.blocks],
        )


def read_tiff_head(data: Bytes) -> TiffHead:
    """Read the sizes in the first directory of a TIFF or BigTIFF file.

    Raises
    ------
    UnreadableHeaderError
        If it is cut off or contradicts itself.
    """
    start = data.read(0, 4)
    layout = _Layout(order="<" if start[:2] == b"II" else ">", big=b"+" in start)
    entries, end = layout.directory(data)

    def number(tag: int, default: int | None = None) -> int:
        entry = entries.get(tag)
        if entry is None and default is not None:
            return default
        if entry is None or not 0 < entry.count <= _MAX_SAMPLES:
            raise UnreadableHeaderError(f"no tag {tag}")
        return int(layout.integers(data, entry).max())

    width, height, bands = number(_WIDTH), number(_HEIGHT), number(_BANDS, 1)
    tiled = _TILE_WIDTH in entries
    block_width = number(_TILE_WIDTH) if tiled else width
    block_height = number(_TILE_HEIGHT) if tiled else number(_STRIP_ROWS, height)
    if min(width, height, bands, block_width, block_height) < 1:
        raise UnreadableHeaderError(f"{width} x {height} pixels, {bands} bands")
    return TiffHead(
        width=width,
        height=height,
        bands=bands,
        bits=number(_BITS, 1),
        block_width=block_width,
        block_height=block_height if tiled else min(block_height, height),
        planes=bands if number(_PLANAR, 1) == _SEPARATE else 1,
        next_at=end,
        next_bytes=8 if layout.big else 4,
        _layout=layout,
        _entries=entries,
    )
