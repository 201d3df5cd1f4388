"""Weather of stations or of a grid, on the cells.

The classes of the fire weather index are those of the place itself: they are found at
the stations, or at the cells of the source, and each speaks for the cells around it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError
from agroforest.core.risk import epoch_day
from agroforest.core.weather import NoonWeather
from agroforest.fire.cells import Cells
from agroforest.fire.rank import find_limits
from agroforest.indices.fire_weather import Codes, step
from agroforest.indices.fire_weather.classes import DangerClasses
from agroforest.weather import (
    StationSeries,
    build_network,
    place,
    read_gridded,
    read_stations,
)
from agroforest.weather.network import REACH_KM

Floats = NDArray[np.float64]

_GRIDS = {".nc", ".nc4", ".cdf", ".zarr"}


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherFile:
    """A file of weather, and how it is to be read.

    Attributes
    ----------
    path
        CSV of stations, NetCDF or Zarr of a grid.
    mapping
        TOML of a table's columns; see `agroforest.weather.mapping`.
    source
        Maker of a grid of several times a day.
    utc_offset
        Of a grid's noon; by longitude unless given.
    forecast_from
        First day that had not happened.
    """

    path: Path
    mapping: Path | None = None
    source: str | None = None
    utc_offset: float | None = None
    forecast_from: date | None = None

    def patch(self, **changes: object) -> "WeatherFile":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CellWeather:
    """Weather that can be had on the cells.

    Attributes
    ----------
    cells
        Where.
    days
        ``(n,)`` int64, rising: days that any place has.
    forecast
        ``(n,)`` bool, True for days that had not happened.
    bring
        Gives the weather of a day on the cells, ``(y, x)``.
    past
        Weather at the source's own places, ``(place,)``, in order of days.
    place_latitude
        ``(place,)`` degrees.
    nearest
        ``(y, x)`` int, the place that speaks for each cell.
    notes
        What was decided, and what was set aside.
    """

    cells: Cells
    days: NDArray[np.int64]
    forecast: NDArray[np.bool_]
    bring: Callable[[int], NoonWeather] = field(repr=False)
    past: Callable[[], Iterator[NoonWeather]] = field(repr=False)
    place_latitude: Floats = field(repr=False)
    nearest: NDArray[np.intp] = field(repr=False)
    notes: tuple[str, ...] = ()

    def find_classes(self, until: date | None = None) -> tuple[DangerClasses, str]:
        """Limits of the classes at the source's places, from the days that happened.

        Parameters
        ----------
        until
            Last day that counts; all unless given.

        Returns
        -------
        tuple
            As `agroforest.fire.rank.find_limits`.
        """
        values, days = [], []
        codes: Codes | None = None
        for today in self.past():
            if today.forecast or (until is not None and today.date > until):
                continue
            if codes is None:
                codes = Codes.start(today.shape, day=today.day - 1)
            codes, found = step(codes, today, latitude=self.place_latitude)
            values.append(found.fwi)
            days.append(today.day)
        return find_limits(np.array(values), np.array(days, dtype=np.int64))

    def spread(self, limits: DangerClasses) -> DangerClasses:
        """Limits of the places brought to the cells that they speak for."""
        if limits.limits.ndim == 1:
            shape = (-1, *([1] * len(self.cells.grid.shape)))
            return replace(limits, limits=limits.limits.reshape(shape))
        return replace(limits, limits=limits.limits[:, self.nearest])


def open_weather(
    file: WeatherFile, cells: Cells, *, elevation: Floats | None = None
) -> CellWeather:
    """Read a file of weather for the cells.

    Parameters
    ----------
    file
        What to read.
    cells
        Where to bring it.
    elevation
        ``(y, x)`` metres, for stations; see `place_stations`.

    Raises
    ------
    ConfigurationError, DataError
        As the readers of `agroforest.weather`; or it does not cover the cells.
    """
    if file.path.suffix.casefold() in _GRIDS or file.path.is_dir():
        return _open_grid(file, cells)
    series = read_stations(file.path, mapping=file.mapping)
    return place_stations(
        series, cells, elevation=elevation, forecast_from=file.forecast_from
    )


def place_stations(
    series: Sequence[StationSeries],
    cells: Cells,
    *,
    elevation: Floats | None = None,
    forecast_from: date | None = None,
) -> CellWeather:
    """Bring stations to the cells.

    Parameters
    ----------
    series
        A single one without coordinates is taken to lie in the middle of the cells.
    cells
        Where.
    elevation
        ``(y, x)`` metres; temperature then falls with height. Not used unless every
        station has its own elevation.
    forecast_from
        First day that had not happened; the table's own unless given.

    Raises
    ------
    ConfigurationError
        One of several stations has no coordinates.
    """
    notes = [f"station {s.station.id}: {note}" for s in series for note in s.notes]
    for one in series:
        if one.refused:
            first = one.refused[0]
            notes.append(
                f"station {one.station.id}: {len(one.refused)} rows set aside, the "
                f"first in line {first.line}: {first.reason}"
            )
    series = _settle_places(series, cells, notes)
    if forecast_from is not None:
        first_day = epoch_day(forecast_from)
        series = [s.patch(forecast=s.forecast | (s.days >= first_day)) for s in series]
    if elevation is not None and any(s.station.elevation is None for s in series):
        notes.append("a station has no elevation: temperature is not led up slopes")
        elevation = None
    network = build_network(series, cells.grid, terrain=elevation)
    days = np.unique(np.concatenate([s.days for s in series]))
    flags = np.zeros(len(days), dtype=np.bool_)
    for one in series:
        flags[np.searchsorted(days, one.days)] |= one.forecast
    latitude = np.array([s.station.latitude or 0.0 for s in series])
    xx, yy = cells.grid.x_centres()[None, :], cells.grid.y_centres()[:, None]
    square = (xx[..., None] - network.x) ** 2 + (yy[..., None] - network.y) ** 2
    weather = CellWeather(
        cells=cells,
        days=days,
        forecast=flags,
        bring=network.bring,
        past=lambda: _at_stations(series, days),
        place_latitude=latitude,
        nearest=np.argmin(square, axis=-1),
        notes=tuple(notes),
    )
    reach = square[cells.inside].min() ** 0.5 / 1000.0
    if reach > REACH_KM:
        raise ConfigurationError(
            "weather stations",
            f"the nearest is {reach:.0f} km from the area, {REACH_KM:g} km is the most",
            "give weather of the area",
        )
    return weather


def _settle_places(
    series: Sequence[StationSeries], cells: Cells, notes: list[str]
) -> list[StationSeries]:
    """Put a single station without coordinates into the middle of the cells."""
    if len(series) != 1 or series[0].station.longitude is not None:
        return list(series)
    only = series[0]
    middle = cells.area.representative_point()
    notes.append(
        f"station {only.station.id} has no coordinates: taken to be in the area"
    )
    station = replace(only.station, longitude=middle.x, latitude=middle.y)
    return [only.patch(station=station)]


def _at_stations(
    series: Sequence[StationSeries], days: NDArray[np.int64]
) -> Iterator[NoonWeather]:
    """Weather of every day at the stations, ``(station,)``; NaN where one has none."""
    shape = (len(days), len(series))
    fields = {n: np.full(shape, np.nan) for n in _FIELDS}
    forecast = np.zeros(len(days), dtype=np.bool_)
    for column, one in enumerate(series):
        at = np.searchsorted(days, one.days)
        for name, values in fields.items():
            values[at, column] = getattr(one, name)
        forecast[at] |= one.forecast
    for row, day in enumerate(days.tolist()):
        today = {name: values[row] for name, values in fields.items()}
        yield NoonWeather(day=day, forecast=bool(forecast[row]), **today)


_FIELDS = ("temperature", "humidity", "wind", "rain")


def _open_grid(file: WeatherFile, cells: Cells) -> CellWeather:
    weather = read_gridded(
        file.path,
        source=file.source,
        utc_offset=file.utc_offset,
        forecast_from=file.forecast_from,
    )
    found = place(weather, cells.grid)
    by_day = dict(zip(weather.days.tolist(), range(len(weather.days)), strict=True))
    days = list(weather)
    rows, columns = found.shape
    with np.errstate(invalid="ignore"):
        row = np.clip(np.nan_to_num(np.rint(found.row)), 0, rows - 1).astype(np.intp)
        column = np.clip(np.nan_to_num(np.rint(found.column)), 0, columns - 1)
    flat = row * columns + column.astype(np.intp)
    used, nearest = np.unique(flat[cells.inside], return_inverse=True)
    where = np.zeros(cells.grid.shape, dtype=np.intp)
    where[cells.inside] = nearest
    notes = [f"{file.path}: {p}: {n} times" for p, n in weather.refused.items()]
    return CellWeather(
        cells=cells,
        days=weather.days,
        forecast=weather.forecast,
        bring=lambda day: found.bring(days[by_day[day]]),
        past=lambda: (_pick(today, used) for today in days),
        place_latitude=weather.cell_latitude().ravel()[used],
        nearest=where,
        notes=(*weather.notes, *notes),
    )


def _pick(today: NoonWeather, used: NDArray[np.intp]) -> NoonWeather:
    return today.patch(**{n: getattr(today, n).ravel()[used] for n in _FIELDS})
