"""When a night's electricity is cleanest, within a deadline. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, timezone
from itertools import pairwise
from statistics import median

from agroforest.core.execution import Execution, ExecutionStatus

_HOUR = timedelta(hours=1)
_DAY_HOURS = 24
#: Minutes that a night is taken to last while none has been run. Arbitrary.
FIRST_GUESS = 30.0
#: Nights whose median says how long the next one lasts.
RECENT = 7
# A later start must be cleaner by more than rounding.
_BETTER = 1 - 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """Grams of CO2 for a kilowatt-hour, hour by hour.

    Attributes
    ----------
    g_per_kwh
        One a full hour: 24 of a typical day, from local midnight, or those of a
        forecast.
    begins
        First hour of a forecast, UTC; ``None`` for a typical day.
    offset
        Of the local time from UTC, for a typical day.
    """

    g_per_kwh: tuple[float, ...]
    begins: datetime | None = None
    offset: timedelta = timedelta(0)

    def at(self, moment: datetime) -> float | None:
        """Grams for a kilowatt-hour at a moment; ``None`` outside a forecast."""
        if self.begins is None:
            local = moment.astimezone(timezone(self.offset))
            return self.g_per_kwh[local.hour]
        hour = (moment - self.begins) // _HOUR
        return self.g_per_kwh[hour] if 0 <= hour < len(self.g_per_kwh) else None

    def mean(self, start: datetime, length: timedelta) -> float | None:
        """Mean over a time; ``None`` where part of it is outside a forecast."""
        if length <= timedelta(0):
            return self.at(start)
        total, here, end = 0.0, start, start + length
        while here < end:
            value = self.at(here)
            if value is None:
                return None
            after = min(_next_hour(here, self.offset), end)
            total += value * ((after - here) / length)
            here = after
        return total


def choose_start(
    now: datetime, expected_minutes: float, profile: Profile | None, deadline: datetime
) -> datetime:
    """Choose when a night begins.

    Parameters
    ----------
    now
        The time; no night begins before it.
    expected_minutes
        How long the night lasts, as far as is known.
    profile
        Carbon of the hours; ``None`` begins at once.
    deadline
        By then the night should be over.

    Returns
    -------
    datetime
        UTC. Of all starts that keep the deadline the one whose hours are cleanest on
        average, and the earliest of several; now, where none keeps it or a forecast
        does not reach as far. Asked again before that time, the answer is the same.
    """
    now = now.astimezone(UTC)
    length = timedelta(minutes=max(0.0, expected_minutes))
    latest = deadline.astimezone(UTC) - length
    if profile is None or latest <= now:
        return now
    best, least = now, profile.mean(now, length)
    if least is None:
        return now
    for start in _breaks(now, latest, length, profile.offset):
        mean = profile.mean(start, length)
        if mean is not None and mean < least * _BETTER:
            best, least = start, mean
    return best


def _breaks(
    first: datetime, last: datetime, length: timedelta, offset: timedelta
) -> Sequence[datetime]:
    """Find the starts at which the mean bends; its least value is at one of them.

    Between full hours of start and of end the mean is a straight line.
    """
    found = {last}
    for shift in (timedelta(0), length):
        here = _next_hour(first + shift, offset) - shift
        while here < last:
            found.add(here)
            here += _HOUR
    return sorted(start for start in found if start > first)


def _next_hour(moment: datetime, offset: timedelta) -> datetime:
    local = moment.astimezone(timezone(offset))
    whole = local.replace(minute=0, second=0, microsecond=0)
    return (whole + _HOUR).astimezone(UTC)


def next_deadline(now: datetime, clock: str, offset: timedelta) -> datetime:
    """Find the next time that a clock shows ``HH:MM``, UTC.

    Parameters
    ----------
    now
        The time.
    clock
        Local time.
    offset
        Of it from UTC.
    """
    local = now.astimezone(timezone(offset))
    hour, minute = (int(part) for part in clock.split(":"))
    then = datetime.combine(local.date(), time(hour, minute), local.tzinfo)
    if then <= local:
        then += timedelta(days=1)
    return then.astimezone(UTC)


def expect_minutes(executions: Iterable[Execution]) -> float:
    """Minutes that a night lasts: the median of the last nights that were done.

    Parameters
    ----------
    executions
        Tries at nights, rising by start.
    """
    done = [e for e in executions if e.status is ExecutionStatus.DONE]
    minutes = [e.cost.seconds / 60 for e in done if e.cost.seconds][-RECENT:]
    return median(minutes) if minutes else FIRST_GUESS


def build_profile(rows: Sequence[tuple[str, float]], offset: timedelta) -> Profile:
    """Build a profile from the first column's hours and the second's grams.

    Parameters
    ----------
    rows
        ``"0"`` to ``"23"``, or full hours such as ``2026-11-22T13:00``, each one hour
        after the one before; local time where they name no zone.
    offset
        Of local time from UTC.

    Raises
    ------
    ValueError
        In a few words, what is wrong.
    """
    hours = [hour.strip() for hour, _ in rows]
    grams = tuple(value for _, value in rows)
    if any(not 0 <= value <= 2000 for value in grams):  # NaN, too
        raise ValueError("has a number that is not between 0 and 2000 g/kWh")
    if hours == [str(n) for n in range(_DAY_HOURS)]:
        return Profile(g_per_kwh=grams, offset=offset)
    times = [_parse(hour, offset) for hour in hours]
    if not _DAY_HOURS <= len(times) <= 7 * _DAY_HOURS:
        raise ValueError(f"has {len(times)} hours, not 24 to 168")
    if any(after - before != _HOUR for before, after in pairwise(times)):
        raise ValueError("has hours that do not follow each other")
    return Profile(g_per_kwh=grams, begins=times[0], offset=offset)


def _parse(hour: str, offset: timedelta) -> datetime:
    try:
        found = datetime.fromisoformat(hour)
    except ValueError:
        raise ValueError(
            f"has the hour {hour!r}, neither 0 to 23 in order nor a time"
        ) from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=timezone(offset))
    if found.minute or found.second or found.microsecond:
        raise ValueError(f"has the hour {hour!r}, which is not full")
    return found.astimezone(UTC)
