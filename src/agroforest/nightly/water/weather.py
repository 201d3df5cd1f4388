"""Weather of the parcels: what was measured up to a night, and what is forecast."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from shapely.geometry.base import BaseGeometry

from agroforest.core.config import WaterSection
from agroforest.core.errors import AgroforestError
from agroforest.core.identity import digest
from agroforest.core.risk import epoch_day
from agroforest.nightly.water.sunshine import find_radiation
from agroforest.water import FieldDay
from agroforest.water.notices import TemperatureDay
from agroforest.water.reference import find_day_of_year
from agroforest.water.season import build_days
from agroforest.weather.daily import DailySeries, read_daily
from agroforest.weather.record import Refused, Station

#: Chinese and English.
Words = tuple[str, str]

_NIGHT = "{night}"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SkyDay:
    """A day at a station: what the balance takes from it, and its temperatures.

    Attributes
    ----------
    field
        Weather of `FieldDay`; no irrigation, no canopy.
    low, high
        °C, ``None`` where not measured.
    """

    field: FieldDay
    low: float | None = None
    high: float | None = None

    @property
    def known(self) -> bool:
        """Whether evapotranspiration and rain are."""
        return bool(np.isfinite(self.field.eto) and np.isfinite(self.field.rain))

    def fingerprint(self) -> str:
        """Digest of the numbers."""
        one = self.field
        numbers = (one.eto, one.rain, one.wind, one.humidity)
        return digest(*(float(v).hex() for v in numbers), self.low, self.high)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sky:
    """Weather of one station as a night knows it.

    Attributes
    ----------
    station
        Where.
    days
        Measured, by day since 1970-01-01, up to the night.
    ahead
        Forecast, by day, after the night.
    """

    station: Station
    days: Mapping[int, SkyDay] = field(repr=False)
    ahead: Mapping[int, SkyDay] = field(repr=False)

    @property
    def first(self) -> int | None:
        """First day measured."""
        return min(self.days, default=None)

    def find(self, day: int) -> SkyDay:
        """Find the weather of a day; NaN where nothing was measured."""
        nothing = FieldDay(day=day, eto=math.nan, rain=math.nan)
        return self.days.get(day) or SkyDay(field=nothing)

    def find_ahead(self, night: int, days: int) -> list[SkyDay]:
        """Find the days forecast after a night, up to the first that is missing."""
        found = []
        for day in range(night + 1, night + 1 + days):
            one = self.ahead.get(day)
            if one is None or not one.known:
                break
            found.append(one)
        return found

    def tell_temperatures(self, night: int, days: int) -> list[TemperatureDay]:
        """Temperatures of the night's day and of those forecast."""
        known = [(night, self.find(night), False)]
        ahead = self.find_ahead(night, days)
        known += [(one.field.day, one, True) for one in ahead]
        return [
            TemperatureDay(
                day=date(1970, 1, 1) + timedelta(days=day),
                air_low=one.low,
                air_high=one.high,
                forecast=forecast,
            )
            for day, one, forecast in known
        ]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Skies:
    """Weather of all stations as a night knows it.

    Attributes
    ----------
    skies
        One a station.
    notes
        What is missing, in two languages.
    refused
        Rows set aside, of the file of what was measured.
    """

    skies: tuple[Sky, ...]
    notes: tuple[Words, ...] = ()
    refused: tuple[Refused, ...] = ()

    def over(self, place: BaseGeometry) -> Sky:
        """Find the station nearest to a place; the first where none says where it is.

        Degrees are compared with longitudes shortened by the latitude: enough to
        choose between stations.
        """
        centre = place.centroid

        def distance(sky: Sky) -> float:
            there = sky.station
            if there.longitude is None or there.latitude is None:
                return math.inf
            east = (there.longitude - centre.x) * math.cos(math.radians(centre.y))
            return math.hypot(east, there.latitude - centre.y)

        return min(self.skies, key=distance)


class WeatherDesk:
    """Reads the weather of one night after another; a file only when it changed.

    Parameters
    ----------
    settings
        Say where it is.
    latitude
        Degrees north, of stations that do not say theirs.
    """

    def __init__(self, settings: WaterSection, *, latitude: float) -> None:
        self._settings, self._latitude = settings, latitude
        self._known: dict[tuple[str, int, int], tuple[DailySeries, ...]] = {}

    def look(self, night: date) -> Skies:
        """Look for what a night may know: nothing that came after it.

        Raises
        ------
        ConfigurationError, DataError
            The weather cannot be read. A forecast that cannot is a note.
        """
        path = self._settings.weather
        if path is None:
            raise ValueError("water is watched without weather")  # settings refuse it
        series = self._read(path)
        coming, notes = self._read_forecast(night)
        last = epoch_day(night)
        skies = []
        for one in series:
            days = self._build(one)
            happened = set(one.weather.days[~one.forecast].tolist())
            ahead = {d: s for d, s in days.items() if d > last and d not in happened}
            for other in coming:
                if len(coming) == 1 or other.station.id == one.station.id:
                    newer = self._build(other).items()
                    ahead |= {d: s for d, s in newer if d > last}
            skies.append(
                Sky(
                    station=one.station,
                    days={d: days[d] for d in sorted(happened) if d <= last},
                    ahead=ahead,
                )
            )
        return Skies(
            skies=tuple(skies),
            notes=notes,
            refused=tuple(row for one in series for row in one.refused),
        )

    def _read(self, path: Path) -> tuple[DailySeries, ...]:
        try:
            stat = path.stat()
        except OSError:
            return read_daily(path, mapping=self._settings.mapping)  # which says why
        key = (str(path), stat.st_size, stat.st_mtime_ns)
        if key not in self._known:
            self._known = {k: v for k, v in self._known.items() if k[0] != str(path)}
            self._known[key] = read_daily(path, mapping=self._settings.mapping)
        return self._known[key]

    def _read_forecast(
        self, night: date
    ) -> tuple[Sequence[DailySeries], tuple[Words, ...]]:
        if not self._settings.forecast:
            return (), ()
        path = Path(self._settings.forecast.replace(_NIGHT, night.isoformat()))
        try:
            return read_daily(path, mapping=self._settings.mapping), ()
        except AgroforestError as error:
            return (), (
                (
                    f"没有预报文件可用：{path.name}",
                    f"no forecast: {error.problem} ({path.name})",
                ),
            )

    def _build(self, series: DailySeries) -> dict[int, SkyDay]:
        weather = series.weather
        latitude, elevation = weather.latitude, weather.elevation
        if math.isnan(latitude):
            latitude = self._latitude
        if math.isnan(elevation) and self._settings.elevation is not None:
            elevation = self._settings.elevation
        sunny = find_radiation(
            series.sunshine,
            latitude=latitude,
            day_of_year=find_day_of_year(weather.days),
        )
        radiation = np.where(np.isnan(weather.radiation), sunny, weather.radiation)
        weather = weather.patch(
            latitude=latitude, elevation=elevation, radiation=radiation
        )
        return {
            one.day: SkyDay(field=one, low=_known(low), high=_known(high))
            for one, low, high in zip(
                build_days(weather), weather.t_min, weather.t_max, strict=True
            )
        }


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
