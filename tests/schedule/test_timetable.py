"""Starts of nights in zones with and without summer time."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.core.errors import ConfigurationError
from agroforest.schedule.timetable import Timetable, find_night, parse_timetable

ZONES = st.sampled_from(
    ["Asia/Shanghai", "UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"]
).map(ZoneInfo)
TIMETABLES = st.builds(
    Timetable,
    at=st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    zone=ZONES,
)
MOMENTS = st.datetimes(
    datetime(2024, 1, 1),  # noqa: DTZ001  hypothesis adds the zone
    datetime(2026, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def test_two_in_the_morning_in_china_is_the_evening_before_in_utc() -> None:
    table = parse_timetable("02:00", "Asia/Shanghai")
    now = datetime(2024, 11, 1, 12, tzinfo=UTC)
    assert table.next_start(now) == datetime(2024, 11, 1, 18, tzinfo=UTC)
    assert table.last_start(now) == datetime(2024, 10, 31, 18, tzinfo=UTC)
    assert find_night(table.next_start(now)).isoformat() == "2024-11-01"


def test_a_time_that_summer_skips_is_as_much_later() -> None:
    table = parse_timetable("02:30", "Europe/Berlin")
    now = datetime(2024, 3, 30, 12, tzinfo=UTC)
    assert table.next_start(now) == datetime(2024, 3, 31, 1, 30, tzinfo=UTC)


@given(table=TIMETABLES, now=MOMENTS)
def test_starts_follow_each_other_a_day_apart(table: Timetable, now: datetime) -> None:
    last, following = table.last_start(now), table.next_start(now)
    assert last <= now < following
    assert table.next_start(last) == following
    assert table.last_start(following) == following
    assert timedelta(hours=22) < following - last < timedelta(hours=26)


@pytest.mark.parametrize("choice", [-5, 0, 30, 500])
def test_a_chosen_start_stays_within_the_window(choice: int) -> None:
    table = Timetable(at=time(2), zone=ZoneInfo("UTC"), window=timedelta(hours=4))
    start = datetime(2024, 11, 1, 2, tzinfo=UTC)
    chosen = table.choose(start, lambda now, _: now + timedelta(minutes=choice))
    assert chosen == start + timedelta(minutes=min(max(choice, 0), 240))


@pytest.mark.parametrize(
    "at", ["24:00", "2", "02:60", "02:00:00", "\u0660\u0662:00", ""]
)
def test_what_is_no_time_is_refused(at: str) -> None:
    with pytest.raises(ConfigurationError, match="is no time"):
        parse_timetable(at, "UTC")


@pytest.mark.parametrize("zone", ["Asia/Nowhere", "", "../etc/passwd", "北京"])
def test_what_is_no_zone_is_refused(zone: str) -> None:
    with pytest.raises(ConfigurationError, match="is no time zone"):
        parse_timetable("02:00", zone)
