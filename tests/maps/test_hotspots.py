"""Fire events on a page: what is put into it, and what a browser makes of it."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import shapely
from tests.maps import test_browser
from tests.maps.test_browser import DESK, PHONE, Open, asked

from agroforest.core.fire import EventConfidence, EventKind
from agroforest.maps.hotspots import (
    EVENT_AGES,
    MOST_EVENTS,
    FireEvent,
    HotspotPage,
    build_hotspot_data,
    build_hotspot_page,
)
from agroforest.maps.page import Notice

browser, visit = test_browser.browser, test_browser.visit
in_browser = [pytest.mark.browser, pytest.mark.enable_socket]
WEST, EAST = shapely.box(108, 22, 108.5, 23), shapely.box(108.5, 22, 109, 23)


def event(number: int = 0, **changes: Any) -> FireEvent:
    known: dict[str, Any] = {
        "id": f"e{number:015x}",
        "longitude": 108.2 + 0.1 * (number % 7),
        "latitude": 22.2 + 0.1 * (number % 5),
        "kind": EventKind.FIRE,
        "confidence": EventConfidence.NOMINAL,
        "age_h": 3.0,
        "first_utc": "2024-03-01T18:30Z",
        "last_utc": "2024-03-01T19:12Z",
        "first_local": "2024-03-02T02:30+08:00",
        "last_local": "2024-03-02T03:12+08:00",
        "detections": 5,
        "viirs": 3,
        "modis": 1,
        "satellites": "A H9 N20",
        "frp_max_mw": 12.34,
        "county": ("武鸣区", "Wuming"),
        "township": ("双桥镇", "Shuangqiao"),
    }
    return FireEvent(**known | changes)


def page_of(*events: FireEvent, **changes: Any) -> HotspotPage:
    known: dict[str, Any] = {
        "events": events,
        "total": len(events),
        "now": datetime(2024, 3, 1, 22, 12, tzinfo=UTC),
        "now_local": "2024-03-02T06:12+08:00",
        "boundaries": (WEST, EAST),
        "version": "0",
        "sources": ("firms.csv",),
    }
    return HotspotPage(**known | changes)


MIXED = page_of(
    event(0),
    event(1, confidence=EventConfidence.HIGH, age_h=10.0),
    event(2, confidence=EventConfidence.LOW, age_h=30.0),
    event(3, kind=EventKind.CROP, age_h=30.0, crop_share=0.8),
    event(4, kind=EventKind.STATIC, age_h=200.0, frp_max_mw=None),
)


def test_columns_are_of_one_length_and_names_are_kept_once() -> None:
    data = build_hotspot_data(MIXED)
    assert {len(column) for column in data["events"].values()} == {5}
    assert [n["zh"] for n in data["names"]] == ["武鸣区", "双桥镇"]
    assert data["events"]["frp"] == [12.3, 12.3, 12.3, 12.3, None]
    kinds = [data["kinds"][k] for k in data["events"]["kind"]]
    assert kinds == ["fire", "fire", "fire", "crop", "static"]


def test_what_is_first_shown() -> None:
    (south, west), (north, east) = build_hotspot_data(MIXED)["bounds"]
    assert (west, south, east, north) == (107.95, 21.95, 109.05, 23.05)
    (south, west), (north, east) = build_hotspot_data(page_of(event(), boundaries=()))[
        "bounds"
    ]
    assert west < 108.2 < east
    assert south < 22.2 < north
    (south, west), (north, east) = build_hotspot_data(page_of(boundaries=()))["bounds"]
    assert west < 104
    assert east > 112  # nothing at all is known: the country


def test_a_page_holds_no_more_than_it_can_show() -> None:
    many = [event()] * (MOST_EVENTS + 3)
    data = build_hotspot_data(page_of(*many))
    assert len(data["events"]["id"]) == MOST_EVENTS
    assert data["total"] == MOST_EVENTS + 3


def test_boundaries_are_thinned_but_keep_their_place() -> None:
    fine = shapely.segmentize(WEST, 0.0001)
    (line,) = build_hotspot_data(page_of(boundaries=(fine,)))["boundaries"]
    assert len(line) == 5
    assert [22.0, 108.0] in line  # latitude first
    holed = WEST.difference(shapely.box(108.1, 22.1, 108.2, 22.2))
    lines = build_hotspot_data(page_of(boundaries=(holed,)))["boundaries"]
    assert len(lines) == 2


def test_the_same_page_gives_the_same_bytes_and_asks_for_nothing() -> None:
    document = build_hotspot_page(MIXED)
    assert document == build_hotspot_page(MIXED)
    assert "connect-src" not in document
    assert "default-src 'none'" in document


def test_ages_fall_into_steps_without_a_gap() -> None:
    hours = [step for step, _ in EVENT_AGES]
    assert hours[-1] is None
    assert hours[:-1] == sorted(h for h in hours if h is not None)
    assert len({color for _, color in EVENT_AGES}) == len(EVENT_AGES)


def written(page: HotspotPage, folder: Path) -> Path:
    path = folder / "hotspots.html"
    path.write_text(build_hotspot_page(page), encoding="utf-8")
    return path


class TestInABrowser:
    pytestmark = in_browser

    @pytest.mark.parametrize("size", [DESK, PHONE])
    def test_it_opens_quietly_and_asks_for_nothing(
        self, visit: Open, tmp_path: Path, size: tuple[int, int]
    ) -> None:
        seen = visit(written(MIXED, tmp_path), size)
        assert seen.page.title() == "火点"
        for tab in ("filter", "events", "about"):
            if seen.page.get_attribute(f"[data-tab={tab}]", "aria-selected") != "true":
                seen.tab(tab)
            assert seen.page.locator(".af-sheet").is_visible()
        wide = seen.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size[0]
        assert asked(seen) == []
        assert seen.complaints == []

    def test_the_filter_filters(self, visit: Open, tmp_path: Path) -> None:
        seen = visit(written(MIXED, tmp_path))
        page = seen.page

        def shown(count: int) -> None:
            page.wait_for_function(
                "n => agroforest.view.visible.length === n"
                " && agroforest.view.group.getLayers().length === n",
                arg=count,
            )
            assert page.locator("#af-time output").inner_text() == (
                f"显示 {count} / 5 个事件"
            )

        shown(5)
        page.click("[data-confidence=low]")
        shown(4)
        page.click("[data-confidence=nominal]")
        shown(1)  # the one of high confidence
        page.click("[data-confidence=nominal]")
        page.click("[data-kind=static]")
        page.click("[data-kind=crop]")
        shown(2)
        page.click("[data-kind=static]")
        slider = page.locator("#af-time input")
        slider.focus()
        for _ in range(3):
            slider.press("ArrowLeft")  # all, 30 days, 7 days, 48 hours
        shown(2)
        slider.press("Home")
        shown(1)  # within six hours
        seen.tab("events")
        assert page.locator(".af-item").count() == 1
        assert seen.complaints == []

    def test_each_kind_has_its_shape_and_each_age_its_colour(
        self, visit: Open, tmp_path: Path
    ) -> None:
        page = visit(written(MIXED, tmp_path)).page
        seen = page.evaluate(
            "agroforest.view.marks.map(m => [m.options.kind, m.options.fillColor])"
        )
        colors = [color for _, color in EVENT_AGES]
        assert seen == [
            ["fire", colors[0]],
            ["fire", colors[1]],
            ["fire", colors[3]],
            ["crop", colors[3]],
            ["static", colors[5]],
        ]

    @pytest.mark.parametrize("size", [DESK, PHONE])
    def test_a_click_on_the_map_tells_all(
        self, visit: Open, tmp_path: Path, size: tuple[int, int]
    ) -> None:
        seen = visit(written(MIXED, tmp_path), size)
        page = seen.page
        at = page.evaluate(
            """() => { const v = agroforest.view, box = v.map.getContainer();
              const p = v.map.latLngToContainerPoint(v.at(0));
              const r = box.getBoundingClientRect(); return [r.x + p.x, r.y + p.y]; }"""
        )
        page.mouse.click(*at)
        text = page.locator(".af-popup").inner_text()
        for expected in (
            "疑似火情，请实地核查",
            "Suspected fire, check in the field",
            "武鸣区",
            "双桥镇",
            "2024-03-02 02:30 (UTC+08:00)",
            "2024-03-01 18:30 UTC",
            "2024-03-02 03:12 (UTC+08:00)",
            "3.0 小时",
            "VIIRS 3，MODIS 1，其他 1 (A H9 N20)",
            "12.3 MW",
            "一般",
            "e000000000000000",
            "一小时内",
        ):
            assert expected in text
        page.click(".af-language")
        page.locator(".af-popup").wait_for(state="detached")
        page.evaluate("agroforest.view.visit(4, true)")
        text = page.locator(".af-popup").inner_text()
        assert "Static heat source" in text
        assert "MW" not in text  # not known
        assert "within one hour" in text
        assert seen.complaints == []

    def test_nothing_from_outside_runs(
        self, visit: Open, tmp_path: Path, payloads: tuple[str, ...]
    ) -> None:
        hostile = page_of(
            *(
                event(n, id=p, county=(p, p), township=(p, p), satellites=p,
                      first_utc=p, first_local=p + "x")
                for n, p in enumerate(payloads)
            ),
            now_local=" ".join(payloads),
            version=" ".join(payloads),
            sources=payloads,
            notices=tuple(Notice(zh=p, en=p) for p in payloads),
        )  # fmt: skip
        seen = visit(written(hostile, tmp_path))
        page = seen.page
        for _ in ("zh", "en"):
            for tab in ("filter", "events", "about"):
                seen.tab(tab)
            shown = page.locator(".af-notices li").evaluate_all(
                "items => items.map(item => item.textContent)"
            )
            assert shown == list(payloads)
            for n in range(len(payloads)):
                page.evaluate("n => agroforest.view.visit(n, false)", n)
                own = page.locator(".af-popup dd").last.evaluate("d => d.textContent")
                assert own == payloads[n]
            page.click(".af-language")
        page.wait_for_timeout(200)
        assert page.evaluate("window.pwned") is None
        foreign = "iframe, form, base, link, details, math, img, a[href^=javascript]"
        assert page.locator(f"body :is({foreign})").count() == 0
        assert asked(seen) == []
        assert seen.complaints == []

    def test_thousands_of_events_are_one_canvas(
        self, visit: Open, tmp_path: Path
    ) -> None:
        # An element for each would freeze a phone; a list of all would, too.
        many = page_of(*(event(n) for n in range(5000)))
        seen = visit(written(many, tmp_path))
        page = seen.page
        assert page.locator(".folium-map canvas").count() == 2  # boundaries, events
        assert page.locator(".folium-map path.leaflet-interactive").count() == 0
        seen.tab("events")
        assert page.locator(".af-item").count() == 200
        assert "5000" in seen.texts(".af-none")[0]

    def test_marks_shrink_when_seen_from_afar(
        self, visit: Open, tmp_path: Path
    ) -> None:
        page = visit(written(MIXED, tmp_path)).page
        radii = [
            page.evaluate(
                """z => { agroforest.view.map.setZoom(z, { animate: false });
                  return agroforest.view.marks[0].getRadius(); }""",
                zoom,
            )
            for zoom in (6, 8, 11)
        ]
        assert radii[0] < radii[1] < radii[2]

    def test_what_is_left_out_is_said(self, visit: Open, tmp_path: Path) -> None:
        seen = visit(written(page_of(event(), total=9), tmp_path))
        seen.tab("about")
        assert "共 9 个事件" in seen.texts(".af-notices")[0]

    def test_an_empty_morning(self, visit: Open, tmp_path: Path) -> None:
        seen = visit(written(page_of(boundaries=()), tmp_path))
        seen.tab("events")
        assert seen.texts(".af-none") == ["没有符合筛选条件的事件。"]
        assert seen.complaints == []


def test_the_data_block_is_json() -> None:
    document = build_hotspot_page(MIXED)
    block = re.search(r'id="af-data">(.*?)</script>', document, re.DOTALL)
    assert block is not None
    assert json.loads(block[1])["events"]["id"][0] == "e000000000000000"
