"""The days ahead without irrigation: when and by how much the water falls short."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from agroforest.core.crop import Crop
from agroforest.core.errors import DataError
from agroforest.core.soil import Soil
from agroforest.water.day import FieldDay
from agroforest.water.season import run_season
from agroforest.water.state import RootZone

#: Days that a crop may wait beyond its readily available water if rain then fills it
#: up, and the least share of its transpiration on them. Arbitrary.
PATIENCE_DAYS = 2
LEAST_KS = 0.9


@dataclass(frozen=True, kw_only=True, slots=True)
class Ahead:
    """An evening to come.

    Attributes
    ----------
    day
        Days since 1970-01-01.
    depletion, readily, spread
        mm: Dr, RAW and the standard deviation of Dr.
    ks
        Stress coefficient in the evening.
    rain
        mm of the day.
    """

    day: int
    depletion: float
    readily: float
    spread: float
    ks: float
    rain: float

    @property
    def short(self) -> float:
        """Millimetres beyond the readily available water; negative before it."""
        return self.depletion - self.readily

    @property
    def probability(self) -> float:
        """That it is short, if the error is normal."""
        if self.spread == 0:
            return float(self.short > 0)
        return 0.5 * (1.0 + math.erf(self.short / self.spread / math.sqrt(2.0)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """The days ahead, with the rain of the forecast and without any.

    Attributes
    ----------
    days, dry
        Evenings in order; the same days in both.
    """

    days: tuple[Ahead, ...]
    dry: tuple[Ahead, ...]

    @property
    def first_short(self) -> Ahead | None:
        """First evening beyond the readily available water."""
        return next((day for day in self.days if day.short > 0), None)

    @property
    def first_short_dry(self) -> Ahead | None:
        """The same, if no drop of rain falls."""
        return next((day for day in self.dry if day.short > 0), None)

    @property
    def worst(self) -> Ahead:
        """Evening with the largest shortage."""
        return max(self.days, key=lambda day: day.short)

    @property
    def rain(self) -> float:
        """Forecast in all, mm."""
        return sum(day.rain for day in self.days)

    def is_relieved(self) -> bool:
        """Tell whether rain ends the shortage soon enough to wait for it."""
        first = self.first_short
        if first is None:
            return False
        wait = [d for d in self.days if 0 <= d.day - first.day <= PATIENCE_DAYS]
        dry_spell = [d for d in wait if d.short > 0]
        after = [d for d in self.days if d.day > dry_spell[-1].day]
        return (
            len(dry_spell) < len(wait)
            and all(d.short <= 0 for d in after)
            and min(d.ks for d in dry_spell) >= LEAST_KS
        )

    def rain_after(self, day: int, days: int) -> float:
        """Rain forecast for the days after one, mm."""
        return sum(d.rain for d in self.days if 0 < d.day - day <= days)


def look_ahead(
    zone: RootZone, forecast: Sequence[FieldDay], *, crop: Crop, soil: Soil
) -> Outlook:
    """Lead one place through a forecast, without irrigation.

    Parameters
    ----------
    zone
        Of one place, this evening.
    forecast
        From tomorrow on; what follows a day without weather is left out.
    crop, soil
        As for `step`.

    Raises
    ------
    DataError
        There is no forecast for tomorrow.
    """
    known: list[FieldDay] = []
    for today in forecast:
        if not (np.isfinite(today.eto) and np.isfinite(today.rain)):
            break
        known.append(replace(today, irrigation=0.0, wetted=np.nan))
    if not known:
        raise DataError(
            "forecast",
            f"has no weather for {np.datetime64(zone.day + 1, 'D')}",
            "give evapotranspiration and rain of the days ahead",
        )
    dry = [replace(today, rain=0.0) for today in known]
    return Outlook(
        days=_lead(zone, known, crop=crop, soil=soil),
        dry=_lead(zone, dry, crop=crop, soil=soil),
    )


def _lead(
    zone: RootZone, days: Sequence[FieldDay], *, crop: Crop, soil: Soil
) -> tuple[Ahead, ...]:
    return tuple(
        Ahead(
            day=one.today.day,
            depletion=float(one.zone.depletion),
            readily=float(one.out.readily),
            spread=float(np.sqrt(one.zone.variance)),
            ks=float(one.out.ks_end),
            rain=float(one.today.rain),
        )
        for one in run_season(zone, days, crop=crop, soil=soil)
    )
