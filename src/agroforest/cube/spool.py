"""Compressed tiles on their way to a file, in the order they come."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import BinaryIO

# What copy_file_range says where the file system or the kernel cannot do it.
_CANNOT = {errno.ENOSYS, errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.EPERM}
_CHUNK = 1 << 20


class Spool:
    """A file without a name, which goes when the process goes.

    Parameters
    ----------
    folder
        Where its bytes are kept: best on the disk that they are for, so that the
        file system may copy, or share, them by itself.
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

    def copy(self, target: BinaryIO, start: int, length: int) -> None:
        """Append `length` bytes from `start` on to an unbuffered file."""
        source = self._file.fileno()
        while length:
            chunk = _copy_range(source, target.fileno(), start, length)
            if chunk is None:
                content = os.pread(source, min(length, _CHUNK), start)
                chunk = target.write(content)
            if not chunk:
                raise OSError(errno.EIO, f"no bytes at {start} of {self._end}")
            start += chunk
            length -= chunk


def _copy_range(source: int, target: int, start: int, length: int) -> int | None:
    """Let the kernel copy; None where it cannot."""
    if not hasattr(os, "copy_file_range"):
        return None
    try:
        return os.copy_file_range(source, target, length, start)
    except OSError as error:
        if error.errno in _CANNOT:
            return None
        raise
