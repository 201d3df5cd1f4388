"""Parcels and their water in a real browser: lights, cards, curves."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.maps import fire_visit
from tests.maps.fire_visit import WIDE, click_at, popup, show
from tests.maps.fires import fire_page
from tests.maps.test_browser import DESK, PHONE, Open, Visit, asked
from tests.maps.test_water_data import many_parcels
from tests.maps.waters import (
    NIGHT,
    days_of,
    farm_page,
    parcel,
    place_box,
    water_page,
)

from agroforest.maps import MapPage, ParcelWater, ProbeTrust, WaterPage, build_page

browser, visit = fire_visit.browser, fire_visit.visit
pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]
TABS = ("layers", "alerts", "water", "sensors", "about")
CUT = """() => [...document.querySelectorAll('body *')].filter(e => {
  if (!e.getClientRects().length) return false;
  if (e.closest('.leaflet-pane:not(.leaflet-popup-pane)')) return false;
  if (e.matches('.folium-map') || e.closest('svg')) return false;
  if (e.closest('.leaflet-popup-pane') && !e.closest('.leaflet-popup')) return false;
  const r = e.getBoundingClientRect();
  const inline = getComputedStyle(e).display === 'inline';
  return r.left < -1 || r.right > innerWidth + 1
    || (!inline && e.clientWidth && e.scrollWidth > e.clientWidth + 1);
}).map(e => e.className + ': ' + e.textContent.slice(0, 40))"""
# Text of a chart that leaves its picture, or that lies on another text.
CLASH = """() => [...document.querySelectorAll('.af-water-chart')].flatMap(chart => {
  const whole = chart.getBoundingClientRect();
  const boxes = [...chart.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()]);
  const out = boxes.filter(([, r]) => r.left < whole.left - 1 || r.right > whole.right + 1);
  const over = boxes.filter(([, a], n) => boxes.slice(n + 1).some(([, b]) =>
    a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3));
  return [...out, ...over].map(([words]) => words); })"""  # noqa: E501  a script


@pytest.fixture(scope="module")
def farm_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("water") / "night.html"
    path.write_text(build_page(farm_page()), encoding="utf-8")
    return path


def _open(
    visit: Open, folder: Path, page: MapPage, size: tuple[int, int] = WIDE
) -> Visit:
    path = folder / "page.html"
    path.write_text(build_page(page), encoding="utf-8")
    return visit(path, size)


def _only(*parcels: ParcelWater) -> MapPage:
    return farm_page(water_page(parcels=parcels, notes=()))


def _tap(seen: Visit, number: int) -> None:
    """Tap the parcel beside its sign."""
    box = place_box(number).bounds
    click_at(seen, (box[0] + box[2]) / 2, box[1] + 0.8 * (box[3] - box[1]))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_everything_fits_and_nothing_is_asked(
    visit: Open, farm_file: Path, size: tuple[int, int], language: str
) -> None:
    seen = visit(farm_file, size)
    page = seen.page
    if language == "en":
        page.click(".af-language")
    for tab in TABS:
        show(seen, tab)
        assert page.evaluate(CUT) == []
    if language == "en":
        text = page.locator("#af-panel").inner_text()
        assert not [c for c in text if "\u4e00" <= c <= "\u9fff"]
    for number in range(5):
        page.evaluate(
            f"{{ const w = agroforest.view.water; w.visit(w.parcels[{number}]); }}"
        )
        assert page.evaluate(CUT) == []
        assert page.evaluate(CLASH) == []
    assert asked(seen) == []
    assert seen.complaints == []


def test_lights_differ_without_colour(visit: Open, farm_file: Path) -> None:
    seen = visit(farm_file, PHONE)
    page = seen.page
    assert page.locator("path.af-parcel").count() == 5
    signs = page.locator(".af-badge")
    assert signs.count() == 5
    drawn = {
        sign.get_attribute("data-light"): tuple(
            path.get_attribute("d") for path in sign.locator("path").all()
        )
        for sign in signs.all()
    }
    assert set(drawn) == {"red", "amber", "green", "grey"}
    shapes, inner = zip(*drawn.values(), strict=True)
    assert len(set(shapes)) == len(set(inner)) == 4
    assert seen.texts(".af-light-count") == ["1", "1", "1", "2"]
    label = page.locator(".af-lights-open").get_attribute("aria-label")
    assert label == "各地块灌溉建议：急需灌水 1, 近日需灌 1, 水分充足 1, 暂无建议 2"


def test_the_red_sign_lies_on_top(visit: Open, tmp_path: Path) -> None:
    near = [place_box(0) for _ in range(4)]
    lights = ("grey", "red", "green", "amber")
    crowd = [
        parcel(n, light=light, geometry=ground)
        for n, (light, ground) in enumerate(zip(lights, near, strict=True))
    ]
    seen = _open(visit, tmp_path, _only(*crowd), PHONE)
    click_at(seen, *place_box(0).point_on_surface().coords[0])
    assert "急需灌水" in popup(seen)


def test_a_tap_tells_what_to_do(visit: Open, farm_file: Path) -> None:
    seen = visit(farm_file, PHONE)
    page = seen.page
    _tap(seen, 0)
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
    seen = _open(visit, tmp_path, _only(one), WIDE)
    if language == "en":
        seen.page.click(".af-language")
    show(seen, "water")
    assert said[language][0] in seen.page.locator("[data-water]").inner_text()
    assert said[language][1] not in seen.page.locator("[data-water]").inner_text()
    _show_curve(seen)
    assert seen.texts(".af-advice") == [said[language][0]]
    assert seen.texts(".af-more") == [said[language][1]]


def test_a_day_that_is_past_is_told(visit: Open, tmp_path: Path) -> None:
    one = parcel(0, latest=NIGHT - timedelta(days=1))
    seen = _open(visit, tmp_path, _only(one), PHONE)
    _show_curve(seen)
    assert seen.texts(".af-latest") == ["最迟日 2025-06-08 已过，请尽快灌水"]


def test_a_grey_parcel_says_why(visit: Open, farm_file: Path) -> None:
    seen = visit(farm_file, PHONE)
    _tap(seen, 2)
    assert "暂无建议" in popup(seen)
    assert "读数不可信" in seen.page.locator(".af-advice").inner_text()
    assert seen.page.locator(".af-amount").count() == 0
    seen.page.click(".leaflet-popup-close-button")
    expect(seen.page.locator(".leaflet-popup")).to_have_count(0)
    seen.page.evaluate("agroforest.view.fit()")
    _tap(seen, 4)
    assert seen.page.locator(".af-advice").inner_text() == "暂无建议：没有说明原因。"
    assert seen.page.locator(".af-water-chart").count() == 0
    assert seen.complaints == []


def _points(seen: Visit, kind: str) -> list[tuple[float, float]]:
    """Points of one line of the curve, in chart units."""
    line = seen.page.locator(f".af-water-chart polyline.{kind}").first
    pairs = (line.get_attribute("points") or "").split()
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in pairs)]


def _show_curve(seen: Visit) -> None:
    seen.page.evaluate("{ const w = agroforest.view.water; w.visit(w.parcels[0]); }")


def test_the_curve_has_wet_up_and_its_forecast_dashed(
    visit: Open, tmp_path: Path
) -> None:
    days = days_of()
    seen = _open(visit, tmp_path, _only(parcel(0, days=days)))
    _show_curve(seen)
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
    seen = _open(visit, tmp_path, _only(parcel(0, days=tuple(steady))))
    _show_curve(seen)
    heights = {y for _, y in _points(seen, "af-depletion")}
    raw = seen.page.locator("path.af-raw").get_attribute("d") or ""
    taw = seen.page.locator("path.af-taw").get_attribute("d") or ""
    assert len(heights) == 1
    assert f" {heights.pop():g}H" in raw
    assert taw.split(" ")[1].startswith("146")  # the lowest edge of the curve
    text = popup(seen)
    assert "缺水 60 mm；缺到 60 mm 作物开始受旱，100 mm 萎蔫" in text


def test_rain_and_irrigation_are_bars(visit: Open, tmp_path: Path) -> None:
    seen = _open(visit, tmp_path, _only(parcel(0)))
    _show_curve(seen)
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
    seen = _open(visit, tmp_path, _only(parcel(0, days=days)), PHONE)
    _show_curve(seen)
    for language in ("zh", "en"):
        assert seen.page.evaluate(CLASH) == [], language
        drawn = seen.page.locator(".af-water-chart").inner_html()
        assert "NaN" not in drawn
        assert "undefined" not in drawn
        seen.page.click(".af-language")
        expect(seen.page.locator(".leaflet-popup")).to_have_count(0)
        _show_curve(seen)
    assert seen.complaints == []


def test_a_missing_day_breaks_the_line(visit: Open, tmp_path: Path) -> None:
    days = days_of(ahead=0)
    seen = _open(visit, tmp_path, _only(parcel(0, days=(*days[:10], *days[13:]))))
    _show_curve(seen)
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
        seen = _open(visit, tmp_path, _only(parcel(0, days=tuple(days))))
        _show_curve(seen)
        assert "NaN" not in seen.page.locator(".af-water-chart").inner_html()
        assert seen.page.evaluate(CLASH) == []
        assert seen.complaints == []


@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_the_list_has_red_first_and_opens_cards(
    visit: Open, farm_file: Path, size: tuple[int, int]
) -> None:
    seen = visit(farm_file, size)
    page = seen.page
    show(seen, "water")
    assert seen.texts(".af-light-head") == [
        "急需灌水 1", "近日需灌 1", "水分充足 1", "暂无建议 2",
    ]  # fmt: skip
    first = page.locator("[data-water]").first
    assert first.get_attribute("data-water") == "p1"
    assert (
        "最迟 06-10 · 29 mm · 19 m³/亩 · 1,240 m³ · 2 小时 4 分" in first.inner_text()
    )
    assert "土壤按质地估算" in page.locator(".af-sheet").inner_text()
    first.click()
    assert "三号甘蔗地" in popup(seen)
    assert seen.complaints == []


def test_a_farmer_sees_lights_first(visit: Open, farm_file: Path) -> None:
    seen = visit(farm_file, PHONE)
    page = seen.page
    assert page.locator(".af-sheet").is_hidden()
    page.click(".af-lights-open")
    assert page.get_attribute("[data-tab=water]", "aria-selected") == "true"
    assert not page.locator(".af-lights").is_visible()  # the list says it
    wide = visit(farm_file, WIDE)
    assert wide.page.get_attribute("[data-tab=water]", "aria-selected") == "true"


def test_the_layer_is_switched(visit: Open, farm_file: Path) -> None:
    seen = visit(farm_file)
    page = seen.page
    show(seen, "layers")
    legend = page.locator("[data-layer=water] .af-legend").inner_text().split()
    assert legend == [
        "急需灌水",
        "1",
        "近日需灌",
        "1",
        "水分充足",
        "1",
        "暂无建议",
        "2",
    ]
    page.uncheck("[data-layer=water] input[type=checkbox]")
    assert not page.locator(".af-badge").first.is_visible()
    assert not page.locator(".af-lights").is_visible()
    _tap(seen, 0)  # the outline of the parcel is there, and tells the same
    assert page.locator(".af-advice").inner_text().startswith("到周四")
    page.check("[data-layer=water] input[type=checkbox]")
    assert page.locator(".af-badge").first.is_visible()
    assert page.locator(".af-lights").is_visible()


def test_an_earlier_night_does_not_know_of_it(visit: Open, farm_file: Path) -> None:
    seen = visit(farm_file)
    page = seen.page
    page.click("[aria-label=前一夜]")
    assert page.locator(".af-badge, path.af-parcel").count() == 0
    assert not page.locator(".af-lights").is_visible()
    assert "更早的夜次" in page.locator(".af-sheet").inner_text()
    _tap(seen, 0)
    assert page.locator(".af-advice").count() == 0
    page.click("[aria-label=后一夜]")
    assert page.locator(".af-badge").count() == 5
    assert seen.complaints == []


@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_a_farm_without_parcels(
    visit: Open, tmp_path: Path, size: tuple[int, int]
) -> None:
    nothing = WaterPage(moment=NIGHT, parcels=())
    seen = _open(visit, tmp_path, farm_page(nothing), size)
    for tab in TABS:
        show(seen, tab)
    show(seen, "water")
    assert seen.texts(".af-sheet .af-none")[-1] == "没有地块。"
    assert seen.complaints == []


def test_a_probe_leads_to_its_readings(
    visit: Open, tmp_path: Path, fake_page: MapPage
) -> None:
    place = next(p for p in fake_page.aoi.places if p.id == "p1")
    one = parcel(0, geometry=place.geometry)
    seen = _open(visit, tmp_path, fake_page.patch(water=water_page(parcels=(one,))))
    _show_curve(seen)
    assert seen.page.locator(".af-probe button").all_inner_texts() == ["三号地北"]
    seen.page.locator(".af-probe button").click()
    expect(seen.page.locator(".leaflet-popup")).to_have_count(1)
    assert "土壤含水量" in popup(seen)
    assert seen.complaints == []


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_water_stands_beside_fire_and_canopy(
    visit: Open,
    tmp_path: Path,
    fake_page: MapPage,
    size: tuple[int, int],
    language: str,
) -> None:
    place = next(p for p in fake_page.aoi.places if p.id == "p1")
    one = parcel(0, geometry=place.geometry)
    page = fake_page.patch(water=water_page(parcels=(one,)), fire=fire_page(alerts=()))
    seen = _open(visit, tmp_path, page, size)
    if language == "en":
        seen.page.click(".af-language")
    tabs = seen.page.locator("[role=tab]")
    order = tabs.evaluate_all("all => all.map(t => t.dataset.tab)")
    assert order == ["layers", "alerts", "fire", "water", "sensors", "about"]
    for tab in order:
        show(seen, tab)
        assert seen.page.evaluate(CUT) == []
    seen.page.evaluate("agroforest.view.panel.fold()")
    assert seen.page.locator("path.af-alert").count() == 4
    assert seen.page.locator("path.af-hotspot").count() > 0
    _show_curve(seen)
    assert seen.page.locator(".af-advice").count() == 1
    assert seen.complaints == []


def test_a_card_tells_of_the_danger_of_fire_there(visit: Open, tmp_path: Path) -> None:
    page = farm_page().patch(fire=fire_page(events=(), alerts=(), held=(), scars=()))
    seen = _open(visit, tmp_path, page)
    _tap(seen, 0)
    text = popup(seen)
    assert "到周四" in text
    assert "网格火险" in text
    assert seen.complaints == []


@pytest.mark.slow
def test_five_hundred_parcels_open(visit: Open, tmp_path: Path) -> None:
    seen = _open(visit, tmp_path, farm_page(many_parcels(500)), PHONE)
    page = seen.page
    assert page.locator(".af-badge").count() == 500
    assert page.locator(".af-badge.af-tiny").count() == 500
    show(seen, "water")
    assert page.locator("[data-water]").count() == 500
    assert seen.complaints == []


@pytest.mark.slow
def test_nothing_from_outside_runs(
    visit: Open, tmp_path: Path, payloads: tuple[str, ...]
) -> None:
    seen = _open(visit, tmp_path, farm_page(_hostile(payloads)), DESK)
    page = seen.page
    for _ in ("zh", "en"):
        for tab in TABS:
            show(seen, tab)
        page.evaluate(
            """() => { const w = agroforest.view.water;
              w.parcels.forEach(p => w.visit(p));
              w.group.eachLayer(l => l.openTooltip()); }"""
        )
        page.click(".af-language")
    show(seen, "water")
    assert page.locator("[data-water]").count() == len(payloads)
    page.wait_for_timeout(200)
    assert page.evaluate("window.pwned") is None
    own = ":not(.leaflet-image-layer):not(.af-strip)"
    foreign = f"img{own}, iframe, form, base, link, details, math, a[href^=javascript]"
    assert page.locator(f"body :is({foreign})").count() == 0
    assert page.evaluate("({}).polluted === undefined && Object.keys({}).length === 0")
    assert asked(seen) == []
    assert seen.complaints == []


def _hostile(payloads: Sequence[str]) -> WaterPage:
    """Every payload in every string of water."""
    pairs = tuple((p, p) for p in payloads)
    return water_page(
        parcels=tuple(
            parcel(
                n,
                id=p, zh=p, en=p, crop_zh=p, crop_en=p, advice_zh=p, advice_en=p + "!",
                confidence_zh=p, confidence_en=p, drought_zh=p, drought_en=p,
                reasons=pairs, notices=pairs, geometry=place_box(n),
                sensors=tuple(
                    ProbeTrust(id=q, name=q, trust=0.5, reason_zh=q, reason_en=q)
                    for q in payloads
                ),
            )
            for n, p in enumerate(payloads)
        ),
        notes=pairs,
    )  # fmt: skip
