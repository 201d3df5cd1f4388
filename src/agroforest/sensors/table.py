"""Tables of readings: CSV, read as a mapping says."""

import csv
import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import PurePath

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.reading import Quality, Reading, Sensor, Variable
from agroforest.core.table import (
    Cell,
    Line,
    explain_row,
    find_column,
    resolve_timezone,
)
from agroforest.sensors.mapping import (
    Mapping,
    SensorSection,
    TimeSection,
    ValueSection,
)
from agroforest.sensors.record import Refused, SensorFile
from agroforest.sensors.units import DEPTHS, convert, resolve_unit

#: The layout that needs no mapping: one reading a row, times with an offset.
PLAIN = Mapping(
    time=TimeSection(column="time"),
    sensor=SensorSection(id_column="sensor"),
    value=(
        ValueSection(
            column="value",
            variable_column="variable",
            unit_column="unit",
            depth_column="depth_m",
        ),
    ),
)
_PLAIN_HEADINGS = {"sensor", "time", "variable", "depth_m", "value", "unit"}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Column:
    """A column of values, resolved against the headings."""

    value: Cell
    variable: Callable[[Line], Variable]
    convert: Callable[[Line, float], float]
    depth: Callable[[Line], float | None]


def is_plain(text: str) -> bool:
    """Tell whether a table has the headings that need no mapping."""
    lines = io.StringIO(text[:4096], newline=None)
    try:
        first = next(csv.reader(lines), [])
    except csv.Error:  # whoever reads it says what is wrong
        return False
    return {heading.strip() for heading in first} >= _PLAIN_HEADINGS


def read_table(text: str, path: PurePath, mapping: Mapping) -> SensorFile:
    """Read a CSV.

    A row that cannot be read is set aside, the rest is used. An empty cell is no
    reading; one of the mapping's error values is a missing one.

    Raises
    ------
    ConfigurationError
        A column that is not there, a unit that is not known, a time without zone
        while the mapping states none.
    DataError
        No headings at all.
    """
    rows = _read_rows(text, path, mapping)
    _, headings = next(rows, (0, []))
    if not headings:
        raise DataError(path, "is empty", "leave it out")
    if mapping.sensor is None or not mapping.value:
        raise ConfigurationError(
            path, "is a table", "give a mapping with [sensor] and [[value]]"
        )
    headings = [heading.strip() for heading in headings]
    columns = [_resolve(section, headings, path) for section in mapping.value]
    read_time = _build_clock(mapping, headings, path)
    read_sensor = _build_naming(mapping.sensor, headings, path)
    sensors: set[str] = set()
    readings: list[Reading] = []
    refused: list[Refused] = []
    for line, row in rows:
        if not any(row):
            continue
        try:
            sensor, time = read_sensor(row), read_time(row)
        except (ValueError, IndexError) as error:
            refused.append(Refused(line=line, reason=explain_row(error, row)))
            continue
        sensors.add(sensor)
        for column in columns:
            try:
                reading = _build_reading(row, column, sensor, time, mapping)
            except (ValueError, IndexError) as error:
                refused.append(Refused(line=line, reason=explain_row(error, row)))
                continue
            if reading is not None:
                readings.append(reading)
    return SensorFile(
        format="csv",
        sensors=tuple(_describe(name, mapping.sensor) for name in sorted(sensors)),
        readings=tuple(readings),
        refused=tuple(refused),
    )


def _read_rows(
    text: str, path: PurePath, mapping: Mapping
) -> Iterator[tuple[int, list[str]]]:
    lines = io.StringIO(text, newline=None)
    for _ in range(mapping.skip_lines):
        lines.readline()
    reader = csv.reader(lines, delimiter=mapping.delimiter)
    try:
        for row in reader:
            yield reader.line_num + mapping.skip_lines, row
    except csv.Error as error:
        raise DataError(
            path,
            f"line {reader.line_num + mapping.skip_lines} is no CSV ({error})",
            "save the table as plain CSV",
        ) from error


def _build_reading(
    row: Line, column: _Column, sensor: str, time: datetime, mapping: Mapping
) -> Reading | None:
    cell = column.value(row)
    if not cell:
        return None
    value: float | None = None
    if cell not in mapping.missing:
        value = _number(cell, mapping.decimal)
    if value is not None:
        value = column.convert(row, value)
    return Reading(
        sensor=sensor,
        time=time,
        variable=column.variable(row),
        depth_m=column.depth(row),
        value=value,
        quality=Quality.GOOD if value is not None else Quality.MISSING,
    )


def _number(cell: str, decimal: str) -> float | None:
    """Read a number; ``None`` for NaN, which is an error value everywhere."""
    if decimal != ".":
        if "." in cell:
            raise ValueError(f"{cell!r} has a point, but decimal is {decimal!r}")
        cell = cell.replace(decimal, ".")
    value = float(cell)
    if math.isinf(value):
        raise ValueError(f"{cell!r} is not finite")
    return None if math.isnan(value) else value


def _resolve(section: ValueSection, headings: Sequence[str], path: PurePath) -> _Column:
    read_variable = _resolve_variable(section, headings, path)
    return _Column(
        value=find_column(section.column, headings, path),
        variable=read_variable,
        convert=_resolve_conversion(section, read_variable, headings, path),
        depth=_resolve_depth(section, headings, path),
    )


def _resolve_variable(
    section: ValueSection, headings: Sequence[str], path: PurePath
) -> Callable[[Line], Variable]:
    if section.variable is not None:
        fixed = section.variable
        return lambda _row: fixed
    cell = find_column(section.variable_column or "", headings, path)
    return lambda row: Variable(cell(row))


def _resolve_conversion(
    section: ValueSection,
    read_variable: Callable[[Line], Variable],
    headings: Sequence[str],
    path: PurePath,
) -> Callable[[Line, float], float]:
    if section.unit_column is None and section.variable is not None:
        factor, offset = resolve_unit(section.unit, section.variable)
        return lambda _row, value: convert(value, factor, offset)
    cell: Cell = lambda _row: section.unit  # noqa: E731
    if section.unit_column is not None:
        cell = find_column(section.unit_column, headings, path)

    def read(row: Line, value: float) -> float:
        try:
            factor, offset = resolve_unit(cell(row), read_variable(row))
        except ConfigurationError as error:  # of one row: the others may be sound
            raise ValueError(f"{error.where} {error.problem}") from error
        return convert(value, factor, offset)

    return read


def _resolve_depth(
    section: ValueSection, headings: Sequence[str], path: PurePath
) -> Callable[[Line], float | None]:
    if section.depth_column is None:
        return lambda _row: section.depth_m
    cell = find_column(section.depth_column, headings, path)
    metres = DEPTHS[section.depth_unit]

    def depth(row: Line) -> float | None:
        number = _number(written, ".") if (written := cell(row)) else None
        return None if number is None else round(number * metres, 4)

    return depth


def _build_naming(
    section: SensorSection, headings: Sequence[str], path: PurePath
) -> Cell:
    if section.id_column is None:
        return lambda _row: section.id
    find = find_column(section.id_column, headings, path)

    def read(row: Line) -> str:
        name = find(row)
        if not name:
            raise ValueError("no sensor id")
        return name

    return read


def _describe(name: str, section: SensorSection) -> Sensor:
    return Sensor(
        id=name,
        name=section.name or name,
        longitude=section.longitude,
        latitude=section.latitude,
        elevation=section.elevation,
        simulated=section.simulated,
    )


def _build_clock(
    mapping: Mapping, headings: Sequence[str], path: PurePath
) -> Callable[[Line], datetime]:
    section = mapping.time
    columns = section.column if isinstance(section.column, tuple) else (section.column,)
    cells = [find_column(column, headings, path) for column in columns]
    zone = resolve_timezone(mapping.timezone, path) if mapping.timezone else None

    def read(row: Line) -> datetime:
        written = " ".join(cell(row) for cell in cells)
        time = _parse_time(written, section.format)
        if time.tzinfo is None:
            if zone is None:
                raise ConfigurationError(
                    path,
                    f"time {written!r} has no time zone",
                    'state it in the mapping, timezone = "+08:00"',
                )
            time = _place(time, zone, written)
        try:
            return time.astimezone(UTC)
        except OverflowError as error:  # the first and the last hours of all
            raise ValueError(f"time {written!r} cannot be read") from error

    return read


def _parse_time(written: str, layout: str) -> datetime:
    try:
        if layout in {"unix", "unix_ms"}:
            seconds = float(written) / (1000 if layout == "unix_ms" else 1)
            return datetime.fromtimestamp(seconds, UTC)
        if layout:
            return datetime.strptime(written, layout)  # noqa: DTZ007  placed later
        return datetime.fromisoformat(written)
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(f"time {written!r} cannot be read") from error


def _place(time: datetime, zone: tzinfo, written: str) -> datetime:
    early, late = time.replace(tzinfo=zone), time.replace(tzinfo=zone, fold=1)
    if early.utcoffset() != late.utcoffset():
        raise ValueError(f"time {written!r} is twice or never in this time zone")
    return early
