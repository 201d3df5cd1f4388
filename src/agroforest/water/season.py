"""A season of one place: its records turned into days, and led through."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agroforest.core.crop import Crop
from agroforest.core.field import CanopySeen, DailyWeather, Watering
from agroforest.core.soil import Soil
from agroforest.core.weather import find_saturation
from agroforest.water.day import MILD_HUMIDITY, FieldDay, WaterDay
from agroforest.water.reference import USUAL_WIND, find_reference_et, norm_wind
from agroforest.water.stages import adjust_to_climate
from agroforest.water.state import RootZone
from agroforest.water.step import step

Field = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SeasonDay:
    """A day that was led through."""

    today: FieldDay
    zone: RootZone
    out: WaterDay


def build_days(
    weather: DailyWeather,
    *,
    waterings: Iterable[Watering] = (),
    seen: Iterable[CanopySeen] = (),
) -> list[FieldDay]:
    """Join a field's records by day.

    Parameters
    ----------
    weather
        Every day, or NaN.
    waterings
        At most one a day; those outside the weather are left out.
    seen
        At most one a day.
    """
    eto = find_reference_et(weather).eto
    measured = np.where(np.isnan(weather.wind), USUAL_WIND, weather.wind)
    wind = norm_wind(measured, weather.wind_height)
    humidity = find_least_humidity(weather)
    watered = {one.day: one for one in waterings}
    looked = {one.day: one for one in seen}
    days: list[FieldDay] = []
    for index, day in enumerate(weather.days.tolist()):
        water = watered.get(day, Watering(day=day, depth=0.0, wetted=np.nan))
        canopy = looked.get(day, CanopySeen(day=day))
        days.append(
            FieldDay(
                day=day,
                eto=float(eto[index]),
                rain=float(weather.rain[index]),
                wind=float(wind[index]),
                humidity=float(humidity[index]),
                irrigation=water.depth,
                efficiency=water.efficiency,
                wetted=water.wetted,
                kcb=canopy.kcb,
                height=canopy.height,
                cover=canopy.cover,
            )
        )
    return days


def find_least_humidity(weather: DailyWeather) -> Field:
    """Daily minimum relative humidity, %; from the dew point where not measured.

    Without a dew point the daily minimum temperature stands for it (FAO-56 p. 36),
    without temperatures the climate of the tables does.
    """
    dew = np.where(np.isnan(weather.dew_point), weather.t_min, weather.dew_point)
    found = 100.0 * find_saturation(dew) / find_saturation(weather.t_max)
    humidity = np.where(np.isnan(weather.rh_min), found, weather.rh_min)
    return np.where(np.isnan(humidity), MILD_HUMIDITY, humidity)


def adjust_crop(crop: Crop, weather: DailyWeather, *, first: int) -> Crop:
    """Fit a crop's coefficients to the wind and humidity of its own season.

    Parameters
    ----------
    crop
        Of one place.
    weather
        Its station; a stage of which it knows nothing is left alone.
    first
        First day of the season, days since 1970-01-01.
    """
    start = first + crop.days_ini + crop.days_dev
    middle = _find_climate(weather, start, start + crop.days_mid - 1)
    late_start = start + crop.days_mid
    late = _find_climate(weather, late_start, late_start + crop.days_end - 1)
    return adjust_to_climate(crop, mid=middle, end=late)


def run_season(
    zone: RootZone, days: Sequence[FieldDay], *, crop: Crop, soil: Soil
) -> list[SeasonDay]:
    """Lead a root zone through days.

    Parameters
    ----------
    zone
        Of the day before the first.
    days
        Every day, in order.
    crop, soil
        As for `step`.
    """
    done: list[SeasonDay] = []
    for today in days:
        zone, out = step(zone, today, crop=crop, soil=soil)
        done.append(SeasonDay(today=today, zone=zone, out=out))
    return done


def _find_climate(
    weather: DailyWeather,
    first: float | NDArray[np.float64],
    last: float | NDArray[np.float64],
) -> tuple[float, float]:
    """Mean wind at 2 m and mean daily minimum humidity; NaN where unknown."""
    within = (weather.days >= first) & (weather.days <= last)
    wind = norm_wind(weather.wind[within], weather.wind_height)
    return _mean(wind), _mean(weather.rh_min[within])


def _mean(values: Field) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
