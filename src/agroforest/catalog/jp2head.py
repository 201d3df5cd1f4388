"""What a JPEG 2000 file declares, read without starting its decoder.

Boxes after ISO/IEC 15444-1 annex I, the SIZ marker after its table A.9.
"""

import struct
from dataclasses import dataclass

from agroforest.catalog.tiffhead import Bytes, UnreadableHeaderError

#: First bytes: the signature box of a file, or a bare codestream.
STARTS = (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")

_SIZ = struct.Struct(">HHIIIIIIIIH")  # length, profile, sizes, components
_MARKERS = 4  # bytes of SOC and SIZ
# Real files have a handful of boxes before the codestream. Arbitrary.
_MAX_BOXES = 200
#: A part of a tile is at least the markers SOT and SOD (tables A.5 and A.6).
MIN_TILE_BYTES = 14


@dataclass(frozen=True, kw_only=True, slots=True)
class Jp2Head:
    """Sizes that the codestream declares.

    Attributes
    ----------
    width, height
        Columns and rows.
    bands
        Components.
    bits
        Of the widest component.
    block_width, block_height
        Of a tile, cut to the image.
    tiles
        How many there are.
    """

    width: int
    height: int
    bands: int
    bits: int
    block_width: int
    block_height: int
    tiles: int


def read_jp2_head(data: Bytes) -> Jp2Head:
    """Read the SIZ marker of a JPEG 2000 file or codestream.

    Raises
    ------
    UnreadableHeaderError
        If there is none or it is cut off.
    """
    start = _find_codestream(data)
    raw = data.read(start, _MARKERS + _SIZ.size)
    if len(raw) < _MARKERS + _SIZ.size or raw[:_MARKERS] != STARTS[1]:
        raise UnreadableHeaderError("no codestream")
    fields = _SIZ.unpack_from(raw, _MARKERS)
    right, bottom, left, top, across, down = fields[2:8]
    bands = fields[10]
    width, height = right - left, bottom - top
    if min(width, height, across, down, bands) < 1:
        raise UnreadableHeaderError(f"{width} x {height} pixels, {bands} bands")
    # A grid of tiles may begin before the image (XTOsiz, YTOsiz).
    columns = -(-(right - fields[8]) // across)
    rows = -(-(bottom - fields[9]) // down)
    depths = data.read(start + _MARKERS + _SIZ.size, 3 * bands)[::3]
    if len(depths) < bands:
        raise UnreadableHeaderError("header cut off")
    return Jp2Head(
        width=width,
        height=height,
        bands=bands,
        bits=max((depth & 0x7F) + 1 for depth in depths),
        block_width=min(across, width),
        block_height=min(down, height),
        tiles=columns * rows,
    )


def _find_codestream(data: Bytes) -> int:
    if data.read(0, 4) == STARTS[1]:
        return 0
    position = 0
    for _ in range(_MAX_BOXES):
        head = data.read(position, 16)
        if len(head) < 8:
            break
        length, kind, body = int.from_bytes(head[:4], "big"), head[4:8], 8
        if length == 1:
            length, body = int.from_bytes(head[8:16], "big"), 16
        if kind == b"jp2c":
            return position + body
        if length < body:  # 0 means "to the end": no codestream follows
            break
        position += length
    raise UnreadableHeaderError("no codestream")
