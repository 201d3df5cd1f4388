"""What all files of the form share: a header between asterisks, then lines."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path

from agroforest.core.errors import DataError
from agroforest.core.risk import EPOCH
from agroforest.core.table import read_text

_RULE = "*" * 72
_DAY = re.compile(r"([12]\d{3})-(\d{3})")
_KIND_LINE = 2  # third of the file, in old and new ones


class Kind(StrEnum):
    """What a file says it is, in its third line, and the option that it belongs to."""

    PARAMETERS = "Parameter Data"
    WEATHER = "Weather Data"
    IRRIGATION = "Irrigation Data"
    LAYERS = "Soil Profile Data"
    UPDATES = "Update Data"
    MEASURED = "Measured Soil Water Data"
    OUTPUT = "Output Data"
    SUMS = "Seasonal Water Balance Summary"
    AUTOMATIC = "AutoIrrigate Data"


_REMEDIES = {
    Kind.PARAMETERS: "give it as --par",
    Kind.WEATHER: "give it as --wth",
    Kind.IRRIGATION: "give it as --irr",
    Kind.LAYERS: "give it as --sol",
    Kind.UPDATES: "give it as --upd",
    Kind.MEASURED: "give it as --sws",
    Kind.OUTPUT: "give it as --against",
    Kind.SUMS: "the days of a run are read from it when it lies beside the .irr",
    Kind.AUTOMATIC: "automatic irrigation is not run: give what was irrigated, as .irr",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A line of data.

    Attributes
    ----------
    path
        Of the file.
    number
        Of the line, from 1.
    cells
        Its words.
    """

    path: Path
    number: int
    cells: Sequence[str]

    def refuse(self, problem: str, remedy: str) -> DataError:
        """Error that names the file and the line."""
        return DataError(self.path, f"line {self.number}: {problem}", remedy)

    def text(self, index: int, name: str) -> str:
        """One word."""
        if index >= len(self.cells):
            raise self.refuse(
                f"has {len(self.cells)} columns and no {name}", "restore the line"
            )
        return self.cells[index]

    def number_at(self, index: int, name: str) -> float:
        """One number; NaN where the file says so."""
        text = self.text(index, name)
        try:
            value = float(text)
        except ValueError:
            raise self.refuse(f"{name} {text!r} is no number", "mend it") from None
        if math.isinf(value):
            raise self.refuse(f"{name} {text!r} is not finite", "mend it")
        return value

    def number_within(
        self, index: int, name: str, low: float, high: float = math.inf
    ) -> float:
        """One number that must be there, between bounds."""
        value = self.number_at(index, name)
        if not low <= value <= high:  # NaN is not, either
            bounds = f"{low:g} or more" if math.isinf(high) else f"{low:g} to {high:g}"
            raise self.refuse(f"{name} is {value:g}", f"give {bounds}")
        return value

    def day(self) -> int:
        """Day that the line begins with, ``2013-113``, in days since 1970-01-01."""
        text = self.text(0, "day")
        found = _DAY.fullmatch(text)
        first = date(int(found[1]), 1, 1) if found else date.min
        day = first + timedelta(days=int(found[2]) - 1 if found else 0)
        if found is None or day.year != first.year:
            raise self.refuse(
                f"{text!r} is no day", "write year and day of the year, 2013-113"
            )
        return (day - EPOCH).days


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """A file of the form.

    Attributes
    ----------
    path
        The file.
    header
        Lines before the last rule.
    rows
        Lines of data after it, without empty ones.
    """

    path: Path
    header: tuple[str, ...]
    rows: tuple[Row, ...]

    def after(self, heading: str) -> tuple[Row, tuple[Row, ...]]:
        """Line of column names, which begins with a word, and what follows it."""
        for index, row in enumerate(self.rows):
            if row.cells[0] == heading:
                return row, self.rows[index + 1 :]
        raise DataError(
            self.path,
            f"has no line of column names that begins with {heading!r}",
            "restore it",
        )


def read_form(path: Path, *kinds: Kind) -> Form:
    """Read a file that is one of some kinds.

    Raises
    ------
    DataError
        It cannot be read, has not this form, or is of another kind.
    """
    otherwise = "give a text file as pyfao56 writes it"
    lines = read_text(path, "utf-8-sig", otherwise=otherwise).splitlines()
    rules = [index for index, line in enumerate(lines) if line.strip() == _RULE]
    if not rules or len(lines) <= _KIND_LINE:
        raise DataError(path, "has no header between lines of asterisks", otherwise)
    _check_kind(path, lines[_KIND_LINE].strip(), kinds)
    end = rules[-1]
    return Form(
        path=path,
        header=tuple(lines[:end]),
        rows=tuple(_find_rows(path, lines, end + 1)),
    )


def _check_kind(path: Path, found: str, kinds: Sequence[Kind]) -> None:
    if found in kinds:
        return
    wanted = " or ".join(kinds)
    other = next((kind for kind in Kind if kind == found), None)
    if other is None:
        raise DataError(path, f"says it is {found[:60]!r}", f"give {wanted}")
    raise DataError(path, f"is {other.value}, not {wanted}", _REMEDIES[other])


def _find_rows(path: Path, lines: Sequence[str], start: int) -> Iterator[Row]:
    for index in range(start, len(lines)):
        cells = lines[index].split()
        if cells:
            yield Row(path=path, number=index + 1, cells=cells)


def find_columns(heading: Row, needed: Sequence[str]) -> dict[str, int]:
    """Positions of the columns by name.

    Raises
    ------
    DataError
        A needed one is not there.
    """
    found = {name: index for index, name in enumerate(heading.cells)}
    lost = [name for name in needed if name not in found]
    if lost:
        raise heading.refuse(f"has no column {', '.join(lost)}", "restore it")
    return found


def check_order(rows: Sequence[Row], days: Sequence[int]) -> None:
    """Refuse a day that stands twice."""
    seen: dict[int, int] = {}
    for row, day in zip(rows, days, strict=True):
        if day in seen:
            raise row.refuse(
                f"{row.cells[0]} stands in line {seen[day]} already",
                "join the two lines into one",
            )
        seen[day] = row.number
