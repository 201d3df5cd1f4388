"""Which composite must show what was seen."""

from datetime import date, timedelta

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from agroforest.core.season import Season
from agroforest.risk.datasets.survey.labels import Label, Reason, Status
from agroforest.risk.datasets.survey.timing import Timing

YEARS = (2018, 2019, 2020)
TIMING = Timing(season=Season.parse("08-15/10-15"), tolerance=30)


def seen(status: Status, start: str, end: str | None = None) -> Label:
    return Label(
        status=status,
        start=date.fromisoformat(start),
        end=date.fromisoformat(end or start),
        centre=(0.0, 0.0),
        geometry=shapely.Point(0, 0),
        is_point=True,
    )


@pytest.mark.parametrize(
    ("start", "end", "year"),
    [
        ("2020-09-01", None, 2020),
        ("2020-05-01", None, 2020),  # is there in autumn, too
        ("2019-11-15", None, 2020),  # after 2019 and its tolerance
        ("2019-11-14", None, 2019),  # 30 days after the season
        ("2020-11-14", None, 2020),
        ("2020-11-15", None, Reason.YEAR),  # 2021 would show it
        ("2018-09-01", None, Reason.YEAR),  # nothing to compare with
        ("2019-12-01", "2020-11-01", 2020),
        ("2019-11-01", "2020-02-01", Reason.WINDOW),
    ],
)
def test_damage(start: str, end: str | None, year: int | Reason) -> None:
    assert TIMING.find_year(seen(Status.DAMAGED, start, end), YEARS) == year


@pytest.mark.parametrize(
    ("start", "end", "year"),
    [
        ("2020-09-01", None, 2020),
        ("2020-07-16", None, 2020),  # 30 days before the season
        ("2020-07-15", None, 2019),  # healthy now, so it was last autumn
        ("2020-07-15", "2020-12-01", 2019),
        ("2019-05-01", None, Reason.YEAR),  # says something of 2018 alone
        ("2021-05-01", None, 2020),
        ("2021-09-01", None, Reason.YEAR),  # there is no 2021
    ],
)
def test_health(start: str, end: str | None, year: int | Reason) -> None:
    assert TIMING.find_year(seen(Status.CLEAN, start, end), YEARS) == year


def test_years_between_may_be_missing() -> None:
    years = (2017, 2020)
    assert TIMING.find_year(seen(Status.DAMAGED, "2018-05-01"), years) == 2020
    assert TIMING.find_year(seen(Status.CLEAN, "2018-09-01"), years) == Reason.YEAR


def test_a_season_across_the_new_year() -> None:
    timing = Timing(season=Season.parse("12-01/02-28"), tolerance=0)
    assert timing.find_year(seen(Status.DAMAGED, "2020-03-01"), (2020, 2021)) == 2021
    assert timing.find_year(seen(Status.DAMAGED, "2020-12-15"), (2020, 2021)) == 2021
    assert timing.find_year(seen(Status.CLEAN, "2020-12-15"), (2020, 2021)) == 2021
    assert timing.find_year(seen(Status.CLEAN, "2020-11-15"), (2019, 2020)) == 2020


@given(
    st.dates(min_value=date(2017, 1, 1), max_value=date(2022, 1, 1)),
    st.integers(0, 90),
    st.sampled_from(list(Status)[:2]),
)
def test_what_a_label_says_holds_in_its_composite(
    day: date, tolerance: int, status: Status
) -> None:
    timing = Timing(tolerance=tolerance)
    year = timing.find_year(seen(status, day.isoformat()), YEARS)
    if isinstance(year, Reason):
        return
    first, last = timing.season.window(year)
    before = timing.season.window(year - 1)[1]
    slack = timedelta(days=tolerance)
    if status == Status.DAMAGED:
        assert before + slack < day <= last + slack
    else:
        assert first - slack <= day < timing.season.window(year + 1)[0] - slack
