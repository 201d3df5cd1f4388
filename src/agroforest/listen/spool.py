"""The spool: every message on the disk before anybody is told that we have it.

A folder of numbered segments that are only ever appended to, an ``id`` under which
the database remembers how far it has read, and a lock that one listener holds.
"""

import fcntl
import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Self
from uuid import uuid4

from agroforest.core.errors import ConfigurationError, LockedError
from agroforest.core.files import write_text
from agroforest.listen.arrival import Position
from agroforest.listen.segment import MAGIC, sound_length

_LOG = logging.getLogger(__name__)
_SUFFIX = ".seg"


class Spool:
    """The one writer of a spool folder.

    Parameters
    ----------
    folder
        Made if missing.
    segment_bytes
        A segment that is longer is followed by a new one.

    Raises
    ------
    LockedError
        Another listener has it.
    ConfigurationError
        The folder cannot be written.
    """

    def __init__(self, folder: Path, *, segment_bytes: int) -> None:
        self.folder = folder
        self._limit = segment_bytes
        self._file = -1
        self._lock = _take_lock(folder)
        try:
            self.id = find_id(folder) or _give_id(folder)
            #: Bytes of a half-written record that were cut off on opening.
            self.torn = 0
            self._segment, self._size = self._resume()
        except BaseException:
            os.close(self._lock)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def end(self) -> Position:
        """Where the next record will be; everything before it is on the disk."""
        return Position(self._segment, self._size)

    def append(self, frames: Sequence[bytes]) -> None:
        """Write records and wait until the disk has them: all of them or none.

        Raises
        ------
        OSError
            The disk is full or broken; the same records may be tried again.
        """
        if self._size >= self._limit:
            self._begin(self._segment + 1)
        content = b"".join(frames)
        try:
            if self._file < 0:  # a failed attempt gave it up
                self._reopen()
            _write_all(self._file, content)
            os.fdatasync(self._file)
        except OSError:
            self._roll_back()
            raise
        self._size += len(content)

    def expire(self, consumed: Position, older_than: datetime) -> int:
        """Remove segments that are consumed and not written since; how many."""
        removed = 0
        for number, path in find_segments(self.folder):
            if number >= min(consumed.segment, self._segment):
                break
            if path.stat().st_mtime >= older_than.timestamp():
                break  # later ones are younger still
            path.unlink()
            removed += 1
        return removed

    def close(self) -> None:
        """Give the folder back."""
        for handle in (self._file, self._lock):
            if handle >= 0:
                os.close(handle)
        self._file = self._lock = -1

    def _resume(self) -> tuple[int, int]:
        """Open the last segment behind its last sound record."""
        found = find_segments(self.folder)
        if not found:
            self._begin(1)
            return 1, len(MAGIC)
        number, path = found[-1]
        content = path.read_bytes()
        sound = sound_length(content, len(MAGIC)) if len(content) > len(MAGIC) else 0
        if sound == 0 or not content.startswith(MAGIC):
            return self._resume_headless(number, path, content)
        self.torn = len(content) - sound
        self._file = os.open(path, os.O_WRONLY)
        if self.torn:
            _LOG.warning(
                "%s: %d bytes of a half-written record were cut off", path, self.torn
            )
            os.ftruncate(self._file, sound)
            os.fsync(self._file)
        os.lseek(self._file, 0, os.SEEK_END)
        return number, sound

    def _resume_headless(
        self, number: int, path: Path, content: bytes
    ) -> tuple[int, int]:
        """Take up a last segment that was just begun, or whose start is damaged."""
        if len(content) <= len(MAGIC):
            self.torn = len(content) % len(MAGIC)
            self._begin(number)
            return number, len(MAGIC)
        _LOG.warning("%s: its start is damaged; it is left as it is", path)
        self._begin(number + 1)
        return number + 1, len(MAGIC)

    def _begin(self, number: int) -> None:
        path = self.folder / f"{number:012d}{_SUFFIX}"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
        try:
            _write_all(handle, MAGIC)
            os.fsync(handle)
            _flush(self.folder)
        except OSError:
            os.close(handle)
            raise
        if self._file >= 0:
            os.close(self._file)
        self._file, self._segment, self._size = handle, number, len(MAGIC)

    def _reopen(self) -> None:
        path = self.folder / f"{self._segment:012d}{_SUFFIX}"
        self._file = os.open(path, os.O_WRONLY)
        os.ftruncate(self._file, self._size)
        os.lseek(self._file, 0, os.SEEK_END)

    def _roll_back(self) -> None:
        # What a failed flush left in memory may never reach the disk though a
        # later flush says so; the file is opened anew and all written again.
        if self._file >= 0:
            with suppress(OSError):
                os.ftruncate(self._file, self._size)
            os.close(self._file)
        self._file = -1


def find_id(folder: Path) -> str | None:
    """Id of the spool in a folder, if there is one."""
    try:
        return (folder / "id").read_text(encoding="ascii").strip() or None
    except OSError:
        return None


def find_segments(folder: Path) -> list[tuple[int, Path]]:
    """Segments of a spool with their numbers, rising."""
    return sorted(
        (int(path.stem), path)
        for path in folder.glob(f"*{_SUFFIX}")
        if path.stem.isdecimal()
    )


def find_end(folder: Path) -> Position:
    """End of the sound part of a spool that another process may be writing."""
    found = find_segments(folder)
    if not found:
        return Position(0, 0)
    number, path = found[-1]
    return Position(number, sound_length(path.read_bytes(), len(MAGIC)))


def measure(folder: Path, start: Position, until: Position) -> int:
    """Bytes of records from `start` until before `until`."""
    total = 0
    for number, path in find_segments(folder):
        if start.segment <= number <= until.segment:
            first = start.byte if number == start.segment else len(MAGIC)
            size = until.byte if number == until.segment else path.stat().st_size
            total += max(0, size - max(first, len(MAGIC)))
    return total


def _give_id(folder: Path) -> str:
    name = uuid4().hex
    write_text(folder / "id", name + "\n")
    return name


def _take_lock(folder: Path) -> int:
    path = folder / ".lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
    except OSError as error:
        raise ConfigurationError(
            folder,
            f"cannot be written ({error.strerror})",
            "choose another folder for the spool",
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise LockedError(
            folder, "another listener writes this spool", "stop it first"
        ) from error
    except OSError as error:
        os.close(handle)
        raise ConfigurationError(
            folder,
            f"cannot be locked ({error.strerror})",
            "keep the spool on a local disk",
        ) from error
    return handle


def _write_all(handle: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(handle, view) :]


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
