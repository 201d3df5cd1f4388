"""Proof that another machine sees the same folder, and that locks reach it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from agroforest.core.errors import ConfigurationError

_PREFIX = ".beacon-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Beacon:
    """A small file that one process holds locked while it works with others.

    A folder that is not mounted looks like an empty one: a worker would fill its
    own disk with outputs that nobody else ever sees. So it looks for the beacon
    before every task.

    Attributes
    ----------
    name
        File name, never used twice, so that no cache of a network file system
        can know that it is not there.
    """

    name: str

    def require(self, folder: Path) -> None:
        """Refuse a folder in which the beacon is not seen.

        Raises
        ------
        ConfigurationError
            It is another folder, or cannot be read.
        """
        try:
            text = (folder / self.name).read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(
                folder,
                f"is not the shared work folder ({error.strerror})",
                "mount the storage and name it with --work or AGROFOREST_WORK",
            ) from error
        if text != self.name:
            raise ConfigurationError(
                folder, "holds a damaged beacon", "look after the storage"
            )

    def require_writable(self, folder: Path) -> None:
        """Refuse a folder in which no file can be made and renamed.

        Raises
        ------
        ConfigurationError
            With the reason of the operating system.
        """
        scratch = folder / f"{self.name}-{uuid4().hex[:8]}"
        try:
            scratch.write_text("", encoding="utf-8")
            scratch.replace(scratch.with_name(f"{scratch.name}.renamed"))
        except OSError as error:
            raise ConfigurationError(
                folder,
                f"cannot be written ({error.strerror})",
                "let the user of the worker write there",
            ) from error
        finally:
            scratch.unlink(missing_ok=True)
            scratch.with_name(f"{scratch.name}.renamed").unlink(missing_ok=True)

    def is_locked(self, folder: Path) -> bool:
        """Whether the lock of the process that holds the beacon is felt here.

        Raises
        ------
        ConfigurationError
            The beacon belongs to a user whose files this process may not write.
        """
        try:
            handle = os.open(folder / self.name, os.O_RDWR)
        except OSError as error:
            raise ConfigurationError(
                folder,
                f"has files of another user ({error.strerror})",
                "run workers as the user who runs the nights",
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            os.close(handle)
        return False


@contextmanager
def lit(folder: Path) -> Iterator[Beacon]:
    """Light a beacon in a folder for the duration of the block.

    Beacons of runs that were killed are removed: the caller holds the lock of the
    pipeline, so no other is lit.
    """
    for stale in folder.glob(f"{_PREFIX}*"):
        stale.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    beacon = Beacon(name=f"{_PREFIX}{uuid4().hex}")
    path = folder / beacon.name
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    try:
        os.write(handle, beacon.name.encode())
        os.fsync(handle)
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield beacon
    finally:
        os.close(handle)
        path.unlink(missing_ok=True)
