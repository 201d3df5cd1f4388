"""One day on: yesterday's codes and today's weather to today's codes and indices."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.core.weather import NoonWeather
from agroforest.indices.fire_weather.daylength import find_day_lengths, norm_latitude
from agroforest.indices.fire_weather.equations import advance
from agroforest.indices.fire_weather.season import turn_season
from agroforest.indices.fire_weather.state import Codes

# Fewer cells are not worth another thread. Arbitrary.
_PART = 65_536
_Kind = TypeVar("_Kind", bound=np.generic)
_MOST_DAYS = np.iinfo(np.int16).max


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FireWeather:
    """Fire behaviour indices of a day.

    Attributes
    ----------
    isi, bui, fwi, dsr
        Shape of the weather, float64, from 0: initial spread index, build-up index,
        fire weather index, daily severity rating. NaN where the day's weather was
        missing, and out of season.
    """

    isi: NDArray[np.float64]
    bui: NDArray[np.float64]
    fwi: NDArray[np.float64]
    dsr: NDArray[np.float64]


def step(
    codes: Codes,
    weather: NoonWeather,
    *,
    latitude: float | NDArray[np.floating],
    active: NDArray[np.bool_] | None = None,
    threads: int = 1,
) -> tuple[Codes, FireWeather]:
    """Advance the codes by the weather of a later day.

    Where a number is missing, or out of range (humidity outside 0 to 100 %, negative
    wind or rain), the codes stay what they were and the day counts as stale. Days
    between the codes' and the weather's count as missed; nothing is made up for them.

    Parameters
    ----------
    codes
        Not modified.
    weather
        Of a later day, in the shape of the codes.
    latitude
        Degrees north: one number, or one a cell in the shape of the codes.
    active
        Same shape, True in the fire season; see `season`. All unless given.
    threads
        Cells are divided among this many; the result does not depend on it.

    Returns
    -------
    tuple
        Codes after that day, and its indices.

    Raises
    ------
    DataError
        If the day is not later than the codes', or the shapes differ.
    ConfigurationError
        If a latitude is none.
    """
    degrees = norm_latitude(latitude)
    _check(codes, weather, degrees)
    if active is not None:
        codes = turn_season(codes, active, weather.rain)
    tables = find_day_lengths(codes.method.day_length)
    month = weather.date.month - 1
    code = [np.empty(codes.shape) for _ in range(3)]
    index = [np.empty(codes.shape) for _ in range(4)]
    valid = np.empty(codes.shape, dtype=np.bool_)
    work = partial(
        advance,
        tuple(_flat(a) for a in (codes.ffmc, codes.dmc, codes.dc)),
        tuple(
            _flat(a)
            for a in (
                weather.temperature,
                weather.humidity,
                weather.wind,
                weather.rain,
            )
        ),
        _flat(codes.active),
        degrees.reshape(-1),
        (tables.dmc_edges, np.ascontiguousarray(tables.dmc_hours[:, month])),
        (tables.dc_edges, np.ascontiguousarray(tables.dc_factors[:, month])),
        codes.method.scale,
        tuple(a.reshape(-1) for a in code),
        tuple(a.reshape(-1) for a in index),
        valid.reshape(-1),
    )
    _share(work, valid.size, threads)
    ffmc, dmc, dc = code
    isi, bui, fwi, dsr = index
    stale, missed = _count(codes, valid, skipped=weather.day - codes.day - 1)
    after = codes.patch(
        day=weather.day, ffmc=ffmc, dmc=dmc, dc=dc, stale=stale, missed=missed
    )
    return after, FireWeather(isi=isi, bui=bui, fwi=fwi, dsr=dsr)


def _check(codes: Codes, weather: NoonWeather, degrees: NDArray[np.float64]) -> None:
    where = f"weather of {weather.date}"
    if weather.day <= codes.day:
        raise DataError(
            where,
            f"is not later than the codes, which are {codes.day - weather.day} days on",
            "give the days in order, each once",
        )
    if weather.shape != codes.shape:
        raise DataError(
            where,
            f"has the shape {weather.shape}, the codes have {codes.shape}",
            "bring the weather to the grid of the codes",
        )
    if degrees.size != 1 and degrees.shape != codes.shape:
        raise DataError(
            "latitude",
            f"has the shape {degrees.shape}, the codes have {codes.shape}",
            "give one number, or one a cell",
        )


def _flat(array: NDArray[_Kind]) -> NDArray[_Kind]:
    return np.ascontiguousarray(array).reshape(-1)


def _share(work: Callable[[int, int], None], size: int, threads: int) -> None:
    parts = max(1, min(threads, size // _PART))
    if parts == 1:
        work(0, size)
        return
    edges = np.linspace(0, size, parts + 1).astype(int).tolist()
    with ThreadPoolExecutor(parts) as pool:
        for done in [pool.submit(work, start, stop) for start, stop in pairwise(edges)]:
            done.result()


def _count(
    codes: Codes, valid: NDArray[np.bool_], *, skipped: int
) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Days in a row without weather, and in all; a rest in winter is no miss."""
    lost = np.where(valid | ~codes.active, 0, 1)
    missed = codes.missed + np.where(codes.active, skipped, 0) + lost
    stale = np.where(lost == 1, codes.stale + skipped + 1, 0)
    return (
        np.minimum(stale, _MOST_DAYS).astype(np.int16),
        np.minimum(missed, _MOST_DAYS).astype(np.int16),
    )
