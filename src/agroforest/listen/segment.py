"""Records in a file: each with a mark, its length and a checksum.

======  =====================================================
bytes   meaning
======  =====================================================
8       ``AFSPOOL1``, once at the start of the file
4       mark of a record, ``f5 41 46 f6``
4       length of its body, little-endian
4       CRC-32 of the length and the body
…       body
======  =====================================================

The mark lets a reader find the next sound record behind damage: one bad block of a
disk costs what was on it and nothing more.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

MAGIC = b"AFSPOOL1"

#: Longest body; whoever finds a greater length is not looking at a record.
LONGEST = 1 << 26

_MARK = b"\xf5AF\xf6"
_HEAD = struct.Struct("<4sII")
_LENGTH = struct.Struct("<I")


class Frame(NamedTuple):
    """A stretch of a segment.

    Attributes
    ----------
    start, stop
        Its first byte, and the first behind it, counted from where reading began.
    body
        What the record holds; ``None`` where the stretch is damaged.
    """

    start: int
    stop: int
    body: bytes | None


def build_frame(body: bytes) -> bytes:
    """Bytes of one record.

    Raises
    ------
    ValueError
        The body is longer than `LONGEST`.
    """
    if len(body) > LONGEST:
        raise ValueError(f"a record of {len(body)} bytes is longer than {LONGEST}")
    length = len(body)
    return _HEAD.pack(_MARK, length, _checksum(length, body)) + body


def read_frames(content: bytes, start: int = 0) -> Iterator[Frame]:
    """Read records one after the other; damage is a frame without a body.

    The frames lie edge to edge from `start` to the end of `content`.
    """
    at = start
    while at < len(content):
        body = _read_body(content, at)
        if body is not None:
            stop = at + _HEAD.size + len(body)
            yield Frame(at, stop, body)
        else:
            stop = _find_sound(content, at + 1)
            yield Frame(at, stop, None)
        at = stop


def reaches_beyond(content: bytes, at: int) -> bool:
    """Whether a record begins there whose end `content` does not hold."""
    if len(content) - at < _HEAD.size:
        return True
    mark, length, _ = _HEAD.unpack_from(content, at)
    stop = at + _HEAD.size + length
    return bool(mark == _MARK and length <= LONGEST and stop > len(content))


def sound_length(content: bytes, start: int = 0) -> int:
    """Bytes up to the end of the last sound record: what follows is torn."""
    last = start
    for frame in read_frames(content, start):
        if frame.body is not None:
            last = frame.stop
    return last


def _find_sound(content: bytes, at: int) -> int:
    while (found := content.find(_MARK, at)) >= 0:
        if _read_body(content, found) is not None:
            return found
        at = found + 1
    return len(content)


def _read_body(content: bytes, at: int) -> bytes | None:
    if len(content) - at < _HEAD.size:
        return None
    mark, length, checksum = _HEAD.unpack_from(content, at)
    start = at + _HEAD.size
    if mark != _MARK or length > LONGEST or start + length > len(content):
        return None
    body = content[start : start + length]
    return body if _checksum(length, body) == checksum else None


def _checksum(length: int, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(_LENGTH.pack(length)))
