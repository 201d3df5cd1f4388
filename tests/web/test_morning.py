"""The demonstration's morning in a real browser: what a bureau does with its alerts.

With AGROFOREST_PICTURES=FOLDER the pictures of the README are taken on the way.
"""

import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import uvicorn
from playwright.sync_api import Browser, expect
from tests.maps.test_browser import DESK as WIDE
from tests.maps.test_browser import PHONE, browser
from tests.nightly.alone import run_alone
from tests.web.test_desk_browser import Visit, find_faults

from agroforest.core.account import Role
from agroforest.core.queue import CaseQuery
from agroforest.core.review import Act, Sampling, Stage, Verdict
from agroforest.core.risk import Hazard
from agroforest.testing.demo import run_demonstration
from agroforest.testing.morning import Morning, open_morning
from agroforest.web.serve import open_socket

__all__ = ["browser"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.enable_socket,
    pytest.mark.slow,
    pytest.mark.timeout(900),
]
_PICTURES = os.environ.get("AGROFOREST_PICTURES", "")


@dataclass(frozen=True, kw_only=True)
class House:
    """The desk that morning, and its address."""

    morning: Morning
    url: str

    def waiting(self, hazard: Hazard | None = None) -> list[str]:
        """Ids of what nobody has judged, the most pressing first."""
        query = CaseQuery(
            stages=(Stage.PRESCREEN,), hazards=() if hazard is None else (hazard,)
        )
        return [row.id for row in self.morning.store.desk.queue(query).rows]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    work = tmp_path_factory.mktemp("morning")
    with run_alone():
        done = run_demonstration(work, nights=3, size=192, years=1.2, more=True)
    assert done.failed == 0
    with open_socket("127.0.0.1", 0) as door:
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        with open_morning(work, done.world, link=url) as morning:
            config = uvicorn.Config(morning.app, log_level="warning", lifespan="off")
            server = uvicorn.Server(config)
            thread = threading.Thread(
                target=server.run, kwargs={"sockets": [door]}, daemon=True
            )
            thread.start()
            try:
                yield House(morning=morning, url=url)
            finally:
                server.should_exit = True
                thread.join(20)


Enter = Callable[..., Visit]


@pytest.fixture
def enter(house: House, browser: Browser) -> Iterator[Enter]:
    contexts = []

    def log_in(
        role: Role, *, size: tuple[int, int] = WIDE, language: str = "en"
    ) -> Visit:
        person = house.morning.person(role)
        desk = house.morning.store.desk
        known = desk.account(person.account.name)
        assert known is not None
        desk.change_account(known.patch(language=language))
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            has_touch=size == PHONE,
            reduced_motion="reduce",  # what moves is clicked beside
            device_scale_factor=2 if _PICTURES else 1,
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        seen = Visit(page=context.new_page(), url=house.url)
        page = seen.page
        page.on("console", lambda m: seen.complaints.append(f"{m.type}: {m.text}"))
        page.on("pageerror", lambda e: seen.complaints.append(str(e)))
        page.on("request", lambda r: seen.asked.append(r.url))
        seen.go("/login")
        page.fill("[name=name]", person.account.name)
        page.fill("[name=password]", person.password)
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("/(queue|parcels)"))
        return seen

    yield log_in
    for context in contexts:
        context.close()


def picture(seen: Visit, name: str) -> None:
    if _PICTURES:
        seen.page.wait_for_load_state("networkidle")
        seen.page.screenshot(path=str(Path(_PICTURES) / f"{name}.png"))


def is_quiet(seen: Visit) -> bool:
    return seen.complaints == [] and seen.strangers == []


def test_the_morning_has_been_worked(house: House) -> None:
    desk = house.morning.store.desk
    assert len(house.waiting()) >= 10
    rows = desk.queue(CaseQuery(limit=500)).rows
    acts = {step.act for row in rows for step in desk.steps(row.id)}
    assert {Act.CONFIRM, Act.DISMISS, Act.APPROVE, Act.ORDER_CHECK} <= acts
    assert {Act.SAMPLE, Act.MERGE, Act.UNMERGE} <= acts
    cases = desk.cases([row.id for row in rows])
    assert [c.sampling for c in cases.values() if c.sampling] == [Sampling.SAMPLED]
    assert desk.check_audit() > 0
    letters = house.morning.mailbox.letters
    assert letters
    assert all("模拟" in str(letter["Subject"]) for letter in letters)
    # Exactly one message a change, person and channel.
    assert len({letter["Message-ID"] for letter in letters}) == len(letters)
    assert house.morning.mailbox.posts
    assert "feng@example.cn" in {letter["To"] for letter in letters}
    counties = {case.county[0] for case in cases.values()}
    assert len(house.morning.bulletins) == len(counties)
    assert all(p.read_bytes().startswith(b"%PDF") for p in house.morning.bulletins)


def test_everybody_can_use_every_page(house: House, enter: Enter) -> None:
    case = house.waiting()[0]
    paths = ("/queue", f"/alerts/{case}", "/map", "/parcels", "/runs", "/sensors")
    more = ("/models", "/audit", "/exports", "/bulletins")
    for language in ("zh", "en"):
        seen = enter(Role.ADMIN, language=language)
        for path in (*paths, *more):
            seen.go(path)
            seen.page.wait_for_load_state("networkidle")
            words = seen.page.locator("body").inner_text()
            assert ("模拟" if language == "zh" else "imulated") in words, path
            width = seen.page.evaluate("document.documentElement.scrollWidth")
            assert width <= WIDE[0], path
            assert find_faults(seen.page) == [], path
        seen.go(f"/alerts/{case}")
        picture(seen, f"desk-alert-{language}")
        seen.go("/queue")
        picture(seen, f"desk-queue-{language}")
        assert is_quiet(seen), (seen.complaints, seen.strangers)


def test_evidence_is_shown(house: House, enter: Enter) -> None:
    seen = enter(Role.REVIEWER)
    seen.go(f"/alerts/{house.waiting(Hazard.CANOPY_LOSS)[0]}")
    seen.page.wait_for_load_state("networkidle")
    pictures = seen.page.locator("main img").all()
    assert len(pictures) >= 2
    for shown in pictures:
        shown.scroll_into_view_if_needed()
        expect(shown).to_have_js_property("complete", True)
        assert shown.evaluate("e => e.naturalWidth") > 0
    expect(seen.page.locator("main svg").first).to_be_visible()
    assert is_quiet(seen), (seen.complaints, seen.strangers)


# Presses "u" the moment that there is something to undo.
_AT_ONCE = """() => new MutationObserver((_, observer) => {
  if (!document.querySelector("#flash [data-undo]")) return;
  observer.disconnect();
  document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "u", bubbles: true}));
}).observe(document.body, {childList: true, subtree: true})"""


def test_undone_at_once_by_keyboard(house: House, enter: Enter) -> None:
    """Before htmx has bound the form; one stays where one is."""
    seen = enter(Role.REVIEWER)
    path = "/queue?hazard=canopy-loss&stage=pre-screen"
    seen.go(path)
    rows = seen.page.locator("tr[data-case]")
    count = rows.count()
    seen.page.evaluate(_AT_ONCE)
    seen.press("j", "m", "j", "m", "M")
    seen.said("The merge is undone.")
    expect(rows).to_have_count(count)
    assert seen.page.url == house.url + path
    undone = [url for url in seen.asked if "/queue/unmerge" in url]
    assert len(undone) == 1
    assert is_quiet(seen), (seen.complaints, seen.strangers)


def test_ten_alerts_by_keyboard(house: House, enter: Enter) -> None:
    desk = house.morning.store.desk
    seen = enter(Role.REVIEWER)
    seen.go("/queue?hazard=canopy-loss&stage=pre-screen")
    rows = seen.page.locator("tr[data-case]")
    count = rows.count()
    # Merged, and taken apart again.
    seen.press("j", "m", "j", "m", "M")
    seen.said("Merged.")
    expect(rows).to_have_count(count - 1)
    seen.press("u")
    seen.said("The merge is undone.")
    expect(rows).to_have_count(count)
    seen.go("/queue?stage=pre-screen")
    seen.press("j")
    reviewed = []
    for number in range(10):
        case = seen.here()
        reviewed.append(case)
        if number % 2:
            seen.press("x", "2")
            seen.said("Dismissed")
        else:
            seen.press("p")
        left = seen.page.locator(f"#case-{case} .badge.stage-pre-screen")
        expect(left).to_have_count(0)
        if number < 9:  # behind the last one is nothing to go on to
            expect(seen.page.locator(f"#case-{case}[aria-current]")).to_have_count(0)
    assert len(set(reviewed)) == 10
    cases = desk.cases(reviewed)
    assert {cases[i].stage for i in reviewed[::2]} == {Stage.VERDICT}
    assert {cases[i].verdict for i in reviewed[1::2]} == {Verdict.DISMISSED}
    assert is_quiet(seen), (seen.complaints, seen.strangers)


def test_a_verdict_reaches_the_mailbox(house: House, enter: Enter) -> None:
    desk = house.morning.store.desk
    query = CaseQuery(stages=(Stage.SUPERVISOR,))
    case = desk.queue(query).rows[0].id
    before = len(house.morning.mailbox.letters)
    seen = enter(Role.SUPERVISOR)
    seen.go(f"/alerts/{case}")
    button = seen.page.locator(".act-approve .main")
    if not button.is_visible():
        seen.page.locator(".act-approve summary").click()
    button.click()
    seen.said("Approved")
    for _ in range(60):
        if len(house.morning.mailbox.letters) > before:
            break
        seen.page.wait_for_timeout(500)
    assert len(house.morning.mailbox.letters) > before
    shown = requests.get(house.morning.mailbox.url, timeout=10).text
    assert "模拟" in shown
    link = re.search(rf"{re.escape(house.url)}/a/[A-Za-z0-9_-]{{32}}", shown)
    assert link
    assert requests.get(link[0], timeout=10).status_code == 200
    assert is_quiet(seen), (seen.complaints, seen.strangers)


def test_language_export_and_bulletin(house: House, enter: Enter) -> None:
    seen = enter(Role.REVIEWER, language="zh")
    page = seen.page
    expect(page.locator("h1")).to_have_text("预警队列")
    page.click(".tongue button")
    expect(page.locator("h1")).to_have_text("Queue of alerts")
    seen.go("/exports")
    page.select_option("[name=format]", "geojson")
    with page.expect_download() as waited:
        page.locator("form[action='/exports/cases'] button.main").click()
    found = json.loads(Path(waited.value.path()).read_text("utf-8"))
    assert len(found["features"]) >= 10
    assert all("模拟" in f["properties"]["note"] for f in found["features"])
    seen.go("/bulletins")
    links = page.locator("ul.links a")
    assert links.count() == len(house.morning.bulletins)
    address = links.first.get_attribute("href")
    answer = page.request.get(f"{house.url}{address}")
    assert answer.body().startswith(b"%PDF")
    assert is_quiet(seen), (seen.complaints, seen.strangers)


def test_a_farmer_reads_tonights_advice_on_a_phone(house: House, enter: Enter) -> None:
    seen = enter(Role.FARMER, size=PHONE, language="zh")
    page = seen.page
    seen.go("/parcels")
    cards = page.locator("article.parcel")
    expect(cards).to_have_count(len(house.morning.person(Role.FARMER).account.parcels))
    expect(cards.first).to_contain_text("灌水")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    assert find_faults(page) == []
    picture(seen, "desk-farmer-zh")
    assert is_quiet(seen), (seen.complaints, seen.strangers)
    page.goto(f"{house.url}/queue")
    expect(page.locator("tr[data-case]")).to_have_count(0)
