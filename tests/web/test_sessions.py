"""Sessions: how they begin, last and end; how often one may try."""

import re
from collections.abc import Iterator

import pytest
from tests.web.desks import NOW, PASSWORD, Desk, open_desk

from agroforest.core.errors import DataError
from agroforest.web.limits import Limit
from agroforest.web.passwords import hash_password, is_outdated, matches
from agroforest.web.sessions import digest_of


@pytest.fixture
def desk(tmp_path) -> Iterator[Desk]:
    with open_desk(tmp_path) as opened:
        yield opened


def test_a_session_begins_under_a_new_secret(desk: Desk) -> None:
    visitor = desk.visitor("rui")
    first = visitor.client.cookies["desk"]
    kept = desk.store.desk.tokens("rui")
    assert [token.digest for token in kept] == [digest_of(first)]
    assert kept[0].expires > NOW
    # Whoever planted a secret in a browser does not know the one after logging in.
    other = desk.visitor()
    other.client.cookies.set("desk", "planted", domain="127.0.0.1")
    other.log_in("ren")
    assert "planted" not in set(other.client.cookies.values())
    assert desk.visitor("rui").client.cookies["desk"] != first


def test_logging_out_ends_it_everywhere_at_once(desk: Desk) -> None:
    visitor = desk.visitor("rui")
    secret = visitor.client.cookies["desk"]
    assert visitor.post("/logout").headers["location"] == "/login"
    assert desk.store.desk.tokens("rui") == []
    visitor.client.cookies.set("desk", secret, domain="127.0.0.1")
    assert visitor.get("/queue").status_code == 303


def test_a_session_ends_idle_and_after_a_day(desk: Desk) -> None:
    idle, busy = desk.visitor("rui"), desk.visitor("ren")
    for _ in range(11):
        desk.clock.move(hours=1)
        assert busy.get("/queue").status_code == 200
    assert idle.get("/queue").status_code == 303
    desk.clock.move(hours=1)
    assert busy.get("/queue").status_code == 303


def test_a_disabled_account_is_out_soon(desk: Desk) -> None:
    visitor = desk.visitor("rui")
    account = desk.store.desk.account("rui")
    assert account is not None
    desk.store.desk.change_account(account.patch(disabled=True))
    desk.clock.move(seconds=6)
    assert visitor.get("/queue").status_code == 303
    assert visitor.log_in("rui").status_code == 403


def _without(page: str, name: str) -> str:
    """Page without what it has from whoever asked."""
    return re.sub(rf'value="{name}"|[0-9a-f]{{64}}', "", page)


def test_nobody_learns_which_accounts_there_are(desk: Desk) -> None:
    account = desk.store.desk.account("ren")
    assert account is not None
    desk.store.desk.change_account(account.patch(disabled=True))
    tries = (
        ("rui", "wrong password"),
        ("noone", "wrong password"),
        ("ren", PASSWORD),
    )
    answers = {_without(desk.visitor().log_in(*each).text, each[0]) for each in tries}
    assert len(answers) == 1


def test_names_are_as_people_type_them(desk: Desk) -> None:
    assert desk.visitor().log_in("  RUI ").status_code == 303


def test_who_fails_too_often_waits(desk: Desk) -> None:
    visitor = desk.visitor()
    tries = [visitor.log_in("rui", "wrong password") for _ in range(9)]
    assert [each.status_code for each in tries] == [403] * 8 + [429]
    assert int(tries[-1].headers["retry-after"]) > 0
    # The right password waits as well, and so do other names from this address.
    assert visitor.log_in("rui").status_code == 429
    assert visitor.log_in("sun").status_code == 429


def test_a_limit_leaks() -> None:
    limit = Limit(burst=3, hourly=60)
    for _ in range(3):
        assert limit.wait_s("a", 0) == 0
        limit.count("a", 0)
    assert limit.wait_s("a", 0) == pytest.approx(60)
    assert limit.wait_s("a", 30) == pytest.approx(30)
    assert limit.wait_s("a", 60) == 0
    assert limit.wait_s("b", 0) == 0
    limit.forget("a")
    assert limit.wait_s("a", 0) == 0


def test_a_limit_remembers_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agroforest.web.limits._MOST", 3)
    limit = Limit(burst=1, hourly=1)
    for name in "abcd":
        limit.count(name, 0)
    assert [limit.wait_s(name, 0) > 0 for name in "abcd"] == [False, True, True, True]


def test_passwords() -> None:
    kept = hash_password("correct horse 马")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert matches("correct horse 马", kept)
    assert not matches("correct horse", kept)
    assert not matches("anything at all", None)
    assert not matches("anything at all", "no hash")
    assert not is_outdated(kept)
    assert is_outdated(kept.replace("m=19456", "m=8192"))
    for wrong in ("short", "x" * 257):
        with pytest.raises(DataError, match="characters"):
            hash_password(wrong)
