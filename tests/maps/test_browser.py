"""The page in a real browser: what is drawn, what is asked, what runs."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from pyproj import Geod

from agroforest.maps import MapPage, build_page

pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]

_CHROMIUM = Path("/usr/bin/chromium")
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE = (390, 844)
DESK = (1280, 800)


@dataclass(kw_only=True)
class Visit:
    """An open page, and what it did that it should not."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def texts(self, selector: str) -> list[str]:
        return self.page.locator(selector).all_inner_texts()

    def tab(self, name: str) -> None:
        self.page.click(f"[data-tab={name}]")


Open = Callable[..., Visit]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not _CHROMIUM.exists():
        missing = f"no {_CHROMIUM}: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(_CHROMIUM), args=list(_QUIET)
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def fake_file(fake_page: MapPage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("maps") / "night.html"
    path.write_text(build_page(fake_page), encoding="utf-8")
    return path


@pytest.fixture
def visit(browser: Browser) -> Iterator[Open]:
    contexts = []

    def open_page(path: Path, size: tuple[int, int] = DESK) -> Visit:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            has_touch=size == PHONE,
            reduced_motion="reduce",  # what moves is clicked beside
        )
        contexts.append(context)
        seen = Visit(page=context.new_page())
        page = seen.page
        page.on("request", lambda r: seen.requests.append(r.url))
        page.on("console", lambda m: seen.complaints.append(f"{m.type}: {m.text}"))
        page.on("pageerror", lambda e: seen.complaints.append(str(e)))
        page.goto(path.as_uri())
        page.wait_for_function("window.agroforest.view")
        return seen

    yield open_page
    for context in contexts:
        context.close()


def asked(seen: Visit) -> list[str]:
    """Requests besides the page itself and pictures it carries."""
    own = seen.page.url
    return [u for u in seen.requests if u != own and not u.startswith("data:")]


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_the_page_is_whole_and_asks_for_nothing(
    visit: Open, fake_file: Path, size: tuple[int, int]
) -> None:
    seen = visit(fake_file, size)
    page = seen.page
    assert page.title() == "高峰林场冠层与墒情夜报（演示）"
    assert seen.texts(".af-simulated")[0].startswith("模拟数据")
    assert page.locator(".af-rule").count() == 0
    pictures = page.locator(".leaflet-image-layer")
    assert pictures.count() == 2  # risk of two tiles
    widths = pictures.evaluate_all("all => all.map(i => i.naturalWidth)")
    assert all(width > 200 for width in widths)
    assert page.locator("path.af-alert").count() == 4
    assert page.locator(".af-sensor").count() == 3
    assert page.locator(".leaflet-places-pane path").count() == 6
    for tab in ("layers", "alerts", "sensors", "about"):
        if page.locator(f"[data-tab={tab}][aria-selected=true]").count() == 0:
            seen.tab(tab)
        assert page.locator(".af-sheet").inner_text().strip()
    assert asked(seen) == []
    assert seen.complaints == []


def test_language_switches_and_is_remembered(visit: Open, fake_file: Path) -> None:
    seen = visit(fake_file)
    page = seen.page
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert "图层" in seen.texts(".af-tabs")[0]
    page.click(".af-language")
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("h1").inner_text().startswith("Gaofeng forest")
    assert "Simulated data" in seen.texts(".af-simulated")[0]
    chinese = page.evaluate(
        "document.getElementById('af-panel').innerText.match(/[\\u4e00-\\u9fff]/g)"
    )
    assert chinese is None
    page.reload()
    page.wait_for_function("window.agroforest.view")
    assert page.locator("html").get_attribute("lang") == "en"


def test_slider_shows_each_night_as_it_was_known(visit: Open, fake_file: Path) -> None:
    seen = visit(fake_file)
    page = seen.page
    newest = page.locator(".leaflet-image-layer").first.get_attribute("src")
    known = []
    for night in range(5):
        page.locator("#af-time input").fill(str(night))
        known.append((seen.texts(".af-night b")[0], page.locator(".af-alert").count()))
    assert known == [
        ("2025-05-20", 1),
        ("2025-05-25", 2),
        ("2025-05-30", 3),
        ("2025-06-04", 3),
        ("2025-06-09", 4),
    ]
    page.click("[aria-label=前一夜]")
    assert seen.texts(".af-night b") == ["2025-06-04"]
    older = page.locator(".leaflet-image-layer").first.get_attribute("src")
    assert older != newest
    # The index has no layer of that night: its newest earlier image is named.
    assert "2025-05-30" in seen.texts("[data-layer='index:NDMI'] .af-when")[0]
    assert seen.complaints == []


def test_layers_can_be_hidden_and_faded(visit: Open, fake_file: Path) -> None:
    seen = visit(fake_file)
    page = seen.page
    page.uncheck("[data-layer='risk:canopy-stress'] input[type=checkbox]")
    assert page.locator(".leaflet-image-layer").count() == 0
    page.check("[data-layer='index:NDMI'] input[type=checkbox]")
    assert page.locator(".leaflet-image-layer").count() == 2
    page.locator("[data-layer='index:NDMI'] input[type=range]").fill("0.4")
    pane = page.locator("[class='leaflet-pane leaflet-index:NDMI-pane']")
    assert pane.evaluate("p => p.style.opacity") == "0.4"
    ticks = seen.texts("[data-layer='index:NDMI'] .af-tick")
    assert ticks == ["≤ \N{MINUS SIGN}0.2", "0.2", "≥ 0.6"]
    page.uncheck("[data-layer=sensors] input[type=checkbox]")
    assert not page.locator(".af-sensor").first.is_visible()
    assert seen.complaints == []


def test_alert_popup_gives_the_facts(visit: Open, fake_file: Path) -> None:
    seen = visit(fake_file)
    seen.tab("alerts")
    seen.page.click("[data-alert$='1']")
    text = seen.page.locator(".leaflet-popup").inner_text()
    for fact in (
        "疑似冠层胁迫，请实地核查",
        "Canopy stress suspected, check in the field",
        "18.07 公顷（271 亩）",
        "2025-05-08",
        "2025-06-07（2 天前）",
        "界牌 12 小班",
        "83 %",
        "canopy-stress 0.1.0",
        "不是诊断",
    ):
        assert fact in text


def test_sensor_popup_draws_its_series(visit: Open, fake_file: Path) -> None:
    seen = visit(fake_file)
    seen.page.locator(".af-sensor").nth(1).click()
    popup = seen.page.locator(".leaflet-popup")
    assert popup.locator("svg.af-chart").count() == 3
    first = popup.locator("svg.af-chart").first
    assert first.locator("polyline.line").count() == 4  # two depths, one gap
    assert first.locator("path.flagged").count() > 5
    assert "可疑读数" in popup.inner_text()
    assert seen.complaints == []


def test_measuring_agrees_with_the_ellipsoid(visit: Open, fake_file: Path) -> None:
    seen = visit(fake_file)
    lons, lats = [108.0, 108.1, 108.1, 108.0], [22.8, 22.8, 22.9, 22.9]
    metres, area = seen.page.evaluate(
        """points => {
          const path = points.map(([lat, lng]) => L.latLng(lat, lng));
          const length = agroforest.pathLength(agroforest.view.map, path);
          return [length, agroforest.sphericalArea(path)];
        }""",
        list(zip(lats, lons, strict=True)),
    )
    # A sphere for an ellipsoid: within 0.6 %.
    geod = Geod(ellps="WGS84")
    expected, _ = geod.polygon_area_perimeter(lons, lats)
    assert metres == pytest.approx(geod.line_length(lons, lats), rel=6e-3)
    assert area == pytest.approx(abs(expected), rel=6e-3)
    page = seen.page
    page.click(".af-tool.ruler")
    box = page.locator(".folium-map").bounding_box()
    assert box
    for x, y in ((0.5, 0.75), (0.7, 0.75), (0.6, 0.95)):
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.wait_for_timeout(350)  # two quick clicks would be a double click
    text = page.locator(".af-measure").inner_text()
    assert "距离" in text
    assert "亩" in text
    page.locator(".af-sensor").first.click()  # a marker is a point too
    assert page.evaluate("agroforest.view.measure.points.length") == 4
    assert page.locator(".leaflet-popup").count() == 0


@pytest.mark.parametrize("language", ["zh", "en"])
def test_everything_fits_on_a_phone(
    visit: Open, fake_file: Path, language: str
) -> None:
    seen = visit(fake_file, PHONE)
    page = seen.page
    if language == "en":
        page.click(".af-language")
    width, height = PHONE
    for tab in ("layers", "alerts", "sensors", "about"):
        seen.tab(tab)
        cut = page.evaluate(
            """() => [...document.querySelectorAll('body *')].filter(e => {
              if (e.closest('.folium-map') || !e.getClientRects().length) return false;
              const r = e.getBoundingClientRect();
              const inline = getComputedStyle(e).display === 'inline';
              return r.left < -1 || r.right > innerWidth + 1
                || (!inline && e.scrollWidth > e.clientWidth + 1);
            }).map(e => e.className + ': ' + e.textContent.slice(0, 40))"""
        )
        assert cut == []
        assert page.evaluate("document.scrollingElement.scrollHeight") <= height
        boxes = {
            name: page.locator(name).bounding_box()
            for name in (
                "#af-head",
                "#af-banner",
                ".folium-map",
                "#af-time",
                "#af-panel",
            )
        }
        ordered = [b for b in boxes.values() if b]
        assert len(ordered) == 5
        for upper, lower in pairwise(ordered):
            assert upper["y"] + upper["height"] <= lower["y"] + 1
        tools = page.locator(".af-tools").bounding_box()
        scale = page.locator(".leaflet-control-scale").bounding_box()
        assert tools
        assert scale
        assert tools["y"] + tools["height"] < scale["y"]
        assert boxes[".folium-map"]
        assert boxes[".folium-map"]["height"] > 200
    for opener in ("visit(v.data.alerts[0])", "visitSensor(v.data.sensors[0])"):
        page.evaluate(f"(() => {{ const v = agroforest.view; v.{opener}; }})()")
        page.wait_for_timeout(400)
        popup = page.locator(".leaflet-popup-content-wrapper").last.bounding_box()
        map_box = page.locator(".folium-map").bounding_box()
        assert popup
        assert map_box
        assert popup["x"] >= 0
        assert popup["x"] + popup["width"] <= width
        assert popup["y"] >= map_box["y"]
        assert popup["y"] + popup["height"] <= map_box["y"] + map_box["height"]
        assert not page.locator(".af-tools").is_visible()


def test_rule_based_pages_say_so(
    visit: Open, fake_page: MapPage, tmp_path: Path
) -> None:
    path = tmp_path / "rule.html"
    page = fake_page.patch(
        model="rule-based: fordead three dates",
        risks=(),
        indices=(),
        sensors=(),
        simulated=False,
    )
    path.write_text(build_page(page), encoding="utf-8")
    seen = visit(path)
    assert "规则判断" in seen.texts(".af-rule")[0]
    assert seen.page.locator(".af-simulated").count() == 0


def test_no_name_can_make_anything_run(
    visit: Open, hostile_page: MapPage, payloads: tuple[str, ...], tmp_path: Path
) -> None:
    assert len(payloads) >= 20
    path = tmp_path / "hostile.html"
    path.write_text(build_page(hostile_page), encoding="utf-8")
    seen = visit(path)
    page = seen.page
    for _ in ("zh", "en"):
        for tab in ("layers", "alerts", "sensors", "about"):
            seen.tab(tab)
        shown = page.locator(".af-notices li").evaluate_all(
            "items => items.map(item => item.textContent)"
        )
        assert shown == list(payloads)  # every one of them as it was written
        seen.tab("layers")
        for box in page.locator(".af-layer input[type=checkbox]").all()[:8]:
            box.click()
        page.evaluate(
            """() => { const v = agroforest.view, d = v.data;
              d.alerts.forEach(a => v.visit(a));
              d.sensors.forEach(s => v.visitSensor(s));
              d.places.forEach(p =>
                v.openAt(p.rings[0][0][0], () => agroforest.placePopup(p, v)));
              v.groups.alerts.eachLayer(l => l.openTooltip());
              v.groups.places.eachLayer(l => l.openTooltip());
              v.groups.sensors.eachLayer(l => l.openTooltip());
              d.nights.forEach(n => v.goTo(n)); }"""
        )
        page.click(".af-language")
    page.wait_for_timeout(300)
    assert page.evaluate("window.pwned") is None
    assert (
        page.locator("body img:not(.leaflet-image-layer):not(.af-strip)").count() == 0
    )
    foreign = "iframe, form, base, link, details, math, a[href^=javascript], body style"
    assert page.locator(foreign).count() == 0
    assert page.evaluate("({}).polluted === undefined && Object.keys({}).length === 0")
    assert asked(seen) == []
    assert seen.complaints == []


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_a_page_of_one_question_does_not_speak_of_nights(
    visit: Open, fake_page: MapPage, tmp_path: Path, size: tuple[int, int]
) -> None:
    path = tmp_path / "once.html"
    page = fake_page.patch(once=True, alerts=(), sensors=(), risks=())
    path.write_text(build_page(page), encoding="utf-8")
    seen = visit(path, size)
    tabs = seen.page.locator("[role=tab]")
    assert tabs.evaluate_all("all => all.map(t => t.dataset.tab)") == [
        "layers",
        "about",
    ]
    if size == PHONE:
        seen.tab("layers")
    rows = seen.page.locator(".af-layer").evaluate_all(
        "all => all.map(row => row.dataset.layer)"
    )
    assert "places" in rows
    assert not {"alerts", "sensors"} & set(rows)
    assert seen.page.locator(".af-night span").count() == 0
    seen.tab("about")
    assert "警报" not in " ".join(seen.texts(".af-sheet"))
    assert not asked(seen)
    assert not seen.complaints
