"""A round: what nobody has read goes to the next role, and then all is sent."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.notify.people import make_account, make_message, make_settings
from tests.notify.test_deliver import Wire
from tests.store.desks import NOW, acted, open_cases

from agroforest.core.account import Role
from agroforest.core.message import Delivery, News
from agroforest.core.review import Stage
from agroforest.core.risk import Hazard
from agroforest.notify.deliver import Crew, Office
from agroforest.notify.round import Round, run_round
from agroforest.store import Store, open_store

FACTS = {"hazard": str(Hazard.ACTIVE_FIRE), "county": ["武鸣区", "Wuming"]}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "facts.db") as opened:
        yield opened


def begin(store: Store) -> None:
    """Record a fire that a reviewer was told of, and people."""
    open_cases(store, "a1", hazard=Hazard.ACTIVE_FIRE)
    for name, role in (
        ("wei", Role.REVIEWER),
        ("sun", Role.SUPERVISOR),
        ("ada", Role.ADMIN),
    ):
        store.desk.add_account(make_account(name, role=role))
    message = make_message(subject="a1", created=NOW, due=NOW, urgent=True, facts=FACTS)
    store.desk.add_messages([message])


def run(store: Store, minutes: float) -> tuple[Round, list[str]]:
    """Run a round, so many minutes later; who was written to."""
    now = NOW + timedelta(minutes=minutes)
    office = Office(
        desk=store.desk,
        settings=make_settings(),
        secret=b"k" * 32,
        clock=lambda: now,
    )
    wire = Wire()
    done = run_round(store.desk, Crew(office, {"mail": wire}))
    return done, [each.to.split("@")[0] for each in wire.taken]


def test_one_role_after_the_other_until_somebody_acts(store: Store) -> None:
    begin(store)
    assert run(store, 0)[1] == ["wei"]
    assert run(store, 29)[1] == []
    done, told = run(store, 31)
    assert (done.escalated, done.sent, told) == (1, 1, ["sun"])
    assert run(store, 32)[1] == []
    assert run(store, 61)[1] == ["ada"]
    assert run(store, 600)[1] == []


def test_whoever_reads_ends_it(store: Store) -> None:
    begin(store)
    run(store, 0)
    (message,) = store.desk.messages(subject="a1")
    assert store.desk.acknowledge(message.key, NOW + timedelta(minutes=5))
    assert run(store, 90)[1] == []


@pytest.mark.parametrize(
    "changes", [{"stage": Stage.VERDICT}, {"assignee": "wei"}], ids=str
)
def test_whoever_acts_has_read(store: Store, changes: dict[str, Any]) -> None:
    begin(store)
    run(store, 0)
    case = store.desk.case("a1")
    assert case is not None
    store.desk.record(acted(case, **changes))
    assert run(store, 90)[1] == []


def test_what_could_not_be_sent_is_escalated_too(store: Store) -> None:
    begin(store)
    (message,) = store.desk.messages(subject="a1")
    (taken,) = store.desk.claim(NOW, limit=1, lease=timedelta(minutes=10))
    assert taken.key == message.key
    store.desk.settle(taken.patch(delivery=Delivery.FAILED, error="no mailbox"))
    done, told = run(store, 31)
    assert (done.escalated, told) == (1, ["sun"])
    escalated = [m for m in store.desk.messages() if m.news is News.ESCALATED]
    assert [m.state for m in escalated] == ["escalated:supervisor:raised"]
