"""From several rows a day to one: noon, and the rain of the hours before it.

The codes are made for noon in local *standard* time: summer time is taken off. Noon's
temperature, humidity and wind are those of the row nearest to it, within a tolerance;
rain is summed up over the hours that end there. A day whose noon has no row, or whose
rain is not known for all of the hours, is set aside.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np

from agroforest.core.errors import ConfigurationError
from agroforest.core.table import resolve_timezone
from agroforest.weather.mapping import NoonSection
from agroforest.weather.record import Refused
from agroforest.weather.table import Row


def find_noons(
    rows: Sequence[Row], section: NoonSection
) -> tuple[list[Row], list[Refused]]:
    """One row a day.

    Parameters
    ----------
    rows
        Of one station, times in UTC.
    section
        What noon is.

    Returns
    -------
    tuple
        Rows whose time is the naive local date, and days set aside.
    """
    kept, refused = _drop_copies(rows)
    kept.sort(key=lambda row: row.time)
    days = sorted({_find_local(row.time, section).date() for row in kept})
    step = _find_step([row.time for row in kept])
    found = []
    for day in days:
        chosen = _find_noon(kept, day, section)
        if isinstance(chosen, Refused):
            if not _reaches(kept, day, section):
                continue  # the table ends before this day's noon
            refused.append(chosen)
            continue
        rain = _sum_rain(kept, chosen.time, section, step)
        if isinstance(rain, str):
            refused.append(Refused(line=chosen.line, day=day.isoformat(), reason=rain))
            continue
        start = datetime(day.year, day.month, day.day)  # noqa: DTZ001  a date
        found.append(chosen.patch(time=start, rain=rain))
    return found, refused


def norm_daily(rows: Sequence[Row], *, where: object) -> list[Row]:
    """Rows that are days already.

    Raises
    ------
    ConfigurationError
        If the rows have several times of day, and nothing says which is noon.
    """
    clocks = {row.time.time() for row in rows}
    if len(clocks) > 1:
        shown = ", ".join(sorted(clock.isoformat("minutes") for clock in clocks)[:3])
        raise ConfigurationError(
            where,
            f"has several times of day ({shown}, …)",
            "say in a mapping which is noon, [noon], see docs/fire.md",
        )
    return list(rows)


def _drop_copies(rows: Sequence[Row]) -> tuple[list[Row], list[Refused]]:
    seen: dict[datetime, int] = {}
    kept, refused = [], []
    for row in rows:
        if row.time in seen:
            reason = f"time given before, in line {seen[row.time]}"
            day = row.day.isoformat()
            refused.append(Refused(line=row.line, day=day, reason=reason))
            continue
        seen[row.time] = row.line
        kept.append(row)
    return kept, refused


def _find_local(time: datetime, section: NoonSection) -> datetime:
    """Local standard time."""
    local = time.astimezone(resolve_timezone(section.timezone, "noon"))
    return local - (local.dst() or timedelta())


def _noon_of(day: date, section: NoonSection) -> datetime:
    zone = resolve_timezone(section.timezone, "noon")
    local = datetime(day.year, day.month, day.day, tzinfo=zone)
    local += timedelta(hours=section.hour)
    return (local + (local.dst() or timedelta())).astimezone(UTC)


def _reaches(rows: Sequence[Row], day: date, section: NoonSection) -> bool:
    """Whether the table begins before and ends after a day's noon."""
    noon = _noon_of(day, section)
    return rows[0].time <= noon <= rows[-1].time


def _find_noon(rows: Sequence[Row], day: date, section: NoonSection) -> Row | Refused:
    noon = _noon_of(day, section)
    at = bisect_right(rows, noon, key=lambda row: row.time)
    near = rows[max(at - 1, 0) : at + 1]
    best = min(near, key=lambda row: abs(row.time - noon))
    away = abs(best.time - noon)
    if away <= timedelta(minutes=section.tolerance_minutes):
        return best
    return Refused(
        line=best.line,
        day=day.isoformat(),
        reason=f"no row at noon: the nearest is {away.total_seconds() / 60:.0f} "
        "minutes off",
    )


def _find_step(times: Sequence[datetime]) -> float:
    """Hours between rows, as a rule; infinite for one row."""
    gaps = [(b - a).total_seconds() / 3600 for a, b in pairwise(times)]
    return float(np.median(gaps)) if gaps else math.inf


def _sum_rain(
    rows: Sequence[Row], noon: datetime, section: NoonSection, step: float
) -> float | str:
    """Millimetres in the hours that end at a noon row, or why they are not known."""
    first = noon - timedelta(hours=section.rain_hours)
    start = bisect_right(rows, first, key=lambda row: row.time)
    stop = bisect_right(rows, noon, key=lambda row: row.time)
    window = [row.rain for row in rows[start:stop]]
    if wrong := next((rain for rain in window if rain < 0), None):
        return f"rain {wrong:g} mm is negative"
    known = [rain for rain in window if not math.isnan(rain)]
    asked = max(1, round(section.rain_hours / step))
    if len(known) < asked:
        return f"rain is known for {len(known)} of {asked} steps before noon"
    return math.fsum(known)
