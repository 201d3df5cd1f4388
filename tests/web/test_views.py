"""Numbers, days and outlines as people read them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from agroforest.web.views import Speech
from agroforest.web.views_alert import draw_outline
from agroforest.web.words import Words

NOW = datetime(2024, 5, 2, 17, 30, tzinfo=UTC)  # already the third in China


def speech(language: str) -> Speech:
    return Speech(words=Words(language), zone=ZoneInfo("Asia/Shanghai"), now=NOW)


def test_days_and_times_by_language() -> None:
    zh, en = speech("zh"), speech("en")
    assert zh.day(date(2024, 5, 1)) == "2024年5月1日"
    assert en.day(date(2024, 5, 1)) == "1 May 2024"
    assert zh.time(NOW) == "2024年5月3日 01:30"
    assert en.time(NOW) == "3 May 2024 01:30"
    ages = [en.age(date(2024, 5, day)) for day in (5, 4, 3, 2, 1)]
    assert ages == ["in 2 days", "tomorrow", "today", "yesterday", "2 days ago"]
    assert zh.age(date(2024, 5, 1)) == "2 天前"


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (30, "30 min left"),
        (119, "119 min left"),
        (121, "2 h left"),
        (3000, "2 days left"),
        (-1, "1 min overdue"),
        (-500, "8 h overdue"),
    ],
)
def test_deadlines(minutes: int, said: str) -> None:
    assert speech("en").left(NOW + timedelta(minutes=minutes)) == said


@pytest.mark.parametrize(
    ("ha", "said"),
    [
        (0.05, "0.050 ha (0.75 mu)"),
        (1.236, "1.24 ha (18.5 mu)"),
        (18.07, "18.1 ha (271 mu)"),
        (830.0, "830 ha (12,450 mu)"),
    ],
)
def test_areas(ha: float, said: str) -> None:
    assert speech("en").area(ha) == said
    number, mu = said.split(" ha (")
    assert speech("zh").area(ha) == f"{number} 公顷（{mu[:-4]} 亩）"


def test_shares() -> None:
    assert speech("zh").percent(0.853) == "85%"
    assert speech("en").percent(None) == "unknown"


def test_an_outline_is_drawn_to_scale() -> None:
    # 0.01 degrees of latitude are 1113 m, of longitude at 60 degrees half of it.
    drawn = draw_outline(shapely.box(10, 60, 10.02, 60.01), exact=True)
    assert drawn is not None
    points = [
        [float(n) for n in pair.split()]
        for pair in drawn.path.strip("MZ").replace("L", "M").split("M")
    ]
    wide = max(x for x, _ in points) - min(x for x, _ in points)
    high = max(y for _, y in points) - min(y for _, y in points)
    assert wide / high == pytest.approx(1.0, abs=0.01)
    assert drawn.scale == "500 m"
    assert drawn.bar / high == pytest.approx(500 / 1113.2, rel=0.01)
    assert drawn.center == "60.00500° N, 10.01000° E"
    assert drawn.view == "15/60.00500/10.01000"


def test_a_hole_stays_a_hole_and_south_is_south() -> None:
    shape = shapely.box(-60.01, -30.01, -60, -30).difference(
        shapely.box(-60.006, -30.006, -60.004, -30.004)
    )
    drawn = draw_outline(shape, exact=True)
    assert drawn is not None
    assert drawn.path.count("M") == 2
    assert drawn.center == "30.00500° S, 60.00500° W"


def test_who_may_not_see_the_place_sees_a_cell() -> None:
    spots = [
        draw_outline(shapely.box(x, 22.301, x + 0.001, 22.302), exact=False)
        for x in (108.2011, 108.2044, 108.2083)
    ]
    assert spots[0] == spots[1] == spots[2]
    assert spots[0] is not None
    assert spots[0].is_coarse
    assert spots[0].view == "13/22.30500/108.20500"
    assert spots[0].center == "22.30° N, 108.20° E" or spots[0].center.startswith(
        "22.3"
    )


def test_nothing_is_nothing() -> None:
    assert draw_outline(shapely.Polygon(), exact=True) is None


@given(
    west=st.floats(-179, 178),
    south=st.floats(-80, 80),
    wide=st.floats(1e-5, 1),
    high=st.floats(1e-5, 1),
)
def test_outlines_stay_within_their_picture(
    west: float, south: float, wide: float, high: float
) -> None:
    drawn = draw_outline(
        shapely.box(west, south, west + wide, south + high), exact=True
    )
    assert drawn is not None
    numbers = [float(n) for n in drawn.path.replace("L", " ").strip("MZ").split()]
    assert all(0 <= x <= drawn.width for x in numbers[::2])
    assert all(0 <= y <= drawn.height for y in numbers[1::2])
    assert 0 < drawn.bar <= drawn.width / 4
