"""Accounts and tokens over JSON: who may, and what a token never becomes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.api.asking import change, issue, program
from tests.web.desks import PASSWORD, Desk, open_desk

from agroforest.core.account import Right

pytestmark = pytest.mark.enable_socket

API = "/api/v1"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path) as opened:
        yield opened


def test_each_reads_what_they_may(desk: Desk) -> None:
    me = program(desk, "rui").get(f"{API}/me").json()
    assert me["account"]["name"] == "rui"
    assert Right.JUDGE in me["rights"]
    assert Right.SEE_AUDIT not in me["rights"]
    narrow = program(desk, "ada", Right.SEE_CASES).get(f"{API}/me").json()
    assert narrow["rights"] == [Right.SEE_CASES]
    for name in ("vera", "feng", "rui", "sun"):
        client = program(desk, name)
        assert client.get(f"{API}/accounts").status_code == 403
        assert client.get(f"{API}/accounts/ada").status_code == 403
        form = {"name": "x", "role": "admin"}
        assert client.post(f"{API}/accounts", json=form).status_code == 403
        off = client.patch(f"{API}/accounts/ada", json={"disabled": True})
        assert off.status_code == 403


def test_an_administrator_adds_and_disables(desk: Desk) -> None:
    ada = program(desk, "ada")
    form = {"name": "li.na", "role": "reviewer", "password": PASSWORD}
    added = ada.post(f"{API}/accounts", json=form)
    assert added.status_code == 201, added.text
    assert PASSWORD not in added.text
    assert desk.visitor().log_in("li.na").status_code == 303
    again = ada.post(f"{API}/accounts", json=form)
    assert again.status_code == 422
    assert "li.na" in again.json()["detail"]
    li = program(desk, "li.na")
    assert li.get(f"{API}/cases").status_code == 200
    off = ada.patch(f"{API}/accounts/li.na", json={"disabled": True})
    assert off.json()["disabled"] is True
    assert li.get(f"{API}/cases").status_code == 401
    own = ada.patch(f"{API}/accounts/ada", json={"disabled": True})
    assert own.status_code == 422
    assert ada.get(f"{API}/accounts/li.na").json()["disabled"] is True
    assert ada.get(f"{API}/accounts/nobody").status_code == 404
    said = {deed.entry.what for deed in desk.store.desk.deeds(subject="li.na")}
    assert {"account.created", "account.disabled"} <= said


def test_an_administrator_changes_others_and_never_their_own_role(desk: Desk) -> None:
    ada, rui = program(desk, "ada"), program(desk, "rui")
    form = {"title": "Li Na", "role": "viewer", "contacts": {"mail": "li@x.example"}}
    changed = ada.patch(f"{API}/accounts/rui", json=form)
    assert changed.status_code == 200, changed.text
    assert changed.json() | form == changed.json()
    assert changed.json()["language"] == "zh"
    rights = rui.get(f"{API}/me").json()["rights"]
    assert Right.JUDGE not in rights
    own = ada.patch(f"{API}/accounts/ada", json={"role": "viewer"})
    assert own.status_code == 422
    (deed,) = desk.store.desk.deeds(subject="rui", what="account.changed")
    assert deed.entry.after["role"] == "viewer"


def test_a_new_password_ends_what_stood_for_the_account(desk: Desk) -> None:
    rui, ada = program(desk, "rui"), program(desk, "ada")
    assert rui.get(f"{API}/me").status_code == 200
    form = {"password": "another heron"}
    assert ada.patch(f"{API}/accounts/rui", json=form).status_code == 200
    assert rui.get(f"{API}/me").status_code == 401
    assert desk.visitor().log_in("rui").status_code != 303
    assert desk.visitor().log_in("rui", "another heron").status_code == 303


def test_tokens_are_made_in_a_session_used_and_ended(desk: Desk) -> None:
    rui = desk.visitor("rui")
    form = {"label": "board", "scopes": [Right.SEE_CASES], "days": 3}
    made = change(rui, "POST", f"{API}/tokens", form)
    assert made.status_code == 201, made.text
    token = made.json()
    client = desk.visitor().client
    client.headers["Authorization"] = f"Bearer {token['secret']}"
    assert client.get(f"{API}/me").json()["rights"] == [Right.SEE_CASES]
    (listed,) = rui.get(f"{API}/tokens").json()
    assert "secret" not in listed
    assert listed["label"] == "board"
    assert program(desk, "ren").delete(f"{API}/tokens/{token['id']}").status_code == 404
    assert change(rui, "DELETE", f"{API}/tokens/{token['id']}").status_code == 204
    assert client.get(f"{API}/me").status_code == 401
    assert rui.get(f"{API}/tokens").json() == []


def test_no_token_makes_another_and_none_gets_more_than_its_account(
    desk: Desk,
) -> None:
    form = {"label": "more", "scopes": [Right.SEE_CASES]}
    assert program(desk, "rui").post(f"{API}/tokens", json=form).status_code == 403
    form["scopes"] = [Right.MANAGE_ACCOUNTS]
    beyond = change(desk.visitor("rui"), "POST", f"{API}/tokens", form)
    assert beyond.status_code == 422
    assert Right.MANAGE_ACCOUNTS in beyond.json()["detail"]
    assert desk.store.desk.tokens("rui") == [
        each for each in desk.store.desk.tokens("rui") if each.label != "more"
    ]
    assert issue(desk, "rui")
