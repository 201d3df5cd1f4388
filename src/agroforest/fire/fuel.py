"""Fuel: how wet the living canopy is, measured or judged from images."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.grid import Grid
from agroforest.fire.cells import Cells
from agroforest.fire.drivers import Driver, Name, absent, given
from agroforest.fire.layers import read_layer

Floats = NDArray[np.float64]

#: A map older than this says nothing of today's canopy. Two months without a clear
#: image are common in the rains; our choice.
FRESH_DAYS = 60
#: Maps within so many days of the same day of other years are its season: our choice.
SEASON_DAYS = 30
#: Maps of the season, of other years, that a cell needs to have a normal: our choice.
LEAST_MAPS = 4
_DATE = re.compile(r"(?<!\d)(\d{4}-\d{2}-\d{2})(?!\d)")
_YEAR = 365.25


def date_maps(paths: Sequence[Path]) -> list[tuple[date, Path]]:
    """Date maps by the day in their names, rising.

    Raises
    ------
    ConfigurationError
        A name holds no day, or one that does not exist.
    """
    dated = []
    for path in paths:
        found = _DATE.search(path.name)
        try:
            day = date.fromisoformat(found.group(1) if found else "")
        except ValueError:
            raise ConfigurationError(
                path,
                "has no date in its name",
                "name it like TILE_2024-03-01_NDMI.tif, as agroforest index does",
            ) from None
        dated.append((day, path))
    return sorted(dated)


def read_ndmi(
    maps: Sequence[tuple[date, Path]], cells: Cells, day: date
) -> tuple[Driver, Driver]:
    """NDMI of the cells, and how far it lies from its own season.

    Parameters
    ----------
    maps
        Of any days and tiles, as `date_maps` gives them; those after `day` are not
        looked at.
    cells
        Where.
    day
        Of the danger.

    Returns
    -------
    tuple of Driver
        NDMI, the newest of each cell within `FRESH_DAYS`; and its distance from the
        mean of the season in other years, in standard deviations.
    """
    if not maps:
        why = "no NDMI maps given"
        return absent(Name.NDMI, why), absent(Name.NDMI_ANOMALY, why, ranked=True)
    fresh = [(d, p) for d, p in maps if timedelta(0) <= day - d <= _fresh()]
    if not fresh:
        why = f"no NDMI map of the {FRESH_DAYS} days before {day}"
        return absent(Name.NDMI, why), absent(Name.NDMI_ANOMALY, why, ranked=True)
    now = np.full(cells.grid.shape, np.nan)
    for _, path in fresh:  # the newest comes last and wins
        values = _read_map(path, cells.grid)
        now = np.where(np.isfinite(values), values, now)
    newest = fresh[-1][0]
    said = f"NDMI maps to {newest}, {(day - newest).days} days old"
    before = [(d, p) for d, p in maps if _is_season(d, newest)]
    mean, spread, years = _find_normal(before, cells)
    known = (years >= LEAST_MAPS) & (spread > 0)
    anomaly = np.full(cells.grid.shape, np.nan)
    np.divide(now - mean, spread, out=anomaly, where=known & np.isfinite(now))
    if not np.isfinite(anomaly[cells.inside]).any():
        why = f"fewer than {LEAST_MAPS} earlier years with NDMI maps of this season"
        return given(Name.NDMI, now, said), absent(Name.NDMI_ANOMALY, why, ranked=True)
    return given(Name.NDMI, now, said), given(
        Name.NDMI_ANOMALY,
        anomaly,
        f"{said}; normal of {len(before)} maps within {SEASON_DAYS} days of the season",
        ranked=True,
    )


@lru_cache(maxsize=256)  # a forecast of ten days asks for the same maps ten times
def _read_map(path: Path, grid: Grid) -> Floats:
    return read_layer(path, grid)


def _fresh() -> timedelta:
    return timedelta(days=FRESH_DAYS)


def _is_season(one: date, day: date) -> bool:
    """Whether a map belongs to the season of a day, but to an earlier year."""
    apart = (day - one).days
    around = abs((apart + _YEAR / 2) % _YEAR - _YEAR / 2)
    return apart > _YEAR / 2 and around <= SEASON_DAYS


def _find_normal(
    maps: Sequence[tuple[date, Path]], cells: Cells
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Mean and standard deviation over years, one number a year; and the years."""
    shape = cells.grid.shape
    by_year: dict[int, list[Path]] = {}
    for day, path in maps:
        by_year.setdefault(day.year, []).append(path)
    count = np.zeros(shape, dtype=np.int64)
    total, square = np.zeros(shape), np.zeros(shape)
    for paths in by_year.values():
        layers = np.stack([_read_map(path, cells.grid) for path in paths])
        known = np.isfinite(layers)
        n = known.sum(axis=0)
        sums = np.where(known, layers, 0.0).sum(axis=0)
        year = np.where(n > 0, sums / np.maximum(n, 1), 0.0)
        count += n > 0
        total += year
        square += year**2
    mean = total / np.maximum(count, 1)
    freedom = np.maximum(count - 1, 1)
    spread = np.sqrt(np.maximum(square - count * mean**2, 0.0) / freedom)
    return mean, np.where(count > 1, spread, 0.0), count


def read_fuel_moisture(path: Path | None, cells: Cells, day: date) -> Driver:
    """Live fuel moisture of the cells.

    Parameters
    ----------
    path
        GeoTIFF in % of dry mass; or a folder with inputs of the `fuel-moisture` model
        (docs/models.md), of places in the area and of the month of `day`, which the
        shipped model is then asked about. ``None`` if there is neither.
    cells
        Where.
    day
        Of the danger.

    Raises
    ------
    DataError
        The file or folder cannot be read, or its numbers are no percentages.
    """
    if path is None:
        why = "neither a map nor inputs of the fuel-moisture model given"
        return absent(Name.FUEL_MOISTURE, why, ranked=True)
    if path.is_dir():
        return _ask_model(path, cells, day.month)
    values = read_layer(path, cells.grid)
    known = values[np.isfinite(values)]
    if known.size and not (known.min() >= 0 and 1.5 < known.max() < 1000):
        raise DataError(
            path,
            f"holds {known.min():g} to {known.max():g}",
            "give percent of dry mass, such as 95",
        )
    return given(Name.FUEL_MOISTURE, values, f"map {path.name}", ranked=True)


@lru_cache(maxsize=4)  # the days of a month have one answer
def _ask_model(folder: Path, cells: Cells, month: int) -> Driver:
    # The networks need a second to import, and few nights have their inputs.
    from agroforest.risk import ensemble, models_dir  # noqa: PLC0415  see above
    from agroforest.risk.tasks import find_task  # noqa: PLC0415  see above

    task = find_task("fuel-moisture")
    samples = task.read(folder)
    months = np.load(folder / "month.npy", allow_pickle=False)[:, -1]
    place = np.load(folder / "latlon.npy", allow_pickle=False)
    at = cells.locate(place[:, 1].astype(float), place[:, 0].astype(float))
    inside = np.flatnonzero(at >= 0)
    chosen = inside[months[inside] == month - 1]
    if not chosen.size:
        why = f"{folder}: no sample in the area of month {month}"
        return absent(Name.FUEL_MOISTURE, why, ranked=True)
    model = ensemble.load(task, models_dir() / "fuel-moisture")
    # Of all months: a sample is judged beside the others of its place.
    found = ensemble.ask(task, model, samples.take(inside)).value[:, 0]
    said = found[months[inside] == month - 1]
    total = np.zeros(cells.grid.width * cells.grid.height)
    count = np.zeros_like(total)
    good = np.isfinite(said)
    np.add.at(total, at[chosen][good], said[good])
    np.add.at(count, at[chosen][good], 1.0)
    values = np.full(total.shape, np.nan)
    np.divide(total, count, out=values, where=count > 0)
    return given(
        Name.FUEL_MOISTURE,
        values.reshape(cells.grid.shape),
        f"{model.card.title} on {chosen.size} samples; learned in the United States, "
        "never tested here",
        ranked=True,
    )
