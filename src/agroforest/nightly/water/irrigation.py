"""Irrigation records: what was given to which parcel on which day."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agroforest.core.errors import DataError
from agroforest.core.risk import epoch_day
from agroforest.core.table import explain_row, read_text
from agroforest.water.plot import M3_PER_MM_HECTARE
from agroforest.weather.record import Refused
from agroforest.weather.table import parse_time

#: Headings, as farms write them.
_HEADINGS = {
    "parcel": ("parcel", "地块", "地块编号"),
    "date": ("date", "日期"),
    "mm": ("mm", "毫米"),
    "m3": ("m3", "m³", "立方米", "方"),
}
#: mm in a day above which a record is a slip of the pen: no soil takes as much.
_MOST_MM = 500.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Irrigations:
    """Water given, by parcel and day.

    Attributes
    ----------
    mm
        By parcel id and day since 1970-01-01: mm from the pipe.
    refused
        Rows set aside.
    """

    mm: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    refused: tuple[Refused, ...] = ()

    def of(self, parcel: str, day: int) -> float:
        """Find what a parcel got on a day, mm; 0 where nothing is recorded."""
        return self.mm.get(parcel, {}).get(day, 0.0)

    def find_last(self, parcel: str, day: int) -> tuple[int, float] | None:
        """Newest irrigation of a parcel up to a day."""
        given = self.mm.get(parcel, {})
        days = [one for one, depth in given.items() if one <= day and depth > 0]
        return (max(days), given[max(days)]) if days else None


def read_irrigations(path: Path, hectares: Mapping[str, float]) -> Irrigations:
    """Read a table of irrigations; several of a day are added up.

    Parameters
    ----------
    path
        CSV, UTF-8, with the headings ``parcel`` (地块), ``date`` (日期) and ``mm``
        (毫米) or ``m3`` (立方米).
    hectares
        By parcel id, its size.

    Returns
    -------
    Irrigations
        A row that cannot be used is set aside with its line and reason.

    Raises
    ------
    DataError
        The file is no such table.
    """
    text = read_text(path, "utf-8-sig", otherwise="save it as CSV in UTF-8")
    reader = csv.reader(io.StringIO(text, newline=None))
    try:
        lines = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise DataError(path, f"is no CSV ({error})", "save it as CSV") from error
    if not lines:
        raise DataError(path, "is empty", "give the headings parcel, date, mm")
    places = _find_places(path, lines[0][1])
    given: dict[str, dict[int, float]] = {}
    refused = []
    for line, row in lines[1:]:
        if not any(cell.strip() for cell in row):
            continue
        try:
            parcel, day, depth = _read_row(row, places, hectares)
        except (ValueError, IndexError) as error:
            reason = explain_row(error, row)
            refused.append(Refused(line=line, day=None, reason=reason))
            continue
        days = given.setdefault(parcel, {})
        days[day] = days.get(day, 0.0) + depth
    return Irrigations(mm=given, refused=tuple(refused))


def _find_places(path: Path, headings: Sequence[str]) -> dict[str, int]:
    names = [heading.strip().casefold() for heading in headings]
    places = {
        kind: names.index(name)
        for kind, known in _HEADINGS.items()
        for name in known
        if name in names
    }
    if not {"parcel", "date"} <= set(places) or not {"mm", "m3"} & set(places):
        raise DataError(
            path,
            f"has the headings {', '.join(names) or 'none'}",
            "give parcel, date and mm or m3",
        )
    return places


def _read_row(
    row: Sequence[str], places: Mapping[str, int], hectares: Mapping[str, float]
) -> tuple[str, int, float]:
    parcel = row[places["parcel"]].strip()
    if parcel not in hectares:
        raise ValueError(f"parcel {parcel!r} is not one of the area")
    day = epoch_day(parse_time(row[places["date"]].strip(), "").date())
    cells = {unit: row[places[unit]].strip() for unit in ("mm", "m3") if unit in places}
    told = {unit: cell for unit, cell in cells.items() if cell}
    if len(told) != 1:
        raise ValueError("gives neither mm nor m3" if not told else "gives mm and m3")
    ((unit, cell),) = told.items()
    try:
        amount = float(cell)
    except ValueError:
        raise ValueError(f"{unit} {cell!r} is no number") from None
    depth = amount
    if unit == "m3":
        depth = amount / (M3_PER_MM_HECTARE * hectares[parcel])
    if not (math.isfinite(depth) and 0 <= depth <= _MOST_MM):
        raise ValueError(f"{amount:g} {unit} cannot be: {depth:g} mm on the field")
    return parcel, day, depth
