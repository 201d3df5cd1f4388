"""The curve of a parcel in a real browser."""

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.maps import fire_visit
from tests.maps.fire_visit import popup
from tests.maps.test_browser import PHONE, Open, Visit
from tests.maps.water_visit import CLASH, only, open_page, show_card
from tests.maps.waters import days_of, parcel

browser, visit = fire_visit.browser, fire_visit.visit
pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]


def _points(seen: Visit, kind: str) -> list[tuple[float, float]]:
    """Points of one line of the curve, in chart units."""
    line = seen.page.locator(f".af-water-chart polyline.{kind}").first
    pairs = (line.get_attribute("points") or "").split()
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in pairs)]


def test_the_curve_has_wet_up_and_its_forecast_dashed(
    visit: Open, tmp_path: Path
) -> None:
    days = days_of()
    seen = open_page(visit, tmp_path, only(parcel(0, days=days)))
    show_card(seen)
    past, ahead = _points(seen, "af-depletion"), _points(seen, "af-forecast")
    assert (len(past), len(ahead)) == (30, 8)  # the dashes start on the last past day
    assert ahead[0] == past[-1]
    for before, after, (_, high), (_, low) in zip(
        days[:29], days[1:30], past[:29], past[1:], strict=True
    ):
        drier = after.depletion_mm - before.depletion_mm
        assert abs(drier) < 0.3 or (low > high) == (drier > 0)
    dashes = seen.page.locator(".af-water-chart .af-forecast").first
    style = "e => getComputedStyle(e).strokeDasharray"
    assert dashes.evaluate(style) != "none"
    assert (
        seen.page.locator(".af-water-chart .af-depletion").first.evaluate(style)
        == "none"
    )


def test_the_curve_crosses_the_threshold_where_the_numbers_do(
    visit: Open, tmp_path: Path
) -> None:
    """At 60 of 100 mm the curve lies on a threshold of 60."""
    steady = [
        replace(day, depletion_mm=60.0, raw_mm=60.0, taw_mm=100.0) for day in days_of()
    ]
    seen = open_page(visit, tmp_path, only(parcel(0, days=tuple(steady))))
    show_card(seen)
    heights = {y for _, y in _points(seen, "af-depletion")}
    raw = seen.page.locator("path.af-raw").get_attribute("d") or ""
    taw = seen.page.locator("path.af-taw").get_attribute("d") or ""
    assert len(heights) == 1
    assert f" {heights.pop():g}H" in raw
    assert taw.split(" ")[1].startswith("146")  # the lowest edge of the curve
    text = popup(seen)
    assert "缺水 60 mm；缺到 60 mm 作物开始受旱，100 mm 萎蔫" in text


def test_rain_and_irrigation_are_bars(visit: Open, tmp_path: Path) -> None:
    seen = open_page(visit, tmp_path, only(parcel(0)))
    show_card(seen)
    chart = seen.page.locator(".af-water-chart")
    assert chart.locator("rect.af-rain").count() == 3
    assert chart.locator("rect.af-rain.ahead").count() == 1
    assert chart.locator("rect.af-irrigation").count() == 1
    tall = {
        kind: float(chart.locator(f"rect.{kind}").first.get_attribute("height") or 0)
        for kind in ("af-rain", "af-irrigation")
    }
    assert tall["af-rain"] / tall["af-irrigation"] == pytest.approx(22 / 40, abs=0.01)


@pytest.mark.parametrize(
    ("past", "ahead"), [(1, 0), (0, 1), (0, 7), (2, 0), (1, 7), (60, 0), (300, 14)]
)
def test_any_number_of_days_is_drawn(
    visit: Open, tmp_path: Path, past: int, ahead: int
) -> None:
    days = days_of(past=past, ahead=ahead)
    seen = open_page(visit, tmp_path, only(parcel(0, days=days)), PHONE)
    show_card(seen)
    for language in ("zh", "en"):
        assert seen.page.evaluate(CLASH) == [], language
        drawn = seen.page.locator(".af-water-chart").inner_html()
        assert "NaN" not in drawn
        assert "undefined" not in drawn
        seen.page.click(".af-language")
        expect(seen.page.locator(".leaflet-popup")).to_have_count(0)
        show_card(seen)
    assert seen.complaints == []


def test_a_missing_day_breaks_the_line(visit: Open, tmp_path: Path) -> None:
    days = days_of(ahead=0)
    seen = open_page(visit, tmp_path, only(parcel(0, days=(*days[:10], *days[13:]))))
    show_card(seen)
    lines = seen.page.locator(".af-water-chart polyline.af-depletion")
    assert lines.count() == 2


def test_no_water_and_odd_water_are_drawn(visit: Open, tmp_path: Path) -> None:
    dry = [
        replace(day, depletion_mm=0.0, raw_mm=0.0, taw_mm=0.0, rain_mm=0.0,
                irrigation_mm=0.0)
        for day in days_of()
    ]  # fmt: skip
    flood = [replace(day, depletion_mm=-20.0, rain_mm=400.0) for day in days_of()]
    for days in (dry, flood):
        seen = open_page(visit, tmp_path, only(parcel(0, days=tuple(days))))
        show_card(seen)
        assert "NaN" not in seen.page.locator(".af-water-chart").inner_html()
        assert seen.page.evaluate(CLASH) == []
        assert seen.complaints == []
