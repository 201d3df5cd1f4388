"""Station files: one noon a day, odd rows set aside by name."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.risk import epoch_day
from agroforest.weather.checks import DRIEST, ROUNDING, explain_row, find_notes
from agroforest.weather.mapping import Mapping, read_mapping
from agroforest.weather.noon import find_noons, norm_daily
from agroforest.weather.record import Refused, StationSeries
from agroforest.weather.table import Row, Rows, read_rows


def read_stations(
    path: Path, *, mapping: Path | Mapping | None = None
) -> tuple[StationSeries, ...]:
    """Read a table of weather.

    Parameters
    ----------
    path
        CSV of one or more stations; see `agroforest.weather.table` for the headings
        that need no mapping.
    mapping
        TOML that says what the columns mean; see `agroforest.weather.mapping`.

    Returns
    -------
    tuple of StationSeries
        One a station. A row that cannot be used is set aside with its line and
        reason: an unreadable or missing number, a value that cannot be, a date given
        before (the first one is kept).

    Raises
    ------
    ConfigurationError
        A column that is not there, a unit that is not known, several times of day
        without saying which is noon.
    DataError
        The file is no table, or a station has no usable row.
    """
    meant = read_mapping(mapping) if isinstance(mapping, Path) else mapping
    found = read_rows(path, meant)
    if not found:
        raise DataError(path, "has headings and no rows", "give weather")
    return tuple(_build(rows, meant, path) for rows in found)


def read_station(
    path: Path, *, mapping: Path | Mapping | None = None, station: str | None = None
) -> StationSeries:
    """Read the weather of one station.

    Parameters
    ----------
    path, mapping
        As for `read_stations`.
    station
        Its id, where the file has several.

    Raises
    ------
    ConfigurationError
        If the file has several stations and none, or another, is named.
    """
    found = read_stations(path, mapping=mapping)
    names = [series.station.id for series in found]
    if station is not None:
        if station not in names:
            raise ConfigurationError(
                path, f"has no station {station!r}", f"it has {', '.join(names)}"
            )
        return found[names.index(station)]
    if len(found) > 1:
        raise ConfigurationError(
            path, f"has {len(found)} stations", f"choose one: {', '.join(names)}"
        )
    return found[0]


@dataclass(slots=True)
class _Days:
    """Good rows by day, and what was set aside."""

    kept: dict[date, Row] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)

    def set_aside(self, row: Row, reason: str) -> None:
        self.refused.append(
            Refused(line=row.line, day=row.day.isoformat(), reason=reason)
        )


def _build(found: Rows, mapping: Mapping | None, path: Path) -> StationSeries:
    if mapping is not None and mapping.noon is not None:
        daily, refused = find_noons(found.rows, mapping.noon)
    else:
        daily, refused = norm_daily(found.rows, where=path), []
    daily, notes = _round(daily)
    days = _judge(daily)
    refused = sorted([*found.refused, *refused, *days.refused], key=lambda r: r.line)
    if not days.kept:
        raise DataError(path, *_explain_nothing(refused))
    rows = [days.kept[day] for day in sorted(days.kept)]
    wind = np.array([row.wind for row in rows])
    return StationSeries(
        station=found.station,
        days=np.array([epoch_day(row.day) for row in rows], dtype=np.int64),
        temperature=np.array([row.temperature for row in rows]),
        humidity=np.array([row.humidity for row in rows]),
        wind=wind,
        rain=np.array([row.rain for row in rows]),
        forecast=np.array([row.forecast for row in rows], dtype=np.bool_),
        rows=len(found.rows) + len(found.refused),
        refused=tuple(refused),
        notes=(*notes, *find_notes(wind)),
    )


def _round(rows: Sequence[Row]) -> tuple[list[Row], tuple[str, ...]]:
    """Take humidity that is above 100 by rounding alone as 100, and say so."""
    over = [100.0 < row.humidity <= 100.0 + ROUNDING for row in rows]
    rounded = [
        row.patch(humidity=100.0) if high else row
        for row, high in zip(rows, over, strict=True)
    ]
    note = f"humidity up to {100 + ROUNDING:g} % is taken as 100: {sum(over)} rows"
    return rounded, (note,) if any(over) else ()


def _judge(rows: Sequence[Row]) -> _Days:
    """Sort rows into good days and others."""
    days = _Days()
    # One fraction in the column: its ones are saturated air, not one percent.
    fractions = any(0 < row.humidity < DRIEST for row in rows)
    for row in rows:
        reason = explain_row(
            temperature=row.temperature,
            humidity=row.humidity,
            wind=row.wind,
            rain=row.rain,
        )
        if reason is None and fractions and row.humidity == DRIEST:
            reason = "humidity 1 % among fractions: a fraction?"
        if reason is not None:
            days.set_aside(row, reason)
        elif row.day in days.kept:
            first = days.kept[row.day]
            same = row.patch(line=first.line) == first
            other = "" if same else ", with other values"
            days.set_aside(row, f"date given before, in line {first.line}{other}")
        else:
            days.kept[row.day] = row
    return days


def _explain_nothing(refused: Sequence[Refused]) -> tuple[str, str]:
    """Problem and remedy of a station without a good row."""
    if not refused:
        return "has no row at noon", "give weather at noon"
    first = refused[0]
    problem = f"has no usable row: all {len(refused)} were set aside, the first "
    problem += f"(line {first.line}) because: {first.reason}"
    return problem, "declare the units in a mapping, see docs/fire.md"
