"""What a backup says of itself: a head before its files, their digests after them.

::

    agroforest-backup.json  head: what it is, of when, how many files and bytes
    database/agroforest.db  facts, an SQLite file whatever they were kept in
    settings/…              definitions of pipelines and what they name
    work/…                  the work folder: state, rasters, reports, catalogue
    manifest.json           SHA-256 of every file above

The head comes first, so that whoever unpacks knows how much there is to come and can
refuse more; the digests come last, so that a backup is read once to be written.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Self

from agroforest.core.errors import DataError

HEAD = "agroforest-backup.json"
DIGESTS = "manifest.json"
DATABASE = "database/agroforest.db"
WORK = "work"
SETTINGS = "settings"

#: Of the layout above; grows when an older program could not restore it.
VERSION = 1

#: Longest head and manifest: a line of 300 bytes for each of a million files.
LARGEST_HEAD = 1 << 20
LARGEST_DIGESTS = 300 << 20

_FORMAT = "agroforest backup"
_LONGEST_PATH = 1024
_REMEDY = "take another backup"


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """What a backup is, written before its files.

    Attributes
    ----------
    program
        Version of agroforest that made it.
    schema
        Revision of its database.
    created
        When the database was copied, ISO 8601, UTC.
    nights
        Last night of each pipeline, ISO 8601, by name.
    rasters
        Whether all rasters are in it, or only those that the next nights read.
    files, size
        How many files there are beside head and manifest, and their bytes.
    notes
        What is not in it, for people.
    """

    program: str
    schema: str
    created: str
    nights: Mapping[str, str]
    rasters: bool
    files: int
    size: int
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """Write it down."""
        plain: dict[str, object] = {"format": _FORMAT, "version": VERSION}
        for name in _HEAD_TYPES:
            value = getattr(self, name)
            plain[name] = list(value) if isinstance(value, tuple) else value
        return json.dumps(plain, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def read(cls, content: bytes, where: object) -> Self:
        """Read what `text` wrote.

        Raises
        ------
        DataError
            It is something else, or of a newer agroforest.
        """
        plain = _read_object(content, where)
        version = plain.get("version")
        if type(version) is not int or plain.get("format") != _FORMAT:
            raise DataError(where, "is no backup of agroforest", "give another file")
        if version > VERSION:
            raise DataError(
                where,
                f"is a backup of version {version}, newer than this program",
                "install the agroforest that made it, or a later one",
            )
        for name, kind in _HEAD_TYPES.items():
            value = plain.get(name)
            if type(value) is not kind or (isinstance(value, int) and value < 0):
                raise DataError(where, f"its head says {name} {value!r}", _REMEDY)
        return cls(
            program=plain["program"],
            schema=plain["schema"],
            created=plain["created"],
            nights={str(k): str(v) for k, v in plain["nights"].items()},
            rasters=plain["rasters"],
            files=plain["files"],
            size=plain["size"],
            notes=tuple(map(str, plain["notes"])),
        )


_HEAD_TYPES: dict[str, type] = {
    "program": str,
    "schema": str,
    "created": str,
    "nights": dict,
    "rasters": bool,
    "files": int,
    "size": int,
    "notes": list,
}


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Entry:
    """A file of a backup.

    Attributes
    ----------
    path
        In the backup, with forward slashes.
    size
        Bytes.
    sha256
        Of its content, hexadecimal.
    """

    path: str
    size: int
    sha256: str = field(repr=False)


def write_digests(entries: list[Entry]) -> str:
    """Write the manifest down."""
    rows = [[e.path, e.size, e.sha256] for e in sorted(entries)]
    lines = ",\n ".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return f'{{"files": [\n {lines}\n]}}\n'


def read_digests(content: bytes, where: object) -> dict[str, Entry]:
    """Read what `write_digests` wrote: entries by path.

    Raises
    ------
    DataError
        It is something else.
    """
    rows = _read_object(content, where).get("files")
    found: dict[str, Entry] = {}
    for row in rows if isinstance(rows, list) else [None]:
        match row:
            case [str(path), int(size), str(sha256)] if path not in found:
                found[check_path(path, where)] = Entry(
                    path=path, size=size, sha256=sha256
                )
            case _:
                raise DataError(where, f"its manifest has a line {row!r}", _REMEDY)
    return found


def check_path(path: str, where: object) -> str:
    """Let a path pass that stays inside the folder it is joined to.

    Raises
    ------
    DataError
        It is absolute, climbs, or is written in a way that no backup writes.
    """
    parts = PurePosixPath(path).parts
    plain = (
        parts
        and len(path) <= _LONGEST_PATH
        and "/".join(parts) == path
        and not path.startswith("/")
        and ".." not in parts
        and not set(path) & {"\\", "\0"}
        and path.isprintable()
        and parts[0] in {HEAD, DIGESTS, "database", SETTINGS, WORK}
    )
    if not plain:
        raise DataError(
            where,
            f"has a file {path[:80]!r}, which no backup has",
            "do not restore it; take one that agroforest made",
        )
    return path


def _read_object(content: bytes, where: object) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(
            where, f"is no backup ({error})", "give another file"
        ) from error
    if not isinstance(value, dict):
        raise DataError(where, "is no backup of agroforest", "give another file")
    return value
