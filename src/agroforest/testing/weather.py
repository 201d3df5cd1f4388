"""Simulated weather of the district: rain, soil wetness and the drought."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from agroforest.testing.fields import generator

#: Share of days with rain, and mean millimetres of such a day, by month. Round
#: figures for Nanning (about 1,300 mm a year, three quarters of it April to
#: September); arbitrary in detail.
_WET_DAYS = (0.30, 0.36, 0.45, 0.42, 0.45, 0.50, 0.48, 0.46, 0.32, 0.24, 0.22, 0.20)
_MEAN_MM = (4.0, 4.0, 5.0, 8.0, 13.0, 16.0, 15.0, 14.0, 11.0, 8.0, 6.0, 4.0)

_FIELD_CAPACITY_DAYS = 45.0  # e-folding time of drying soil, arbitrary
_FULL_MM = 60.0  # rain that fills dry topsoil, arbitrary


@dataclass(frozen=True, kw_only=True, slots=True)
class Weather:
    """Daily weather from a first day on.

    Attributes
    ----------
    start
        Day of the first element.
    rain
        ``(day,)`` float64, millimetres.
    wetness
        ``(day,)`` float64, 0 (wilting) to 1 (field capacity) of the root zone.
    drought
        ``(day,)`` float64, 0 to 1, how much the canopies of the fields suffer.
    """

    start: date
    rain: NDArray[np.float64]
    wetness: NDArray[np.float64]
    drought: NDArray[np.float64]

    def index(self, day: date) -> int:
        """Position of a day in the arrays."""
        return (day - self.start).days


def simulate_weather(
    *, seed: int, start: date, end: date, drought: tuple[date, date] | None
) -> Weather:
    """Rain by month, none during the drought, and the soil that follows from it.

    Parameters
    ----------
    seed
        Of the district.
    start, end
        First and last day.
    drought
        First and last day without rain; ``None`` for none.
    """
    rng = generator(seed, 3)
    count = (end - start).days + 1
    days = [start + timedelta(n) for n in range(count)]
    month = np.array([d.month - 1 for d in days])
    falls = rng.random(count) < np.take(_WET_DAYS, month)
    rain = np.where(falls, rng.gamma(0.8, 1.25, count) * np.take(_MEAN_MM, month), 0.0)
    if drought is not None:
        dry = np.array([drought[0] <= d <= drought[1] for d in days])
        rain = np.where(dry, 0.0, rain)
    wetness = _wetness(rain)
    return Weather(
        start=start, rain=rain, wetness=wetness, drought=_stress(days, drought)
    )


def _wetness(rain: NDArray[np.float64]) -> NDArray[np.float64]:
    values = np.empty_like(rain)
    level = 0.8
    for n, millimetres in enumerate(rain):
        level = min(1.0, level * np.exp(-1 / _FIELD_CAPACITY_DAYS))
        level += (1.0 - level) * (1.0 - np.exp(-millimetres / _FULL_MM))
        values[n] = level
    return values


def _stress(days: list[date], drought: tuple[date, date] | None) -> NDArray[np.float64]:
    """Rises two weeks after the last rain, within a month, and eases afterwards."""
    if drought is None:
        return np.zeros(len(days))
    since = np.array([(d - drought[0]).days for d in days], dtype=np.float64)
    after = np.array([(d - drought[1]).days for d in days], dtype=np.float64)
    rise = np.clip((since - 12.0) / 35.0, 0.0, 1.0)
    return rise * np.exp(-np.clip(after - 4.0, 0.0, None) / 18.0)
