"""Which night is due: decided anew from what was run, so no clock can fool it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.schedule.test_timetable import TIMETABLES

from agroforest.core.errors import ConfigurationError
from agroforest.schedule.missed import resolve_missed
from agroforest.schedule.standing import Standing, end_night, find_start
from agroforest.schedule.timetable import Timetable, find_night, parse_timetable
from agroforest.testing.reliability import record

TABLE = parse_timetable("02:00", "UTC")
NIGHT = date(2024, 11, 1)
BEGUN = datetime(2024, 11, 1, 2, tzinfo=UTC)


def minutes(standing: Standing, now: datetime) -> float:
    start = find_start(standing, TABLE, now)
    assert start.night == NIGHT
    return (start.at - now).total_seconds() / 60


def test_a_night_is_due_from_its_start_until_it_was_run() -> None:
    before = Standing(done=date(2024, 10, 31))
    assert minutes(before, BEGUN - timedelta(minutes=5)) == 5
    assert minutes(before, BEGUN) == 0
    assert minutes(before, BEGUN + timedelta(hours=9)) == -9 * 60
    after = end_night(before, NIGHT, 0, BEGUN)
    assert find_start(after, TABLE, BEGUN).night == date(2024, 11, 2)


def test_a_failed_night_is_tried_three_times_more() -> None:
    standing, now, waits = Standing(done=date(2024, 10, 31)), BEGUN, []
    for code in (1, 3, -9):
        standing = end_night(standing, NIGHT, code, now)
        waits.append(minutes(standing, now))
        now = find_start(standing, TABLE, now).at
    assert waits == [10, 30, 60]
    standing = end_night(standing, NIGHT, 4, now)
    assert standing.given_up == NIGHT
    following = find_start(standing, TABLE, now)
    assert (following.night, following.at) == (
        date(2024, 11, 2),
        BEGUN + timedelta(days=1),
    )


@pytest.mark.parametrize("code", [2, 5, 6])
def test_what_is_hopeless_is_not_tried_again(code: int) -> None:
    standing = end_night(Standing(done=date(2024, 10, 31)), NIGHT, code, BEGUN)
    assert find_start(standing, TABLE, BEGUN).night == date(2024, 11, 2)
    assert standing.done == date(2024, 10, 31)


def test_a_clock_put_back_does_not_make_a_retry_wait_for_it() -> None:
    standing = end_night(Standing(done=date(2024, 10, 31)), NIGHT, 1, BEGUN)
    later = replace(standing, failed_at=BEGUN + timedelta(days=300))
    assert minutes(later, BEGUN) == 0


def test_a_year_ahead_and_back_loses_nothing() -> None:
    standing = Standing(done=date(2024, 10, 31))
    ahead = BEGUN + timedelta(days=365)
    wrong = find_start(standing, TABLE, ahead)
    with pytest.raises(ConfigurationError, match="nights are missing"):
        resolve_missed(standing.done, wrong.night)
    standing = end_night(standing, wrong.night, 2, ahead)
    assert minutes(standing, BEGUN) == 0  # the clock is right again: tonight is due


class _Machine:
    """A machine whose clock is moved by hand, and the store of its nights."""

    def __init__(self, timetable: Timetable, now: datetime) -> None:
        self.timetable = timetable
        self.now = now
        self.stored = [find_night(timetable.last_start(now))]
        self.standing = Standing(done=self.stored[-1])

    def look(self, code: int) -> None:
        """Do what the scheduler does at a beat; a night ends with `code`."""
        start = find_start(self.standing, self.timetable, self.now)
        if start.at > self.now:
            return
        try:
            nights = resolve_missed(self.stored[-1], start.night)
        except ConfigurationError:
            code = 2
        else:
            if code == 0:
                # A night that the store has would be run twice.
                assert not set(nights) & set(self.stored)
                self.stored += nights
        self.standing = end_night(self.standing, start.night, code, self.now)

    def restart(self) -> None:
        """Forget everything but the store."""
        self.standing = Standing(done=self.stored[-1])


JUMPS = st.one_of(
    st.integers(0, 90),  # minutes that pass
    st.sampled_from([-60, 60, -1440, 1440, 3 * 1440]),  # an hour, a day, three days
    st.integers(-100 * 1440, 50 * 1440),
)
STEPS = st.lists(
    st.tuples(JUMPS, st.sampled_from([0, 0, 0, 1, 3, 4, -9]), st.booleans()),
    max_size=30,
)


@settings(max_examples=300)
@given(timetable=TIMETABLES, steps=STEPS)
def test_no_night_is_run_twice_and_none_is_lost(
    timetable: Timetable, steps: list[tuple[int, int, bool]]
) -> None:
    begun = datetime(2024, 11, 1, 12, tzinfo=UTC)
    machine = _Machine(timetable, begun)
    for jump, code, dies in steps:
        machine.now += timedelta(minutes=jump)
        machine.look(code)
        if dies:
            machine.restart()
    # In the end the clock is right for one quiet day after the newest night of all.
    newest = datetime.combine(machine.stored[-1], datetime.min.time(), UTC)
    machine.now = max(begun, newest) + timedelta(days=2)
    for _ in range(26):
        machine.look(0)
        machine.now += timedelta(hours=1)
    stored = machine.stored
    days = (stored[-1] - stored[0]).days
    assert stored == [stored[0] + timedelta(days=n) for n in range(days + 1)]
    assert stored[-1] >= find_night(timetable.last_start(machine.now)) - timedelta(1)


def test_clocks_that_jump_are_on_record() -> None:
    """One jump after another around the start of a night, each from a fresh start."""
    tried = survived = 0
    for zone in ("UTC", "Asia/Shanghai", "Europe/Berlin"):
        table = Timetable(at=TABLE.at, zone=ZoneInfo(zone))
        for hours in (-24 * 30, -24, -1, 1, 24, 24 * 3, 24 * 30):
            for phase in range(-90, 91, 30):
                tried += 1
                machine = _Machine(table, BEGUN - timedelta(days=1))
                machine.now = BEGUN + timedelta(minutes=phase)
                machine.look(0)
                machine.now += timedelta(hours=hours)
                machine.look(0)
                for _ in range(6 * 33):  # the clock goes on; every night comes
                    machine.now += timedelta(hours=4)
                    machine.look(0)
                nights = machine.stored
                whole = [nights[0] + timedelta(days=n) for n in range(len(nights))]
                tonight = find_night(table.last_start(machine.now))
                survived += nights == whole and nights[-1] >= tonight
    record(
        "fault",
        "clock jumps",
        tried=tried,
        survived=survived,
        note="an hour to thirty days, forward and back: no night twice, none lost",
    )
    assert survived == tried
