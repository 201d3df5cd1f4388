"""Tables that others wrote: their text, their columns, their clocks."""

from collections.abc import Callable, Sequence
from datetime import UTC, timedelta, timezone, tzinfo
from pathlib import Path, PurePath
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agroforest.core.errors import ConfigurationError, DataError

#: Cells of a line.
Line = Sequence[str]
#: Finds one cell of a line.
Cell = Callable[[Line], str]

_DAY_MINUTES = 24 * 60


def read_text(path: Path, encoding: str, *, otherwise: str) -> str:
    """Read a text file whole.

    Parameters
    ----------
    path
        The file.
    encoding
        Such as ``utf-8-sig`` or ``gb18030``.
    otherwise
        What to do if it is no text, for the message.

    Raises
    ------
    DataError
        It cannot be read, is in another encoding, or is no text.
    """
    try:
        text = path.read_bytes().decode(encoding)
    except OSError as error:
        raise DataError(
            path, f"cannot be read ({error.strerror})", "give the path of a file"
        ) from error
    except (UnicodeDecodeError, LookupError) as error:
        raise DataError(
            path,
            f"is no text in {encoding} ({error})",
            'name its encoding in a mapping, encoding = "gb18030"',
        ) from error
    if "\x00" in text:
        raise DataError(path, "is not a text file", otherwise)
    return text


def find_column(column: str | int, headings: Line, where: PurePath) -> Cell:
    """Find a column by its heading or its number, from 1 on.

    Raises
    ------
    ConfigurationError
        It is not there, or its heading stands twice.
    """
    if isinstance(column, str):
        if headings.count(column) != 1:
            problem = "twice" if column in headings else "not there"
            raise ConfigurationError(
                where,
                f"column {column!r} is {problem} (there are {', '.join(headings)})",
                "name another, or count columns from 1",
            )
        index = headings.index(column)
    else:
        index = column - 1
        if index >= len(headings):
            raise ConfigurationError(
                where,
                f"column {column} is not there (there are {len(headings)})",
                "count columns from 1",
            )
    return lambda row: row[index].strip()


def explain_row(error: Exception, row: Line) -> str:
    """Say why a row could not be read."""
    return f"only {len(row)} columns" if isinstance(error, IndexError) else str(error)


def resolve_timezone(text: str, where: object) -> tzinfo:
    """Turn ``"UTC"``, ``"+08:00"`` or an IANA name into a time zone.

    Raises
    ------
    ConfigurationError
        It is none of these.
    """
    if text.upper() in {"UTC", "Z"}:
        return UTC
    sign, hours, colon, minutes = text[:1], text[1:3], text[3:4], text[4:]
    if sign in {"+", "-"} and colon == ":" and (hours + minutes).isdecimal():
        total = int(hours) * 60 + int(minutes)
        if total < _DAY_MINUTES:
            return timezone(timedelta(minutes=-total if sign == "-" else total))
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigurationError(
            where,
            f"timezone {text!r} is not known",
            'write an offset such as "+08:00" or a name such as "Asia/Shanghai"',
        ) from error
