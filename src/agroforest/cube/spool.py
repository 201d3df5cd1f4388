"""Compressed tiles on their way to a file, in the order they come."""

import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock

# Small enough that what is hashed and then written on is still in the processor's
# second-level cache.
_CHUNK = 1 << 18


class Spool:
    """A file without a name, which goes when the process goes.

    Parameters
    ----------
    folder
        Where its bytes are kept: best on the disk that they are for, which is known
        to have room.
    """

    def __init__(self, folder: Path) -> None:
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115  closed by `close`
        self._end = 0
        self._lock = Lock()

    def close(self) -> None:
        """Drop everything."""
        self._file.close()

    def append(self, buffers: Sequence[bytes]) -> int:
        """Append buffers, on any thread, and return where they begin."""
        length = sum(map(len, buffers))
        with self._lock:
            start = self._end
            self._end += length
        written = os.pwritev(self._file.fileno(), buffers, start)
        if written < length:  # a full disk says so at the second try
            rest = memoryview(b"".join(buffers))
            while written < length:
                written += os.pwrite(
                    self._file.fileno(), rest[written:], start + written
                )
        return start

    def read(self, start: int, length: int) -> Iterator[memoryview]:
        """Yield `length` bytes from `start` on, in pieces to use at once."""
        buffer = memoryview(bytearray(min(length, _CHUNK)))
        while length:
            piece = buffer[: min(length, _CHUNK)]
            got = os.preadv(self._file.fileno(), [piece], start)
            if not got:
                raise OSError(errno.EIO, f"no bytes at {start} of {self._end}")
            yield piece[:got]
            start += got
            length -= got
