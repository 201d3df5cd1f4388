"""Where a pipeline stands: which night is due, and what follows one that failed."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from agroforest.schedule.timetable import (
    ChooseStart,
    Timetable,
    find_night,
    start_at_once,
)

#: Waits before a night is tried again; then it is left to the catch-up of the next.
#: Arbitrary: long enough for a server to come back, over before people arrive.
WAITS = (timedelta(minutes=10), timedelta(minutes=30), timedelta(minutes=60))
#: Exit codes of settings that cannot be acted on, of nothing to work on, and of a
#: budget that is spent: trying again mends none of them, and spends the budget again.
HOPELESS = frozenset({2, 5, 6})


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What is known of a pipeline's nights.

    Attributes
    ----------
    done
        The newest night that was run; those before it were run, too.
    given_up
        A night that is not tried again by itself.
    tried
        The night that failed last.
    failures
        How often `tried` has failed.
    failed_at
        When it last did, UTC.
    """

    done: date | None = None
    given_up: date | None = None
    tried: date | None = None
    failures: int = 0
    failed_at: datetime | None = None

    def is_due(self, night: date) -> bool:
        """Whether a night that has begun is still to be run."""
        if night == self.given_up:
            return False
        return self.done is None or night > self.done

    def retry_at(self, night: date, now: datetime) -> datetime | None:
        """When to try a night again; ``None`` if it has not failed."""
        if night != self.tried or self.failed_at is None:
            return None
        if now < self.failed_at:  # the clock was put back: wait no longer than this
            return now
        return self.failed_at + WAITS[self.failures - 1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """When a night begins.

    Attributes
    ----------
    night
        The night.
    at
        When, UTC; not after now if it is due.
    """

    night: date
    at: datetime


def find_start(
    standing: Standing,
    timetable: Timetable,
    now: datetime,
    choose_start: ChooseStart = start_at_once,
) -> Start:
    """Find the night to run next, and when.

    Nothing is remembered from one call to the next, so it does not matter how the
    clock came to say what it says: a night that was run is not due, whatever the
    time, and one that was not stays due until it was run or a later one is, which
    catches up on it.

    Parameters
    ----------
    standing
        What was run.
    timetable
        When nights begin.
    now
        The time, UTC.
    choose_start
        Chooses a time within the timetable's window.
    """
    begun = timetable.last_start(now)
    night = find_night(begun)
    if standing.is_due(night):
        chosen = timetable.choose(begun, choose_start)
        retry = standing.retry_at(night, now)
        return Start(night=night, at=chosen if retry is None else max(chosen, retry))
    begins = timetable.next_start(now)
    return Start(night=find_night(begins), at=timetable.choose(begins, choose_start))


def end_night(standing: Standing, night: date, code: int, now: datetime) -> Standing:
    """Standing after a night ended.

    Parameters
    ----------
    standing
        Before it.
    night
        The night.
    code
        How the command ended: 0 is well, negative a signal.
    now
        The time, UTC.
    """
    if code == 0:
        done = night if standing.done is None else max(standing.done, night)
        return Standing(done=done)
    failures = standing.failures + 1 if standing.tried == night else 1
    if code in HOPELESS or failures > len(WAITS):
        return Standing(done=standing.done, given_up=night)
    return Standing(done=standing.done, tried=night, failures=failures, failed_at=now)
