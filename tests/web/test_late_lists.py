"""Keys while the queue's list is still on its way: what shows at the end is so."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import APIResponse, Route, expect
from tests.maps.test_browser import browser
from tests.web.desks import Desk
from tests.web.test_desk_browser import Enter, Visit, desk, enter

__all__ = ["browser", "desk", "enter"]
pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]


def hold_list(seen: Visit) -> Callable[[], None]:
    """Let the server answer the next request for the list, and keep the answer.

    Returns:
        What lets it go on to the page.
    """
    held: list[tuple[Route, APIResponse]] = []
    page = seen.page

    def hold(route: Route) -> None:
        if held or route.request.resource_type != "xhr":
            route.continue_()
        else:
            held.append((route, route.fetch()))

    def release() -> None:
        while not held:
            page.wait_for_timeout(20)
        ((route, answer),) = held
        route.fulfill(response=answer)

    page.route(re.compile(r"/queue(\?|$)"), hold)
    return release


def merge_two(seen: Visit) -> None:
    seen.go("/queue?hazard=canopy-stress")
    expect(seen.page.locator("tr[data-case]")).to_have_count(7)
    seen.press("j", "m", "j", "m", "M")
    seen.said("Merged.")


def test_undone_while_the_list_comes(enter: Enter) -> None:
    seen = enter()
    release = hold_list(seen)
    merge_two(seen)
    seen.press("u")
    seen.said("The merge is undone.")
    release()
    expect(seen.page.locator("tr[data-case]")).to_have_count(7)
    expect(seen.page.locator("tr[aria-current]")).to_have_count(1)
    expect(seen.page.locator("#stages")).to_contain_text("Waiting 7")
    assert seen.complaints == []


def test_judged_while_the_list_comes(desk: Desk, enter: Enter) -> None:
    """The list is from before the verdict."""
    seen = enter()
    release = hold_list(seen)
    merge_two(seen)
    seen.press("j")
    case = seen.here()
    seen.press("p")
    row = seen.page.locator(f"#case-{case}")
    expect(row).to_contain_text("to judge")
    release()
    expect(seen.page.locator("tr[data-case]")).to_have_count(6)
    expect(row).to_contain_text("to judge")
    found = desk.store.desk.case(case)
    assert found is not None
    assert row.get_attribute("data-version") == str(found.version)
    assert seen.complaints == []


def test_a_verdict_that_is_late(desk: Desk, enter: Enter) -> None:
    """The list comes between the key and the answer to it."""
    seen = enter()
    release = hold_list(seen)
    merge_two(seen)
    seen.press("j")
    case = seen.here()
    row = seen.page.locator(f"#case-{case}")

    def answer_late(route: Route) -> None:
        answer = route.fetch()
        release()
        expect(seen.page.locator("tr[data-case]")).to_have_count(6)
        route.fulfill(response=answer)

    seen.page.route("**/pass", answer_late)
    seen.press("p")
    expect(row).to_contain_text("to judge")
    found = desk.store.desk.case(case)
    assert found is not None
    assert row.get_attribute("data-version") == str(found.version)
    assert seen.complaints == []


def test_a_merge_that_is_late(enter: Enter) -> None:
    """Its form has left with the list it was in."""
    seen = enter()
    release = hold_list(seen)
    merge_two(seen)
    rows = seen.page.locator("tr[data-case]")

    def answer_late(route: Route) -> None:
        answer = route.fetch()
        release()
        expect(rows).to_have_count(6)
        route.fulfill(response=answer)

    seen.page.route("**/queue/merge", answer_late)
    seen.press("j", "j", "m", "j", "m", "M")
    expect(rows).to_have_count(5)
    expect(seen.page.locator("#stages")).to_contain_text("Waiting 5")
    assert seen.complaints == []
