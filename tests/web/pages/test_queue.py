"""The queue: what is asked of it, and what it shows to whom."""

import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from tests.web.desks import PEOPLE, Desk, build_alerts, open_desk

from agroforest.web.pages.filters import Filters, list_options

IDS = [alert.id for alert in build_alerts()]


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[Desk]:
    alerts = build_alerts(120)
    with open_desk(tmp_path_factory.mktemp("queue"), alerts=alerts) as opened:
        yield opened


def rows(page: str) -> list[str]:
    return re.findall(r'data-case="([^"]+)"', page)


def test_filters_narrow(desk: Desk) -> None:
    rui = desk.visitor("rui")
    alerts = {a.id: a for a in build_alerts(120)}
    loss = rows(rui.get("/queue?hazard=canopy-loss").text)
    assert {alerts[i].hazard for i in loss} == {"canopy-loss"}
    large = rows(rui.get("/queue?least_ha=20&most_ha=40&order=area").text)
    sizes = [alerts[i].area_ha for i in large]
    assert sizes == sorted(sizes, reverse=True)
    assert 20 <= min(sizes) <= max(sizes) <= 40
    sure = rows(rui.get("/queue?confidence=90").text)
    assert sure
    assert all((alerts[i].probability or 0) >= 0.9 for i in sure)
    young = rows(rui.get("/queue?days=1").text)
    assert {alerts[i].first_night.isoformat() for i in young} == {"2024-05-01"}
    assert rows(rui.get("/queue?county=450100").text)
    assert rows(rui.get("/queue?county=none").text) == []
    assert rows(rui.get("/queue?stage=closed").text) == []
    assert rows(rui.get("/queue?assignee=rui").text) == []
    assert len(rows(rui.get("/queue?assignee=-").text)) == 50
    assert "No cases match" in rui.get("/queue?stage=closed").text


def test_pages_hold_every_case_once(desk: Desk) -> None:
    rui = desk.visitor("rui")
    found: list[str] = []
    page, path = "", "/queue?order=oldest"
    while path:
        page = rui.get(path).text
        found += rows(page)
        next_page = re.search(r'rel="next" href="([^"]+)"', page)
        path = next_page[1].replace("&amp;", "&") if next_page else ""
        assert not path or "order=oldest" in path
    assert len(found) == len(set(found)) == 120
    assert 'href="/queue?order=oldest"' in page  # back to the first


def test_nonsense_asks_for_everything(desk: Desk) -> None:
    rui = desk.visitor("rui")
    everything = rows(rui.get("/queue").text)
    for asked in (
        *("hazard=x", "stage=x", "order=x", "days=x", "days=-1", "days=99999"),
        *("confidence=101", "confidence=nan", "least_ha=inf", "after=xyz"),
        *("least_ha=%00", "after=%F0%9F", "days=1e400"),
    ):
        answer = rui.get(f"/queue?{asked}")
        assert answer.status_code == 200, asked
        assert rows(answer.text) == everything, asked


def test_counts_follow_the_hazard(desk: Desk) -> None:
    rui = desk.visitor("rui")
    for asked, count in (("", "120"), ("?hazard=canopy-loss", "60")):
        page = rui.get(f"/queue{asked}").text
        assert f'aria-current="page">Waiting <b>{count}</b>' in page


def test_who_only_looks_is_offered_no_acts(desk: Desk) -> None:
    page = desk.visitor("vera").get("/queue").text
    assert 'name="marked"' not in page
    assert "ask-dismiss" not in page
    assert set(re.findall(r'data-acts="([^"]*)"', page)) == {""}
    page = desk.visitor("vera").get(f"/alerts/{IDS[0]}").text
    assert "There is nothing for you to do" in page
    assert "approximate place" in page
    assert "108.201" not in page
    exact = desk.visitor("rui").get(f"/alerts/{IDS[0]}").text
    assert "108.20100° E" in exact


def test_both_languages_say_everything(desk: Desk) -> None:
    for path in ("/queue", f"/alerts/{IDS[0]}", "/audit", "/nothing"):
        english = desk.visitor("ada", language="en").get(path).text
        visible = re.sub(r'<button[^>]*lang="zh">中文</button>', "", english)
        visible = visible.replace("农林预警研判台", "")
        assert not re.search(r"[\u4e00-\u9fff]", visible), path
        chinese = desk.visitor("ada", language="zh").get(path).text
        assert 'lang="zh-CN"' in chinese
        body = re.sub(r"(?s)<(script|svg|head)\b.*?</\1>|<[^>]+>", " ", chinese)
        words = {word.lower() for word in re.findall(r"[A-Za-z]{3,}", body)}
        names = {*PEOPLE, "gaofeng", "session", "begun"}
        assert words <= {"english", "enter", "esc", *names}, path


def test_the_language_is_kept(desk: Desk) -> None:
    visitor = desk.visitor()
    assert 'lang="zh-CN"' in visitor.get("/login").text
    visitor.post("/language", page="/login", language="en", next="/login")
    assert 'lang="en"' in visitor.get("/login").text
    sun = desk.visitor("sun", language="zh")
    answer = sun.post("/language", language="en", next="/queue?hazard=canopy-loss")
    assert answer.headers["location"] == "/queue?hazard=canopy-loss"
    account = desk.store.desk.account("sun")
    assert account is not None
    assert account.language == "en"
    assert 'lang="en"' in sun.get("/queue").text
    sun.post("/language", language="xx")
    assert 'lang="en"' in sun.get("/queue").text


def test_filters_write_the_address_they_came_from() -> None:
    asked = {"hazard": "canopy-loss", "days": "7", "least_ha": "1.5", "order": "area"}
    filters = Filters.read(asked)
    assert filters.count == 3
    assert Filters.read({}).address() == "/queue"
    assert (
        filters.address() == "/queue?hazard=canopy-loss&days=7&least_ha=1.5&order=area"
    )
    assert filters.address(stage="closed").startswith("/queue?stage=closed&")


def test_choices_are_marked_and_escaped() -> None:
    pairs = [("", "All"), ("o'hara", "O'Hara <b>"), ('a"b', "&")]
    for value, _ in pairs:
        listed = list_options(pairs, value)
        chosen = re.findall(r'<option value="([^"]*)" selected>', listed)
        assert [unescape(each) for each in chosen] == [value]
        assert "<b>" not in listed
    assert "selected" not in list_options(pairs, "nobody")
    assert "selected" not in list_options(pairs, '"><script>')


def test_a_row_says_who_is_responsible_as_they_are_called_now(tmp_path: Path) -> None:
    """Rows are kept by all they show: another name is another row."""
    with open_desk(tmp_path) as desk:
        rui = desk.visitor("rui")
        rui.post(f"/alerts/{IDS[0]}/assign", version=1, to="ren")
        path = "/queue?assignee=ren"
        assert "<bdi>Ren</bdi></td>" in rui.get(path).text
        account = desk.store.desk.account("ren")
        assert account is not None
        desk.store.desk.change_account(account.patch(title="Ren & <i>Co</i>"))
        desk.site.accounts.forget()
        assert "<bdi>Ren &amp; &lt;i&gt;Co&lt;/i&gt;</bdi></td>" in rui.get(path).text


def test_kept_rows_are_of_the_day_the_language_and_the_rights(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        rui = desk.visitor("rui")
        first = rui.get("/queue").text
        assert '<span class="small">yesterday</span>' in first
        assert desk.visitor("vera").get("/queue").text.count('name="marked"') == 0
        assert "昨天" in desk.visitor("sun", language="zh").get("/queue").text
        assert rui.get("/queue").text == first
        desk.clock.move(hours=1.5)  # past midnight at the desk is not past it in UTC
        desk.clock.move(days=1)
        desk.site.sessions.forget("rui")
        assert (
            '<span class="small">today</span>'
            not in desk.visitor("rui").get("/queue").text
        )


def test_what_another_process_does_is_on_the_next_page(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        rui = desk.visitor("rui")
        assert f'data-case="{IDS[0]}" data-version="1"' in rui.get("/queue").text
        subprocess.run(  # noqa: S603  our own
            [sys.executable, "-c", _ELSEWHERE, str(tmp_path / "agroforest.db"), IDS[0]],
            check=True,
            timeout=60,
        )
        page = rui.get("/queue").text
        assert f'data-case="{IDS[0]}" data-version="2"' in page


_ELSEWHERE = """
import sys
from datetime import UTC, datetime
from agroforest.core.queue import DeskChanges
from agroforest.core.review import Act, Step
from agroforest.store import open_store
with open_store(sys.argv[1]) as store:
    case = store.desk.case(sys.argv[2])
    step = Step(case=case.id, number=2, time=datetime.now(UTC), by="ren", act=Act.NOTE)
    after = case.patch(version=2)
    store.desk.record(DeskChanges(cases=(after,), steps=(step,)))
"""
