"""A folder of backups, each a folder of its own, named by its time.

A file that did not change since the backup before is a second name of that one's: it
takes no room, and removing either backup leaves the other whole.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agroforest.core.errors import DataError, NoInputError
from agroforest.keep import manifest
from agroforest.keep.manifest import Entry
from agroforest.keep.snapshot import Kept


@dataclass(frozen=True, kw_only=True, slots=True)
class Older:
    """The newest backup of a folder, or none.

    Attributes
    ----------
    place
        Its folder; ``None`` if there is none.
    entries
        Its files, by path.
    """

    place: Path | None = None
    entries: Mapping[str, Entry] = field(default_factory=dict, repr=False)

    def share(self, kept: Kept, place: Path) -> Entry | None:
        """Give an unchanged file's older copy a second name; ``None`` if it changed.

        Unchanged means: as long, and written at the same nanosecond. Files of a work
        folder are replaced whole, so one that changed is a new one.
        """
        entry = self.entries.get(kept.path)
        if self.place is None or entry is None:
            return None
        file = self.place / kept.path
        try:
            found = file.stat()
            if (found.st_size, found.st_mtime_ns) != (kept.size, kept.mtime_ns):
                return None
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(file, place)
        except OSError:
            return None
        return entry


def find_newest(folder: Path) -> Path:
    """Find the newest backup in a folder of backups; the folder itself if it is one.

    Raises
    ------
    NoInputError
        There is none.
    """
    if (folder / manifest.HEAD).is_file():
        return folder
    found = sorted(
        place
        for place in folder.iterdir()
        if not place.name.startswith(".") and (place / manifest.HEAD).is_file()
    )
    if not found:
        raise NoInputError(
            folder, "holds no backup", "give a file that agroforest backup wrote"
        )
    return found[-1]


def read_older(folder: Path) -> Older:
    """Read the newest backup of a folder; one that is damaged counts as none."""
    try:
        place = find_newest(folder)
        content = (place / manifest.DIGESTS).read_bytes()
        return Older(place=place, entries=manifest.read_digests(content, place))
    except (NoInputError, DataError, OSError):
        return Older()
