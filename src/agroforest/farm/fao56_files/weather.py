"""Daily weather of a station (.wth)."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from agroforest.core.errors import DataError
from agroforest.core.field import DailyWeather
from agroforest.farm.fao56_files.form import (
    Form,
    Kind,
    Row,
    check_order,
    find_columns,
    read_form,
)

_COLUMNS = {
    "Srad": "radiation",
    "Tmax": "t_max",
    "Tmin": "t_min",
    "Vapr": "vapour",
    "Tdew": "dew_point",
    "RHmax": "rh_max",
    "RHmin": "rh_min",
    "Wndsp": "wind",
    "Rain": "rain",
    "ETref": "reference_et",
}
#: Not in the oldest files.
_LATER = ("Vapr",)
_NEVER_NEGATIVE = ("Srad", "Vapr", "RHmax", "RHmin", "Wndsp", "Rain", "ETref")
_STATION = ("reference crop", "elevation", "latitude", "wind speed height")
#: Days without a line, which become days without weather. Arbitrary: a year.
LONGEST_GAP = 366
_LOWEST_MAST = 0.1  # m; the wind profile is not defined at the ground


def read_weather(path: Path) -> DailyWeather:
    """Read a station's days; one without a line is a day without weather.

    Raises
    ------
    DataError
        The file is no weather data, a day stands twice, or a number cannot be.
    """
    form = read_form(path, Kind.WEATHER)
    tall, elevation, latitude, height = _read_station(form)
    heading, rows = form.after("Year-DOY")
    if not rows:
        raise DataError(path, "has no day", "give at least one")
    needed = [name for name in _COLUMNS if name not in _LATER]
    columns = find_columns(heading, needed)
    days = [row.day() for row in rows]
    check_order(rows, days)
    first = _check_gaps(rows, days)
    whole = np.arange(first, max(days) + 1, dtype=np.int64)
    at = np.array(days) - first
    series = {ours: np.full(len(whole), np.nan) for ours in _COLUMNS.values()}
    for name, ours in _COLUMNS.items():
        series[ours][at] = [_read(row, columns, name) for row in rows]
    return DailyWeather(
        days=whole,
        latitude=latitude,
        elevation=elevation,
        wind_height=height,
        tall=tall,
        **series,
    )


def _read_station(form: Form) -> tuple[bool, float, float, float]:
    if len(form.rows) < len(_STATION):
        raise DataError(
            form.path, f"has no {', '.join(_STATION)}", "restore the four lines"
        )
    crop, *places = form.rows[: len(_STATION)]
    letter = crop.cells[0]
    if letter not in {"S", "T"}:
        raise crop.refuse(f"reference crop is {letter!r}", "give S (short) or T (tall)")
    elevation = places[0].number_at(0, _STATION[1])
    latitude = places[1].number_at(0, _STATION[2])
    height = places[2].number_within(0, _STATION[3], _LOWEST_MAST)
    if abs(latitude) > 90:
        raise places[1].refuse(f"latitude is {latitude:g}", "give -90 to 90")
    return letter == "T", elevation, latitude, height


def _check_gaps(rows: Sequence[Row], days: Sequence[int]) -> int:
    """Refuse a hole that is more likely a wrong year; give the first day."""
    ordered = sorted(zip(days, rows, strict=True), key=lambda pair: pair[0])
    for (before, _), (day, row) in pairwise(ordered):
        if day - before > LONGEST_GAP:
            raise row.refuse(
                f"{row.cells[0]} comes {day - before} days after the day before it",
                "mend the date, or split the file",
            )
    return ordered[0][0]


def _read(row: Row, columns: dict[str, int], name: str) -> float:
    if name not in columns:
        return float("nan")
    value = row.number_at(columns[name], name)
    if name in _NEVER_NEGATIVE and value < 0:
        raise row.refuse(f"{name} is {value:g}", "give 0 or more, or NaN")
    return value
