"""Layout of a tiled GeoTIFF whose directories come before its pixels.

What the bytes of a tile hold is another matter: `agroforest.cube.write`. The
order is that of GDAL's COG driver, so that readers recognise it: header, a note
of that order, directories from full resolution to the smallest overview, then
tiles from the smallest overview to full resolution, row by row. In front of every
tile stand its length and behind it its last four bytes again; a remote reader
then needs no list of lengths and notices a file that was edited.

References
----------
TIFF 6.0 (Adobe 1992), sections 2, 14 and 15; BigTIFF as in libtiff 4; for the
note, "Structural metadata" of GDAL's COG driver,
https://gdal.org/en/stable/drivers/raster/cog.html
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Bytes around a tile: its length before it, its last four bytes after it.
LEADER, TRAILER = 4, 4
#: The last byte that a classic TIFF can address; files beyond it are BigTIFF.
CLASSIC_LIMIT = 2**32 - 1

TILE_OFFSETS, TILE_BYTE_COUNTS = 324, 325
_ASCII, _SHORT, _LONG, _DOUBLE, _LONG8 = 2, 3, 4, 12, 16
_BYTES = {1: 1, _ASCII: 1, _SHORT: 2, _LONG: 4, 7: 1, _DOUBLE: 8, _LONG8: 8}

_NOTE = (
    b"LAYOUT=IFDS_BEFORE_DATA\n"
    b"BLOCK_ORDER=ROW_MAJOR\n"
    b"BLOCK_LEADER=SIZE_AS_UINT4\n"
    b"BLOCK_TRAILER=LAST_4_BYTES_REPEATED\n"
    b"KNOWN_INCOMPATIBLE_EDITION=NO\n "  # the space leaves room for YES
)
_NOTE = b"GDAL_STRUCTURAL_METADATA_SIZE=%06d bytes\n" % len(_NOTE) + _NOTE
_NOTE += b"\0" * (len(_NOTE) % 2)  # directories begin at even addresses


class Field(NamedTuple):
    """Value of a tag: its TIFF type, how many, and their little-endian bytes."""

    kind: int
    length: int
    content: bytes

    @classmethod
    def shorts(cls, *numbers: int) -> "Field":
        """Numbers below 65,536."""
        return cls(_SHORT, len(numbers), struct.pack(f"<{len(numbers)}H", *numbers))

    @classmethod
    def longs(cls, *numbers: int) -> "Field":
        """Numbers below 2**32."""
        return cls(_LONG, len(numbers), struct.pack(f"<{len(numbers)}I", *numbers))


@dataclass(frozen=True, kw_only=True, slots=True)
class Directory:
    """One image of the file.

    Attributes
    ----------
    fields
        By tag, without the addresses and lengths of the tiles.
    sizes
        Compressed bytes of each tile, row by row, shape ``(tiles,)``, int64.
    """

    fields: Mapping[int, Field]
    sizes: NDArray[np.int64]


class Layout(NamedTuple):
    """Where everything goes.

    Attributes
    ----------
    head
        Everything before the first tile.
    size
        Bytes of the whole file.
    """

    head: bytes
    size: int


class _Form(NamedTuple):
    """What differs between classic TIFF and BigTIFF."""

    header: bytes
    counter: str  # struct formats
    entry: str
    address: str
    address_kind: int


_CLASSIC = _Form(b"II*\0", "<H", "<HHI", "<I", _LONG)
_BIG = _Form(b"II+\0\x08\0\0\0", "<Q", "<HHQ", "<Q", _LONG8)


def lay_out(images: Sequence[Directory]) -> Layout:
    """Place directories and tiles.

    Parameters
    ----------
    images
        Full resolution first, then overviews from large to small.

    Returns
    -------
    Layout
        The head, and the size of the file when the tiles of each image, the last
        image's first, follow it row by row, each between its length (uint32) and
        its last four bytes. BigTIFF where classic TIFF cannot hold it.
    """
    layout = _lay_out(images, _CLASSIC)
    return layout if layout.size <= CLASSIC_LIMIT else _lay_out(images, _BIG)


def frame(content: bytes) -> tuple[bytes, bytes, bytes]:
    """Tile as it stands in the file: its length, itself, its last bytes again."""
    return struct.pack("<I", len(content)), content, content[-TRAILER:]


def read_fields(content: bytes) -> dict[int, Field]:
    """Fields of the first directory of a small, classic, little-endian TIFF.

    Raises
    ------
    ValueError
        If it is another kind of file, or cut off.
    """
    if content[:4] != _CLASSIC.header:
        raise ValueError(f"starts with {content[:4]!r}, not a little-endian TIFF")
    try:
        return _read_fields(content)
    except (struct.error, KeyError) as error:
        raise ValueError(f"directory cut off or of unknown types ({error})") from error


def _read_fields(content: bytes) -> dict[int, Field]:
    (first,) = struct.unpack_from("<I", content, 4)
    (number,) = struct.unpack_from("<H", content, first)
    fields = {}
    for at in range(first + 2, first + 2 + 12 * number, 12):
        tag, kind, count = struct.unpack_from("<HHI", content, at)
        length = count * _BYTES[kind]
        start = at + 8
        if length > 4:
            (start,) = struct.unpack_from("<I", content, start)
        fields[tag] = Field(kind, count, content[start : start + length])
    return fields


def _lay_out(images: Sequence[Directory], form: _Form) -> Layout:
    first = len(form.header) + struct.calcsize(form.address)
    starts = [first + len(_NOTE)]
    starts += [starts[0] + n for n in np.cumsum([_length(i, form) for i in images])]
    addresses: list[NDArray[np.int64]] = []
    end = starts[-1]
    for image in reversed(images):
        after = end + np.cumsum(image.sizes + LEADER + TRAILER)
        addresses.insert(0, after - image.sizes - TRAILER)
        end = int(after[-1])
    head = [form.header, struct.pack(form.address, starts[0]), _NOTE]
    following = [*starts[1:-1], 0]
    if end <= CLASSIC_LIMIT or form is _BIG:
        head += [
            _directory(image, form, start=start, following=after, addresses=found)
            for image, start, after, found in zip(
                images, starts[:-1], following, addresses, strict=True
            )
        ]
    return Layout(b"".join(head), end)


def _directory(
    image: Directory,
    form: _Form,
    *,
    start: int,
    following: int,
    addresses: NDArray[np.int64],
) -> bytes:
    fields = {**image.fields, **_tile_fields(image, form, addresses)}
    inline = struct.calcsize(form.address)
    values_at = start + _entries_length(len(fields), form)
    entries, values = [struct.pack(form.counter, len(fields))], b""
    for tag, field in sorted(fields.items()):
        content = field.content
        if len(content) > inline:
            address = struct.pack(form.address, values_at + len(values))
            values += content + b"\0" * (len(content) % 2)
            content = address
        head = struct.pack(form.entry, tag, field.kind, field.length)
        entries.append(head + content.ljust(inline, b"\0"))
    return b"".join([*entries, struct.pack(form.address, following), values])


def _tile_fields(
    image: Directory, form: _Form, addresses: NDArray[np.int64]
) -> dict[int, Field]:
    dtype = "<u4" if form is _CLASSIC else "<u8"
    tiles = len(image.sizes)
    return {
        TILE_OFFSETS: Field(
            form.address_kind, tiles, addresses.astype(dtype).tobytes()
        ),
        TILE_BYTE_COUNTS: Field(_LONG, tiles, image.sizes.astype("<u4").tobytes()),
    }


def _length(image: Directory, form: _Form) -> int:
    """Bytes of a directory with its values."""
    fields = {**image.fields, **_tile_fields(image, form, image.sizes)}
    inline = struct.calcsize(form.address)
    lengths = (len(f.content) for f in fields.values())
    outside = sum(n + n % 2 for n in lengths if n > inline)
    return _entries_length(len(fields), form) + outside


def _entries_length(fields: int, form: _Form) -> int:
    inline = struct.calcsize(form.address)
    each = struct.calcsize(form.entry) + inline
    return struct.calcsize(form.counter) + fields * each + inline
