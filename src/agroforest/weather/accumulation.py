"""Rain of gridded files: from sums since some hour to sums of each step."""

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.weather import Field
from agroforest.weather.names import SOURCES, RainKind
from agroforest.weather.units import HOURS_A_DAY

#: Millimetres by which a packed sum may fall from one hour to the next: the steps of
#: a 16-bit integer over a day of heavy rain (ECMWF packs so).
PACKING_MM = 0.05

_HOUR = np.timedelta64(1, "h")
_SIX = 6


def split_sums(
    rain: Field,
    times: NDArray[np.datetime64],
    kind: RainKind,
    *,
    where: str,
    start: np.datetime64 | None = None,
) -> Field:
    """Rain of each step, from what the file holds.

    Parameters
    ----------
    rain
        ``(time, …)`` float64, mm; NaN is missing.
    times
        ``(time,)`` UTC, rising; ends of the steps.
    kind
        Over which time a value is summed up.
    where
        The file, for messages.
    start
        When the forecast began, where the file says so.

    Returns
    -------
    ndarray
        ``(time, …)`` float64, mm since the time before; NaN where that cannot be
        told: the step begins neither at a time of the file nor with the sum.

    Raises
    ------
    DataError
        If a sum falls where it cannot: the file is of another kind.
    """
    if kind is RainKind.EACH_STEP:
        return rain
    group, begins = _find_groups(times, kind, start)
    steps = np.full_like(rain, np.nan)
    same = np.zeros(len(times), dtype=np.bool_)
    same[1:] = group[1:] == group[:-1]
    steps[same] = rain[same] - rain[np.flatnonzero(same) - 1]
    follows = np.zeros(len(times), dtype=np.bool_)
    follows[1:] = times[:-1] == begins[1:]
    whole = follows | (times - begins == find_step(times))
    steps[~same & whole] = rain[~same & whole]
    with np.errstate(invalid="ignore"):
        falls = steps < -PACKING_MM
    if falls.any():
        at = int(np.argwhere(falls)[0][0])
        raise DataError(
            where,
            f"rain falls by {-float(np.nanmin(steps[at])):.2f} mm until {times[at]} "
            f"though it is said to be summed up {kind}",
            f"say how it is summed up: {', '.join(RainKind)}",
        )
    return np.maximum(steps, 0.0)  # NaN stays


def _find_groups(
    times: NDArray[np.datetime64], kind: RainKind, start: np.datetime64 | None
) -> tuple[NDArray[np.int64], NDArray[np.datetime64]]:
    """Find to which sum each time belongs, by number, and when that sum began."""
    before = times - np.timedelta64(1, "s")  # a sum of 00 UTC is of the day before
    if kind is RainKind.SINCE_START:
        began = np.datetime64("NaT") if start is None else start
        return np.zeros(len(times), np.int64), np.full(len(times), began, times.dtype)
    day = before.astype("datetime64[D]")
    if kind is RainKind.SINCE_MIDNIGHT:
        return day.astype(np.int64), day.astype(times.dtype)
    hour = (before.astype("datetime64[h]") - day.astype("datetime64[h]")).astype(int)
    part = hour // _SIX
    begins = day.astype("datetime64[h]") + part * _SIX * _HOUR
    return day.astype(np.int64) * 4 + part, begins.astype(times.dtype)


def find_step(times: NDArray[np.datetime64]) -> np.timedelta64:
    """Time between values, as a rule; a day for a single one."""
    gaps = np.diff(times).astype("timedelta64[s]").astype(np.int64)
    seconds = int(np.median(gaps)) if len(gaps) else round(HOURS_A_DAY * 3600)
    return np.timedelta64(seconds, "s")


def sum_day(
    steps: Field,
    times: NDArray[np.datetime64],
    *,
    end: np.datetime64,
    hours: float,
) -> Field:
    """Rain of the hours before a time.

    Parameters
    ----------
    steps
        ``(time, …)`` mm of each step.
    times
        ``(time,)`` UTC, rising; ends of the steps.
    end
        When the hours end.
    hours
        How many.

    Returns
    -------
    ndarray
        ``(…)`` mm; NaN where a step of them is missing.
    """
    length = np.timedelta64(round(hours * 3600), "s")
    start = int(np.searchsorted(times, end - length, side="right"))
    stop = int(np.searchsorted(times, end, side="right"))
    step = find_step(times) / np.timedelta64(1, "s")
    asked = round(hours * 3600 / step) if step > 0 else 1
    if stop - start < asked or times[stop - 1] != end:
        return np.full(steps.shape[1:], np.nan)
    total: Field = steps[start:stop].sum(axis=0)
    return total


def resolve_kind(source: str | None, *, daily: bool, where: str) -> RainKind:
    """Tell how rain is summed up.

    Raises
    ------
    ConfigurationError
        If a file of several times a day does not say it, or the source is not known.
    """
    known = {**SOURCES, **{str(kind): kind for kind in RainKind}}
    if source is not None:
        if source not in known:
            raise ConfigurationError(
                f"source {source!r}", "is not known", f"use one of {', '.join(known)}"
            )
        return known[source]
    if daily:
        return RainKind.EACH_STEP
    raise ConfigurationError(
        where,
        "has several times a day, and nothing says over which time its rain is summed",
        f"name its source: one of {', '.join(known)}",
    )
