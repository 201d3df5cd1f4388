"""Daily weather of stations, for the soil's water: highs, lows, humidity, sun, rain."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agroforest.core.config import read_settings
from agroforest.core.errors import DataError
from agroforest.core.field import DailyWeather
from agroforest.core.risk import epoch_day
from agroforest.core.table import Line, explain_row, find_column, read_text
from agroforest.core.weather import find_saturation
from agroforest.weather.checks import COLDEST, WARMEST, WETTEST
from agroforest.weather.daily_mapping import QUANTITIES, DailyMapping, find_mapping
from agroforest.weather.record import Refused, Station
from agroforest.weather.table import (
    NOTHING,
    build_forecast,
    build_station,
    parse_time,
    split_lines,
    tidy,
)
from agroforest.weather.units import resolve_unit

_KMH = 3.6  # km/h in a m/s
#: What cannot be: of the planet, a little widened. Sun at most that above the air at
#: the equator; no lysimeter has measured 20 mm of evapotranspiration in a day.
_LIMITS = {
    "t_max": (COLDEST, WARMEST),
    "t_min": (COLDEST, WARMEST),
    "dew_point": (COLDEST, WARMEST),
    "rh_max": (0.0, 100.5),
    "rh_min": (0.0, 100.5),
    "rh_mean": (0.0, 100.5),
    "wind": (0.0, 80.0),
    "radiation": (0.0, 45.0),
    "sunshine": (0.0, 24.0),
    "rain": (0.0, WETTEST),
    "reference_et": (0.0, 20.0),
}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DailySeries:
    """Daily weather of one station.

    Attributes
    ----------
    station
        Where.
    weather
        Rising days; NaN is missing. Vapour pressure comes from the mean humidity
        where nothing better was measured.
    sunshine
        ``(days,)`` float64, hours; NaN is missing.
    forecast
        ``(days,)`` bool, True for days that had not happened.
    refused
        Rows set aside; the rest is used.
    """

    station: Station
    weather: DailyWeather = field(repr=False)
    sunshine: NDArray[np.float64] = field(repr=False)
    forecast: NDArray[np.bool_] = field(repr=False)
    refused: tuple[Refused, ...] = field(repr=False)


def read_daily(
    path: Path, *, mapping: Path | DailyMapping | None = None
) -> tuple[DailySeries, ...]:
    """Read a table of daily weather.

    Parameters
    ----------
    path
        CSV of one or more stations.
    mapping
        What its columns mean; see the module.

    Returns
    -------
    tuple of DailySeries
        One a station. A row that cannot be is set aside with its line and reason.

    Raises
    ------
    ConfigurationError
        A column that is not there, a unit that is not known.
    DataError
        The file is no table, or holds no usable row.
    """
    meant = (
        read_settings(mapping, DailyMapping, manual="docs/soil-and-water.md")
        if isinstance(mapping, Path)
        else mapping
    )
    encoding = meant.encoding if meant is not None else "utf-8-sig"
    text = read_text(path, encoding, otherwise="give a CSV")
    lines = split_lines(text, path, meant)
    _, headings = next(lines, (0, []))
    headings = [heading.strip() for heading in headings]
    if not any(headings):
        raise DataError(path, "is empty", "give a table with headings")
    meant = meant or find_mapping(headings, path)
    found = _Reader(meant, headings, path).read(lines)
    if not any(one.days for one in found.values()):
        raise DataError(path, *_explain_nothing(found.values()))
    return tuple(_build(one, meant) for one in found.values() if one.days)


@dataclass(slots=True)
class _Rows:
    """Good rows of a station by day, and what was set aside."""

    station: Station
    days: dict[date, dict[str, float]] = field(default_factory=dict)
    forecast: dict[date, bool] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)


class _Reader:
    """Reads rows of one table; all columns are looked up once."""

    def __init__(
        self, mapping: DailyMapping, headings: Sequence[str], path: Path
    ) -> None:
        self._mapping, self._path = mapping, path
        time = mapping.time.column
        columns = time if isinstance(time, tuple) else (time,)
        self._time = [find_column(column, headings, path) for column in columns]
        self._values = {
            name: (
                find_column(section.column, headings, path),
                resolve_unit(
                    section.unit,
                    QUANTITIES[name][0],
                    where=f"{path}: {section.column}",
                ),
            )
            for name, section in mapping.columns().items()
        }
        self._station = build_station(mapping.station, headings, path)
        self._forecast = build_forecast(mapping.forecast, headings, path)

    def read(self, lines: Iterator[tuple[int, list[str]]]) -> dict[str, _Rows]:
        found: dict[str, _Rows] = {}
        for line, row in lines:
            if any(cell.strip() for cell in row):
                self._add(line, row, found)
        return found

    def _add(self, line: int, row: Line, found: dict[str, _Rows]) -> None:
        day: date | None = None
        station = Station(id=self._path.stem)
        try:
            station = self._station(row)
            written = "-".join(cell(row) for cell in self._time)
            day = parse_time(written, self._mapping.time.format).date()
            values = self._numbers(row)
        except (ValueError, IndexError) as error:
            reason: str | None = explain_row(error, row)
        else:
            reason = _find_fault(values)
            rows = found.setdefault(station.id, _Rows(station=station))
            if reason is None and day in rows.days:
                reason = "date given before"
            if reason is None:
                rows.days[day] = values
                rows.forecast[day] = self._forecast(row, day)
                return
        rows = found.setdefault(station.id, _Rows(station=station))
        named = None if day is None else day.isoformat()
        rows.refused.append(Refused(line=line, day=named, reason=reason or ""))

    def _numbers(self, row: Line) -> dict[str, float]:
        values = {}
        for name, (cell, (factor, offset)) in self._values.items():
            value = tidy(self._number(name, cell(row)) * factor + offset)
            values[name] = tidy(value / _KMH) if name == "wind" else value
        return values

    def _number(self, name: str, cell: str) -> float:
        if cell.casefold() in NOTHING or cell in self._mapping.missing:
            return math.nan
        decimal = self._mapping.decimal
        try:
            return float(cell.replace(decimal, ".") if decimal != "." else cell)
        except ValueError:
            raise ValueError(f"{name} {cell!r} is no number") from None


def _find_fault(values: dict[str, float]) -> str | None:
    """Say why a row cannot be, ``None`` if it can; what is missing is no fault."""
    for name, value in values.items():
        low, high = _LIMITS[name]
        if math.isinf(value) or value < low or value > high:
            unit = QUANTITIES[name][1]
            return f"{name} {value:g} {unit} cannot be: another unit?"
    high, low = values.get("t_max", math.nan), values.get("t_min", math.nan)
    if high < low:
        return f"t_max {high:g} °C is below t_min {low:g} °C"
    if all(math.isnan(value) for value in values.values()):
        return "holds no number"
    return None


def _build(found: _Rows, mapping: DailyMapping) -> DailySeries:
    order = sorted(found.days)
    nothing = np.full(len(order), np.nan)
    columns = {
        name: np.array([found.days[day][name] for day in order])
        for name in mapping.columns()
    }

    def column(name: str) -> NDArray[np.float64]:
        return columns.get(name, nothing)

    station = found.station
    weather = DailyWeather(
        days=np.array([epoch_day(day) for day in order], dtype=np.int64),
        t_max=column("t_max"),
        t_min=column("t_min"),
        radiation=column("radiation"),
        vapour=_find_vapour(columns, nothing),
        dew_point=column("dew_point"),
        rh_max=column("rh_max"),
        rh_min=column("rh_min"),
        wind=column("wind"),
        rain=column("rain"),
        reference_et=column("reference_et"),
        latitude=math.nan if station.latitude is None else station.latitude,
        elevation=math.nan if station.elevation is None else station.elevation,
        wind_height=2.0 if mapping.wind is None else mapping.wind.height,
    )
    return DailySeries(
        station=station,
        weather=weather,
        sunshine=column("sunshine"),
        forecast=np.array([found.forecast[day] for day in order], dtype=np.bool_),
        refused=tuple(found.refused),
    )


def _find_vapour(
    columns: dict[str, NDArray[np.float64]], nothing: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Vapour pressure by the mean humidity, kPa, where dew point or both ends lack.

    FAO-56 Eq. 19: the mean humidity of the saturation pressures of high and low.
    """
    if not {"rh_mean", "t_max", "t_min"} <= set(columns):
        return nothing
    known = np.isfinite(columns.get("dew_point", nothing))
    ends = (columns.get(name, nothing) for name in ("rh_max", "rh_min"))
    known |= np.all([np.isfinite(end) for end in ends], axis=0)
    mean = find_saturation(columns["t_max"]) + find_saturation(columns["t_min"])
    return np.where(known, np.nan, columns["rh_mean"] / 100.0 * mean / 2.0)


def _explain_nothing(found: Iterable[_Rows]) -> tuple[str, str]:
    refused = [one for rows in found for one in rows.refused]
    if not refused:
        return "has headings and no rows", "give weather"
    first = refused[0]
    problem = f"has no usable row: all {len(refused)} were set aside, the first "
    problem += f"(line {first.line}) because: {first.reason}"
    return problem, "declare the units in a mapping, see docs/soil-and-water.md"
