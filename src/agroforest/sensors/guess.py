"""What the columns of a table mean, guessed from their headings and numbers.

Only for looking at a file: nothing is stored on a guess, and every guess is said.
"""

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from statistics import median

from agroforest.core.errors import ConfigurationError
from agroforest.core.reading import Variable
from agroforest.sensors.mapping import Mapping

#: Lines looked at.
_LOOKED = 500
#: Share of the cells that must be times or numbers.
_MOST = 0.9
_LAYOUTS = (
    "",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
)
#: Words in headings, the more particular first.
_HEADINGS = (
    (Variable.SOIL_TEMPERATURE, r"soil.?temp|土壤?温度|地温|^ts$"),
    (Variable.AIR_TEMPERATURE, r"air.?temp|气温|空气温度|^ta$"),
    (Variable.PRECIPITATION, r"precip|rain|降水|降雨|雨量"),
    (
        Variable.SOIL_MOISTURE,
        r"moist|vwc|swc|water.?content|土壤?(水分|湿度|含水)|含水|墒情|^sm$|theta",
    ),
)
_UNITS = {
    Variable.SOIL_TEMPERATURE: "°C",
    Variable.AIR_TEMPERATURE: "°C",
    Variable.PRECIPITATION: "mm",
}
#: A median above this cannot be m3/m3.
_FRACTION = 1.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Guess:
    """A mapping nobody wrote.

    Attributes
    ----------
    mapping
        As guessed.
    said
        The guesses, in words.
    has_zone
        False if the times name no zone; they are then taken as UTC.
    """

    mapping: Mapping
    said: str
    has_zone: bool


def guess_mapping(text: str, path: PurePath) -> Guess:
    """Guess which columns of a table are time and measurements.

    Raises
    ------
    ConfigurationError
        No column of times, or none that could be soil moisture.
    """
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=delimiter)
    rows = [row for row, _ in zip(reader, range(_LOOKED + 1), strict=False) if row]
    headings, lines = (rows[0], rows[1:]) if rows else ([], [])
    columns = list(zip(*(r for r in lines if len(r) == len(headings)), strict=False))
    time = _find_time(columns)
    if time is None:
        raise ConfigurationError(
            path,
            "has no column of times that can be recognised",
            "give a mapping, see docs/sensors.md",
        )
    place, layout, has_zone = time
    found = _find_variables(headings, columns, place)
    if Variable.SOIL_MOISTURE not in found.values():
        raise ConfigurationError(
            path,
            f"has no column of soil moisture that can be recognised "
            f"(there are {', '.join(headings)})",
            "give a mapping, see docs/sensors.md",
        )
    units = {c: _find_unit(v, headings[c], columns[c]) for c, v in found.items()}
    said = ", ".join(
        f"column {c + 1} {headings[c]!r} as {found[c].value} in {units[c]}"
        for c in sorted(found)
    )
    mapping = Mapping.model_validate(
        {
            "timezone": "" if has_zone else "UTC",
            "delimiter": delimiter,
            "time": {"column": place + 1, "format": layout},
            "sensor": {"id": path.stem},
            "value": [
                {"column": c + 1, "variable": found[c].value, "unit": units[c]}
                for c in sorted(found)
            ],
        }
    )
    return Guess(mapping=mapping, said=said, has_zone=has_zone)


def _find_time(columns: Sequence[Sequence[str]]) -> tuple[int, str, bool] | None:
    for place, cells in enumerate(columns):
        for layout in _LAYOUTS:
            times = [t for cell in cells if (t := _parse_time(cell, layout))]
            if times and len(times) >= _MOST * len(cells):
                return place, layout, times[0].tzinfo is not None
    return None


def _parse_time(cell: str, layout: str) -> datetime | None:
    try:
        if layout:
            return datetime.strptime(cell.strip(), layout)  # noqa: DTZ007  only looked at
        return datetime.fromisoformat(cell.strip()) if "-" in cell[4:8] else None
    except ValueError:
        return None


def _find_variables(
    headings: Sequence[str], columns: Sequence[Sequence[str]], time: int
) -> dict[int, Variable]:
    numeric = [
        c
        for c, cells in enumerate(columns)
        if c != time and len(_read_numbers(cells)) >= _MOST * sum(map(bool, cells)) > 0
    ]
    found: dict[int, Variable] = {}
    for column in numeric:
        for variable, words in _HEADINGS:
            if re.search(words, headings[column].strip().casefold()):
                if variable not in found.values():  # the first of its kind
                    found[column] = variable
                break
    if not found and len(numeric) == 1:
        found[numeric[0]] = Variable.SOIL_MOISTURE
    return found


def _find_unit(variable: Variable, heading: str, cells: Sequence[str]) -> str:
    if variable != Variable.SOIL_MOISTURE:
        return _UNITS[variable]
    if re.search(r"%|pct|percent", heading.casefold()):
        return "%"
    if re.search(r"m3|m³", heading.casefold()):
        return "m3/m3"
    return "%" if median(_read_numbers(cells)) > _FRACTION else "m3/m3"


def _read_numbers(cells: Sequence[str]) -> list[float]:
    numbers: list[float] = []
    for cell in cells:
        try:
            number = float(cell)
        except ValueError:
            continue
        if math.isfinite(number):
            numbers.append(number)
    return numbers
