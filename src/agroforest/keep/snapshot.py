"""The files of a work folder as they are at one moment, while nights go on.

Nearly every file there is replaced by renaming another over it and never written
again, so a second name for it (a hard link) keeps what it said. Names are given in
seconds; copying may then take its time. Spools of messages are appended to: of those
the length is noted. Where names cannot be given, the files are copied.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from agroforest.core.errors import SourceError
from agroforest.store.redo import find_sealed, is_sealed

#: Where the second names stand, in the work folder, because they cannot leave its disk.
FOLDER = ".backup"

_STATE = "state.zarr"
_SPOOL = ".seg"


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Kept:
    """A file of the snapshot.

    Attributes
    ----------
    path
        Relative to the work folder, with forward slashes.
    file
        Where its content is.
    size
        Bytes that count; a spool may be longer by now.
    mtime_ns
        When it was written, nanoseconds since 1970.
    """

    path: str
    file: Path
    size: int
    mtime_ns: int


def take_snapshot(
    work: Path, folder: Path, left_out: Iterable[Path]
) -> list[Kept] | None:
    """Give every file of a work folder a second name.

    Parameters
    ----------
    work
        The work folder.
    folder
        Where the names go; made here, in `work` or elsewhere on its disk.
    left_out
        Files and folders that are not taken: databases, what backups are written to.

    Returns
    -------
    list of Kept or None
        By path; ``None`` if the state of a tile was replaced meanwhile. Nothing is
        wrong then: try again.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    work = work.resolve()  # what is left out may be named through a link
    skipped = {path.resolve() for path in left_out} | {folder.resolve()}
    before = _look(work)
    kept = []
    for file in _walk(work, skipped):
        path = file.relative_to(work)
        name = folder / path
        name.parent.mkdir(parents=True, exist_ok=True)
        try:
            _give_name(file, name)
        except FileNotFoundError:
            continue  # replaced or removed between the list and now
        kept.append(stand_for(path.as_posix(), name))
    return sorted(kept) if _look(work) == before else None


def stand_for(path: str, file: Path) -> Kept:
    """Describe a file as it is now."""
    found = file.stat()
    return Kept(path=path, file=file, size=found.st_size, mtime_ns=found.st_mtime_ns)


def check_unchanged(kept: Kept) -> None:
    """Make sure that a file was not written in place while it was read.

    Raises
    ------
    SourceError
        It was.
    """
    found = kept.file.stat()
    same = (found.st_size, found.st_mtime_ns) == (kept.size, kept.mtime_ns)
    if not same and not kept.path.endswith(_SPOOL):
        raise SourceError(
            kept.path,
            "was written while it was copied",
            "end what writes into the work folder beside agroforest, then try again",
        )


def _give_name(file: Path, name: Path) -> None:
    try:
        os.link(file, name)
    except FileNotFoundError:
        raise
    except OSError:  # storage without links, or too many of them
        shutil.copy2(file, name)


def _look(work: Path) -> list[tuple[object, ...]]:
    """Note what changes whenever the state of a tile is being replaced.

    A replacement moves sealed files one by one, the group's attributes last
    (`agroforest.store.redo`). If no sealed file moved and no attributes changed
    between two looks, no file of the state did.
    """
    found: list[tuple[object, ...]] = []
    for store in sorted(work.glob(f"*/{_STATE}")):
        for group in sorted(p for p in store.iterdir() if p.is_dir()):
            try:
                head = (group / "zarr.json").stat()
            except FileNotFoundError:
                found.append((group,))
            else:
                found.append((group, head.st_ino, head.st_mtime_ns))
        found += [(file,) for file in find_sealed(store)]
    return found


def _walk(work: Path, skipped: set[Path]) -> Iterator[Path]:
    """Files that are whole: no locks, no scratch, nothing half-written.

    Lists come before what they list (``catalog.json`` before its items), so that
    none names a file that is not there.
    """
    for place, folders, files in os.walk(work):
        here = Path(place)
        folders[:] = sorted(
            name
            for name in folders
            if here / name not in skipped and _is_kept(here / name)
        )
        for name in sorted(files, key=lambda n: (n[0].isdigit(), n)):
            file = here / name
            plain = not name.startswith(".") and not file.is_symlink()
            if plain and file not in skipped:
                yield file


def _is_kept(folder: Path) -> bool:
    """Whether a folder belongs to the work: a staged one does once it is sealed."""
    if folder.is_symlink():
        return False
    if not folder.name.startswith("."):
        return True
    return folder.name.startswith(f".{_STATE}.") and is_sealed(folder)
