"""One tile of a map from the files under it."""

import struct
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from agroforest.maps.styles import RasterStyle
from agroforest.web.tiles.pixels import SIZE
from agroforest.web.tiles.source import Sources

#: Deepest zoom: 5 m a pixel at the equator halves our finest grid.
DEEPEST = 15
_LEVEL = (
    3  # of ISA-L, its smallest: as small as level 6 of zlib, in a fifth of the time
)


def render(
    sources: Sources, files: Sequence[Path], x: int, y: int, z: int, style: RasterStyle
) -> bytes:
    """Render a tile as PNG with a colour table; where files overlap the first wins.

    Parameters
    ----------
    sources
        Opens the files.
    files
        Rasters with one band that counts, any CRS.
    x, y, z
        Tile in web mercator, counted from the north-west.
    style
        Colours.
    """
    tile = np.zeros((SIZE, SIZE), np.uint8)
    left = tile.size
    for path in files:
        found = sources.read(path, x, y, z)
        if found is not None:
            left = found.spread(style.codes(found.values, found.valid), tile)
        if not left:
            break
    return EMPTY if left == tile.size else encode(tile, style.palette)


def encode(codes: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    """Encode a picture with a colour table as PNG (ISO/IEC 15948).

    Parameters
    ----------
    codes
        ``(y, x)`` uint8, entries of the table.
    palette
        ``(entry, 4)`` uint8 RGBA, at most 256.
    """
    height, width = codes.shape
    lines = np.zeros((height, width + 1), np.uint8)  # each begins with its filter: none
    lines[:, 1:] = codes
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", palette[:, :3].tobytes()),
            _chunk(b"tRNS", palette[:, 3].tobytes()),
            _chunk(b"IDAT", isal_zlib.compress(lines.tobytes(), _LEVEL)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


#: A tile on which there is nothing.
EMPTY = encode(np.zeros((SIZE, SIZE), np.uint8), np.zeros((1, 4), np.uint8))


class Drawer:
    """Tiles drawn lately, so that the next reader does not wait for them.

    Parameters
    ----------
    room
        Bytes kept at most.
    """

    def __init__(self, room: int = 64 << 20) -> None:
        self._room = room
        self._held = 0
        self._lock = Lock()
        self._tiles: OrderedDict[tuple[str, int, int, int], bytes] = OrderedDict()

    def get(self, version: str, x: int, y: int, z: int) -> bytes | None:
        """Find a tile; `version` says of which files and colours."""
        key = (version, x, y, z)
        with self._lock:
            if key in self._tiles:
                self._tiles.move_to_end(key)
            return self._tiles.get(key)

    def put(self, version: str, x: int, y: int, z: int, tile: bytes) -> None:
        """Keep a tile, and forget the ones not asked for longest."""
        with self._lock:
            old = self._tiles.pop((version, x, y, z), b"")
            self._tiles[version, x, y, z] = tile
            self._held += len(tile) - len(old)
            while self._held > self._room:
                self._held -= len(self._tiles.popitem(last=False)[1])
