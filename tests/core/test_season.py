"""Seasons: the same days of every year."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.core.season import Season

AUTUMN = Season.parse("08-15/10-15")
WINTER = Season.parse("11-20/02-10")
DAYS = st.dates(date(1980, 1, 1), date(2090, 12, 31))


def test_a_season_is_read_as_it_is_written() -> None:
    assert Season(start=(8, 15), end=(10, 15)) == AUTUMN
    assert str(WINTER) == "11-20/02-10"
    assert AUTUMN.window(2020) == (date(2020, 8, 15), date(2020, 10, 15))
    assert WINTER.window(2020) == (date(2019, 11, 20), date(2020, 2, 10))


@pytest.mark.parametrize(
    "text", ["", "08-15", "8-15/10-15", "08-15/13-01", "02-29/04-01", "08-15/10-15/"]
)
def test_what_is_no_season_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"day of every year|is not MM-DD/MM-DD"):
        Season.parse(text)


@given(DAYS, st.sampled_from([AUTUMN, WINTER]))
def test_the_latest_season_is_over_and_the_next_is_not(
    day: date, season: Season
) -> None:
    year = season.latest(day)
    assert season.window(year)[1] < day <= season.window(year + 1)[1]


@given(DAYS, st.sampled_from([AUTUMN, WINTER]))
def test_a_day_lies_in_one_season_at_most(day: date, season: Season) -> None:
    years = [y for y in range(day.year - 1, day.year + 3) if season.holds(day, y)]
    assert len(years) <= 1
    first, last = season.window(day.year)
    assert season.holds(first, day.year)
    assert season.holds(last, day.year)
    assert not season.holds(last + timedelta(1), day.year)
