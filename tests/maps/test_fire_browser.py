"""Fire on a night's page in a real browser: danger, filter, scars."""

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.maps import fire_visit
from tests.maps.fire_visit import WIDE, Watch, cell_centre, click_at, popup, show
from tests.maps.fires import (
    MOMENT,
    NOTHING,
    alert_of,
    danger_of,
    event,
    facts,
    fire_page,
    night_page,
    scar,
)
from tests.maps.test_browser import DESK, PHONE, Open, asked

from agroforest.core.fire import EventConfidence, Outcome, Verification
from agroforest.maps import HeldEvent, MapPage, build_page

browser, visit = fire_visit.browser, fire_visit.visit
fire_file, watch = fire_visit.fire_file, fire_visit.watch
pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]
TABS = ("layers", "alerts", "fire", "sensors", "about")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_everything_fits_and_nothing_is_asked(
    watch: Watch, size: tuple[int, int], language: str
) -> None:
    seen = watch(size)
    page = seen.page
    if language == "en":
        page.click(".af-language")
    for tab in TABS:
        show(seen, tab)
        cut = page.evaluate(
            """() => [...document.querySelectorAll('body *')].filter(e => {
              if (!e.getClientRects().length) return false;
              if (e.closest('.leaflet-pane') || e.matches('.folium-map')) return false;
              const r = e.getBoundingClientRect();
              const inline = getComputedStyle(e).display === 'inline';
              return r.left < -1 || r.right > innerWidth + 1
                || (!inline && e.scrollWidth > e.clientWidth + 1);
            }).map(e => e.className + ': ' + e.textContent.slice(0, 40))"""
        )
        assert cut == []
    if language == "en":
        text = page.locator("#af-panel").inner_text()
        assert not [c for c in text if "\u4e00" <= c <= "\u9fff"]
    page.evaluate("agroforest.view.panel.fold()")
    page.evaluate("agroforest.view.fit()")
    tools = page.locator(".af-tools").bounding_box()
    days = page.locator(".af-days").bounding_box()
    assert tools
    assert days
    assert tools["x"] + tools["width"] <= days["x"]
    assert asked(seen) == []
    assert seen.complaints == []


def test_a_day_button_shows_another_day(watch: Watch) -> None:
    seen = watch()
    page = seen.page
    bar = page.locator(".af-days")
    assert bar.locator("button").all_inner_texts() == [
        "02-20\n实况", "02-21\n预报 +1", "02-22\n预报 +2",
    ]  # fmt: skip
    picture = page.locator(".leaflet-image-layer")
    first = picture.get_attribute("src")
    bar.locator("[data-day='2024-02-22']").click()
    assert picture.count() == 1
    assert picture.get_attribute("src") != first
    row = page.locator("[data-layer='danger:rank']")
    assert row.locator(".af-when").inner_text() == "2024-02-22（预报）"
    pressed = page.locator(".af-sheet [aria-pressed=true]")
    assert pressed.get_attribute("data-day") == "2024-02-22"
    assert page.locator(".leaflet-popup").count() == 0
    legend = row.locator(".af-legend").inner_text()
    for words in ("一级 低火险", "五级 极高火险", "不是起火概率"):
        assert words in legend


def test_one_layer_of_danger_at_a_time(watch: Watch) -> None:
    seen = watch()
    page = seen.page
    page.check("[data-layer='danger:vpd'] input[type=checkbox]")
    assert not page.is_checked("[data-layer='danger:rank'] input[type=checkbox]")
    assert page.locator(".leaflet-image-layer").count() == 1
    assert seen.texts(".af-day-of") == ["饱和水汽压差"]
    text = page.locator("[data-layer='danger:vpd']").inner_text()
    assert "单位 kPa" in text
    assert "weather.csv" in text
    page.uncheck("[data-layer='danger:vpd'] input[type=checkbox]")
    assert page.locator(".leaflet-image-layer").count() == 0
    assert not page.locator(".af-days").is_visible()


@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_a_click_tells_the_numbers_of_its_cell(
    watch: Watch, size: tuple[int, int]
) -> None:
    seen = watch(size)
    page = seen.page
    layer = danger_of(0)
    ranks = (
        "一级 低火险",
        "二级 较低火险",
        "三级 较高火险",
        "四级 高火险",
        "五级 极高火险",
    )
    for column, row in ((40, 9), (42, 30), (50, 20)):
        click_at(seen, *cell_centre(column, row))
        text = popup(seen)
        assert ranks[layer.rank[row, column] - 1] in text
        assert f"{layer.drivers[0].values[row, column]:.1f}" in text
        assert f"{layer.drivers[1].values[row, column]:.2f} kPa" in text
        assert "活可燃物含水率、道路" in text
        assert "fire-occurrence-local" in text
        assert "不是起火概率" in text
        # The map may still be moving to make room: a click by place could miss.
        page.locator(".leaflet-popup-close-button").dispatch_event("click")
        expect(page.locator(".leaflet-popup")).to_have_count(0)
        page.evaluate("agroforest.view.fit()")  # it had moved to make room
    click_at(seen, *cell_centre(40, 9))
    page.locator(".leaflet-popup [data-day='2024-02-21']").click()
    later = danger_of(1).drivers[0].values[9, 40]
    assert "2024-02-21（预报）" in popup(seen)
    assert f"{later:.1f}" in popup(seen)
    assert seen.complaints == []


def test_a_place_tells_of_the_danger_where_it_was_clicked(watch: Watch) -> None:
    seen = watch()
    click_at(seen, 108.25, 22.87)
    text = popup(seen)
    assert "伏牛 3 小班" in text
    assert "火险天气指数" in text


def test_the_filter_hides_low_and_static_at_first(watch: Watch) -> None:
    seen = watch()
    page = seen.page
    marks = page.locator("path.af-hotspot")
    assert marks.count() == 6
    page.check("[data-kind=static]")
    assert marks.count() == 7
    page.check("[data-confidence=low]")
    assert marks.count() == 8
    page.uncheck("[data-kind=fire]")
    page.uncheck("[data-kind=crop]")
    page.uncheck("[data-kind=static]")
    assert marks.count() == 3  # alerts stay
    assert "图上 3 / 8 个" in seen.texts("[data-layer=hotspots] .af-unit")
    page.uncheck("[data-layer=hotspots] input[type=checkbox]")
    assert not marks.first.is_visible()
    assert seen.complaints == []


@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_scars_are_compared(watch: Watch, size: tuple[int, int]) -> None:
    seen = watch(size)
    page = seen.page
    show(seen, "fire")
    page.locator("[data-scar$='0']").click()
    text = popup(seen)
    for fact in (
        "疑似过火",
        "73.98 公顷（1109.7 亩）",
        "火前 2024-01-28，火后 2024-02-17",
        "中轻度",
        "487.5 亩",
        "a000000000000003",
    ):
        assert fact in text
    page.locator(".leaflet-popup .af-look").click()
    image = page.locator(".leaflet-scar-pictures-pane img")
    after = image.get_attribute("src")
    page.locator("[data-when=before]").click()
    assert image.count() == 1
    assert image.get_attribute("src") != after
    expect(page.locator(".leaflet-popup")).to_have_count(0)  # the bar is not the map
    page.click(".af-compare [aria-label=关闭]")
    assert image.count() == 0
    show(seen, "fire")
    page.locator("[data-scar$='1']").click()
    assert "没有火前影像" in popup(seen)
    assert page.locator(".leaflet-popup .af-look").inner_text() == "看火后影像"
    assert seen.complaints == []


def test_an_earlier_night_does_not_know_of_it(watch: Watch) -> None:
    seen = watch()
    page = seen.page
    page.click("[aria-label=前一夜]")
    assert page.locator("path.af-hotspot, path.af-scar").count() == 0
    assert page.locator(".leaflet-image-layer").count() == 0
    assert "更早的夜次" in page.locator(".af-sheet").inner_text()
    page.click("[aria-label=后一夜]")
    assert page.locator("path.af-hotspot").count() == 6
    assert page.locator("path.af-scar").count() == 2
    assert seen.complaints == []


@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_a_quiet_night(visit: Open, tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "quiet.html"
    page = night_page(NOTHING, alerts=())
    path.write_text(build_page(page), encoding="utf-8")
    seen = visit(path, size)
    for tab in TABS:
        show(seen, tab)
    show(seen, "about")
    about = seen.page.locator(".af-sheet").inner_text()
    assert "火情如何看" in about
    assert "斜纹" not in about  # there are no maps of risk
    show(seen, "fire")
    assert seen.texts(".af-sheet .af-none")[1:] == [
        "没有待核查的警报。",
        "没有符合筛选条件的热点。",
    ]
    assert asked(seen) == []
    assert seen.complaints == []


def test_a_page_of_one_question_may_speak_of_fire(visit: Open, tmp_path: Path) -> None:
    path = tmp_path / "once.html"
    path.write_text(build_page(night_page(alerts=(), once=True)), encoding="utf-8")
    seen = visit(path)
    tabs = seen.page.locator("[role=tab]")
    assert tabs.all_inner_texts()[:2] == ["图层", "火情2"]
    rows = seen.texts(".af-layer .af-name")
    assert {"火险等级", "卫星热点", "过火迹地"} <= set(rows)
    assert seen.complaints == []


def test_too_many_cells_are_told(
    visit: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agroforest.maps.fire_cells.MOST_NUMBERS", 0)
    path = tmp_path / "large.html"
    path.write_text(build_page(night_page()), encoding="utf-8")
    seen = visit(path)
    click_at(seen, *cell_centre(42, 30))
    assert "网格过多" in popup(seen)
    assert "四级 高火险" in popup(seen)
    assert seen.complaints == []


def test_fire_stands_beside_canopy(
    visit: Open, tmp_path: Path, fake_page: MapPage
) -> None:
    path = tmp_path / "both.html"
    path.write_text(
        build_page(fake_page.patch(fire=fire_page(alerts=()))), encoding="utf-8"
    )
    seen = visit(path, DESK)
    page = seen.page
    assert page.locator("path.af-alert").count() == 4
    seen.tab("alerts")
    page.click("[data-alert$='1']")
    assert "83 %" in popup(seen)
    assert seen.complaints == []


@pytest.mark.slow
def test_nothing_from_outside_runs(
    visit: Open, tmp_path: Path, payloads: tuple[str, ...]
) -> None:
    hostile = _hostile(payloads)
    path = tmp_path / "hostile.html"
    path.write_text(build_page(hostile), encoding="utf-8")
    seen = visit(path, DESK)
    page = seen.page
    for _ in ("zh", "en"):
        for tab in TABS:
            show(seen, tab)
        page.evaluate(
            """() => { const v = agroforest.view, f = v.fire, d = v.data;
              v.panel.open = "layers";
              d.layers.forEach(l => { v.show(l, true); v.panel.draw(); });
              for (let n = 0; n < f.list.count; n += 1) f.visit(n);
              d.alerts.forEach(a => v.visit(a));
              f.data.scars.forEach(s => { f.visitScar(s); f.compare(s); });
              f.days.forEach(day => f.goTo(day, true));
              f.marks.eachLayer(l => l.openTooltip());
              f.scars.eachLayer(l => l.openTooltip()); }"""
        )
        click_at(seen, *cell_centre(40, 16))
        page.click(".af-language")
    show(seen, "fire")
    shown = page.locator("[data-fire] .af-clock").all_inner_texts()
    assert len(shown) == len(payloads)
    page.wait_for_timeout(200)
    assert page.evaluate("window.pwned") is None
    own = ":not(.leaflet-image-layer):not(.af-strip)"
    foreign = f"img{own}, iframe, form, base, link, details, math, a[href^=javascript]"
    assert page.locator(f"body :is({foreign})").count() == 0
    assert page.evaluate("({}).polluted === undefined && Object.keys({}).length === 0")
    assert asked(seen) == []
    assert seen.complaints == []


def _kept(payload: str) -> str:
    """Leave out control characters, which no verification may hold."""
    return "".join(c for c in payload if c >= " ")


def _hostile(payloads: tuple[str, ...]) -> MapPage:
    """Every payload in every string of fire that comes from outside."""
    every = " ".join(payloads)
    day = danger_of(0)
    bad_day = replace(
        day,
        model=every,
        missing=tuple((p, p) for p in payloads),
        drivers=tuple(
            replace(day.drivers[0], name=p, zh=p, en=p, unit=p, source=p)
            for p in payloads[::5]
        ),
    )
    events = tuple(
        replace(event(n), id=p, satellites=(p, p), county=(p, p), township=(p, p))
        for n, p in enumerate(payloads)
    )
    alerts = tuple(
        facts(
            n,
            alert=p,
            event=events[n],
            gate_zh=p,
            gate_en=p,
            verification=Verification(
                time=MOMENT, outcome=Outcome.NOTHING, by=_kept(p), note=_kept(p)
            ),
        )
        for n, p in enumerate(payloads)
    )
    held = HeldEvent(
        event=event(1, confidence=EventConfidence.LOW),
        reason_zh=every,
        reason_en=every,
    )
    scars = tuple(
        replace(scar(0), id=p, alert=p, verdict_zh=p, verdict_en=p,
                severity_ha=((p, p, 1.0),))
        for p in payloads[::7]
    )  # fmt: skip
    fire = fire_page(
        danger=(bad_day,), events=events, alerts=alerts, held=(held,), scars=scars
    )
    return night_page(fire, alerts=tuple(alert_of(said) for said in alerts))
