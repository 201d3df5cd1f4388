"""Nights that were missed, whatever the clock says."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.core.errors import ConfigurationError
from agroforest.schedule.missed import MANY, resolve_missed

NIGHT = date(2024, 11, 1)
DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1))


def test_the_first_time_there_is_only_tonight() -> None:
    assert resolve_missed(None, NIGHT) == [NIGHT]


def test_tonight_again_is_tonight() -> None:
    assert resolve_missed(NIGHT, NIGHT) == [NIGHT]


def test_three_nights_off() -> None:
    nights = resolve_missed(date(2024, 10, 28), NIGHT)
    assert [n.isoformat() for n in nights] == [
        "2024-10-29",
        "2024-10-30",
        "2024-10-31",
        "2024-11-01",
    ]


def test_a_clock_that_was_put_back_is_named() -> None:
    with pytest.raises(ConfigurationError, match="2024-10-31, but night 2024-11-01"):
        resolve_missed(NIGHT, date(2024, 10, 31))


def test_too_many_nights_are_asked_about() -> None:
    assert len(resolve_missed(NIGHT, NIGHT + timedelta(days=MANY))) == MANY
    far = NIGHT + timedelta(days=MANY + 1)
    with pytest.raises(ConfigurationError, match=r"61 nights are missing.*--at-most"):
        resolve_missed(NIGHT, far)
    assert resolve_missed(NIGHT, far, 2) == [date(2024, 11, 2), date(2024, 11, 3)]


@given(last=DAYS, gap=st.integers(1, 400), at_most=st.integers(1, 90))
def test_asking_again_runs_every_night_once_and_in_order(
    last: date, gap: int, at_most: int
) -> None:
    tonight, done = last + timedelta(days=gap), [last]
    while done[-1] < tonight:
        done += resolve_missed(done[-1], tonight, at_most)
    assert done == [last + timedelta(days=n) for n in range(gap + 1)]
