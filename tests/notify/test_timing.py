"""Quiet hours and digests by the clock on the wall."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.notify.timing import end_quiet, next_digest

CHINA = ZoneInfo("Asia/Shanghai")
# Clocks go back and forth, the second by half an hour.
ZONES = ("Asia/Shanghai", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns")
clocks = st.times().map(lambda t: t.replace(microsecond=0))
moments = st.datetimes(
    min_value=datetime(2023, 1, 1),  # noqa: DTZ001  the zone is given beside it
    max_value=datetime(2026, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2024-05-03T12:59:00", "2024-05-03T12:59:00"),  # 20:59 there
        ("2024-05-03T13:00:00", "2024-05-03T23:00:00"),  # 21:00: until 7
        ("2024-05-03T17:00:00", "2024-05-03T23:00:00"),  # 1:00 on the next day
        ("2024-05-03T23:00:00", "2024-05-03T23:00:00"),
    ],
)
def test_quiet_hours_may_pass_midnight(moment: str, end: str) -> None:
    quiet = time(21), time(7)
    found = end_quiet(quiet, datetime.fromisoformat(moment + "+00:00"), CHINA)
    assert found == datetime.fromisoformat(end + "+00:00")


def test_quiet_hours_within_a_day() -> None:
    quiet = time(12), time(14)
    noon = datetime(2024, 5, 3, 4, 30, tzinfo=UTC)
    assert end_quiet(quiet, noon, CHINA) == datetime(2024, 5, 3, 6, tzinfo=UTC)


def test_nobody_is_quiet_without_hours() -> None:
    noon = datetime(2024, 5, 3, 4, tzinfo=UTC)
    assert end_quiet(None, noon, CHINA) == noon
    assert end_quiet((time(9), time(9)), noon, CHINA) == noon


@given(begin=clocks, end=clocks, moment=moments, zone=st.sampled_from(ZONES))
def test_the_end_is_outside_within_a_day_and_stays(
    begin: time, end: time, moment: datetime, zone: str
) -> None:
    quiet, place = (begin, end), ZoneInfo(zone)
    found = end_quiet(quiet, moment, place)
    assert moment <= found <= moment + timedelta(hours=26)
    # Where clocks jump over the end, the moment after the jump is as good.
    again = end_quiet(quiet, found, place)
    assert again - found <= timedelta(hours=1)


@given(at=clocks, moment=moments, zone=st.sampled_from(ZONES))
def test_a_digest_comes_within_a_day_of_the_clock(
    at: time, moment: datetime, zone: str
) -> None:
    found = next_digest(at, moment, ZoneInfo(zone))
    assert timedelta(0) < found - moment <= timedelta(hours=25)
