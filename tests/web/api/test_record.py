"""The record over JSON: audit, messages and thresholds."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.web.api.asking import program
from tests.web.desks import NOW, Desk, open_desk

from agroforest.core.message import Message, News
from agroforest.core.risk import Hazard
from agroforest.core.threshold import Threshold
from agroforest.desk import learning

pytestmark = pytest.mark.enable_socket

API = "/api/v1"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path) as opened:
        yield opened


def test_the_audit_is_read_by_those_who_may_page_by_page(desk: Desk) -> None:
    ada = program(desk, "ada")
    for name in ("one", "two", "three"):
        ada.post(f"{API}/accounts", json={"name": name, "role": "viewer"})
    whole = ada.get(f"{API}/audit").json()
    assert [deed["subject"] for deed in whole] == ["three", "two", "one"]
    assert whole[0]["previous"] == whole[1]["digest"]
    first = ada.get(f"{API}/audit?limit=2").json()
    rest = ada.get(f"{API}/audit?before={first[-1]['number']}").json()
    assert first + rest == whole
    (one,) = ada.get(f"{API}/audit?subject=one&what=account.created").json()
    assert one["who"] == "ada"
    assert program(desk, "sun").get(f"{API}/audit").status_code == 200
    for name in ("rui", "vera", "feng"):
        assert program(desk, name).get(f"{API}/audit").status_code == 403
        assert program(desk, name).get(f"{API}/audit/check").status_code == 403


def test_a_changed_record_is_found(desk: Desk) -> None:
    ada = program(desk, "ada")
    ada.post(f"{API}/accounts", json={"name": "one", "role": "viewer"})
    ada.post(f"{API}/accounts", json={"name": "two", "role": "viewer"})
    whole = {"whole": True, "entries": 2, "problem": ""}
    assert ada.get(f"{API}/audit/check").json() == whole
    with desk.store._database.writing() as connection:
        connection.execute(text("DROP TRIGGER deed_update"))
        connection.execute(text("UPDATE deed SET who = 'eve' WHERE number = 1"))
    broken = ada.get(f"{API}/audit/check").json()
    assert broken["whole"] is False
    assert "entry 1" in broken["problem"]


def test_a_record_without_its_end_is_found_by_a_digest_noted_before(
    desk: Desk,
) -> None:
    ada = program(desk, "ada")
    for name in ("one", "two"):
        ada.post(f"{API}/accounts", json={"name": name, "role": "viewer"})
    head = ada.get(f"{API}/audit").json()[0]["digest"]
    assert ada.get(f"{API}/audit/check?head={head}").json()["whole"]
    with desk.store._database.writing() as connection:
        connection.execute(text("DROP TRIGGER deed_delete"))
        connection.execute(text("DELETE FROM deed WHERE number = 2"))
    assert ada.get(f"{API}/audit/check").json()["whole"]
    cut = ada.get(f"{API}/audit/check?head={head}").json()
    assert not cut["whole"]
    assert head in cut["problem"]


def test_people_see_their_own_messages_and_who_reads_the_audit_all(
    desk: Desk,
) -> None:
    desk.store.desk.add_messages(
        Message(
            key=f"case-1:raised:{name}:mail",
            subject="case-1",
            state="raised",
            news=News.RAISED,
            account=name,
            channel="mail",
            created=NOW,
            due=NOW + timedelta(hours=1),
            facts={"place": "SECRET"},
        )
        for name in ("rui", "feng")
    )
    for name in ("rui", "feng"):
        for query in ("", "?account=ada"):
            found = program(desk, name).get(f"{API}/messages{query}")
            assert [m["account"] for m in found.json()] == [name]
            assert "SECRET" not in found.text
    sun = program(desk, "sun")
    assert len(sun.get(f"{API}/messages").json()) == 2
    assert len(sun.get(f"{API}/messages?account=rui").json()) == 1
    assert sun.get(f"{API}/messages?delivery=sent").json() == []
    assert len(sun.get(f"{API}/messages?delivery=waiting").json()) == 2


def test_thresholds_are_seen_by_all_and_reverted_by_few(desk: Desk) -> None:
    sun = desk.store.desk.account("sun")
    assert sun is not None
    one = Threshold(
        hazard=Hazard.CANOPY_LOSS,
        county="",
        value=0.6,
        target=0.8,
        verdicts=40,
        precision=0.85,
        low=0.7,
        high=0.93,
    )
    learning.take(desk.store, (one,), sun, now=NOW)
    (taken,) = program(desk, "vera").get(f"{API}/thresholds").json()
    assert taken["thresholds"][0]["value"] == 0.6
    refused = program(desk, "rui").post(f"{API}/thresholds/revert", json={"version": 0})
    assert refused.status_code == 403
    client = program(desk, "sun")
    back = client.post(f"{API}/thresholds/revert", json={"version": 0, "note": "n"})
    assert back.status_code == 200, back.text
    assert back.json()["version"] == 2
    assert back.json()["thresholds"] == []
    assert len(client.get(f"{API}/thresholds").json()) == 2
    unknown = client.post(f"{API}/thresholds/revert", json={"version": 9})
    assert unknown.status_code == 422
