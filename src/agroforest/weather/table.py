"""Rows of a weather table, as the file has them: units converted, nothing judged."""

import csv
import io
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.table import (
    Cell,
    Line,
    explain_row,
    find_column,
    read_text,
    resolve_timezone,
)
from agroforest.core.weather import find_saturation
from agroforest.weather.mapping import (
    Column,
    ForecastSection,
    Mapping,
    StationSection,
    TableMapping,
    TimeSection,
    ValueSection,
)
from agroforest.weather.record import Refused, Station
from agroforest.weather.units import Quantity, resolve_unit

#: Cells that hold nothing, lower case.
NOTHING = {"", "na", "nan", "null", "none"}
_HEADING = re.compile(r"^\s*(?P<name>[^\[(（]*?)\s*(?:[\[(（](?P<unit>.*)[\])）])?\s*$")

#: Headings that need no mapping, with the units they stand for.
_PLAIN: dict[Quantity, tuple[tuple[str, ...], str]] = {
    Quantity.TEMPERATURE: (("temp", "temperature"), "°C"),
    Quantity.HUMIDITY: (("rh", "humidity"), "%"),
    Quantity.WIND: (("wind", "ws"), "km/h"),
    Quantity.RAIN: (("prec", "rain"), "mm"),
}
_YEAR, _MONTH, _DAY = ("yr", "year"), ("mon", "month"), ("day",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row.

    Attributes
    ----------
    line
        Of the file, from 1.
    time
        As written and naive; in UTC where the mapping says what noon is.
    temperature, humidity, wind, rain
        °C, %, km/h, mm; NaN is missing.
    forecast
        True if the file says so.
    """

    line: int
    time: datetime
    temperature: float
    humidity: float
    wind: float
    rain: float
    forecast: bool = False

    @property
    def day(self) -> date:
        """The date written."""
        return self.time.date()

    def patch(self, **changes: object) -> "Row":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """The rows of one station, in file order, and those that cannot be read."""

    station: Station
    rows: list[Row]
    refused: list[Refused]


def read_rows(path: Path, mapping: Mapping | None) -> tuple[Rows, ...]:
    """Read a table.

    Parameters
    ----------
    path
        CSV.
    mapping
        What its columns mean; unless given, the headings must be ``date`` (or ``yr``,
        ``mon``, ``day``), ``temp``, ``rh``, ``wind`` (or ``ws``) and ``prec``. A unit
        in brackets, ``wind [m/s]``, holds; without one they are °C, %, km/h and mm.

    Returns
    -------
    tuple of Rows
        One a station, in order of first appearance.

    Raises
    ------
    ConfigurationError
        A column that is not there, a unit that is not known.
    DataError
        The file is no table.
    """
    encoding = mapping.encoding if mapping is not None else "utf-8-sig"
    text = read_text(path, encoding, otherwise="give a CSV, NetCDF or Zarr")
    lines = split_lines(text, path, mapping)
    _, headings = next(lines, (0, []))
    if not any(headings):
        raise DataError(path, "is empty", "give a table with headings")
    headings = [heading.strip() for heading in headings]
    layout = mapping or _find_layout(headings, path)
    reader = _Reader(layout, headings, path)
    found: dict[str, Rows] = {}
    for line, row in lines:
        if any(cell.strip() for cell in row):
            reader.read(line, row, found)
    return tuple(found.values())


def split_lines(
    text: str, path: Path, mapping: TableMapping | None
) -> Iterator[tuple[int, list[str]]]:
    """Split a table into cells, each line with its number.

    Raises
    ------
    DataError
        It is no CSV.
    """
    stream = io.StringIO(text, newline=None)
    skipped = mapping.skip_lines if mapping else 0
    for _ in range(skipped):
        stream.readline()
    reader = csv.reader(stream, delimiter=mapping.delimiter if mapping else ",")
    try:
        for row in reader:
            yield reader.line_num + skipped, row
    except csv.Error as error:
        raise DataError(
            path,
            f"line {reader.line_num + skipped} is no CSV ({error})",
            "save the table as plain CSV",
        ) from error


def _find_layout(headings: Sequence[str], path: Path) -> Mapping:
    """Find what columns mean whose headings need no mapping."""
    places: dict[str, int] = {}
    units: dict[str, str] = {}
    for number, heading in enumerate(headings, start=1):
        match = _HEADING.match(heading)
        name = (match["name"] if match else heading).casefold()
        places.setdefault(name, number)
        if match and match["unit"]:
            units[name] = match["unit"]

    def find(*names: str) -> int | None:
        return next((places[n] for n in names if n in places), None)

    parts = find(*_YEAR), find(*_MONTH), find(*_DAY)
    values: dict[str, ValueSection] = {}
    lost = [] if find("date") or all(parts) else ["date"]
    for quantity, (names, unit) in _PLAIN.items():
        known = next((n for n in names if n in places), None)
        if known is None:
            lost.append(names[0])
            continue
        said = units.get(known, unit)
        values[quantity] = ValueSection(column=places[known], unit=said)
    if lost:
        raise ConfigurationError(
            path,
            f"has no column {', '.join(lost)} (there are {', '.join(headings)})",
            "say in a mapping which columns are meant, see docs/fire.md",
        )
    days = tuple(part for part in parts if part is not None)
    time = TimeSection(column=find("date") or days)
    station = StationSection(
        id_column=find("id", "station"),
        longitude_column=find("long", "lon", "longitude"),
        latitude_column=find("lat", "latitude"),
        elevation_column=find("elev", "elevation"),
    )
    return Mapping(time=time, station=station, **values)


class _Reader:
    """Reads rows of one table; all columns are looked up once."""

    def __init__(self, mapping: Mapping, headings: Sequence[str], path: Path) -> None:
        self._mapping = mapping
        self._path = path
        time = mapping.time.column
        columns = time if isinstance(time, tuple) else (time,)
        self._time = [find_column(column, headings, path) for column in columns]
        self._zone = None
        if mapping.noon is not None:
            self._zone = resolve_timezone(mapping.noon.timezone, path)
        self._values = {
            name: (
                find_column(section.column, headings, path),
                resolve_unit(section.unit, name, where=f"{path}: {section.column}"),
            )
            for name, section in mapping.columns().items()
        }
        self._station = build_station(mapping.station, headings, path)
        self._forecast = build_forecast(mapping.forecast, headings, path)

    def read(self, line: int, row: Line, found: dict[str, Rows]) -> None:
        """Add a row to those of its station."""
        try:
            station = self._station(row)
            rows = found.setdefault(
                station.id, Rows(station=station, rows=[], refused=[])
            )
        except (ValueError, IndexError, OverflowError) as error:
            station = Station(id=self._path.stem)
            rows = found.setdefault(
                station.id, Rows(station=station, rows=[], refused=[])
            )
            rows.refused.append(
                Refused(line=line, day=None, reason=explain_row(error, row))
            )
            return
        day = None
        try:
            time = self._read_time(row)
            day = time.date().isoformat()
            rows.rows.append(self._read_row(line, time, row))
        except (ValueError, IndexError, OverflowError) as error:
            rows.refused.append(
                Refused(line=line, day=day, reason=explain_row(error, row))
            )

    def _read_row(self, line: int, time: datetime, row: Line) -> Row:
        numbers = {
            name: self._number(name, cell(row)) * factor + offset
            for name, (cell, (factor, offset)) in self._values.items()
        }
        temperature = numbers[Quantity.TEMPERATURE]
        if Quantity.DEWPOINT in numbers:
            wet, dry = np.array(numbers[Quantity.DEWPOINT]), np.array(temperature)
            humidity = float(100.0 * find_saturation(wet) / find_saturation(dry))
        else:
            humidity = numbers[Quantity.HUMIDITY]
        return Row(
            line=line,
            time=time,
            temperature=tidy(temperature),
            humidity=tidy(humidity),
            wind=tidy(numbers[Quantity.WIND]),
            rain=tidy(numbers[Quantity.RAIN]),
            forecast=self._forecast(row, time.date()),
        )

    def _read_time(self, row: Line) -> datetime:
        written = "-".join(cell(row) for cell in self._time)
        time = parse_time(written, self._mapping.time.format)
        if self._zone is None:
            return time.replace(tzinfo=None)  # a day is the day written
        if time.tzinfo is None:
            time = time.replace(tzinfo=self._zone)
        return time.astimezone(UTC)

    def _number(self, name: Quantity, cell: str) -> float:
        if cell.casefold() in NOTHING or cell in self._mapping.missing:
            return math.nan
        decimal = self._mapping.decimal
        try:
            return float(cell.replace(decimal, ".") if decimal != "." else cell)
        except ValueError:
            raise ValueError(f"{name} {cell!r} is no number") from None


def tidy(value: float) -> float:
    """Drop the noise of a conversion: 293.15 K are 20 °C."""
    return round(value, 9)


def parse_time(written: str, layout: str) -> datetime:
    """Read a date or a time; `layout` as for ``strptime``, ISO 8601 if empty.

    Raises
    ------
    ValueError
        It is spelled otherwise.
    """
    try:
        if layout:
            return datetime.strptime(written, layout)  # noqa: DTZ007  placed later
        if match := re.fullmatch(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", written):
            year, month, day = map(int, match.groups())
            return datetime(year, month, day)  # noqa: DTZ001  a date
        return datetime.fromisoformat(written)
    except ValueError as error:
        raise ValueError(f"date {written!r} cannot be read") from error


def build_station(
    section: StationSection, headings: Sequence[str], path: Path
) -> Callable[[Line], Station]:
    """Build what reads a row's station."""

    def build(
        column: Column | None, fixed: float | None
    ) -> Callable[[Line], float | None]:
        if column is None:
            return lambda _row: fixed
        cell = find_column(column, headings, path)

        def read(row: Line) -> float | None:
            written = cell(row)
            return None if written.casefold() in NOTHING else float(written)

        return read

    name: Cell = lambda _row: section.id or path.stem  # noqa: E731
    if section.id_column is not None:
        name = find_column(section.id_column, headings, path)
    longitude = build(section.longitude_column, section.longitude)
    latitude = build(section.latitude_column, section.latitude)
    elevation = build(section.elevation_column, section.elevation)

    def read(row: Line) -> Station:
        return Station(
            id=name(row),
            longitude=longitude(row),
            latitude=latitude(row),
            elevation=elevation(row),
        )

    return read


def build_forecast(
    section: ForecastSection | None, headings: Sequence[str], path: Path
) -> Callable[[Line, date], bool]:
    """Build what tells whether a row's day had not happened."""
    if section is None:
        return lambda _row, _day: False
    if section.column is not None:
        cell = find_column(section.column, headings, path)
        return lambda row, _day: cell(row) in section.values
    start = section.start
    return lambda _row, day: start is not None and day >= start
