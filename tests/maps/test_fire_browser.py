"""Fire on a night's page in a real browser: switches, filter, clock, popups."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from rasterio.warp import transform
from tests.maps import test_browser
from tests.maps.fires import (
    ALERTS,
    CRS,
    GRID,
    MOMENT,
    alert_of,
    danger_of,
    event,
    facts,
    fire_page,
    night_page,
    scar,
)
from tests.maps.test_browser import DESK, PHONE, Open, Visit, asked

from agroforest.core.fire import EventConfidence, Outcome, Verification
from agroforest.maps import FirePage, HeldEvent, build_page
from agroforest.maps.hotspots import EVENT_AGES

browser, visit = test_browser.browser, test_browser.visit
pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]
WIDE = (1200, 800)
NARROW_TABS = ("layers", "alerts", "fire", "sensors", "about")
Watch = Callable[..., Visit]


@pytest.fixture(scope="module")
def fire_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fire") / "night.html"
    path.write_text(build_page(night_page()), encoding="utf-8")
    return path


@pytest.fixture
def watch(visit: Open, fire_file: Path) -> Watch:
    """Open the night at some minute after it was made."""

    def open_page(
        size: tuple[int, int] = WIDE, *, after: int = 19, path: Path = fire_file
    ) -> Visit:
        seen = visit(path, size)
        seen.page.clock.install(time=MOMENT.timestamp() + 60 * after + 20)
        seen.page.reload()
        seen.page.wait_for_function("window.agroforest.view.fire")
        return seen

    return open_page


def click_at(seen: Visit, longitude: float, latitude: float) -> None:
    """Click the map where a place is drawn."""
    x, y = seen.page.evaluate(
        """([lat, lng]) => { const map = agroforest.view.map;
          map.stop(); // it may be moving to make room for a popup
          const p = map.latLngToContainerPoint([lat, lng]);
          const box = map.getContainer().getBoundingClientRect();
          return [box.x + p.x, box.y + p.y]; }""",
        [latitude, longitude],
    )
    seen.page.mouse.click(x, y)


def cell_centre(column: int, row: int) -> tuple[float, float]:
    x = GRID.left + (column + 0.5) * GRID.resolution
    y = GRID.top - (row + 0.5) * GRID.resolution
    (longitude,), (latitude,) = transform(CRS, "EPSG:4326", [x], [y])[:2]
    return longitude, latitude


def popup(seen: Visit) -> str:
    return seen.page.locator(".leaflet-popup").last.inner_text()


def show(seen: Visit, tab: str) -> None:
    if seen.page.get_attribute(f"[data-tab={tab}]", "aria-selected") != "true":
        seen.tab(tab)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_everything_fits_and_nothing_is_asked(
    watch: Watch, size: tuple[int, int], language: str
) -> None:
    seen = watch(size)
    page = seen.page
    if language == "en":
        page.click(".af-language")
    for tab in NARROW_TABS:
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
        page.click(".leaflet-popup-close-button")
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


def test_marks_have_the_colours_of_their_ages_and_clocks(watch: Watch) -> None:
    seen = watch(after=61)  # both deadlines are over
    found = seen.page.evaluate(
        """() => agroforest.view.fire.marks.getLayers()
          .sort((a, b) => a.options.n - b.options.n)
          .map(m => [m.options.n, m.options.fillColor, m.options.color])"""
    )
    age = [color for _, color in EVENT_AGES]
    red, green, edge = "#d0021b", "#1b7a3d", "#2a2320"
    assert found == [
        [0, age[0], red],
        [1, age[1], edge],
        [2, age[2], red],
        [3, age[3], green],
        [5, age[3], edge],
        [7, age[4], edge],
    ]


def test_the_clock_runs_and_runs_out(watch: Watch) -> None:
    seen = watch(after=57)
    page = seen.page
    show(seen, "fire")
    first = page.locator("[data-fire$='0'] .af-clock")
    assert first.inner_text() == "07:12 前核查 · 剩 3 分钟"
    page.locator("[data-fire$='0']").click()
    within = page.locator(".leaflet-popup .af-clock")
    assert within.inner_text() == "07:12 前核查 · 剩 3 分钟"
    page.clock.run_for(60_000)
    assert first.inner_text() == "07:12 前核查 · 剩 2 分钟"
    page.clock.run_for(180_000)
    assert within.inner_text() == "07:12 前核查 · 已超时 1 分钟"
    assert first.get_attribute("data-state") == "overdue"
    color = "agroforest.view.fire.marks.getLayers().find(m => !m.options.n)"
    assert page.evaluate(f"{color}.options.color") == "#d0021b"
    page.click(".af-language")
    assert "verify by 07:12 · overdue by 1 min" in first.inner_text()
    page.clock.run_for(26 * 3_600_000)
    assert first.inner_text() == "verify by 02-21 07:12 · overdue by 1 d 2 h"
    assert seen.complaints == []


def test_a_verification_says_what_who_and_when(watch: Watch) -> None:
    seen = watch()
    show(seen, "fire")
    text = seen.page.locator("[data-fire$='3']").inner_text()
    assert "已核查：森林火灾 · 黄护林员，06:46" in text
    assert "晚于" not in text
    seen.page.locator("[data-fire$='3']").click()
    assert "已扑灭，留人看守" in popup(seen)


def test_a_late_verification_says_so(watch: Watch, tmp_path: Path) -> None:
    late = Verification(
        time=ALERTS[0].verify_by.replace(hour=23, minute=40),
        outcome=Outcome.NOTHING,
        by="韦",
    )
    fire = fire_page(alerts=(facts(0, verification=late),), danger=())
    path = tmp_path / "late.html"
    path.write_text(build_page(night_page(fire)), encoding="utf-8")
    seen = watch(path=path, after=120)
    show(seen, "fire")
    assert "未见火迹 · 韦，07:40（晚于时限）" in seen.texts("[data-fire] .af-clock")[0]


@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_an_alert_gives_its_facts(watch: Watch, size: tuple[int, int]) -> None:
    seen = watch(size)
    page = seen.page
    click_at(seen, event(2).longitude, event(2).latitude)
    text = popup(seen)
    for fact in (
        "疑似火情，请实地核查",
        "07:12 前核查",
        "武鸣区",
        "伏牛 3 小班",
        "132.4 公顷（1986 亩）（不是过火面积）",
        "2024-02-20 09:12 (UTC+08:00)",
        "2024-02-20 01:12 UTC",
        "VIIRS 3，MODIS 1，其他 1 (H9 N20 Terra)",
        "12.3 MW",
        "12 %",
        "一般",
        "未经门控：不知当日等级。",
        "2024-02-21 06:12",
        "a000000000000002",
        "卫星看到的热，不等于火灾",
    ):
        assert fact in text
    assert "概率" not in text
    page.keyboard.press("Escape")
    show(seen, "alerts")
    listed = page.locator(".af-item[data-alert$='2']").inner_text()
    assert "疑似火情 武鸣区 · 双桥镇" in listed
    assert "新 · 查看范围 132.4 公顷" in listed
    assert "前核查" in listed
    assert seen.complaints == []


def test_held_events_are_listed_with_the_reason(watch: Watch) -> None:
    seen = watch()
    show(seen, "fire")
    held = seen.page.locator(".af-item", has_text="等待下一次过境")
    held.click()
    assert "暂缓：当日低火险且有 8 毫米降水" in popup(seen)


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
    page = night_page(FirePage(moment=MOMENT), alerts=())
    path.write_text(build_page(page), encoding="utf-8")
    seen = visit(path, size)
    for tab in NARROW_TABS:
        show(seen, tab)
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


def test_an_alert_without_probability_on_a_page_without_fire(
    visit: Open, tmp_path: Path
) -> None:
    path = tmp_path / "bare.html"
    page = night_page(FirePage(moment=MOMENT)).patch(fire=None)
    path.write_text(build_page(page), encoding="utf-8")
    seen = visit(path)
    seen.page.evaluate("agroforest.view.visit(agroforest.view.data.alerts[0])")
    assert "疑似火情" in popup(seen)
    assert "概率" not in popup(seen)
    assert seen.page.locator("[data-tab=fire]").count() == 0
    assert seen.complaints == []


def test_fire_stands_beside_canopy(visit: Open, tmp_path: Path, fake_page: Any) -> None:
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
        for tab in NARROW_TABS:
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


def _hostile(payloads: tuple[str, ...]) -> Any:
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
