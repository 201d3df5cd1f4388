"""The file of a backup: a tar archive, compressed with Zstandard.

``tar --zstd -xf FILE`` opens it, too. It is read by few lines of our own, because
what is read may come from anywhere: only plain files and long names are known here,
so there is no link to follow, no device to make and no header that asks for memory.
"""

import os
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tarfile import TarInfo
from typing import Protocol

from agroforest.core.errors import DataError
from agroforest.keep.digesting import Content

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_BLOCK = 512
#: Bytes that are read at once.
PIECE = 1 << 20
_LONGEST_NAME = 4096
_REMEDY = "take another copy of the backup"
_WRITING: dict[int, int] = {
    zstd.CompressionParameter.compression_level: 3,
    zstd.CompressionParameter.checksum_flag: 1,
}
# Memory that a frame may ask for when it is read, 8 MiB; level 3 asks for 2.
_READING: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 23}
_DAMAGE = (OSError, EOFError, zstd.ZstdError, ValueError)


class Sink(Protocol):
    """Takes bytes."""

    def write(self, data: bytes, /) -> int:
        """Write all of them."""


class PackWriter:
    """Adds files to an archive.

    Parameters
    ----------
    stream
        Where compressed bytes go.
    """

    def __init__(self, stream: Sink) -> None:
        self._stream = stream

    def add(self, path: str, content: Content, *, size: int, mtime: float) -> None:
        """Add a file of exactly `size` bytes.

        Raises
        ------
        DataError
            There are fewer bytes than that: the file shrank.
        """
        info = TarInfo(path)
        info.size, info.mtime, info.mode = size, int(mtime), 0o644
        self._stream.write(info.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict"))
        left = size
        while left:
            piece = content.read(min(left, PIECE))
            if not piece:
                raise DataError(path, "shrank while it was copied", "try again")
            self._stream.write(piece)
            left -= len(piece)
        self._stream.write(bytes(-size % _BLOCK))

    def finish(self) -> None:
        """Write the end of the archive."""
        self._stream.write(bytes(2 * _BLOCK))


@contextmanager
def packing(path: Path) -> Iterator[PackWriter]:
    """Write an archive to `path`, which must not be there; nobody else may read it."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with (
        os.fdopen(handle, "wb") as file,
        zstd.open(file, "wb", options=_WRITING) as stream,
    ):
        writer = PackWriter(stream)
        yield writer
        writer.finish()


class Member:
    """A file in an archive, read before the next one is asked for.

    Attributes
    ----------
    path
        As written; not checked.
    size
        Bytes.
    mtime
        Seconds since 1970.
    """

    def __init__(self, path: str, size: int, mtime: int, stream: "_Exact") -> None:
        self.path, self.size, self.mtime = path, size, mtime
        self._stream, self._left = stream, size

    def read(self, size: int, /) -> bytes:
        """Read up to so many bytes; none at the end."""
        piece = self._stream.read(min(size, self._left))
        self._left -= len(piece)
        return piece

    def skip(self) -> None:
        """Read what is left, and the padding."""
        while self._left:
            self.read(PIECE)
        self._stream.read(-self.size % _BLOCK)


@contextmanager
def unpacking(path: Path) -> Iterator[Iterator[Member]]:
    """Open an archive; its members come in the order in which they were added.

    Raises
    ------
    DataError
        It is damaged, cut short, or holds anything but plain files.
    """
    try:
        with zstd.open(path, "rb", options=_READING) as stream:
            yield _members(_Exact(stream, path), path)
    except _DAMAGE as error:
        raise DataError(path, f"is damaged ({error})", _REMEDY) from error


class _Exact:
    """A stream that gives what is asked for, or says that it ended."""

    def __init__(self, stream: Content, where: Path) -> None:
        self._stream, self._where = stream, where

    def read(self, size: int) -> bytes:
        pieces, left = [], size
        while left:
            piece = self._stream.read(left)
            if not piece:
                raise DataError(self._where, "is cut short", _REMEDY)
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)


def _members(stream: _Exact, where: Path) -> Iterator[Member]:
    long_name = ""
    while any(head := stream.read(_BLOCK)):
        try:
            # The head of a long name holds its first bytes, perhaps half a letter.
            info = TarInfo.frombuf(head, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise DataError(where, f"is no archive ({error})", _REMEDY) from error
        member = Member(long_name or info.name, info.size, int(info.mtime), stream)
        if info.type == tarfile.GNUTYPE_LONGNAME and 0 < info.size <= _LONGEST_NAME:
            long_name = _read_name(member, where)
            member.skip()
            continue
        if info.type != tarfile.REGTYPE or info.size < 0:
            raise DataError(
                where,
                f"holds {member.path[:80]!r}, which is no plain file",
                "do not restore it; take one that agroforest made",
            )
        long_name = ""
        yield member
        member.skip()


def _read_name(member: Member, where: Path) -> str:
    try:
        return member.read(member.size).rstrip(b"\0").decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            where, f"has a name that is no text ({error})", _REMEDY
        ) from error
