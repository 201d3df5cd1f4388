"""The desk in a real browser: by keyboard alone, in both languages, on a phone."""

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect
from tests.maps.test_browser import DESK as WIDE
from tests.maps.test_browser import PHONE, browser
from tests.web.desks import PASSWORD, Desk, build_alerts, open_desk

from agroforest.core.review import Act, Stage, Verdict
from agroforest.web.serve import open_socket

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]
_ROOT = Path(__file__).resolve().parents[2]
_AXE = Path(os.environ.get("AGROFOREST_AXE", _ROOT / "work" / "axe.min.js"))
IDS = [alert.id for alert in build_alerts()]


@dataclass(kw_only=True)
class Visit:
    """An open page, and what it did that it should not."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def strangers(self) -> list[str]:
        """What was asked of other hosts."""
        return [each for each in self.asked if not each.startswith(self.url)]

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def here(self) -> str:
        """Case on whose row one stands."""
        return self.page.locator("tr[aria-current]").get_attribute("data-case") or ""

    def said(self, text: str) -> None:
        expect(self.page.locator("#flash")).to_contain_text(text)


Enter = Callable[..., Visit]


@contextmanager
def served(desk: Desk) -> Iterator[str]:
    """Serve a desk; its address."""
    with open_socket("127.0.0.1", 0) as door:
        config = uvicorn.Config(desk.app, log_level="warning", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [door]}, daemon=True
        )
        thread.start()
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path, alerts=build_alerts(14)) as opened:
        yield opened


@pytest.fixture
def enter(desk: Desk, browser: Browser) -> Iterator[Enter]:
    """Open a browser and log in as somebody."""
    contexts = []
    with served(desk) as url:

        def log_in(
            name: str = "rui",
            *,
            size: tuple[int, int] = WIDE,
            language: str = "en",
            scripts: bool = True,
        ) -> Visit:
            account = desk.store.desk.account(name)
            assert account is not None
            desk.store.desk.change_account(account.patch(language=language))
            context = browser.new_context(
                viewport={"width": size[0], "height": size[1]},
                has_touch=size == PHONE,
                reduced_motion="reduce",  # what moves is clicked beside
                java_script_enabled=scripts,
            )
            context.set_default_timeout(15_000)
            contexts.append(context)
            seen = Visit(page=context.new_page(), url=url)
            page = seen.page
            page.on("console", lambda m: seen.complaints.append(f"{m.type}: {m.text}"))
            page.on("pageerror", lambda e: seen.complaints.append(str(e)))
            page.on("request", lambda r: seen.asked.append(r.url))
            seen.go("/login")
            page.fill("[name=name]", name)
            page.fill("[name=password]", PASSWORD)
            page.keyboard.press("Enter")
            page.wait_for_url(re.compile("/(queue|parcels)"))
            return seen

        yield log_in
        for context in contexts:
            context.close()


def test_ten_alerts_by_keyboard_alone(desk: Desk, enter: Enter) -> None:
    seen = enter()
    seen.press("j")
    reviewed = []
    for number in range(10):
        case = seen.here()
        reviewed.append(case)
        if number % 2:
            seen.press("x", str(number % 5 + 1))
            seen.said("Dismissed")
        else:
            seen.press("p")
            row = seen.page.locator(f"#case-{case}")
            expect(row).to_contain_text("to judge")
        expect(seen.page.locator(f"#case-{case}[aria-current]")).to_have_count(0)
    assert len(set(reviewed)) == 10
    cases = desk.store.desk.cases(reviewed)
    assert [cases[i].stage for i in reviewed[:2]] == [Stage.VERDICT, Stage.SUPERVISOR]
    assert [cases[i].verdict for i in reviewed[1::2]] == [Verdict.DISMISSED] * 5
    # Back over those that were passed on, to confirm the first.
    seen.press(*["k"] * 14)
    assert seen.here() == reviewed[0]
    seen.press("c", "1")
    seen.said("Confirmed")
    found = desk.store.desk.case(reviewed[0])
    assert found is not None
    assert found.verdict == Verdict.CONFIRMED
    expect(seen.page.locator("#stages")).to_contain_text("to approve 6")
    assert seen.complaints == []
    assert seen.strangers == []


def test_other_needs_words(desk: Desk, enter: Enter) -> None:
    seen = enter()
    seen.press("j", "x", "6")
    page = seen.page
    expect(page.locator("#ask-dismiss textarea")).to_be_focused()
    page.keyboard.type("a kiln, j k x 1 2")
    page.locator("#ask-dismiss .main").click()
    seen.said("Dismissed")
    (case,) = [
        c
        for c in desk.store.desk.cases([a.id for a in build_alerts(14)]).values()
        if c.verdict
    ]
    assert desk.store.desk.steps(case.id)[-1].note == "a kiln, j k x 1 2"
    # Escape and Cancel leave without a verdict.
    for leave in ("Escape", "cancel"):
        ask_again(seen)
        if leave == "cancel":
            page.locator("#ask-dismiss [data-close]").click()
        else:
            seen.press(leave)
        expect(page.locator("dialog[open]")).to_have_count(0)
    assert seen.complaints == []


def ask_again(seen: Visit) -> None:
    """Press the key until it asks: while the list comes anew it cannot."""
    for _ in range(50):
        seen.press("x")
        if seen.page.locator("#ask-dismiss[open]").count():
            return
        seen.page.wait_for_timeout(100)
    raise AssertionError("the key asks nothing")


def test_a_verdict_is_taken_back(desk: Desk, enter: Enter) -> None:
    seen = enter()
    seen.press("j")
    case = seen.here()
    seen.press("x", "1")
    seen.said("Dismissed")
    seen.press("u")
    seen.said("Returned")
    expect(seen.page.locator(f"#case-{case}")).to_contain_text("to judge")
    assert [s.act for s in desk.store.desk.steps(case)][1:] == [Act.DISMISS, Act.RETURN]
    assert seen.complaints == []


def test_merge_and_undo(desk: Desk, enter: Enter) -> None:
    seen = enter()
    seen.go("/queue?hazard=canopy-stress")
    rows = seen.page.locator("tr[data-case]")
    expect(rows).to_have_count(7)
    seen.press("j", "m", "j", "m", "j", "j", "m", "M")
    seen.said("Merged.")
    expect(rows).to_have_count(5)
    merged = [
        case
        for case in desk.store.desk.cases([a.id for a in build_alerts(14)]).values()
        if case.stage == Stage.MERGED
    ]
    assert len(merged) == 2
    assert len({case.into for case in merged}) == 1
    expect(seen.page.locator("#stages")).to_contain_text("Waiting 5")
    seen.press("u")
    seen.said("The merge is undone.")
    expect(rows).to_have_count(7)
    assert seen.complaints == []
    assert seen.strangers == []


def test_who_comes_late_learns_who_was_first(enter: Enter) -> None:
    rui, ren = enter("rui"), enter("ren")
    for seen in (rui, ren):
        seen.press("j")
    case = rui.here()
    rui.press("x", "2")
    rui.said("Dismissed")
    ren.press("x", "1")
    ren.said("Rui was first")
    ren.page.click("#flash a")
    ren.page.wait_for_url(f"**/alerts/{case}")
    expect(ren.page.locator(".steps")).to_contain_text("harvest")
    assert rui.complaints == []
    # The browser itself tells of every answer that is no success.
    assert all("409" in each for each in ren.complaints)


def test_keys_help_and_filters(enter: Enter) -> None:
    seen = enter()
    page = seen.page
    seen.press("?")
    expect(page.locator("#keys")).to_be_visible()
    seen.press("Escape", "/")
    expect(page.locator("#filters select").first).to_be_focused()
    page.select_option("[name=hazard]", "canopy-loss")
    page.click(".filter-form .main")
    expect(page.locator("tr[data-case]")).to_have_count(7)
    seen.press("j", "o")
    page.wait_for_url("**/alerts/*")
    assert seen.complaints == []


def test_the_language_is_switched(enter: Enter) -> None:
    seen = enter(language="zh")
    page = seen.page
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert page.locator("h1").inner_text() == "预警队列"
    page.click(".tongue button")
    expect(page.locator("h1")).to_have_text("Queue of alerts")
    seen.go(f"/alerts/{IDS[0]}")
    assert not re.search("[\u4e00-\u9fff]", page.locator("main").inner_text())
    assert seen.complaints == []


def test_all_of_it_without_scripts(desk: Desk, enter: Enter) -> None:
    seen = enter(scripts=False)
    page = seen.page
    page.locator(".what a").first.click()
    page.locator(".act-dismiss summary").click()
    page.locator(".act-dismiss [value=shadow]").check()
    page.locator(".act-dismiss .main").click()
    seen.said("Dismissed")
    seen.go("/queue?hazard=canopy-stress")
    for number in (2, 3):
        page.locator(".mark input").nth(number).check()
    page.click(".below button")
    seen.said("Merged.")
    case = [c for c in desk.store.desk.cases(IDS).values() if c.stage == Stage.MERGED]
    assert len(case) == 1


@pytest.mark.parametrize("size", [WIDE, PHONE])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_everything_fits_and_can_be_heard(
    enter: Enter, size: tuple[int, int], language: str
) -> None:
    seen = enter("sun", size=size, language=language)
    page = seen.page
    for path in ("/queue", "/queue?days=9", f"/alerts/{IDS[0]}", "/audit"):
        seen.go(path)
        page.wait_for_load_state("networkidle")
        for summary in page.locator(".act summary").all()[:2]:
            summary.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], path
        if size == PHONE:
            small = page.evaluate(
                """() => [...document.querySelectorAll('button, .button, summary')]
                  .filter(e => e.getClientRects().length && e.offsetHeight < 32)
                  .map(e => e.textContent.trim())"""
            )
            assert small == [], path
        assert find_faults(page) == [], path
    assert seen.complaints == []
    assert seen.strangers == []


def test_dialogs_can_be_heard(enter: Enter) -> None:
    seen = enter()
    for key in ("x", "?"):
        seen.press("j", key)
        assert find_faults(seen.page) == []
        seen.press("Escape")


def find_faults(page: Page) -> list[Any]:
    """Ask axe-core for faults that matter; nothing where it is not at hand."""
    if not _AXE.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"no {_AXE}: make axe")
        return []
    page.evaluate(_AXE.read_text("utf-8"))
    found = page.evaluate(
        """async () => (await axe.run(document, {resultTypes: ['violations']}))
          .violations.filter(v => ['serious', 'critical'].includes(v.impact))
          .map(v => [v.id, v.nodes.map(n => n.html.slice(0, 120)).slice(0, 3)])"""
    )
    return list(found)
