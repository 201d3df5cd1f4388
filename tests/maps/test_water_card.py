"""The card of a parcel in a real browser."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.maps import fire_visit
from tests.maps.fire_visit import WIDE, popup, show
from tests.maps.fires import fire_page
from tests.maps.test_browser import PHONE, Open
from tests.maps.water_visit import CUT, only, open_page, show_card, tap
from tests.maps.waters import NIGHT, days_of, farm_page, parcel, water_page

from agroforest.maps import MapPage, ProbeTrust, build_page

browser, visit = fire_visit.browser, fire_visit.visit
pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]


@pytest.fixture(scope="module")
def farm_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("water") / "night.html"
    path.write_text(build_page(farm_page()), encoding="utf-8")
    return path


def test_a_tap_tells_what_to_do(visit: Open, farm_file: Path) -> None:
    seen = visit(farm_file, PHONE)
    page = seen.page
    tap(seen, 0)
    assert page.locator(".af-advice").inner_text().startswith("到周四")
    size = page.locator(".af-advice").evaluate(
        """e => [e, e.closest('.af-popup')]
          .map(n => parseFloat(getComputedStyle(n).fontSize))"""
    )
    assert size[0] > size[1]
    amounts = {
        tile.get_attribute("data-amount"): tile.locator("b").inner_text()
        for tile in page.locator(".af-amount").all()
    }
    assert amounts == {
        "mm": "29 mm",
        "perMu": "19 m³/亩",
        "m3": "1,240 m³",
        "minutes": "2 小时 4 分",
    }
    text = popup(seen)
    for words in (
        "最迟 2025-06-10（周二）灌水",
        "6 月 11 日预报高温热害，37.5 °C",
        "把握中等（78 %）",
        "亏缺误差约 ±6 mm",
        "轻旱",
        "2025-05-24，40 mm",
        "三号地北",
        "可信度 91 %",
        "三天读数不变，疑似探头失效，未用于建议",
        "可信度未评定",
    ):
        assert words in text
    assert text.index("到周四") < text.index("22 mm short")  # Chinese comes first
    assert seen.complaints == []


@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_long_words_are_broken_not_cut(
    visit: Open, tmp_path: Path, size: tuple[int, int]
) -> None:
    long = "sugarcane" * 20
    probe = ProbeTrust(id=long, name=long, trust=0.4, reason_zh=long, reason_en=long)
    one = parcel(
        0, id=long, zh=long, en=long, crop_zh=long, crop_en=long, advice_zh=long,
        advice_en=long, confidence_zh=long, confidence_en=long, drought_zh=long,
        drought_en=long, reasons=((long, long),), notices=((long, long),),
        sensors=(probe,), amount_m3=123_456_789.0, minutes=9_999_999.0,
    )  # fmt: skip
    notes = ((long, long),)
    page = farm_page(water_page(parcels=(one,), notes=notes))
    seen = open_page(visit, tmp_path, page, size)
    show(seen, "water")
    assert seen.page.evaluate(CUT) == []
    show_card(seen)
    assert seen.page.evaluate(CUT) == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_only_the_first_sentence_is_large(
    visit: Open, tmp_path: Path, language: str
) -> None:
    said = {
        "zh": ("一号地：今日灌水 12.5 mm。", "把握中等（误差约 ±6 mm）。"),
        "en": ("Field 1: irrigate 12.5 mm today.", "Fair: known to about ±6 mm."),
    }
    one = parcel(
        0, advice_zh="".join(said["zh"]), advice_en=" ".join(said["en"]),
        amount_mm=None, amount_m3=None, m3_per_mu=None, minutes=None, latest=None,
    )  # fmt: skip
    seen = open_page(visit, tmp_path, only(one), WIDE)
    if language == "en":
        seen.page.click(".af-language")
    show(seen, "water")
    assert said[language][0] in seen.page.locator("[data-water]").inner_text()
    assert said[language][1] not in seen.page.locator("[data-water]").inner_text()
    show_card(seen)
    assert seen.texts(".af-advice") == [said[language][0]]
    assert seen.texts(".af-more") == [said[language][1]]


def test_a_day_that_is_past_is_told(visit: Open, tmp_path: Path) -> None:
    one = parcel(0, latest=NIGHT - timedelta(days=1))
    seen = open_page(visit, tmp_path, only(one), PHONE)
    show_card(seen)
    assert seen.texts(".af-latest") == ["最迟日 2025-06-08 已过，请尽快灌水"]


@pytest.mark.parametrize(("raw", "hurry"), [(60.0, True), (70.0, False)])
def test_a_crop_that_suffers_cannot_wait(
    visit: Open, tmp_path: Path, raw: float, hurry: bool
) -> None:
    days = tuple(replace(day, raw_mm=raw) for day in days_of(ahead=0))
    assert 60.0 < days[-1].depletion_mm < 70.0
    seen = open_page(visit, tmp_path, only(parcel(0, days=days)), PHONE)
    show_card(seen)
    (said,) = seen.texts(".af-latest")
    assert said.endswith("最迟 2025-06-10（周二）灌水")
    assert said.startswith("作物已受旱，请尽快") == hurry


def test_a_grey_parcel_says_why(visit: Open, farm_file: Path) -> None:
    seen = visit(farm_file, PHONE)
    tap(seen, 2)
    assert "暂无建议" in popup(seen)
    assert "读数不可信" in seen.page.locator(".af-advice").inner_text()
    assert seen.page.locator(".af-amount").count() == 0
    seen.page.locator(".leaflet-popup-close-button").dispatch_event("click")
    expect(seen.page.locator(".leaflet-popup")).to_have_count(0)
    seen.page.evaluate("agroforest.view.fit()")
    tap(seen, 4)
    assert seen.page.locator(".af-advice").inner_text() == "暂无建议：没有说明原因。"
    assert seen.page.locator(".af-water-chart").count() == 0
    assert seen.complaints == []


def test_a_probe_leads_to_its_readings(
    visit: Open, tmp_path: Path, fake_page: MapPage
) -> None:
    place = next(p for p in fake_page.aoi.places if p.id == "p1")
    one = parcel(0, geometry=place.geometry)
    seen = open_page(visit, tmp_path, fake_page.patch(water=water_page(parcels=(one,))))
    show_card(seen)
    assert seen.page.locator(".af-probe button").all_inner_texts() == ["三号地北"]
    seen.page.locator(".af-probe button").click()
    expect(seen.page.locator(".leaflet-popup")).to_have_count(1)
    assert "土壤含水量" in popup(seen)
    assert seen.complaints == []


def test_a_card_tells_of_the_danger_of_fire_there(visit: Open, tmp_path: Path) -> None:
    page = farm_page().patch(fire=fire_page(events=(), alerts=(), held=(), scars=()))
    seen = open_page(visit, tmp_path, page)
    tap(seen, 0)
    text = popup(seen)
    assert "到周四" in text
    assert "网格火险" in text
    assert seen.complaints == []
