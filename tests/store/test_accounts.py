"""Accounts and what stands for them."""

from datetime import time, timedelta

import pytest
from tests.store.desks import NOW, make_account

from agroforest.core.account import Interest, Right, Role, Token
from agroforest.core.errors import DataError
from agroforest.core.risk import Hazard
from agroforest.store import Store

HOUR = timedelta(hours=1)


def make_token(digest: str = "d1", account: str = "wei", **changes: object) -> Token:
    values: dict[str, object] = {
        "digest": digest,
        "account": account,
        "kind": "session",
        "created": NOW,
        "expires": NOW + HOUR,
        "used": NOW,
    }
    return Token(**values | changes)  # type: ignore[arg-type]


def test_an_account_comes_back_exactly(desk_store: Store) -> None:
    full = make_account(
        role=Role.FARMER,
        language="en",
        contacts={"mail": "wei@example.org", "微信": "<b>"},
        parcels=("小班-7", "p'; --"),
        interest=Interest(
            hazards=(Hazard.ACTIVE_FIRE,),
            counties=("450110",),
            quiet=(time(22, 30), time(6)),
            quota=3,
            digest=True,
        ),
        disabled=True,
    )
    desk_store.desk.add_account(full, "$argon2id$…")
    desk_store.desk.add_account(make_account("an"))
    assert desk_store.desk.account("wei") == full
    assert desk_store.desk.accounts() == [make_account("an"), full]
    assert desk_store.desk.password_hash("wei") == "$argon2id$…"
    assert desk_store.desk.password_hash("an") is None
    assert desk_store.desk.account("nobody") is None
    assert desk_store.desk.password_hash("nobody") is None


def test_a_name_is_taken_once(desk_store: Store) -> None:
    desk_store.desk.add_account(make_account(), "first")
    with pytest.raises(DataError, match="account wei: exists already"):
        desk_store.desk.add_account(make_account(role=Role.ADMIN), "second")
    assert desk_store.desk.account("wei") == make_account()
    assert desk_store.desk.password_hash("wei") == "first"


def test_an_account_and_its_password_change_apart(desk_store: Store) -> None:
    desk_store.desk.add_account(make_account(), "old")
    changed = make_account(title="韦高工", role=Role.SUPERVISOR)
    desk_store.desk.change_account(changed)
    assert desk_store.desk.password_hash("wei") == "old"
    desk_store.desk.set_password("wei", "new")
    assert desk_store.desk.password_hash("wei") == "new"
    assert desk_store.desk.account("wei") == changed
    unknown = "account x: is not known"
    with pytest.raises(DataError, match=unknown):
        desk_store.desk.change_account(make_account("x"))
    with pytest.raises(DataError, match=unknown):
        desk_store.desk.set_password("x", None)
    with pytest.raises(DataError, match=unknown):
        desk_store.desk.add_token(make_token(account="x"))


def test_a_token_stands_for_an_account_until_it_expires(desk_store: Store) -> None:
    desk_store.desk.add_account(make_account())
    full = make_token(
        kind="api", scopes=frozenset({Right.SEE_CASES, Right.JUDGE}), label="脚本"
    )
    desk_store.desk.add_token(full)
    assert desk_store.desk.token("d1", NOW) == full
    almost = NOW + HOUR - timedelta(microseconds=1)
    assert desk_store.desk.token("d1", almost) == full
    assert desk_store.desk.token("d1", NOW + HOUR) is None
    assert desk_store.desk.token("d2", NOW) is None
    assert desk_store.desk.tokens("wei") == [full]


def test_the_token_of_a_disabled_account_stands_for_nobody(desk_store: Store) -> None:
    desk_store.desk.add_account(make_account())
    desk_store.desk.add_token(make_token())
    desk_store.desk.change_account(make_account(disabled=True))
    assert desk_store.desk.token("d1", NOW) is None


def test_use_is_recorded_to_the_minute(desk_store: Store) -> None:
    desk_store.desk.add_account(make_account())
    desk_store.desk.add_token(make_token())

    def used_after(seconds: float) -> timedelta:
        desk_store.desk.touch_token("d1", NOW + timedelta(seconds=seconds))
        return desk_store.desk.tokens("wei")[0].used - NOW

    assert used_after(59.9) == timedelta(0)
    assert used_after(61) == timedelta(minutes=1)
    assert used_after(5) == timedelta(minutes=1)  # a slower request
    desk_store.desk.touch_token("unknown", NOW)


def test_tokens_are_dropped(desk_store: Store) -> None:
    desk_store.desk.add_account(make_account())
    desk_store.desk.add_account(make_account("an"))
    for digest, account in (("d1", "wei"), ("d2", "wei"), ("d3", "wei"), ("d4", "an")):
        desk_store.desk.add_token(
            make_token(digest, account, expires=NOW + int(digest[1]) * HOUR)
        )
    assert desk_store.desk.drop_expired(NOW + HOUR) == 1
    assert desk_store.desk.drop_token("d2") is True
    assert desk_store.desk.drop_token("d2") is False
    assert [t.digest for t in desk_store.desk.tokens("wei")] == ["d3"]
    assert desk_store.desk.drop_tokens("wei") == 1
    assert [t.digest for t in desk_store.desk.tokens("an")] == ["d4"]
