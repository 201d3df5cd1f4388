"""The audit's page: who did what, and whether anybody changed the record."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text
from tests.web.desks import Desk, build_alerts, open_desk

CASE = build_alerts(1)[0].id


@pytest.fixture
def desk(tmp_path) -> Iterator[Desk]:
    with open_desk(tmp_path) as opened:
        yield opened


def test_what_was_done_is_there_and_found(desk: Desk) -> None:
    desk.visitor("rui").post(
        f"/alerts/{CASE}/dismiss", version=1, reason="other", note="烟囱 chimney"
    )
    sun = desk.visitor("sun")
    page = sun.get(f"/audit?subject={CASE}").text
    assert "case.dismiss" in page
    assert "Rui" in page
    assert "other · 烟囱 chimney" in page
    assert "stage:" in page
    assert "session.begun" in sun.get("/audit?what=session.begun&who=sun").text
    assert "No entries match" in sun.get("/audit?who=nobody").text


def test_older_entries_follow(desk: Desk) -> None:
    rui = desk.visitor("rui")
    for number in range(1, 105):
        rui.post(f"/alerts/{CASE}/note", version=number, note=f"n {number}")
    sun = desk.visitor("sun")
    first = sun.get(f"/audit?subject={CASE}").text
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older
    second = sun.get(older[1].replace("&amp;", "&")).text
    assert "<bdi>n 104</bdi>" in first
    assert "<bdi>n 1</bdi>" in second
    assert "<bdi>n 1</bdi>" not in first


def test_the_chain_is_checked(desk: Desk, tmp_path) -> None:
    desk.visitor("rui").post(f"/alerts/{CASE}/pass", version=1)
    sun = desk.visitor("sun")
    assert "The chain is whole: 3 entries" in sun.post("/audit/verify").text
    engine = create_engine(f"sqlite:///{tmp_path / 'agroforest.db'}")
    with engine.begin() as connection:
        named = text("SELECT name FROM sqlite_master WHERE type='trigger'")
        for name in connection.scalars(named).all():
            if "deed" in name:
                connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text("UPDATE deed SET who = 'ren' WHERE number = 2"))
    engine.dispose()
    for partial in (False, True):
        said = sun.post("/audit/verify", partial=partial).text
        assert "The chain is broken: entry 2 of the audit" in said
        assert 'class="flash bad"' in said
