"""Files that notice damage: a GeoTIFF with checksums behind it.

Readers of TIFF go by the offsets in its header and never look behind the last
block, so a sealed file is still a valid one. The seal holds the CRC-32 of each
megabyte: what is read can be checked for the price of what is read.
"""

import os
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from agroforest.cube.spans import Span

_CHUNK = 1 << 20
_MAGIC = b"agroseal"
# After the table: bytes of the content, CRC-32 of the table and of that, the magic.
_END = struct.Struct("<QI8s")
_SIZE = struct.Struct("<Q")


class BrokenSealError(Exception):
    """A sealed file that is not as it was."""


def seal(path: Path) -> None:
    """Put the checksums of a file behind it."""
    with path.open("r+b") as stream:
        table = b""
        size = 0
        while chunk := stream.read(_CHUNK):
            table += struct.pack("<I", zlib.crc32(chunk))
            size += len(chunk)
        own = zlib.crc32(_SIZE.pack(size), zlib.crc32(table))
        stream.write(table + _END.pack(size, own, _MAGIC))


class Sealed:
    """A sealed file, opened to be checked part by part.

    Parameters
    ----------
    stream
        The open file; stays the caller's.

    Raises
    ------
    BrokenSealError
        If the seal is missing or damaged: the file was cut, or never finished.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._descriptor = stream.fileno()
        whole = os.fstat(self._descriptor).st_size
        end = os.pread(self._descriptor, _END.size, max(0, whole - _END.size))
        if len(end) < _END.size:
            raise BrokenSealError("cut off")
        self.size, own, magic = _END.unpack(end)
        length = 4 * -(-self.size // _CHUNK)
        if magic != _MAGIC or self.size + length + _END.size != whole:
            raise BrokenSealError("no seal")
        table = os.pread(self._descriptor, length, self.size)
        if zlib.crc32(_SIZE.pack(self.size), zlib.crc32(table)) != own:
            raise BrokenSealError("damaged seal")
        self._sums = [number for (number,) in struct.iter_unpack("<I", table)]
        self._good = bytearray(len(self._sums))

    def check(self, spans: Iterable[Span]) -> None:
        """Check parts of the file that were not checked before.

        Raises
        ------
        BrokenSealError
            If one is not as it was sealed.
        """
        for start, stop in spans:
            for number in range(start // _CHUNK, -(-min(stop, self.size) // _CHUNK)):
                if self._good[number]:
                    continue
                length = min(_CHUNK, self.size - number * _CHUNK)
                chunk = os.pread(self._descriptor, length, number * _CHUNK)
                if zlib.crc32(chunk) != self._sums[number]:
                    raise BrokenSealError(f"damaged at byte {number * _CHUNK}")
                self._good[number] = 1
