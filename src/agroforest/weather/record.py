"""What reading weather gives."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from agroforest.core.risk import EPOCH
from agroforest.core.weather import Field, NoonWeather


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A row that was set aside.

    Attributes
    ----------
    line
        Of the file, from 1.
    day
        ISO date, where it could be read.
    reason
        Why, with the offending value.
    """

    line: int
    day: str | None
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Station:
    """A place where weather is measured.

    Attributes
    ----------
    id
        As the file names it; the file's own name unless it does.
    longitude, latitude
        WGS84 degrees; ``None`` where the file does not say.
    elevation
        Metres; ``None`` where the file does not say.
    """

    id: str
    longitude: float | None = None
    latitude: float | None = None
    elevation: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StationSeries:
    """Noon weather of one station, day by day.

    Attributes
    ----------
    station
        Where.
    days
        ``(n,)`` int64, rising, each once: days since 1970-01-01.
    temperature, humidity, wind, rain
        ``(n,)`` float64, in the units of `NoonWeather`; never NaN.
    forecast
        ``(n,)`` bool, True for days that had not happened yet.
    rows
        Rows that the file has of this station.
    refused
        Rows set aside; the rest is used.
    notes
        What looks odd without being wrong.
    """

    station: Station
    days: NDArray[np.int64]
    temperature: Field = field(repr=False)
    humidity: Field = field(repr=False)
    wind: Field = field(repr=False)
    rain: Field = field(repr=False)
    forecast: NDArray[np.bool_] = field(repr=False)
    rows: int
    refused: tuple[Refused, ...] = field(repr=False)
    notes: tuple[str, ...] = ()

    def patch(self, **changes: object) -> "StationSeries":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[NoonWeather]:
        """Weather of each day, shape ``()``."""
        for i, day in enumerate(self.days.tolist()):
            yield NoonWeather(
                day=day,
                temperature=self.temperature[i : i + 1].reshape(()),
                humidity=self.humidity[i : i + 1].reshape(()),
                wind=self.wind[i : i + 1].reshape(()),
                rain=self.rain[i : i + 1].reshape(()),
                forecast=bool(self.forecast[i]),
            )

    def find(self, day: int) -> int | None:
        """Place of a day in the arrays, ``None`` if it is not there."""
        at = int(np.searchsorted(self.days, day))
        found = at < len(self.days) and int(self.days[at]) == day
        return at if found else None

    @property
    def gaps(self) -> tuple[tuple[date, date], ...]:
        """First and last day of each run of missing days, in order."""
        breaks = np.flatnonzero(np.diff(self.days) > 1)
        return tuple(
            (
                EPOCH + timedelta(days=int(self.days[i]) + 1),
                EPOCH + timedelta(days=int(self.days[i + 1]) - 1),
            )
            for i in breaks
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class GriddedWeather:
    """Noon weather at the cells or points of a file, day by day.

    Attributes
    ----------
    source
        The file.
    dims
        Names of the cell dimensions, ``("latitude", "longitude")`` or ``("point",)``.
    days
        ``(n,)`` int64, rising, each once: days since 1970-01-01.
    latitude, longitude
        WGS84 degrees: ``(y,)`` and ``(x,)`` of a grid, ``(point,)`` each of points.
    temperature, humidity, wind, rain
        ``(n, …)`` float64 in the units of `NoonWeather`; NaN is missing.
    forecast
        ``(n,)`` bool.
    refused
        By name of what was wrong, numbers of cell-days made NaN for it.
    notes
        What was decided on the way, for people.
    """

    source: str
    dims: tuple[str, ...]
    days: NDArray[np.int64]
    latitude: NDArray[np.float64] = field(repr=False)
    longitude: NDArray[np.float64] = field(repr=False)
    temperature: Field = field(repr=False)
    humidity: Field = field(repr=False)
    wind: Field = field(repr=False)
    rain: Field = field(repr=False)
    forecast: NDArray[np.bool_] = field(repr=False)
    refused: dict[str, int]
    notes: tuple[str, ...] = ()

    @property
    def is_grid(self) -> bool:
        """True for rows and columns, False for a list of points."""
        return len(self.dims) == 2

    def cell_latitude(self) -> Field:
        """Latitude of each cell, in the shape of a day."""
        if self.is_grid:
            shape = (len(self.latitude), len(self.longitude))
            return np.ascontiguousarray(np.broadcast_to(self.latitude[:, None], shape))
        return self.latitude

    def __iter__(self) -> Iterator[NoonWeather]:
        """Weather of each day."""
        for i, day in enumerate(self.days.tolist()):
            yield NoonWeather(
                day=day,
                temperature=self.temperature[i],
                humidity=self.humidity[i],
                wind=self.wind[i],
                rain=self.rain[i],
                forecast=bool(self.forecast[i]),
            )
