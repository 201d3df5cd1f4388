"""Low-carbon hours: no start that keeps the deadline is cleaner."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.core.cost import Cost
from agroforest.core.errors import ConfigurationError
from agroforest.core.execution import Execution, ExecutionStatus
from agroforest.nightly.power.hours import (
    FIRST_GUESS,
    Profile,
    build_profile,
    choose_start,
    expect_minutes,
    next_deadline,
)
from agroforest.nightly.power.profile import read_profile

CHINA = timedelta(hours=8)
EVENING = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)  # 02:00 in China
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def days(**hours: float) -> Profile:
    """500 g but for some hours, ``h3=100``."""
    grams = [500.0] * 24
    for name, value in hours.items():
        grams[int(name[1:])] = value
    return Profile(g_per_kwh=tuple(grams), offset=CHINA)


moments = st.integers(0, 3 * 24 * 60).map(lambda n: EVENING + n * MINUTE)
profiles = st.lists(st.integers(1, 900), min_size=24, max_size=24).map(
    lambda grams: Profile(g_per_kwh=tuple(map(float, grams)), offset=CHINA)
)


@given(
    now=moments,
    minutes=st.integers(0, 600),
    profile=profiles,
    window=st.integers(-60, 24 * 60),
    other=st.floats(0, 1),
)
def test_no_start_within_the_deadline_is_cleaner(
    now: datetime, minutes: int, profile: Profile, window: int, other: float
) -> None:
    length, deadline = minutes * MINUTE, now + window * MINUTE
    start = choose_start(now, minutes, profile, deadline)
    latest = deadline - length
    assert now <= start <= max(now, latest)
    if latest <= now:
        assert start == now
        return
    mean, rival = profile.mean(start, length), now + other * (latest - now)
    at_rival = profile.mean(rival, length)
    assert mean is not None
    assert at_rival is not None
    assert mean <= at_rival * (1 + 1e-6)


@given(
    now=moments,
    minutes=st.integers(1, 300),
    profile=profiles,
    window=st.integers(0, 24 * 60),
    share=st.floats(0, 1),
)
def test_who_asks_again_gets_the_same_answer(
    now: datetime, minutes: int, profile: Profile, window: int, share: float
) -> None:
    deadline = now + window * MINUTE
    start = choose_start(now, minutes, profile, deadline)
    later = now + share * (start - now)
    again = choose_start(later, minutes, profile, deadline)
    means = [profile.mean(s, minutes * MINUTE) for s in (start, again)]
    assert again == start or means[0] == pytest.approx(means[1])


@given(now=moments, minutes=st.integers(0, 600), window=st.integers(-60, 1440))
def test_without_a_profile_a_night_begins_at_once(
    now: datetime, minutes: int, window: int
) -> None:
    assert choose_start(now, minutes, None, now + window * MINUTE) == now


def test_the_clean_hour_is_waited_for() -> None:
    deadline = EVENING + 4 * HOUR  # 06:00 in China
    assert choose_start(EVENING, 30, days(h4=100), deadline) == EVENING + 2 * HOUR
    # Two hours of work around one clean hour: as early as it is inside.
    assert choose_start(EVENING, 120, days(h4=100), deadline) == EVENING + 1 * HOUR
    # An hour that is too late to be done by then.
    assert choose_start(EVENING, 30, days(h6=1), deadline) == EVENING
    assert choose_start(EVENING, 60, days(h5=1), deadline) == EVENING + 3 * HOUR
    assert choose_start(EVENING, 90, days(h5=1), deadline) == deadline - 90 * MINUTE


def test_a_forecast_is_not_believed_beyond_its_end() -> None:
    forecast = Profile(g_per_kwh=(500.0, 100.0), begins=EVENING, offset=CHINA)
    assert forecast.mean(EVENING, 2 * HOUR) == 300.0
    assert forecast.mean(EVENING, 3 * HOUR) is None
    assert choose_start(EVENING, 60, forecast, EVENING + 9 * HOUR) == EVENING + HOUR
    before = EVENING - HOUR
    assert choose_start(before, 60, forecast, EVENING + 9 * HOUR) == before


def test_a_profile_is_of_local_hours() -> None:
    assert days(h2=7).at(EVENING) == 7
    assert days(h2=7).at(EVENING + 59 * MINUTE) == 7
    assert days(h2=7).at(EVENING + HOUR) == 500


@pytest.mark.parametrize(
    ("clock", "hours"), [("06:00", 4.0), ("02:00", 24.0), ("02:01", 1 / 60)]
)
def test_the_next_deadline_is_after_now(clock: str, hours: float) -> None:
    assert next_deadline(EVENING, clock, CHINA) == EVENING + timedelta(hours=hours)


def execution(
    minutes: float, status: ExecutionStatus = ExecutionStatus.DONE
) -> Execution:
    return Execution(
        id="x",
        pipeline="north",
        night=date(2026, 11, 21),
        config_digest="",
        host="",
        pid=1,
        started=EVENING,
        status=status,
        cost=Cost(seconds=60 * minutes),
    )


def test_a_night_lasts_as_long_as_the_last_ones_did() -> None:
    assert expect_minutes([]) == FIRST_GUESS
    long_ago = [execution(1000) for _ in range(5)]
    recent = [execution(n) for n in (10, 20, 30, 40, 50, 60, 70)]
    failed = [execution(5000, ExecutionStatus.FAILED)]
    assert expect_minutes([*long_ago, *recent, *failed]) == 40


def write(path: Path, rows: list[str]) -> Path:
    path.write_text("\n".join(["hour,g_per_kwh", *rows]) + "\n", encoding="utf-8")
    return path


def test_files_of_hours_are_read(tmp_path: Path) -> None:
    day = write(tmp_path / "day.csv", [f"{n},{400 + n}" for n in range(24)])
    assert read_profile(day, CHINA) == Profile(
        g_per_kwh=tuple(range(400, 424)), offset=CHINA
    )
    begin = datetime(2026, 11, 22)  # noqa: DTZ001  local time, as in the file
    hours = [f"{(begin + n * HOUR).isoformat()},{n}" for n in range(48)]
    found = read_profile(write(tmp_path / "two.csv", hours), CHINA)
    assert found.begins == datetime(2026, 11, 21, 16, tzinfo=UTC)
    assert len(found.g_per_kwh) == 48


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (["0,1"], "'0', neither 0 to 23"),
        ([f"{n},1" for n in range(23)], "neither 0 to 23"),
        ([f"{n},-1" for n in range(24)], "not between 0 and 2000"),
        ([f"{n},nan" for n in range(24)], "not between 0 and 2000"),
        ([f"{n},a" for n in range(24)], "could not convert"),
        (["0,1,2"], "too many values"),
        ([f"2026-11-22T{n:02}:30,1" for n in range(24)], "not full"),
        ([f"2026-11-22T{n:02}:00,1" for n in range(23)], "has 23 hours"),
        (
            [f"2026-11-22T{n:02}:00,1" for n in reversed(range(24))],
            "do not follow each other",
        ),
    ],
)
def test_other_tables_are_refused(
    tmp_path: Path, rows: list[str], problem: str
) -> None:
    path = write(tmp_path / "hours.csv", rows)
    with pytest.raises(ConfigurationError, match=problem):
        read_profile(path, CHINA)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_profile(tmp_path / "none.csv", CHINA)
    path = tmp_path / "hours.csv"
    path.write_text("a,b\n")
    with pytest.raises(ConfigurationError, match="does not begin with"):
        read_profile(path, CHINA)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="is no table"):
        read_profile(path, CHINA)
    path.write_bytes(b"x" * (1 << 21))
    with pytest.raises(ConfigurationError, match="too large"):
        read_profile(path, CHINA)


def test_hours_with_a_zone_are_those_of_the_zone() -> None:
    rows = [(f"2026-11-22T{n:02}:00+00:00", 1.0) for n in range(24)]
    assert build_profile(rows, CHINA).begins == datetime(2026, 11, 22, tzinfo=UTC)
