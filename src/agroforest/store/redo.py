"""A folder that is replaced whole or not at all.

What is to be written lies in a staging folder beside the target. A marker says
that the staging folder is complete; then its files are renamed over the old
ones, the group's attributes last. A process killed before the marker leaves the
old state, and the next one throws the folder away. One killed after it leaves a
folder that the next one finishes moving, and moving what is already moved is no
work.

Each update has a staging folder of its own. A writer that was stopped, overtaken and
then woken finds its folder gone, and never touches that of who overtook it.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from agroforest.core.errors import DataError
from agroforest.core.files import require_permission, write_text

_MARKER = "whole"
_HEAD = "zarr.json"
_OWN = re.compile(r"[0-9a-f]{12}")


def locate(path: Path, group: str) -> Path:
    """Folder of a tile's state.

    Raises
    ------
    DataError
        If `group` is not a plain name.
    """
    if not group or group.startswith(".") or set(group) & set('/\\:*?"<>|\0'):
        raise DataError(path, f"{group!r} cannot name a tile", "use its MGRS name")
    return path / group


def stage(target: Path) -> Path:
    """Name a new staging folder for what shall replace files of a target."""
    return _beside(target, f"{uuid4().hex[:12]}.next")


def settle(target: Path) -> None:
    """Finish or forget replacements of a target that were cut short."""
    for staging in _left(target):
        move(staging, target)
        with suppress(FileNotFoundError):  # another does the same just now
            shutil.rmtree(staging)


def move(staging: Path, target: Path) -> None:
    """Move what a complete staging folder holds to its place; of others nothing."""
    if not is_sealed(staging):
        return
    for file in _files(staging):
        place = target / file.relative_to(staging)
        place.parent.mkdir(parents=True, exist_ok=True)
        require_permission()
        with suppress(FileNotFoundError):  # another has moved it
            file.replace(place)
    flush(target)
    (staging / _MARKER).unlink(missing_ok=True)


def seal(staging: Path) -> None:
    """Declare a staging folder complete: from here on nothing can be lost."""
    for file in _files(staging):
        flush(file)
    write_text(staging / _MARKER, "")


def is_sealed(staging: Path) -> bool:
    """Whether a staging folder is complete, and only its files are to be moved."""
    return (staging / _MARKER).exists()


def find_sealed(path: Path) -> list[Path]:
    """Files that still lie in complete staging folders beside a store, sorted."""
    staged = path.parent.glob(f".{path.name}.*.next")
    return sorted(
        Path(place, name)
        for staging in staged
        if is_sealed(staging)
        for place, _, files in os.walk(staging)
        for name in files
    )


def flush(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _beside(target: Path, ending: str) -> Path:
    return target.parent.with_name(f".{target.parent.name}.{target.name}.{ending}")


def _left(target: Path) -> Iterator[Path]:
    """Staging folders of a target; a release before this one had but one name."""
    old = _beside(target, "next")
    if not old.parent.is_dir():
        return
    beginning = old.name.removesuffix("next")
    for folder in sorted(old.parent.glob(f"{beginning}*next")):
        own = folder.name.removeprefix(beginning).removesuffix(".next")
        if folder == old or _OWN.fullmatch(own):
            yield folder


def _files(staging: Path) -> list[Path]:
    """Everything staged but the marker, the group's attributes last."""
    head = staging / _HEAD
    files = (f for f in staging.rglob("*") if f.is_file() and f.name != _MARKER)
    return sorted(files, key=lambda f: (f == head, f))
