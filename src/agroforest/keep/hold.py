"""One at a time: the kernel's lock on a file, which ends with its process."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agroforest.core.errors import ConfigurationError, LockedError


@contextmanager
def holding(path: Path, holder: str) -> Iterator[None]:
    """Hold a lock file, or say at once who has it.

    Raises
    ------
    LockedError
        Another process holds it; `holder` says what that one does.
    ConfigurationError
        It cannot be made.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigurationError(
            path.parent, f"cannot be written ({error.strerror})", "change its owner"
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LockedError(path, holder, "wait for it to end") from error
        yield
    finally:
        os.close(handle)
