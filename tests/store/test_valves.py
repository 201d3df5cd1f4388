"""Orders, states and the audit of valves come back as they were kept."""

import sqlite3
from datetime import UTC, datetime, timedelta
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from agroforest.core.chain import GENESIS, check_chain
from agroforest.core.errors import DataError
from agroforest.core.valve import (
    AuditEntry,
    Order,
    Stage,
    ValveFacts,
    ValveReport,
    ValveState,
)
from agroforest.store import Store, open_store

START = datetime(2025, 6, 1, 8, tzinfo=UTC)


class Result:
    def __init__(self, facts: ValveFacts, *audit: AuditEntry) -> None:
        self.facts = facts
        self.audit = audit


def entry(number: int, valve: str = "a") -> AuditEntry:
    return AuditEntry(
        time=START + timedelta(seconds=number),
        valve=valve,
        order=f"o{number}",
        who="韦工",
        what="approve",
        why="22 mm short",
        before={"stage": "proposed"},
        after={"stage": "approved", "m3": 0.1 + 0.2},
    )


def make_order(name: str, **changes: object) -> Order:
    return Order(
        id=name,
        valve="a",
        seconds=600,
        why="dry",
        sensors=("s1", "s2"),
        proposed=START,
        proposed_by="advice",
    ).patch(**changes)


def keep(store: Store, facts: ValveFacts, *audit: AuditEntry) -> None:
    store.decide_valves(lambda _: Result(facts, *audit), START)


def test_facts_come_back_as_they_were(store: Store) -> None:
    order = make_order(
        "o1",
        stage=Stage.OPEN,
        approved=START,
        approved_by="韦工",
        sent=START,
        until=START + timedelta(minutes=10),
        deadline=START + timedelta(minutes=11),
        m3=2.0,
        anchor_m3=17.25,
    )
    report = ValveReport(
        valve="a", time=START, received=START, open=True, flow_m3h=12.0, meter_m3=1.0
    )
    state = ValveState(
        valve="a",
        report=report,
        skew_s=-1.5,
        closing_from=START,
        stray=(("2025-06-01", 0.25),),
        alarms=("leak",),
    )
    facts = ValveFacts(orders={"o1": order}, valves={"a": state})
    keep(store, facts, entry(3))
    found = store.valve_facts(START)
    assert (found.orders, found.valves) == (facts.orders, facts.valves)
    assert found.now == START + timedelta(seconds=3)


def test_what_ended_long_ago_is_left_out_unless_named(store: Store) -> None:
    ended = make_order("o1", stage=Stage.REFUSED)
    running = make_order("o2", stage=Stage.CLOSING, sent=START, deadline=START)
    keep(store, ValveFacts(orders={"o1": ended, "o2": running}))
    later = START + timedelta(days=9)
    assert set(store.valve_facts(START).orders) == {"o1", "o2"}
    assert set(store.valve_facts(later).orders) == {"o2"}
    assert set(store.valve_facts(later, orders=["o1"]).orders) == {"o1", "o2"}


def test_a_decision_that_fails_keeps_nothing(store: Store) -> None:
    def fail(_: ValveFacts) -> Result:
        raise DataError("order", "is wrong", "mend it")

    with pytest.raises(DataError):
        store.decide_valves(fail, START)
    assert store.valve_facts(START) == ValveFacts()


def test_the_audit_is_a_chain(store: Store) -> None:
    keep(store, ValveFacts(), entry(1), entry(2, "b"))
    keep(store, ValveFacts(), entry(3))
    sealed = store.valve_audit()
    assert [s.number for s in sealed] == [1, 2, 3]
    assert [s.entry for s in sealed] == [entry(1), entry(2, "b"), entry(3)]
    assert sealed[0].previous == GENESIS
    assert check_chain(sealed) == sealed[-1].digest
    assert [s.number for s in store.valve_audit(valve="a")] == [1, 3]
    assert [s.number for s in store.valve_audit(order="o2")] == [2]


@pytest.mark.parametrize(
    "verb",
    ["UPDATE valve_audit SET who = 'x'", "DELETE FROM valve_audit WHERE number = 2"],
)
def test_the_database_refuses_to_change_it(store: Store, verb: str) -> None:
    keep(store, ValveFacts(), entry(1), entry(2))
    with (
        pytest.raises(DatabaseError, match="only ever added to"),
        store._database.writing() as connection,
    ):
        connection.execute(text(verb))
    assert len(store.valve_audit()) == 2


@pytest.mark.parametrize(
    ("verb", "where"),
    [
        ("UPDATE valve_audit SET why = 'x' WHERE number = 2", 2),
        ("UPDATE valve_audit SET time_us = time_us + 1 WHERE number = 1", 1),
        ("DELETE FROM valve_audit WHERE number = 2", 2),
        ("UPDATE valve_audit SET number = 7 WHERE number = 3", 3),
        ("""UPDATE valve_audit SET after = '{"stage": "open"}' WHERE number = 1""", 1),
    ],
)
def test_who_changes_it_all_the_same_is_found_out(
    tmp_path: Path, verb: str, where: int
) -> None:
    path = tmp_path / "a.db"
    with open_store(path) as store:
        keep(store, ValveFacts(), entry(1), entry(2), entry(3))
    other = sqlite3.connect(path)
    for name in ("update", "delete"):
        other.execute(f"DROP TRIGGER valve_audit_{name}")
    other.execute(verb)
    other.commit()
    other.close()
    with (
        open_store(path) as store,
        pytest.raises(DataError, match=f"entry {where} of the audit"),
    ):
        check_chain(store.valve_audit())


def _count(store: Store) -> None:
    """Add one to what is counted of a valve; two at once must not count as one."""

    def decide(facts: ValveFacts) -> Result:
        old = facts.valves.get("a", ValveState(valve="a"))
        counted = dict(old.stray).get("2025-06-01", 0.0)
        new = old.patch(stray=(("2025-06-01", counted + 1),))
        return Result(ValveFacts(valves={"a": new}), entry(int(counted)))

    for _ in range(10):
        store.decide_valves(decide, START)


def _check_counting(store: Store) -> None:
    with ThreadPool(3) as pool:
        pool.map(_count, [store] * 3)
    assert store.valve_facts(START).valves["a"].stray == (("2025-06-01", 30.0),)
    sealed = store.valve_audit()
    assert len(sealed) == 30
    check_chain(sealed)


def test_decisions_come_one_by_one(store: Store) -> None:
    _check_counting(store)


@pytest.mark.slow
def test_postgresql_keeps_what_sqlite_keeps(postgresql: str) -> None:
    with open_store(postgresql) as store:
        _check_counting(store)
        keep(store, ValveFacts(orders={"o1": make_order("o1", why="a\0b")}))
        assert store.valve_facts(START).orders["o1"].why == "ab"
        for verb in ("UPDATE valve_audit SET who = 'x'", "DELETE FROM valve_audit"):
            with (
                pytest.raises(DatabaseError, match="only ever added to"),
                store._database.writing() as connection,
            ):
                connection.execute(text(verb))
