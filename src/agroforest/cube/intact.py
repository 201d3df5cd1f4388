"""Files that are the catalogued ones from before they are read until after."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from agroforest.catalog.href import is_local
from agroforest.core.errors import DataError
from agroforest.core.identity import digest_file
from agroforest.core.scene import Asset
from agroforest.core.storage import is_storage
from agroforest.cube.delivered import undelivered

#: Device, number, bytes, and times of the last writing and of the last change in
#: nanoseconds since 1970: of a file that somebody touched, they differ.
_Mark: TypeAlias = tuple[int, int, int, int, int]


@contextmanager
def kept_intact(asset: Asset) -> Iterator[None]:
    """Refuse a file that is not the one that its checksum was taken of.

    A damaged block of a GeoTIFF is not always noticed by those who decode it: without
    this, it would be numbers like any others. Files that nobody has touched since they
    were catalogued are not read for it, others once by each process.

    Parameters
    ----------
    asset
        A URL, or a file without a checksum, is not looked at.

    Raises
    ------
    DataError
        The file is another one, or changed while the block went on.
    StorageError
        Its storage does not deliver it.

    Notes
    -----
    The time of change is the file system's. What rots below it leaves that time as it
    was, and is found only where the codec has a checksum of its own.
    """
    path = Path(asset.href)
    before = _look(path) if asset.sha256 and is_local(asset.href) else None
    if before is None:  # or it is missing: whoever opens it says so
        yield
        return
    touched = before[-1] >= asset.summed_ns
    if touched and _digest(path, before) != asset.sha256:
        raise DataError(
            asset.href,
            "is not the file that its item describes: the checksum differs",
            "restore it, or catalogue the new one with 'agroforest scenes add'",
        )
    yield
    if _look(path) != before:
        raise DataError(
            asset.href,
            "changed while it was read",
            "replace files by renaming whole ones; the next night reads it again",
        )


def _look(path: Path) -> _Mark | None:
    try:
        found = path.stat()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        if is_storage(error):
            raise undelivered(path, error) from error
        return None
    return (
        found.st_dev,
        found.st_ino,
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
    )


@lru_cache(maxsize=4096)
def _digest(path: Path, mark: _Mark) -> str:
    """SHA-256 of a file, once for each mark it has had; empty if it cannot be read."""
    del mark
    try:
        return digest_file(path)
    except OSError as error:
        if is_storage(error):
            raise undelivered(path, error) from error
        return ""
