"""Hotspot climatology: how many detections a cell has on a day of the year.

The rate is a season times a place, ``rate(cell, day) = R(day) * S(cell | day)``. Both
are kernel estimates over the days of the year, drawn towards what holds all year (and
``S`` further towards an even spread) by as much as a given number of days or burning
cells would. It knows no weather: it is what a danger model has to beat.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from shapely.geometry.base import BaseGeometry

from agroforest.hotspots.detections import EARTH_KM, Detections

_YEAR = 365.25
_KM_A_DEGREE = EARTH_KM * np.pi / 180.0
#: Day of the year in the middle of each of the 36 periods.
PERIODS = (np.arange(36) + 0.5) * _YEAR / 36

_Days = NDArray[np.datetime64]
_Cells = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Smoothing:
    """How far detections count beyond their own cell and day.

    Chosen on `hotspots_guangxi` from a few dozen combinations, whose scores differ by
    less than their intervals; docs/fire-hotspots.md.

    Attributes
    ----------
    place_km
        Standard deviation of the Gaussian in space.
    season_days
        And over the days of the year.
    place_prior
        Burning cells' worth of the map of all year that each day's map starts from.
    even_prior
        Burning cells' worth of an even spread that the map of all year starts from.
    season_prior
        Days' worth of the mean rate of all year that each day's rate starts from.
    crowding
        A day with ``n`` burning cells counts as ``n`` to this power in the map: they
        are of one dry spell and not as many witnesses.
    """

    place_km: float = 20.0
    season_days: float = 45.0
    place_prior: float = 20.0
    even_prior: float = 5.0
    season_prior: float = 20.0
    crowding: float = 0.5


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CellGrid:
    """Cells of equal degrees, rows from north to south.

    Attributes
    ----------
    west, north
        Corner, degrees.
    step
        Side of a cell, degrees.
    inside
        ``(y, x)`` bool: cells whose centre lies in the area; the others are not
        counted, but detections in them still smooth into it.
    """

    west: float
    north: float
    step: float
    inside: NDArray[np.bool_] = field(repr=False)

    def locate(
        self, longitude: NDArray[np.float64], latitude: NDArray[np.float64]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Row and column of places; -1 for both off the grid."""
        row = np.floor((self.north - latitude) / self.step).astype(np.intp)
        column = np.floor((longitude - self.west) / self.step).astype(np.intp)
        height, width = self.inside.shape
        on = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        return np.where(on, row, -1), np.where(on, column, -1)


def build_grid(area: BaseGeometry, *, step: float, margin_km: float = 60.0) -> CellGrid:
    """Grid over an area, with a margin from which detections smooth into it.

    Parameters
    ----------
    area
        Polygons, degrees, WGS 84.
    step
        Side of a cell, degrees.
    margin_km
        Three standard deviations of the smoothing.
    """
    margin = margin_km / _KM_A_DEGREE
    west, south, east, north = area.bounds
    west = np.floor((west - margin) / step) * step
    north = np.ceil((north + margin) / step) * step
    width = int(np.ceil((east + margin - west) / step))
    height = int(np.ceil((north - south + margin) / step))
    x = west + (np.arange(width) + 0.5) * step
    y = north - (np.arange(height) + 0.5) * step
    shapely.prepare(area)
    inside = np.asarray(shapely.contains_xy(area, *np.meshgrid(x, y)))
    return CellGrid(west=float(west), north=float(north), step=step, inside=inside)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class History:
    """Days of detections on a grid.

    Attributes
    ----------
    grid
        The cells.
    days
        ``(n,)`` datetime64[D], UTC, rising.
    covered
        ``(n,)`` bool: days on which no detection means none; only these tell how often
        it burns. The others tell where.
    counts
        ``(n, cells)`` float32: detections in the cells of the area.
    burning
        ``(n,)`` float64: burning cells, in the area and around it.
    maps
        ``(days with burning cells, cells)`` float32: these cells smoothed.
    """

    grid: CellGrid
    days: _Days
    covered: NDArray[np.bool_]
    counts: NDArray[np.float32] = field(repr=False)
    burning: NDArray[np.float64] = field(repr=False)
    maps: NDArray[np.float32] = field(repr=False)

    @property
    def per_day(self) -> NDArray[np.float64]:
        """``(n,)`` float64: detections in the area, day by day."""
        return np.asarray(self.counts.sum(axis=1, dtype=np.float64))


def build_history(
    detections: Detections,
    grid: CellGrid,
    *,
    covered: Sequence[date],
    smoothing: Smoothing | None = None,
) -> History:
    """Count detections by cell and UTC day.

    Parameters
    ----------
    detections
        Of fires; leave static sources out.
    grid
        The cells.
    covered
        Days that were observed completely, with or without detections.
    smoothing
        Its `place_km` counts.
    """
    smoothing = smoothing or Smoothing()
    row, column = grid.locate(detections.longitude, detections.latitude)
    on = row >= 0
    day = detections.time.astype("datetime64[D]")[on]
    full = np.unique(np.array(list(covered), dtype="datetime64[D]"))
    days = np.union1d(np.unique(day), full)
    which = np.searchsorted(days, day)
    sigma_y = smoothing.place_km / (_KM_A_DEGREE * grid.step)
    middle = grid.north - grid.step * grid.inside.shape[0] / 2
    sigma = (sigma_y, sigma_y / np.cos(np.radians(middle)))
    cells = int(grid.inside.sum())
    counts, maps = [], []
    burning = np.zeros(len(days))
    for number in range(len(days)):
        own = which == number
        seen = np.zeros(grid.inside.shape, dtype=np.float32)
        np.add.at(seen, (row[on][own], column[on][own]), 1.0)
        lit = (seen > 0).astype(np.float32)
        burning[number] = lit.sum()
        counts.append(seen[grid.inside])
        if burning[number]:
            maps.append(gaussian_filter(lit, sigma, mode="constant")[grid.inside])
    return History(
        grid=grid,
        days=days,
        covered=np.isin(days, full),
        counts=np.array(counts, dtype=np.float32).reshape(len(days), cells),
        burning=burning,
        maps=np.array(maps, dtype=np.float32).reshape(-1, cells),
    )


def estimate(
    history: History,
    day_of_year: float,
    *,
    known: NDArray[np.bool_] | None = None,
    smoothing: Smoothing | None = None,
) -> _Cells:
    """Estimate the expected detections of every cell of the area on a day of the year.

    Parameters
    ----------
    history
        What is known.
    day_of_year
        From 1.
    known
        ``(n,)`` bool: days of the history to learn from; all unless given.
    smoothing
        The same as for `build_history`.

    Returns
    -------
    ndarray of float64
        ``(cells,)``: detections a cell and day.
    """
    smoothing = smoothing or Smoothing()
    if known is None:
        known = np.ones(len(history.days), dtype=bool)
    near = _season_weight(history.days, day_of_year, smoothing.season_days)
    full = known & history.covered
    per_day = history.per_day
    mean = per_day[full].mean() if full.any() else 0.0
    rate = (near[full] @ per_day[full] + smoothing.season_prior * mean) / (
        near[full].sum() + smoothing.season_prior
    )
    return np.asarray(rate * _spread(history, near, known, smoothing))


def _spread(
    history: History,
    near: NDArray[np.float64],
    known: NDArray[np.bool_],
    smoothing: Smoothing,
) -> _Cells:
    """Share of each cell in a day's detections; sums to 1."""
    cells = history.maps.shape[1]
    burns = history.burning > 0
    weight = known[burns] * history.burning[burns] ** (smoothing.crowding - 1.0)
    # One pass over the maps, in their own type, for both sums.
    both = np.stack([weight, weight * near[burns]]).astype(np.float32) @ history.maps
    all_year = both[0] + smoothing.even_prior / cells
    season = both[1] + smoothing.place_prior * all_year / all_year.sum()
    return np.asarray(season / season.sum(), dtype=np.float64)


def _season_weight(days: _Days, day_of_year: float, sigma: float) -> _Cells:
    """Weight of each day by its distance on the circle of the year."""
    start = days.astype("datetime64[Y]").astype("datetime64[D]")
    own = (days - start).astype(np.int64) + 1.0
    apart = np.abs(own - day_of_year) % _YEAR
    apart = np.minimum(apart, _YEAR - apart)
    return np.asarray(np.exp(-0.5 * (apart / sigma) ** 2))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Climatology:
    """Expected detections by cell and period of the year.

    Attributes
    ----------
    grid
        The cells.
    rate
        ``(36, y, x)`` float32: detections a cell and day, NaN outside the area.
    """

    grid: CellGrid
    rate: NDArray[np.float32] = field(repr=False)

    def at(
        self, longitude: NDArray[np.float64], latitude: NDArray[np.float64], day: date
    ) -> NDArray[np.float32]:
        """``(n,)`` float32: the rate of the cells of some places on a day."""
        row, column = self.grid.locate(longitude, latitude)
        period = min(int(day.timetuple().tm_yday / _YEAR * len(PERIODS)), 35)
        values = self.rate[period][row, column]
        found: NDArray[np.float32] = np.where(row >= 0, values, np.float32(np.nan))
        return found


def fit(history: History, *, smoothing: Smoothing | None = None) -> Climatology:
    """Estimate the climatology of the whole year from all days."""
    rate = np.full((len(PERIODS), *history.grid.inside.shape), np.nan, dtype=np.float32)
    for number, middle in enumerate(PERIODS.tolist()):
        values = estimate(history, middle, smoothing=smoothing)
        rate[number, history.grid.inside] = values
    return Climatology(grid=history.grid, rate=rate)
