"""Excel workbooks (.xlsx), brought to the text of a table.

A cell is what the workbook stores: formulas are not evaluated, macros not looked at.
Dates become ISO 8601 or the form that a mapping names; whatever reads tables then
reads these, line for line.
"""

import csv
import io
import math
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import zip_longest
from pathlib import Path, PurePath
from typing import IO, Any

from openpyxl import load_workbook

from agroforest.core.errors import ConfigurationError, DataError

#: Most bytes of a workbook, unpacked; most parts; most cells. Arbitrary: ten years at
#: ten minutes with two columns are a million cells and about 60 MB.
LARGEST, MOST_PARTS, MOST_CELLS = 512 << 20, 2000, 20_000_000
_ZIP = b"PK\x03\x04"
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_MAIN_PART, _SHEETS = "xl/workbook.xml", "xl/worksheets/"
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_ODD = re.compile(rb"<!|<\?(?!xml\s)")
# How XML begins: UTF-8, or UTF-16 with and without a mark, which is then odd.
_BLANK, _XML = b" \t\r\n\xef\xbb\xbf", (b"<", b"\0<", b"\xff\xfe", b"\xfe\xff")
_LONGEST_TAG = 64
_CHUNK = 1 << 20
_UNIX = ("unix", "unix_ms")


def is_workbook(path: Path) -> bool:
    """Tell by its first bytes whether a file is a workbook, or an old one."""
    try:
        with path.open("rb") as stream:
            head = stream.read(len(_OLE))
    except OSError:
        return False  # who reads it next says why
    return head.startswith((_ZIP, _OLE))


def read_sheet(
    path: Path,
    *,
    sheet: str = "",
    delimiter: str = ",",
    decimal: str = ".",
    time_format: str = "",
) -> str:
    """Read a sheet as the text of a table.

    Parameters
    ----------
    path
        The workbook.
    sheet
        Name of the sheet; the first one unless given.
    delimiter, decimal
        How to write columns and numbers.
    time_format
        How to write dates, as for ``strftime``; ISO 8601 unless given.

    Returns
    -------
    str
        One line a row, empty rows among them.

    Raises
    ------
    DataError
        It is damaged, too big, or an old or protected workbook.
    ConfigurationError
        There is no sheet of that name.
    """
    _check(path)
    try:
        with (
            path.open("rb") as values,
            path.open("rb") as formulas,
            # What openpyxl leaves out (styles, validation) holds no readings.
            warnings.catch_warnings(action="ignore", category=UserWarning),
        ):
            both = [values, formulas] if _has_formulas(path) else [values]
            rows = _read_rows(both, sheet, path)
            return _write(rows, path, delimiter, decimal, time_format)
    except (ConfigurationError, DataError):
        raise
    except Exception as error:
        # On a damaged file openpyxl raises whatever stumbles over it first.
        raise DataError(
            path,
            f"is a damaged workbook ({type(error).__name__}: {error})"[:300],
            "save it anew, or as CSV",
        ) from error


def _check(path: Path) -> None:
    """Refuse what would fill the memory, from the table of contents alone.

    The sizes stated there are what the standard library unpacks at most.
    """
    try:
        with path.open("rb") as stream:
            old = stream.read(len(_OLE)) == _OLE
            parts = [] if old else zipfile.ZipFile(stream).infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise DataError(
            path, f"is a damaged workbook ({error})", "save it anew, or as CSV"
        ) from error
    if old:
        raise DataError(
            path,
            "is an .xls of before 2007, or protected by a password",
            "save it as .xlsx without a password",
        )
    if _MAIN_PART not in {part.filename for part in parts}:
        raise DataError(path, "is an archive and no workbook", "unpack it")
    size = sum(part.file_size for part in parts)
    if size > LARGEST or len(parts) > MOST_PARTS:
        raise DataError(
            path,
            f"unpacks to {size >> 20} MB in {len(parts)} parts",
            f"a workbook of readings has at most {LARGEST >> 20} MB; save it as CSV",
        )


def _has_formulas(path: Path) -> bool:
    """Tell whether any sheet has one; those without are read once, not twice.

    Comments, declarations and tags of megabytes are refused on the way: the XML parser
    reads each anew with every part of it that comes, and needs hours.
    """
    found = False
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as part:
                before = part.read(_LONGEST_TAG)
                if not before.lstrip(_BLANK).startswith(_XML):
                    continue
                while chunk := part.read(_CHUNK):
                    if _ODD.search(before + chunk) or b"<" not in before + chunk:
                        raise DataError(
                            path,
                            f"is a damaged workbook ({name[:80]} is not as "
                            "spreadsheets write it)",
                            "save it anew, or as CSV",
                        )
                    if name.startswith(_SHEETS) and _FORMULA.search(before + chunk):
                        found = True
                    before = chunk[-_LONGEST_TAG:]
    return found


def _read_rows(
    streams: Sequence[IO[bytes]], sheet: str, path: Path
) -> Iterator[tuple[Sequence[Any], Sequence[Any]]]:
    """Read rows of stored values and, from a second stream, of formulas beside them."""
    books = [
        load_workbook(stream, read_only=True, data_only=place == 0, keep_links=False)
        for place, stream in enumerate(streams)
    ]
    names = books[0].sheetnames
    chosen = sheet or (names[0] if names else "")
    if chosen not in names:
        raise ConfigurationError(
            path, f"has no sheet {chosen!r}", f"name one of {', '.join(names)}"
        )
    tables = [book[chosen] for book in books]
    for table in tables:
        if not hasattr(table, "reset_dimensions"):
            raise DataError(path, f"{chosen!r} is a chart", "name a sheet of cells")
        table.reset_dimensions()  # what is stated there may be of another world
    rows = [table.iter_rows(values_only=True) for table in tables]
    yield from zip_longest(rows[0], rows[1] if rows[1:] else (), fillvalue=())


def _write(
    rows: Iterator[tuple[Sequence[Any], Sequence[Any]]],
    path: PurePath,
    delimiter: str,
    decimal: str,
    time_format: str,
) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    form = "" if time_format in _UNIX else time_format
    count = 0
    for row, formulas in rows:
        count += max(len(row), 1)
        if count > MOST_CELLS:
            raise DataError(
                path, f"has over {MOST_CELLS} cells", "split it, or save it as CSV"
            )
        # Instead of a value that was never stored, the formula: no number, so that
        # its row is set aside with it, if the column matters.
        stored = (
            formula if cell is None else cell
            for cell, formula in zip_longest(row, formulas[: len(row)])
        )
        cells = [_write_cell(cell, decimal, form) for cell in stored]
        while cells and not cells[-1]:
            cells.pop()
        writer.writerow(cells)
    return text.getvalue()


def _write_cell(cell: object, decimal: str, form: str) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, int | float):
        if math.isfinite(cell) and cell == int(cell) and abs(cell) < 1e15:
            return str(int(cell))
        return repr(cell).replace(".", decimal)
    if isinstance(cell, datetime):
        return _write_time(cell, form)
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):  # a time of day of 24 hours or more
        return str(cell)
    # A line break within a cell would shift the numbers of all lines below.
    return " ".join(str(getattr(cell, "text", cell)).split())


def _write_time(moment: datetime, form: str) -> str:
    # Excel counts days as fractions; what is finer than a millisecond is noise.
    moment += timedelta(microseconds=500)
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    if form:
        return moment.strftime(form)
    if moment.time() == time():
        return moment.date().isoformat()
    return moment.isoformat(sep=" ")
