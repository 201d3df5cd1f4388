"""Danger classes: from the place's own climate, or Europe's where it is too short.

Canadian class limits say nothing in the subtropics. A place's own percentiles do: the
upper classes are, by construction, the days that are rare there. They rank days; they
are no probability of fire.
"""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError, DataError

#: Percentiles between the five classes. Arbitrary; the last leaves the worst eleven
#: days of a year, as Van Wagner (1987) chose "extreme" to be rare.
PERCENTILES = (50.0, 75.0, 90.0, 97.0)
#: Years that a place must have. Arbitrary; a climate normal has thirty.
MIN_YEARS = 5
#: Share of a year's days (of the months asked) that make it count. Arbitrary.
MIN_SHARE = 0.8
_COMMON_YEAR = 2023


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DangerClasses:
    """Limits between classes of an index.

    Attributes
    ----------
    limits
        ``(limit, …)`` float64, rising. Class *n* is above *n* - 1 limits; a value on
        a limit belongs to the lower class. NaN where the climate is not known.
    percentiles
        Of which the limits are; empty for fixed ones.
    years
        ``(…,)`` int16, years behind the limits; 0 for fixed ones.
    source
        Where the limits come from, for people.
    """

    limits: NDArray[np.float64] = field(repr=False)
    percentiles: tuple[float, ...]
    years: NDArray[np.int16]
    source: str

    def classify(self, values: NDArray[np.floating]) -> NDArray[np.int8]:
        """Class of each value.

        Parameters
        ----------
        values
            ``(…,)`` or ``(day, …)``; NaN is missing.

        Returns
        -------
        ndarray
            Shape of `values`, int8, from 1 (lowest); 0 where the value or the
            climate is not known.
        """
        found = np.ones(values.shape, dtype=np.int8)
        known = ~np.isnan(values)
        for limit in self.limits:
            found += values > limit
            known &= ~np.isnan(limit)
        return np.where(known, found, 0).astype(np.int8)


#: Limits of the European Forest Fire Information System for the FWI.
EUROPEAN = DangerClasses(
    limits=np.array([5.2, 11.2, 21.3, 38.0, 50.0]),
    percentiles=(),
    years=np.zeros((), dtype=np.int16),
    source="EFFIS, fixed for Europe; not the local climate",
)

#: Of a place whose climate nobody has looked at: every class is 0.
UNKNOWN = DangerClasses(
    limits=np.full(1, np.nan),
    percentiles=(),
    years=np.zeros((), dtype=np.int16),
    source="not known",
)


def fit_classes(
    values: NDArray[np.floating],
    days: NDArray[np.integer],
    *,
    percentiles: Sequence[float] = PERCENTILES,
    months: Sequence[int] = (),
    min_years: int = MIN_YEARS,
) -> DangerClasses:
    """Learn the limits from a place's own history.

    Parameters
    ----------
    values
        ``(day, …)`` an index day by day, NaN missing.
    days
        ``(day,)`` days since 1970-01-01.
    percentiles
        Rising, between 0 and 100.
    months
        Of the fire season, 1 to 12; all unless given.
    min_years
        A place with fewer sound years has no limits.

    Returns
    -------
    DangerClasses
        Limits NaN at places with too short a history.

    Raises
    ------
    ConfigurationError
        If the percentiles are not rising.
    DataError
        If no place has enough years.
    """
    levels = np.asarray(percentiles, dtype=np.float64)
    inside = (levels > 0) & (levels < 100)
    if not levels.size or not inside.all() or (np.diff(levels) <= 0).any():
        raise ConfigurationError(
            "danger classes",
            f"percentiles {tuple(percentiles)} are not rising between 0 and 100",
            "give for example 50, 75, 90, 97",
        )
    dates = np.asarray(days).astype("datetime64[D]")
    month = dates.astype("datetime64[M]").astype(int) % 12 + 1
    kept = np.isin(month, list(months)) if months else np.ones(len(dates), bool)
    asked = np.asarray(values, dtype=np.float64)[kept]
    years = _count_years(asked, dates[kept], months or range(1, 13))
    enough = years >= min_years
    if not enough.any():
        raise DataError(
            "danger classes",
            f"the longest history has {int(years.max(initial=0))} sound years, "
            f"{min_years} are needed",
            "give a longer history, or use the European limits",
        )
    limits = _find_limits(np.where(enough, asked, np.nan), levels)
    return DangerClasses(
        limits=limits,
        percentiles=tuple(levels.tolist()),
        years=years,
        source=f"percentiles of {int(years.max())} years at the place itself",
    )


def _find_limits(
    values: NDArray[np.float64], levels: NDArray[np.float64]
) -> NDArray[np.float64]:
    flat = values.reshape(len(values), -1)
    limits = np.full((len(levels), flat.shape[1]), np.nan)
    known = ~np.isnan(flat).all(axis=0)
    limits[:, known] = np.nanpercentile(flat[:, known], levels, axis=0)
    return limits.reshape(len(levels), *values.shape[1:])


def _count_years(
    values: NDArray[np.float64],
    dates: NDArray[np.datetime64],
    months: Sequence[int],
) -> NDArray[np.int16]:
    """Years in which enough days of the months have a value."""
    year = dates.astype("datetime64[Y]").astype(int)
    sound = np.zeros(values.shape[1:], dtype=np.int16)
    asked = sum(monthrange(_COMMON_YEAR, month)[1] for month in months)
    for one in np.unique(year):
        have = (~np.isnan(values[year == one])).sum(axis=0)
        sound = sound + (have >= MIN_SHARE * asked).astype(np.int16)
    return sound.astype(np.int16)
