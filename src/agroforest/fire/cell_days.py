"""All days of all cells as numbers, kept on disk while a model is made of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import NoInputError
from agroforest.core.risk import epoch_day
from agroforest.fire.assemble import Setting, find_drivers
from agroforest.fire.cells import Cells
from agroforest.fire.days import CellDay, walk
from agroforest.fire.drivers import Driver
from agroforest.fire.hotspot_past import Fires
from agroforest.fire.weather_on_cells import CellWeather
from agroforest.risk.datasets.fire_days import FEATURES

_YEAR = 365.25
_COLUMN = {name: n for n, name in enumerate(FEATURES)}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CellDayTable:
    """Days of cells.

    Attributes
    ----------
    cells
        Where; only those inside the area are in the table.
    days
        ``(day,)`` datetime64[D], rising: fully observed and with weather.
    values
        ``(day, cell, feature)`` float32, NaN is missing. What is usual and near
        depends on who is judged; see `fill_past`.
    truth
        ``(day, cell)`` bool: a hotspot was seen.
    """

    cells: Cells
    days: NDArray[np.datetime64]
    values: NDArray[np.float32] = field(repr=False)
    truth: NDArray[np.bool_] = field(repr=False)

    @property
    def months(self) -> NDArray[np.int64]:
        """Month of each day, 1 to 12."""
        return self.days.astype("datetime64[M]").astype(np.int64) % 12 + 1


def build_table(
    setting: Setting,
    weather: CellWeather,
    fires: Fires,
    *,
    covered: Sequence[date],
    scratch: Path,
    progress: Callable[[int, int, str], None] | None = None,
) -> CellDayTable:
    """Lead the weather over the cells and keep every covered day.

    Parameters
    ----------
    setting
        Layers on the cells.
    weather
        On the same cells; forecasts are left out.
    fires
        What was seen.
    covered
        Days on which no hotspot means none.
    scratch
        File for the numbers; it may be large.
    progress
        Told days done, days in all, and what.

    Raises
    ------
    NoInputError
        Weather and covered days have no day in common.
    """
    happened = {int(d) for d in weather.days[~weather.forecast]}
    wanted = sorted({epoch_day(day) for day in covered} & happened)
    if not wanted:
        have = weather.days.astype("datetime64[D]")
        seen = sorted(covered)
        raise NoInputError(
            "weather and hotspots",
            f"have no day in common: weather {have[0]} to {have[-1]}, days observed "
            f"{seen[0]} to {seen[-1]}",
            "give weather of the hotspots' time",
        )
    cells = setting.cells
    inside = cells.inside.ravel()
    values = np.memmap(
        scratch,
        dtype=np.float32,
        mode="w+",
        shape=(len(wanted), cells.count, len(FEATURES)),
    )
    row = {day: n for n, day in enumerate(wanted)}
    for today in walk(weather, first=wanted[0], last=wanted[-1], progress=progress):
        number = row.get(today.weather.day)
        if number is not None:
            values[number] = find_row(setting, today, find_drivers(setting, today))
    days = np.array(wanted, dtype="datetime64[D]")
    truth = np.zeros((len(wanted), inside.size), dtype=np.bool_)
    at = np.searchsorted(days, fires.day)
    at = np.minimum(at, len(days) - 1)
    seen_here = (fires.cell >= 0) & (days[at] == fires.day)
    truth[at[seen_here], fires.cell[seen_here]] = True
    return CellDayTable(cells=cells, days=days, values=values, truth=truth[:, inside])


def find_row(
    setting: Setting, day: CellDay, drivers: Sequence[Driver]
) -> NDArray[np.float32]:
    """Numbers of a day, ``(cell, feature)`` float32, but for what is past."""
    cells = setting.cells
    inside = cells.inside
    row = np.full((cells.count, len(FEATURES)), np.nan, dtype=np.float32)
    for driver in drivers:
        column = _COLUMN.get(str(driver.name))
        if column is not None and driver.values is not None:
            row[:, column] = driver.values[inside]
    spell = np.where(np.isfinite(day.spell.rain), day.spell.days, np.nan)
    row[:, _COLUMN["dry_days"]] = spell[inside]
    angle = 2 * np.pi * day.weather.date.timetuple().tm_yday / _YEAR
    row[:, _COLUMN["season_sin"]] = np.sin(angle)
    row[:, _COLUMN["season_cos"]] = np.cos(angle)
    return row


def fill_past(
    rows: NDArray[np.float32],
    *,
    usual: NDArray[np.floating],
    near: NDArray[np.floating],
) -> None:
    """Set what is usual and near, ``(…)`` each, in rows ``(…, feature)``."""
    rows[..., _COLUMN["log_usual"]] = usual
    rows[..., _COLUMN["near_km"]] = near


def column(values: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    """One feature, ``(…,)``."""
    return values[..., _COLUMN[name]]
