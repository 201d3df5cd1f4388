"""A folder that is replaced whole or not at all.

What is to be written lies in a staging folder beside the target. A marker says
that the staging folder is complete; then its files are renamed over the old
ones, the group's attributes last. A process killed before the marker leaves the
old state, and the next one throws the folder away. One killed after it leaves a
folder that the next one finishes moving, and moving what is already moved is no
work.
"""

import os
import shutil
from pathlib import Path

from agroforest.core.errors import DataError
from agroforest.core.files import write_text

_MARKER = "whole"
_HEAD = "zarr.json"


def locate(path: Path, group: str) -> tuple[Path, Path]:
    """Folders of a tile's state and of what is staged beside the store.

    Raises
    ------
    DataError
        If `group` is not a plain name.
    """
    if not group or group.startswith(".") or set(group) & set('/\\:*?"<>|\0'):
        raise DataError(path, f"{group!r} cannot name a tile", "use its MGRS name")
    return path / group, path.with_name(f".{path.name}.{group}.next")


def settle(target: Path, staging: Path) -> None:
    """Finish or forget a replacement that was cut short."""
    if not staging.exists():
        return
    if (staging / _MARKER).exists():
        for file in _files(staging):
            place = target / file.relative_to(staging)
            place.parent.mkdir(parents=True, exist_ok=True)
            file.replace(place)
        flush(target)
        (staging / _MARKER).unlink()
    shutil.rmtree(staging)


def seal(staging: Path) -> None:
    """Declare a staging folder complete: from here on nothing can be lost."""
    for file in _files(staging):
        flush(file)
    write_text(staging / _MARKER, "")


def flush(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _files(staging: Path) -> list[Path]:
    """Everything staged but the marker, the group's attributes last."""
    head = staging / _HEAD
    files = (f for f in staging.rglob("*") if f.is_file() and f.name != _MARKER)
    return sorted(files, key=lambda f: (f == head, f))
