"""Map and parcels in a real browser, on a phone and on a desk."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.maps.test_browser import DESK as WIDE
from tests.maps.test_browser import PHONE, browser
from tests.web.desks import NIGHT, PASSWORD, Desk
from tests.web.pages.work import (
    PAYLOAD,
    add_sensors,
    open_work_desk,
    parcel,
    write_rasters,
    write_report,
    write_water,
)
from tests.web.test_desk_browser import served

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.enable_socket, pytest.mark.slow]
#: Whatever reaches beyond the right edge of the window.
_BEYOND = """() => [...document.querySelectorAll('main *')].filter(e => {
  const r = e.getBoundingClientRect();
  return r.width && r.right > innerWidth + 1
    && !e.closest('.leaflet-pane, .scroll, svg, .lights');
}).map(e => `${e.tagName}.${e.className}`)"""
#: Opens the card of the first alert; whether the map glides to make room for it, which
#: whoever asks for reduced motion is spared.
_OPEN_FIRST = """() => {
  document.querySelector('#map-list button').click();
  return document.querySelectorAll('.leaflet-pan-anim').length;
}"""


@dataclass(kw_only=True)
class Visit:
    """An open page, and what it did that it should not."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)

    def show_map(self, query: str = "") -> None:
        self.go(f"/map{query}")
        self.page.wait_for_selector("#map[data-drawn][data-ground]")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    work = tmp_path_factory.mktemp("work")
    write_water(work, [parcel(2, zh=f"灌水 34 毫米。{PAYLOAD}"), parcel(5)])
    write_report(work, NIGHT)
    write_rasters(work)
    with open_work_desk(work, name=PAYLOAD) as opened:
        add_sensors(opened.store, name=PAYLOAD)
        yield opened


Enter = Callable[..., Visit]


@pytest.fixture
def enter(desk: Desk, browser: Browser) -> Iterator[Enter]:
    contexts = []
    seen: list[Visit] = []
    with served(desk) as url:

        def log_in(name: str, *, size: tuple[int, int], language: str = "zh") -> Visit:
            account = desk.store.desk.account(name)
            assert account is not None
            desk.store.desk.change_account(account.patch(language=language))
            desk.site.sessions.forget(name)
            context = browser.new_context(
                viewport={"width": size[0], "height": size[1]},
                has_touch=size == PHONE,
                reduced_motion="reduce",  # what moves is clicked beside
            )
            contexts.append(context)
            visit = Visit(page=context.new_page(), url=url)
            seen.append(visit)
            page = visit.page
            page.set_default_timeout(10_000)
            page.on(
                "request",
                lambda r: (
                    None
                    if r.url.startswith((url, "data:"))
                    else visit.strangers.append(r.url)
                ),
            )
            page.on("console", lambda m: visit.complaints.append(m.text))
            page.on("pageerror", lambda e: visit.complaints.append(str(e)))
            visit.go("/login")
            page.fill("[name=name]", name)
            page.fill("[name=password]", PASSWORD)
            page.press("[name=password]", "Enter")
            page.wait_for_url(lambda address: "/login" not in address)
            return visit

        yield log_in
        for visit in seen:
            assert visit.complaints == []
            assert visit.strangers == []
        for context in contexts:
            context.close()


def test_a_farmer_reads_tonights_advice_on_a_phone(enter: Enter) -> None:
    visit = enter("feng", size=PHONE)
    visit.go("/parcels")
    page = visit.page
    expect(page.locator("article")).to_have_count(1)
    expect(page.locator(".sentence")).to_contain_text("灌水 34 毫米")
    expect(page.locator(".sentence")).to_contain_text(PAYLOAD)
    expect(page.locator(".amounts")).to_contain_text("425 立方米")
    chart = page.locator(".water svg").bounding_box()
    assert chart is not None
    assert chart["width"] > 300
    assert page.evaluate(_BEYOND) == []
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0]


@pytest.mark.parametrize("size", [PHONE, WIDE], ids=["phone", "desk"])
def test_the_map_draws_and_answers(enter: Enter, size: tuple[int, int]) -> None:
    visit = enter("rui", size=size)
    visit.show_map()
    page = visit.page
    assert page.evaluate(_BEYOND) == []
    expect(page.locator("path.case")).to_have_count(12)
    expect(page.locator("path.field")).to_have_count(2)
    expect(page.locator("path.probe")).to_have_count(2)
    expect(page.locator("path.watched")).to_have_count(1)
    expect(page.locator("#map-said")).to_have_text("显示 12 件预警")
    assert page.evaluate(_OPEN_FIRST) == 0
    card = page.locator(".map-card")
    expect(card).to_contain_text("公顷")
    card.get_by_role("link").click()
    page.wait_for_url("**/alerts/*")
    page.get_by_role("link", name="在地图上查看").click()
    page.wait_for_url(re.compile(r"/map\#15/22\.30\d*/108\.2"))
    expect(page.locator("path.case").first).to_be_attached()


def test_what_is_seen_follows_the_window_and_the_filters(enter: Enter) -> None:
    visit = enter("rui", size=WIDE, language="en")
    visit.show_map("?hazard=canopy-loss")
    page = visit.page
    expect(page.locator("path.case")).to_have_count(6)
    visit.go("/queue")
    visit.show_map("#18/22.30075/108.201")
    expect(page.locator("path.case")).to_have_count(1)
    expect(page.locator("#map-said")).to_have_text("1 alerts shown")
    for _ in range(5):
        page.get_by_role("button", name="Zoom out").click()
        page.wait_for_timeout(350)
    expect(page.locator("path.case")).to_have_count(12)


def test_a_raster_with_its_day_opacity_and_legend(enter: Enter) -> None:
    visit = enter("rui", size=WIDE, language="en")
    visit.show_map()
    page = visit.page
    page.select_option("#map-raster", label="Canopy stress, probability · gaofeng")
    expect(page.locator("#map-legend li")).to_have_count(6)
    tile = page.locator("img.leaflet-tile-loaded").first
    expect(tile).to_be_attached()
    assert f"/tiles/gaofeng/canopy-stress/{NIGHT}/" in str(tile.get_attribute("src"))
    page.locator("#map-opacity").fill("30")
    shown = page.locator(".leaflet-layer.raster").evaluate("e => e.style.opacity")
    assert shown == "0.3"
    page.get_by_role("checkbox", name="Alerts").uncheck()
    expect(page.locator("path.case")).to_have_count(0)
    page.select_option("#map-raster", value="")
    expect(page.locator("img.leaflet-tile")).to_have_count(0)


def test_names_in_cards_are_text(enter: Enter) -> None:
    visit = enter("rui", size=WIDE)
    visit.show_map()
    page = visit.page
    page.locator("path.probe").first.click(force=True)
    expect(page.locator(".map-card h2")).to_have_text(PAYLOAD)
    page.locator("path.field").first.click(force=True)
    expect(page.locator(".map-card h2").last).to_have_text(PAYLOAD)


def test_a_nights_own_page_runs_as_nobodys(enter: Enter) -> None:
    """Its script runs, and neither reads the session nor asks the desk anything."""
    visit = enter("rui", size=WIDE)
    visit.go(f"/runs/gaofeng/{NIGHT}/map.html")
    page = visit.page
    expect(page).to_have_title("ran")
    assert page.evaluate("origin") == "null"
    with pytest.raises(Exception, match=r"SecurityError|sandboxed"):
        page.evaluate("document.cookie")


@pytest.mark.parametrize(
    "path", ["/runs", "/sensors", "/models", "/bulletins", "/exports"]
)
def test_other_pages_fit_a_phone(enter: Enter, path: str) -> None:
    visit = enter("rui", size=PHONE)
    visit.go(path)
    assert visit.page.evaluate(_BEYOND) == []
    assert visit.page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
