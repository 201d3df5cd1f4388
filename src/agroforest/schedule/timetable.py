"""At what time nights begin."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agroforest.core.errors import ConfigurationError

#: When to begin, from the time it may first (UTC) and the time by which it must.
#: Asked again and again: the same question needs the same answer.
ChooseStart = Callable[[datetime, datetime], datetime]


def start_at_once(now: datetime, deadline: datetime) -> datetime:
    """Begin as soon as it may."""
    del deadline
    return now


@dataclass(frozen=True, kw_only=True, slots=True)
class Timetable:
    """The same time every day, in one zone.

    Attributes
    ----------
    at
        The time on the clock of `zone`. Where clocks are put forward over it, the
        night begins as much later; where they are put back, it begins once.
    zone
        Of `at`.
    window
        How much later a night may begin where that is better for something.
    """

    at: time
    zone: ZoneInfo
    window: timedelta = timedelta(0)

    def last_start(self, now: datetime) -> datetime:
        """Newest start that is not after now, UTC."""
        day = now.astimezone(self.zone).date() + timedelta(days=1)
        start = self._start(day)
        while start > now:
            day -= timedelta(days=1)
            start = self._start(day)
        return start

    def next_start(self, now: datetime) -> datetime:
        """First start after now, UTC."""
        day = now.astimezone(self.zone).date() - timedelta(days=1)
        start = self._start(day)
        while start <= now:
            day += timedelta(days=1)
            start = self._start(day)
        return start

    def choose(self, start: datetime, choose_start: ChooseStart) -> datetime:
        """Start that was chosen, held within the window that begins at `start`."""
        deadline = start + self.window
        return min(max(choose_start(start, deadline), start), deadline)

    def _start(self, day: date) -> datetime:
        return datetime.combine(day, self.at, tzinfo=self.zone).astimezone(UTC)


def find_night(start: datetime) -> date:
    """Night that begins then: the date in UTC, as everywhere."""
    return start.astimezone(UTC).date()


def parse_timetable(at: str, zone: str) -> Timetable:
    """Read a timetable from ``02:00`` and ``Asia/Shanghai``.

    Raises
    ------
    ConfigurationError
        Either is not that.
    """
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", at, re.ASCII)
    if found is None:
        raise ConfigurationError("--at", f"{at!r} is no time", "write it like 02:00")
    try:
        known = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigurationError(
            "--zone", f"{zone!r} is no time zone", "write it like Asia/Shanghai"
        ) from None
    return Timetable(at=time(int(found[1]), int(found[2])), zone=known)
