"""Reading a backup, with nothing believed that was not checked.

A backup may come from anywhere. Its head says how much there is; more than that, or
another name, or another order, ends the reading before a byte of it is written.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol, TypeAlias

from agroforest.core.errors import DataError, NoInputError
from agroforest.keep import manifest
from agroforest.keep.container import PIECE, unpacking
from agroforest.keep.digesting import Content, Digesting
from agroforest.keep.manifest import Entry, Head
from agroforest.keep.shelf import find_newest

_REMEDY = "take another copy of the backup"


class _Member(Content, Protocol):
    """A file of a backup, whether in an archive or in a folder."""

    @property
    def path(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def mtime(self) -> float: ...


#: Is given the head once, before any file.
Begin: TypeAlias = Callable[[Head], None]
#: Is given each file: path, content, size and time; reads all of it.
Take: TypeAlias = Callable[[str, Content, int, float], None]


def read_backup(backup: Path, *, begin: Begin, take: Take) -> Head:
    """Read a backup from its first file to its last.

    Parameters
    ----------
    backup
        An archive, the folder of a backup, or a folder of backups: its newest.
    begin
        Told what is coming; may refuse.
    take
        Given each file, whose name and size have been checked. Whether its content is
        right is known when `read_backup` returns, and not before.

    Raises
    ------
    DataError
        The backup is damaged, cut short or hostile.
    NoInputError
        There is none.
    """
    with _members(backup) as members:
        head = _read_head(next(members, None), backup)
        begin(head)
        found: dict[str, Entry] = {}
        left = head.size
        for member in members:
            path = manifest.check_path(member.path, backup)
            if path == manifest.DIGESTS:
                content = _read_all(member, manifest.LARGEST_DIGESTS, backup)
                _compare(found, manifest.read_digests(content, backup), head, backup)
                return head
            left -= member.size
            if path in found or left < 0 or len(found) == head.files:
                raise DataError(
                    backup,
                    f"holds more than it says ({path})",
                    "do not restore it; take one that agroforest made",
                )
            digesting = Digesting(member)
            take(path, digesting, member.size, member.mtime)
            found[path] = Entry(path=path, size=member.size, sha256=digesting.sha256)
    raise DataError(backup, "is cut short: it has no manifest", _REMEDY)


def drain(_path: str, content: Content, size: int, _mtime: float) -> None:
    """Take a file by reading it and nothing else: for a check."""
    while size:
        size -= len(content.read(min(size, PIECE)))


def _read_head(member: _Member | None, backup: Path) -> Head:
    if member is None or member.path != manifest.HEAD:
        raise DataError(backup, "is no backup of agroforest", "give another file")
    return Head.read(_read_all(member, manifest.LARGEST_HEAD, backup), backup)


def _read_all(member: _Member, most: int, backup: Path) -> bytes:
    if member.size > most:
        raise DataError(backup, f"its {member.path} has {member.size} bytes", _REMEDY)
    return member.read(member.size)


def _compare(
    found: dict[str, Entry], expected: dict[str, Entry], head: Head, backup: Path
) -> None:
    for path, entry in expected.items():
        if path not in found:
            raise DataError(backup, f"lacks {path}", _REMEDY)
        if found[path] != entry:
            raise DataError(backup, f"{path} is not what was backed up", _REMEDY)
    if found.keys() != expected.keys() or len(found) != head.files:
        raise DataError(backup, "its manifest does not name every file", _REMEDY)


@contextmanager
def _members(backup: Path) -> Iterator[Iterator[_Member]]:
    if not backup.exists():
        raise NoInputError(backup, "no such backup", "give another file or folder")
    if not backup.is_dir():
        with unpacking(backup) as members:
            yield members
        return
    yield _files(find_newest(backup))


class _File:
    """A file of a backup that is a folder."""

    def __init__(self, path: str, stream: IO[bytes]) -> None:
        self._stream = stream
        found = os.fstat(stream.fileno())
        self.path, self.size, self.mtime = path, found.st_size, found.st_mtime

    def read(self, size: int, /) -> bytes:
        """Read up to so many bytes, and fewer only at the end."""
        piece = self._stream.read(size)
        if size and not piece:
            raise DataError(self.path, "is cut short", _REMEDY)
        return piece


def _files(folder: Path) -> Iterator[_Member]:
    """Files in the order of an archive; links and what is no file are refused."""
    names = sorted(
        Path(place, name).relative_to(folder).as_posix()
        for place, _, files in os.walk(folder)
        for name in files
    )
    inner = [n for n in names if n not in {manifest.HEAD, manifest.DIGESTS}]
    for name in (manifest.HEAD, *inner, manifest.DIGESTS):
        file = folder / name
        if file.is_symlink() or not file.is_file():
            raise DataError(folder, f"{name} is no plain file", _REMEDY)
        with file.open("rb") as stream:
            yield _File(name, stream)
