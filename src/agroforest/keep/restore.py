"""Restoring: everything is checked before anything can be seen.

The files are unpacked beside the place where they shall stand, each is compared with
the manifest, and the folder is renamed when all is well. Whatever is wrong leaves the
target as it was.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from agroforest.core.errors import ConfigurationError, DataError, SourceError
from agroforest.core.files import replacing
from agroforest.keep import manifest
from agroforest.keep.backup import Progress
from agroforest.keep.container import PIECE
from agroforest.keep.digesting import Content
from agroforest.keep.manifest import Head
from agroforest.keep.reading import drain, read_backup
from agroforest.store.copying import (
    count_unsent,
    drop_unsent,
    filling,
    read_standing,
)
from agroforest.store.database import find_file
from agroforest.store.migration import refuse_newer


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """What was restored.

    Attributes
    ----------
    head
        What the backup says of itself.
    work
        The work folder.
    before
        Where the work folder that stood there is now; ``None`` if there was none.
    unsent
        Messages that were on their way when the backup was made.
    """

    head: Head
    work: Path
    before: Path | None
    unsent: int


def restore(
    backup: Path,
    work: Path,
    *,
    database: str | Path | None = None,
    replace: bool = False,
    keep_unsent: bool = True,
    now: datetime,
    progress: Progress,
) -> Restored:
    """Restore a backup.

    Parameters
    ----------
    backup
        An archive, the folder of a backup, or a folder of backups: its newest.
    work
        The work folder to make.
    database
        Where facts go; a file in the work folder unless given. A server's database
        must be empty.
    replace
        Move a work folder that is there aside.
    keep_unsent
        Whether messages that were on their way go out; else they are dropped.
    now
        The time, for the name of what is moved aside.
    progress
        Told how far it has come.

    Raises
    ------
    ConfigurationError
        The target is taken, too small, or cannot be written.
    DataError
        The backup is damaged, cut short or hostile; nothing was restored.
    NoInputError
        There is no backup.
    """
    work = work.absolute()
    file = None if database is None else find_file(database)
    _refuse_taken(work, file, replace=replace)
    scratch = work.with_name(f".{work.name}.{uuid4().hex[:12]}.part")
    with _noticing_disk(work), _removing(scratch):
        scratch.mkdir(parents=True, mode=0o700)
        head = _unpack(backup, scratch, progress)
        facts = scratch / manifest.DATABASE
        refuse_newer(read_standing(facts).schema, backup)
        unsent = count_unsent(facts) if keep_unsent else drop_unsent(facts)
        place = _arrange(scratch, facts, with_database=database is None)
        with ExitStack() as stack:
            if file is not None:
                _copy_beside(facts, file)
            elif database is not None:
                # Committed when the folder stands: rows without it could not be
                # restored again, a folder without rows can.
                stack.enter_context(filling(facts, database))
            os.sync()
            try:
                before = _swap(place, work, now)
            except OSError:
                if file is not None:
                    file.unlink(missing_ok=True)  # or the next try would find it taken
                raise
    return Restored(head=head, work=work, before=before, unsent=unsent)


def check(backup: Path, *, progress: Progress) -> Head:
    """Check a backup without restoring it: every file against its digest.

    Raises
    ------
    DataError, NoInputError
        As `restore`.
    """

    def take(path: str, content: Content, size: int, mtime: float) -> None:
        drain(path, content, size, mtime)
        progress.advance()

    return read_backup(
        backup, begin=lambda head: progress.begin("check", head.files), take=take
    )


def _unpack(backup: Path, scratch: Path, progress: Progress) -> Head:
    def begin(head: Head) -> None:
        _refuse_too_large(head, scratch)
        progress.begin("restore", head.files)

    def take(path: str, content: Content, size: int, mtime: float) -> None:
        _write(scratch / path, content, size, mtime)
        progress.advance()

    head = read_backup(backup, begin=begin, take=take)
    if not (scratch / manifest.DATABASE).is_file():
        raise DataError(backup, "has no database", "take another backup")
    return head


def _refuse_too_large(head: Head, scratch: Path) -> None:
    """Refuse what the disk cannot hold, whether true or a trap."""
    disk = os.statvfs(scratch)
    free = disk.f_bavail * disk.f_frsize
    if head.size > free or (disk.f_favail and head.files > disk.f_favail):
        raise ConfigurationError(
            scratch.parent,
            f"has no room for {head.files} files of {head.size / 1e9:.1f} GB "
            f"({free / 1e9:.1f} GB are free)",
            "restore to another disk",
        )


def _write(place: Path, content: Content, size: int, mtime: float) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as stream:
            while size:
                size -= stream.write(content.read(min(size, PIECE)))
    except (FileExistsError, NotADirectoryError) as error:
        raise DataError(
            place.name, "is both a file and a folder", "do not restore this backup"
        ) from error
    # 1970 to 2106: what some file systems refuse is not worth failing for.
    seconds = min(max(mtime, 0.0), 2.0**32 - 1)
    os.utime(place, (seconds, seconds))


def _arrange(scratch: Path, facts: Path, *, with_database: bool) -> Path:
    """Put the database and the settings where they stand in a work folder."""
    place = scratch / manifest.WORK
    place.mkdir(exist_ok=True)
    settings = scratch / manifest.SETTINGS
    if settings.is_dir():
        if (place / manifest.SETTINGS).exists():
            raise DataError(settings.name, "is there twice", "take another backup")
        settings.rename(place / manifest.SETTINGS)
    if with_database:
        facts.rename(place / "agroforest.db")
    return place


def _copy_beside(facts: Path, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as scratch:
        shutil.copyfile(facts, scratch)


def _swap(place: Path, work: Path, now: datetime) -> Path | None:
    """Put the restored folder where it shall stand, and what stood there aside."""
    before = None
    if work.exists():
        if any(work.iterdir()):
            stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H%M%SZ")
            before = work.with_name(f"{work.name}.before-{stamp}")
            work.rename(before)
        else:
            work.rmdir()
    place.chmod(0o755)
    place.rename(work)
    return before


def _refuse_taken(work: Path, file: Path | None, *, replace: bool) -> None:
    if work.exists() and not work.is_dir():
        raise ConfigurationError(work, "is no folder", "give another with --work")
    if work.is_mount():
        raise ConfigurationError(
            work,
            "is where a disk is mounted, and cannot be moved aside",
            f"give a folder on it: --work {work / 'work'}",
        )
    if not replace and work.is_dir() and any(work.iterdir()):
        raise ConfigurationError(
            work,
            "is not empty",
            "give another with --work, or --replace to move it aside",
        )
    # What SQLite left beside a database that is gone would be played into the new one.
    ends = ("", "-wal", "-journal") if file is not None else ()
    for there in (Path(f"{file}{end}") for end in ends):
        if there.exists():
            raise ConfigurationError(
                there,
                "is there already",
                "move it away, or give another with --database",
            )


@contextmanager
def _removing(scratch: Path) -> Iterator[None]:
    try:
        yield
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _noticing_disk(work: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SourceError(
            work,
            f"could not be restored ({error.strerror})",
            "see that the disk has room and the folder may be written",
        ) from error
