"""Parcels and their water in a real browser: lights, cards, lists."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.maps import fire_visit
from tests.maps.fire_visit import WIDE, click_at, popup, show
from tests.maps.fires import fire_page
from tests.maps.test_browser import DESK, PHONE, Open, asked
from tests.maps.test_water_data import many_parcels
from tests.maps.water_visit import CLASH, CUT, only, open_page, show_card, tap
from tests.maps.waters import (
    NIGHT,
    farm_page,
    parcel,
    place_box,
    water_page,
)

from agroforest.maps import MapPage, ProbeTrust, WaterPage, build_page

browser, visit = fire_visit.browser, fire_visit.visit
pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]
TABS = ("layers", "alerts", "water", "sensors", "about")


@pytest.fixture(scope="module")
def farm_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("water") / "night.html"
    path.write_text(build_page(farm_page()), encoding="utf-8")
    return path


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
        page.evaluate("agroforest.view.map.closePopup()")
        expect(page.locator(".leaflet-popup")).to_have_count(0)  # it fades
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
    seen = open_page(visit, tmp_path, only(*crowd), PHONE)
    click_at(seen, *place_box(0).point_on_surface().coords[0])
    assert "急需灌水" in popup(seen)


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
    tap(seen, 0)  # the outline of the parcel is there, and tells the same
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
    tap(seen, 0)
    assert page.locator(".af-advice").count() == 0
    page.click("[aria-label=后一夜]")
    assert page.locator(".af-badge").count() == 5
    assert seen.complaints == []


@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_a_farm_without_parcels(
    visit: Open, tmp_path: Path, size: tuple[int, int]
) -> None:
    nothing = WaterPage(moment=NIGHT, parcels=())
    seen = open_page(visit, tmp_path, farm_page(nothing), size)
    for tab in TABS:
        show(seen, tab)
    show(seen, "water")
    assert seen.texts(".af-sheet .af-none")[-1] == "没有地块。"
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
    seen = open_page(visit, tmp_path, page, size)
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
    show_card(seen)
    assert seen.page.locator(".af-advice").count() == 1
    assert seen.complaints == []


@pytest.mark.slow
def test_five_hundred_parcels_open(visit: Open, tmp_path: Path) -> None:
    seen = open_page(visit, tmp_path, farm_page(many_parcels(500)), PHONE)
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
    seen = open_page(visit, tmp_path, farm_page(_hostile(payloads)), DESK)
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
