"""Deeds are kept in a chain that nobody changes unnoticed."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from tests.store.desks import NOW, make_deed

from agroforest.core.chain import GENESIS
from agroforest.core.errors import DataError
from agroforest.store import Store, open_store


def test_deeds_come_back_newest_first(desk_store: Store) -> None:
    full = make_deed(
        "c1",
        time=NOW + timedelta(microseconds=7),
        why="理由 <b>",
        before={"stage": "verdict", "share": 0.1 + 0.2},
        after={"stage": "closed", "parts": [1, None, True]},
    )
    others = [make_deed("c2", who="李工"), make_deed("c1", what="case.close")]
    desk_store.desk.add_deeds([full])
    desk_store.desk.add_deeds(others)
    found = desk_store.desk.deeds()
    assert [d.number for d in found] == [3, 2, 1]
    assert found[2].entry == full
    assert found[2].previous == GENESIS
    assert found[1].previous == found[2].digest
    assert desk_store.desk.check_audit() == 3

    def numbers(**asked: object) -> list[int]:
        return [d.number for d in desk_store.desk.deeds(**asked)]  # type: ignore[arg-type]

    assert numbers(subject="c1") == [3, 1]
    assert numbers(who="李工") == [2]
    assert numbers(what="case.note") == [2, 1]
    assert numbers(subject="c1", what="case.note") == [1]
    assert numbers(limit=1) == [3]
    assert numbers(before=3, limit=1) == [2]
    assert numbers(subject="c\x001") == [3, 1]
    assert numbers(subject="c9") == []


def test_an_empty_audit_is_whole(desk_store: Store) -> None:
    assert desk_store.desk.check_audit() == 0
    desk_store.desk.add_deeds([])
    assert desk_store.desk.deeds() == []


def test_what_json_would_change_is_sealed_as_it_is_kept(desk_store: Store) -> None:
    deed = make_deed("c1", before={"at": NOW, "of": ("a", 1)}, after={"n": 1e300})
    desk_store.desk.add_deeds([deed])
    assert desk_store.desk.check_audit() == 1
    assert desk_store.desk.deeds()[0].entry.before == {
        "at": NOW.isoformat(),
        "of": ["a", 1],
    }


@pytest.mark.parametrize(
    "verb", ["UPDATE deed SET who = 'x'", "DELETE FROM deed WHERE number = 2"]
)
def test_the_database_refuses_to_change_them(desk_store: Store, verb: str) -> None:
    desk_store.desk.add_deeds([make_deed("c1"), make_deed("c2")])
    with (
        pytest.raises(DatabaseError, match="only ever added to"),
        desk_store._database.writing() as connection,
    ):
        connection.execute(text(verb))
    assert desk_store.desk.check_audit() == 2


@pytest.mark.parametrize(
    ("verb", "where"),
    [
        ("UPDATE deed SET why = 'x' WHERE number = 2", 2),
        ("UPDATE deed SET time_us = time_us + 1 WHERE number = 1", 1),
        ("DELETE FROM deed WHERE number = 2", 2),
        ("UPDATE deed SET number = 7 WHERE number = 3", 3),
        ("""UPDATE deed SET after = '{"stage": "open"}' WHERE number = 1""", 1),
    ],
)
def test_who_changes_them_all_the_same_is_found_out(
    tmp_path: Path, verb: str, where: int
) -> None:
    path = tmp_path / "a.db"
    with open_store(path) as store:
        store.desk.add_deeds([make_deed("c1"), make_deed("c2"), make_deed("c3")])
    other = sqlite3.connect(path)
    for name in ("update", "delete"):
        other.execute(f"DROP TRIGGER deed_{name}")
    other.execute(verb)
    other.commit()
    other.close()
    with (
        open_store(path) as store,
        pytest.raises(DataError, match=f"entry {where} of the audit"),
    ):
        store.desk.check_audit()


def test_postgresql_refuses_to_empty_them(postgresql: str) -> None:
    with open_store(postgresql) as store:
        store.desk.add_deeds([make_deed("c1")])
        with (
            pytest.raises(DatabaseError, match="only ever added to"),
            store._database.writing() as connection,
        ):
            connection.execute(text("TRUNCATE deed"))
