"""Fire detections in the columns of NASA FIRMS.

MODIS and VIIRS, near-real-time and archive, and other satellites' detections written
in the same columns. Rows that cannot be used are set aside with their reason.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.hotspots.columns import read_columns
from agroforest.hotspots.detections import Detections, concatenate

_NEEDED = ("latitude", "longitude", "acq_date", "acq_time", "confidence")


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A row that was set aside.

    Attributes
    ----------
    file
        Where it stands.
    line
        Its line, from 1.
    reason
        Why, with the offending value.
    """

    file: str
    line: int
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Feed:
    """What one or several files hold.

    Attributes
    ----------
    detections
        Usable rows in file order, each once.
    refused
        Rows that cannot be read.
    repeated
        Rows that another row says already: feeds overlap.
    """

    detections: Detections
    refused: tuple[Refused, ...]
    repeated: tuple[Refused, ...]


def read_firms(paths: Sequence[Path]) -> Feed:
    """Read FIRMS CSV files.

    Of a detection that comes twice the first row is used, or that of the archive
    where one is of the archive (it has been processed again, and has a ``type``).

    Raises
    ------
    DataError
        A file is not a table of detections; the message names what is missing.
    """
    return join_feeds([read_file(path) for path in paths])


def read_file(path: Path) -> "FileRows":
    """Read one file, repetitions included; see `read_firms`."""
    return read_table(_read_text(path), path)


@dataclass(frozen=True, kw_only=True, slots=True)
class FileRows:
    """What one file holds, repetitions included.

    Attributes
    ----------
    file
        Its name.
    detections
        Usable rows.
    lines
        ``(n,)`` int64: the line of each.
    refused
        The others.
    """

    file: str
    detections: Detections
    lines: NDArray[np.int64]
    refused: tuple[Refused, ...]


def join_feeds(tables: Sequence[FileRows]) -> Feed:
    """Join tables, leaving out what comes twice."""
    joined = concatenate([table.detections for table in tables])
    refused = tuple(row for table in tables for row in table.refused)
    if not len(joined):
        return Feed(detections=joined, refused=refused, repeated=())
    archived = np.argsort(joined.kind < 0, kind="stable")
    _, first, inverse = np.unique(
        joined.key[archived], return_index=True, return_inverse=True
    )
    stands_for = np.empty(len(joined), dtype=np.intp)
    stands_for[archived] = archived[first][inverse]
    again = np.flatnonzero(stands_for != np.arange(len(joined)))
    keep = np.ones(len(joined), dtype=bool)
    keep[again] = False
    return Feed(
        detections=joined.take(keep),
        refused=refused,
        repeated=tuple(_name_repeated(tables, again, stands_for[again])),
    )


def _name_repeated(
    tables: Sequence[FileRows], again: NDArray[np.intp], original: NDArray[np.intp]
) -> Iterable[Refused]:
    lines = np.concatenate([table.lines for table in tables]).tolist()
    sizes = [len(table.lines) for table in tables]
    file = np.repeat(np.arange(len(tables)), sizes).tolist()
    for row, first in zip(again.tolist(), original.tolist(), strict=True):
        there = f"line {lines[first]}"
        if file[row] != file[first]:
            there += f" of {tables[file[first]].file}"
        yield Refused(
            file=tables[file[row]].file, line=lines[row], reason=f"repeats {there}"
        )


def read_table(text: str, path: PurePath | str) -> FileRows:
    """Read the text of one CSV; see `read_firms`."""
    headings, rows, lines = _split(text, path)
    missing = [name for name in _NEEDED if name not in headings]
    if not {"satellite", "instrument"} & set(headings):
        missing.append("satellite")
    if missing:
        raise DataError(
            path,
            f"is no table of FIRMS: there is no column {', '.join(missing)}",
            "give the CSV as FIRMS serves it",
        )
    faults: dict[int, str] = {
        n: f"has {len(row)} cells, the headings {len(headings)}"
        for n, row in enumerate(rows)
        if len(row) != len(headings)
    }
    whole = [
        row if n not in faults else [""] * len(headings) for n, row in enumerate(rows)
    ]
    cells = dict(zip(headings, zip(*whole, strict=True), strict=True)) if whole else {}
    cells = cells or dict.fromkeys(headings, ())
    read = read_columns(cells, faults)
    usable = np.ones(len(rows), dtype=bool)
    usable[list(faults)] = False
    return FileRows(
        file=str(path),
        detections=read.take(usable),
        lines=np.array(lines, dtype=np.int64)[usable],
        refused=tuple(
            Refused(file=str(path), line=lines[n], reason=faults[n])
            for n in sorted(faults)
        ),
    )


def _split(
    text: str, path: PurePath | str
) -> tuple[list[str], list[list[str]], list[int]]:
    """Headings (lower case), rows that are not empty, and their lines."""
    reader = csv.reader(io.StringIO(text, newline=None), skipinitialspace=True)
    headings: list[str] = []
    rows, lines = [], []
    try:
        for row in reader:
            if not any(row):
                continue
            if not headings:
                headings = [cell.strip().lower() for cell in row]
                continue
            rows.append(row)
            lines.append(reader.line_num)
    except csv.Error as error:
        raise DataError(
            path, f"line {reader.line_num} is no CSV ({error})", "save it as plain CSV"
        ) from error
    if not headings:
        raise DataError(path, "is empty", "leave it out")
    return headings, rows, lines


def _read_text(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(
            path, f"cannot be read ({error.strerror})", "give the path of a file"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            path, f"is no text in UTF-8 ({error.reason})", "save it as UTF-8"
        ) from error
    if "\x00" in text:
        raise DataError(path, "is not a text file", "leave it out")
    return text
