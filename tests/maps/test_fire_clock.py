"""Alerts of fire in a real browser: what they say, and the clock that runs."""

from pathlib import Path

import pytest
from tests.maps import fire_visit
from tests.maps.fire_visit import WIDE, Watch, click_at, popup, show
from tests.maps.fires import ALERTS, NOTHING, event, facts, fire_page, night_page
from tests.maps.test_browser import PHONE, Open

from agroforest.core.fire import Outcome, Verification
from agroforest.maps import build_page
from agroforest.maps.hotspots import EVENT_AGES

browser, visit = fire_visit.browser, fire_visit.visit
fire_file, watch = fire_visit.fire_file, fire_visit.watch
pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]


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


def test_an_alert_without_probability_on_a_page_without_fire(
    visit: Open, tmp_path: Path
) -> None:
    path = tmp_path / "bare.html"
    page = night_page(NOTHING).patch(fire=None)
    path.write_text(build_page(page), encoding="utf-8")
    seen = visit(path)
    seen.page.evaluate("agroforest.view.visit(agroforest.view.data.alerts[0])")
    assert "疑似火情" in popup(seen)
    assert "概率" not in popup(seen)
    assert seen.page.locator("[data-tab=fire]").count() == 0
    assert seen.complaints == []
