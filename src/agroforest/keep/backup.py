"""Backups: facts first, then files, while nights run and people review.

The database is copied before the files, for a state that is ahead of the ledger is
put right by running the night again, and one that is behind it is not
(docs/adr/0015-nights-that-hold.md). It must not be ahead by more than the night that
runs: if a night ended while the files were named, both are taken again.
"""

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Protocol

from agroforest import __version__
from agroforest.core.errors import ConfigurationError, DataError, SourceError
from agroforest.core.files import replacing, write_text
from agroforest.keep import manifest, snapshot
from agroforest.keep.container import PIECE, PackWriter, packing
from agroforest.keep.digesting import Digesting
from agroforest.keep.hold import holding
from agroforest.keep.manifest import Entry, Head
from agroforest.keep.needed import NEWEST, find_dated, find_dispensable
from agroforest.keep.prune import LEAST_DAYS
from agroforest.keep.settings import Settings, find_settings
from agroforest.keep.shelf import read_older
from agroforest.keep.snapshot import FOLDER, Kept, stand_for
from agroforest.store.copying import copy_to_file, read_standing
from agroforest.store.database import find_file
from agroforest.store.pruning import forget, read_needs

#: How often facts and files are taken until they belong together, and seconds between.
#: Nights in quick succession come between; a night of a district takes longer than
#: giving names to its files. Arbitrary.
TRIES = 8
_PAUSE = 0.5

#: Sorts of files that a backup without rasters may leave out.
_RASTERS = frozenset({"indices", "risk", "danger", "forecast"})


class Progress(Protocol):
    """Told how far it has come."""

    def begin(self, label: str, total: int) -> None:
        """Start a piece of work of `total` steps."""

    def advance(self) -> None:
        """Finish one step."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What to back up.

    Attributes
    ----------
    work
        The work folder.
    database
        Path or URL.
    pipelines
        Definitions, to be kept with what they name.
    rasters
        Whether to take rasters that no night and no open case will read again.
    """

    work: Path
    database: str | Path
    pipelines: Sequence[Path] = ()
    rasters: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """A backup that was made.

    Attributes
    ----------
    path
        The archive, or the folder of this backup.
    head
        What it says of itself.
    shared
        Files that are only names of an older backup's.
    """

    path: Path
    head: Head
    shared: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Moment:
    """Facts and files that belong together."""

    head: Head
    files: list[Kept] = field(repr=False)


def write_backup(
    source: Source, target: Path, *, now: datetime, progress: Progress
) -> Taken:
    """Write a backup to a file, or to a folder of backups.

    Parameters
    ----------
    source
        What to back up.
    target
        A name that ends in ``.tar.zst``, replaced in one step; or a folder, which gets
        a folder named by `now`. There, files that did not change since the backup
        before are second names of that one's.
    now
        The time.
    progress
        Told how far it has come.

    Raises
    ------
    ConfigurationError
        There is nothing to back up, or the target cannot be written.
    LockedError
        Another backup of this work folder is going on.
    SourceError
        Nights end faster than their files can be named, or the disk is full.
    """
    if not source.work.is_dir():
        raise ConfigurationError(
            source.work, "no such work folder", "give the right one with --work"
        )
    settings = find_settings(source.pipelines)
    with holding(source.work / ".backup.lock", "another backup is going on"):
        scratch = source.work / FOLDER
        try:
            moment = _take(source, settings, scratch, target, now)
            with _noticing_disk(target):
                if target.name.endswith(".tar.zst"):
                    _pack(moment, target, progress)
                    return Taken(path=target, head=moment.head)
                return _lay_down(moment, target, now, progress)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _take(
    source: Source, settings: Settings, scratch: Path, target: Path, now: datetime
) -> _Moment:
    """Take facts and files until they belong together."""
    file = find_file(source.database)
    left_out = [target, *_database_files(source.work / "agroforest.db")]
    left_out += _database_files(file) if file else []
    if settings.files:  # what an earlier restore laid there is older
        left_out.append(source.work / manifest.SETTINGS)
    copied = scratch / "agroforest.db"
    for attempt in range(TRIES):
        if attempt:
            time.sleep(_PAUSE)
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700)
        copy_to_file(source.database, copied)
        facts = read_standing(copied)
        files = snapshot.take_snapshot(source.work, scratch / "files", left_out)
        together = read_standing(source.database).nights == facts.nights
        patient = attempt < TRIES - 1  # what was killed never ends
        if files is None or not together or (facts.ending and patient):
            continue
        if not source.rasters:
            files = _leave_rasters(scratch / "files", copied, files)
        members = [
            stand_for(manifest.DATABASE, copied),
            *(
                stand_for(f"{manifest.SETTINGS}/{name}", path)
                for name, path in sorted(settings.files.items())
            ),
            *(replace(f, path=f"{manifest.WORK}/{f.path}") for f in files),
        ]
        head = Head(
            program=__version__,
            schema=facts.schema,
            created=now.astimezone(UTC).isoformat(timespec="seconds"),
            nights=facts.nights,
            rasters=source.rasters,
            files=len(members),
            size=sum(m.size for m in members),
            notes=tuple(_find_notes(settings)),
        )
        return _Moment(head=head, files=members)
    raise SourceError(
        source.work,
        "nights end faster than its files can be named",
        "back up when no backfill is running",
    )


def _leave_rasters(work: Path, copied: Path, files: list[Kept]) -> list[Kept]:
    """Leave out what nobody reads again, and let the copy of the ledger forget it."""
    needs = read_needs(copied, newest=NEWEST)
    dated = [d for d in find_dated(work, tuple(needs.last)) if d.kind in _RASTERS]
    chosen = find_dispensable(work, dated, needs, keep_days=LEAST_DAYS)
    gone = {d.path for d in chosen}
    forget(copied, gone)
    return [f for f in files if f.path not in gone]


def _database_files(file: Path) -> list[Path]:
    """Name a database, what SQLite keeps beside it, and copies made by upgrades."""
    beside = [file.with_name(file.name + end) for end in ("-wal", "-shm", "-journal")]
    return [file, *beside, *file.parent.glob(f"{file.name}.before-*")]


def _find_notes(settings: Settings) -> Iterator[str]:
    for name in settings.left_out:
        yield f"not in it: {name}"
    if not settings.files:
        yield "not in it: definitions of pipelines; name them with --pipeline"


def _pack(moment: _Moment, target: Path, progress: Progress) -> None:
    progress.begin(target.name, len(moment.files))
    entries = []
    with replacing(target) as scratch, packing(scratch) as pack:
        _add_text(pack, manifest.HEAD, moment.head.text(), moment)
        for kept in moment.files:
            with kept.file.open("rb") as stream:
                content = Digesting(stream)
                pack.add(kept.path, content, size=kept.size, mtime=kept.mtime_ns / 1e9)
            entries.append(_check(kept, content))
            progress.advance()
        _add_text(pack, manifest.DIGESTS, manifest.write_digests(entries), moment)


def _add_text(pack: PackWriter, path: str, text: str, moment: _Moment) -> None:
    content = text.encode()
    made = datetime.fromisoformat(moment.head.created).timestamp()
    pack.add(path, BytesIO(content), size=len(content), mtime=made)


def _check(kept: Kept, content: Digesting) -> Entry:
    snapshot.check_unchanged(kept)
    return Entry(path=kept.path, size=kept.size, sha256=content.sha256)


def _lay_down(
    moment: _Moment, target: Path, now: datetime, progress: Progress
) -> Taken:
    """Write a folder of one backup beside the others, and name it when it is whole."""
    place = target / now.astimezone(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    if place.exists():
        raise ConfigurationError(place, "is there already", "wait a second")
    target.mkdir(parents=True, exist_ok=True)
    with holding(target / ".lock", "another backup writes there"):
        for left in target.glob(".*.part"):
            shutil.rmtree(left)
        older = read_older(target)
        scratch = target / f".{place.name}.part"
        scratch.mkdir(mode=0o700)
        progress.begin(place.name, len(moment.files))
        entries, shared = [], 0
        for kept in moment.files:
            entry = older.share(kept, scratch / kept.path)
            shared += entry is not None
            entries.append(entry or _copy(kept, scratch / kept.path))
            progress.advance()
        write_text(scratch / manifest.HEAD, moment.head.text())
        write_text(scratch / manifest.DIGESTS, manifest.write_digests(entries))
        os.sync()
        scratch.rename(place)
    return Taken(path=place, head=moment.head, shared=shared)


def _copy(kept: Kept, place: Path) -> Entry:
    place.parent.mkdir(parents=True, exist_ok=True)
    with kept.file.open("rb") as stream, place.open("xb") as out:
        content = Digesting(stream)
        left = kept.size
        while left:
            piece = content.read(min(left, PIECE))
            if not piece:
                raise DataError(kept.path, "shrank while it was copied", "try again")
            out.write(piece)
            left -= len(piece)
    os.utime(place, ns=(kept.mtime_ns, kept.mtime_ns))
    return _check(kept, content)


@contextmanager
def _noticing_disk(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SourceError(
            target,
            f"could not be written ({error.strerror})",
            "give it room on another disk, then back up again",
        ) from error
