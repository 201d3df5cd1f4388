"""The outbox is emptied: once each, whatever a channel does."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Any

import pytest
from tests.notify.people import (
    NOW,
    make_account,
    make_case,
    make_event,
    make_message,
    make_settings,
)

from agroforest.core.account import Account, Interest
from agroforest.core.errors import DataError, SourceError
from agroforest.core.message import Delivery, Message, News
from agroforest.core.risk import Hazard
from agroforest.notify.acknowledge import verify
from agroforest.notify.channel import Outgoing, Receipt
from agroforest.notify.deliver import Crew, Office, Tally
from agroforest.notify.policy import plan
from agroforest.notify.round import digest_now
from agroforest.notify.settings import NotifySection
from agroforest.store import Store, open_store

SECRET = b"k" * 32
RETRY = {"tries": 3, "first_s": 60, "factor": 2, "longest_s": 3600}


class Wire:
    """A channel that keeps what it is sent, and fails as it is told."""

    def __init__(self, *failures: Exception | None) -> None:
        self.taken: list[Outgoing] = []
        self.failures = list(failures)

    def send(self, outgoing: Outgoing) -> Receipt:
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        self.taken.append(outgoing)
        return Receipt()

    @property
    def keys(self) -> list[str]:
        return [each.key for each in self.taken]


class Clock:
    """Time that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "facts.db") as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def office(store: Store, clock: Clock) -> Office:
    settings = make_settings(link="https://desk.example.cn", retry=RETRY)
    return Office(desk=store.desk, settings=settings, secret=SECRET, clock=clock)


Keep = Callable[..., list[Message]]


@pytest.fixture
def keep(store: Store) -> Keep:
    """Record people and messages."""

    def _keep(*new: Message, people: tuple[Account, ...] = ()) -> list[Message]:
        for account in people or (make_account(contacts={"mail": "w", "hook": "w"}),):
            store.desk.add_account(account)
        store.desk.add_messages(new)
        return list(new)

    return _keep


def send(office: Office, wire: Wire, **others: Any) -> Tally:
    return Crew(office, {"mail": wire, **others}).deliver()["mail"]


def find(store: Store, message: Message) -> Message:
    found = store.desk.message(message.key)
    assert found is not None
    return found


def lost(text: str = "") -> SourceError:
    return SourceError("channel mail", f"did not answer {text}", "it is tried again")


def test_a_message_is_sent_once_with_its_link(
    store: Store, office: Office, keep: Keep
) -> None:
    (message,) = keep(make_message())
    wire = Wire()
    assert send(office, wire) == Tally(sent=1)
    assert send(office, wire) == Tally()
    (outgoing,) = wire.taken
    assert (outgoing.key, outgoing.to) == (message.key, "w")
    assert outgoing.subject == "疑似林冠缺失 · 武鸣区"
    token = outgoing.link.removeprefix("https://desk.example.cn/a/")
    assert verify(SECRET, token) == message.key
    kept = find(store, message)
    assert (kept.delivery, kept.sent, kept.attempts) == (Delivery.SENT, NOW, 1)


def test_each_message_that_is_sent_or_lost_is_in_the_audit(
    store: Store, office: Office, keep: Keep
) -> None:
    keep(make_message(), make_message(subject="c2"))
    send(office, Wire(None, DataError("channel mail", "refused it", "mend it")))
    deeds = [each.entry for each in store.desk.deeds()]
    assert sorted(d.what for d in deeds) == ["message.failed", "message.sent"]
    assert all(d.after["account"] == "wei" and d.who == "desk" for d in deeds)
    assert store.desk.check_audit() == 2


def test_messages_wait_until_they_are_due(
    office: Office, keep: Keep, clock: Clock
) -> None:
    keep(make_message(due=NOW + timedelta(hours=1)))
    wire = Wire()
    send(office, wire)
    assert wire.taken == []
    clock.now += timedelta(hours=1)
    send(office, wire)
    assert len(wire.taken) == 1


def test_a_failure_is_tried_again_ever_later_and_then_given_up(
    store: Store, office: Office, keep: Keep, clock: Clock
) -> None:
    (message,) = keep(make_message())
    wire = Wire(lost("a"), lost("b"), lost("c"))
    waits = []
    for _ in range(2):
        assert send(office, wire).retried == 1
        kept = find(store, message)
        assert kept.delivery is Delivery.WAITING
        waits.append((kept.due - clock.now).total_seconds())
        assert send(office, Wire()) == Tally()  # not before its time
        clock.now = kept.due
    assert 60 <= waits[0] <= 90
    assert 120 <= waits[1] <= 180
    assert send(office, wire).failed == 1
    kept = find(store, message)
    assert (kept.delivery, kept.attempts) == (Delivery.FAILED, 3)
    assert "did not answer c" in kept.error


def test_a_refusal_is_not_tried_again(store: Store, office: Office, keep: Keep) -> None:
    (message,) = keep(make_message())
    tally = send(office, Wire(DataError("channel mail", "no such mailbox", "mend it")))
    assert (tally.failed, tally.retried) == (1, 0)
    assert find(store, message).delivery is Delivery.FAILED


def test_a_library_that_breaks_costs_one_message_an_attempt(
    store: Store, office: Office, keep: Keep
) -> None:
    first, second = keep(make_message(), make_message(subject="c2"))
    wire = Wire(ZeroDivisionError())
    assert send(office, wire).retried == 1
    states = {find(store, m).delivery for m in (first, second)}
    assert states == {Delivery.SENT, Delivery.WAITING}


def test_a_channel_that_is_down_is_left_alone_until_the_next_round(
    store: Store, office: Office, keep: Keep
) -> None:
    made = keep(*(make_message(subject=f"c{n}") for n in range(9)))
    assert send(office, Wire(*(lost() for _ in range(9)))).retried == 3
    untouched = [m for m in made if find(store, m).attempts == 0]
    assert len(untouched) == 6
    assert send(office, Wire()).sent == 6


def test_a_channel_that_hangs_blocks_no_other(
    store: Store, keep: Keep, clock: Clock
) -> None:
    settings = make_settings(deadline_s=1, lease_s=600)
    office = Office(desk=store.desk, settings=settings, secret=SECRET, clock=clock)
    stuck, *others = keep(
        make_message(channel="hook"),
        make_message(channel="hook", subject="c2"),
        *(make_message(subject=f"c{n}") for n in range(5)),
    )
    release = threading.Event()

    class Hanging(Wire):
        def send(self, outgoing: Outgoing) -> Receipt:
            release.wait(30)
            return super().send(outgoing)

    wire, hanging = Wire(), Hanging()
    started = time.monotonic()
    crew = Crew(office, {"mail": wire, "hook": hanging})
    tallies = crew.deliver()
    assert time.monotonic() - started < 20
    assert (tallies["mail"].sent, tallies["hook"].late) == (5, True)
    # It gets no other message while it has that one.
    assert crew.deliver()["hook"] == Tally(late=True)
    # The one in hand is nobody else's meanwhile; another crew has the other.
    later = Wire()
    Crew(office, {"hook": later}).deliver()
    assert len(later.taken) == 1
    release.set()
    until = time.monotonic() + 20
    in_hand = next(m for m in (stuck, others[0]) if m.key not in later.keys)
    while find(store, in_hand).delivery is not Delivery.SENT:
        assert time.monotonic() < until
        time.sleep(0.01)
    # It came late, and was taken for what it was: sent, once.
    clock.now += timedelta(hours=1)
    Crew(office, {"hook": later}).deliver()
    assert crew.deliver()["hook"] == Tally()
    assert sorted(later.keys + hanging.keys) == sorted([stuck.key, others[0].key])


def test_two_that_send_at_once_send_each_message_once(
    office: Office, keep: Keep
) -> None:
    made = keep(*(make_message(subject=f"c{n}") for n in range(20)))
    wires = [Wire() for _ in range(4)]
    threads = [threading.Thread(target=send, args=(office, wire)) for wire in wires]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent = [key for wire in wires for key in wire.keys]
    assert sorted(sent) == sorted(m.key for m in made)


def test_a_message_whose_sender_died_is_sent_again_when_its_lease_is_over(
    store: Store, office: Office, keep: Keep, clock: Clock
) -> None:
    (message,) = keep(make_message())
    store.desk.claim(NOW, limit=1, lease=timedelta(seconds=600), channel="mail")
    wire = Wire()
    send(office, wire)
    assert wire.taken == []
    clock.now += timedelta(seconds=601)
    send(office, wire)
    assert wire.keys == [message.key]


@pytest.mark.parametrize(
    "person",
    [
        make_account(disabled=True),
        make_account(contacts={"hook": "w"}),
        make_account("mei"),
    ],
)
def test_nobody_is_written_to_who_left_meanwhile(
    store: Store, office: Office, keep: Keep, person: Account
) -> None:
    (message,) = keep(make_message(), people=(person,))
    wire = Wire()
    assert send(office, wire).dropped == 1
    assert wire.taken == []
    assert find(store, message).delivery is Delivery.DROPPED


@pytest.mark.slow
def test_senders_on_a_server_s_database_send_each_message_once(
    postgresql: str, clock: Clock
) -> None:
    made = [make_message(subject=f"c{n}") for n in range(20)]
    with open_store(postgresql) as store:
        store.desk.add_account(make_account())
        store.desk.add_messages(made)
        office = Office(
            desk=store.desk, settings=make_settings(), secret=SECRET, clock=clock
        )
        wires = [Wire() for _ in range(4)]
        threads = [threading.Thread(target=send, args=(office, w)) for w in wires]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sent = [key for wire in wires for key in wire.keys]
        assert sorted(sent) == sorted(m.key for m in made)
        assert store.desk.check_audit() == 20


# ---------------------------------------------------------------- quiet hours


def test_a_message_that_is_late_does_not_come_in_quiet_hours(
    store: Store, office: Office, keep: Keep, clock: Clock
) -> None:
    wei = make_account(interest=Interest(quiet=(clock_time(21), clock_time(7))))
    message, urgent = keep(
        make_message(), make_message(subject="f1", urgent=True), people=(wei,)
    )
    clock.now = datetime(2024, 5, 3, 15, tzinfo=UTC)  # 23:00 there
    wire = Wire()
    tally = send(office, wire)
    assert (tally.sent, tally.postponed) == (1, 1)
    assert wire.keys == [urgent.key]
    morning = datetime(2024, 5, 3, 23, tzinfo=UTC)
    assert find(store, message).due == morning
    clock.now = morning
    send(office, wire)
    assert wire.keys == [urgent.key, message.key]


# ------------------------------------------------------------------- overtaken


def test_what_was_dismissed_before_it_was_sent_is_not_told_at_all(
    store: Store, office: Office, keep: Keep
) -> None:
    raised, cancelled = keep(
        make_message(),
        make_message(
            news=News.CANCELLED,
            state="cancelled:4",
            created=NOW + timedelta(minutes=1),
        ),
    )
    wire = Wire()
    assert send(office, wire).dropped == 2
    assert wire.taken == []
    for message in (raised, cancelled):
        assert find(store, message).error.startswith("overtaken")


def test_what_was_told_is_taken_back(store: Store, office: Office, keep: Keep) -> None:
    keep(make_message())
    wire = Wire()
    send(office, wire)
    taken_back = make_message(
        news=News.CANCELLED, state="cancelled:4", created=NOW + timedelta(minutes=1)
    )
    store.desk.add_messages([taken_back])
    send(office, wire)
    assert [each.subject.split(" ")[0] for each in wire.taken] == [
        "疑似林冠缺失",
        "疑似林冠缺失：已撤销",
    ]


def test_what_may_have_arrived_is_taken_back_too(
    store: Store, office: Office, keep: Keep
) -> None:
    keep(make_message())
    send(office, Wire(lost()))  # taken, for all we know, and then the line broke
    taken_back = make_message(
        news=News.CANCELLED, state="cancelled:4", created=NOW + timedelta(minutes=1)
    )
    store.desk.add_messages([taken_back])
    wire = Wire()
    send(office, wire)
    assert wire.keys == [taken_back.key]


def test_what_is_raised_after_a_dismissal_is_told(office: Office, keep: Keep) -> None:
    later = NOW + timedelta(minutes=1)
    _, worse = keep(
        make_message(news=News.CANCELLED, state="cancelled:4"),
        make_message(news=News.WORSE, state="worse:2024-05-04", created=later),
    )
    wire = Wire()
    assert send(office, wire).sent == 1
    assert wire.keys == [worse.key]


def test_what_quiet_hours_held_back_is_told_in_order(
    office: Office, keep: Keep, clock: Clock
) -> None:
    due = NOW + timedelta(hours=8)
    made = keep(
        *(
            make_message(
                news=News.WORSE,
                state=f"worse:{n}",
                created=NOW + timedelta(minutes=n),
                due=due,
            )
            for n in range(8)
        )
    )
    clock.now = due
    wire = Wire()
    send(office, wire)
    assert wire.keys == [m.key for m in made]


def test_what_quiet_hours_put_back_was_told_to_nobody(
    store: Store, office: Office, keep: Keep, clock: Clock
) -> None:
    wei = make_account(interest=Interest(quiet=(clock_time(21), clock_time(7))))
    keep(make_message(), people=(wei,))
    clock.now = datetime(2024, 5, 3, 15, tzinfo=UTC)  # 23:00 there
    wire = Wire()
    assert send(office, wire).postponed == 1
    store.desk.add_messages(
        [make_message(news=News.CANCELLED, state="cancelled:4", created=clock.now)]
    )
    clock.now = datetime(2024, 5, 4, 1, tzinfo=UTC)
    assert send(office, wire).dropped == 2
    assert wire.taken == []


# --------------------------------------------------------------------- digests


def make_day(settings: NotifySection, person: Account) -> list[Message]:
    """Messages of a day on which more happens than somebody wants."""
    events = [make_event(case=make_case(id=f"c{n}")) for n in range(5)]
    fire = make_event(case=make_case(id="f1", hazard=Hazard.ACTIVE_FIRE))
    return list(plan([*events, fire], [person], settings, NOW))


def test_a_digest_comes_once_a_day_with_all_that_waited(
    store: Store, office: Office, keep: Keep, clock: Clock
) -> None:
    wei = make_account(interest=Interest(quota=2))
    made = keep(*make_day(office.settings, wei), people=(wei,))
    wire = Wire()
    assert send(office, wire).sent == 3  # two, and the fire
    clock.now = datetime(2024, 5, 3, 10, tzinfo=UTC)
    tally = send(office, wire)
    assert (tally.sent, tally.digested) == (1, 3)
    assert wire.taken[-1].subject == "今日汇总 3 条"
    states = [find(store, m).delivery for m in made]
    assert states.count(Delivery.DIGESTED) == 3
    assert send(office, wire) == Tally()


def test_a_digest_that_was_cut_off_is_neither_lost_nor_doubled(
    store: Store, office: Office, keep: Keep, clock: Clock
) -> None:
    wei = make_account(interest=Interest(digest=True))
    made = keep(*make_day(office.settings, wei), people=(wei,))
    clock.now = datetime(2024, 5, 3, 10, tzinfo=UTC)
    real = store.desk.settle
    settled: list[Message] = []

    def die_at_the_second(message: Message) -> bool:
        settled.append(message)
        if len(settled) == 2:
            raise SourceError("facts.db", "is gone", "try again")
        return real(message)

    class Broken:
        def __getattr__(self, name: str) -> Any:
            return die_at_the_second if name == "settle" else getattr(store.desk, name)

    broken = Office(desk=Broken(), settings=office.settings, secret=SECRET, clock=clock)
    wire = Wire()
    send(broken, wire)
    clock.now += timedelta(hours=1)  # leases are over
    send(office, wire)
    subjects = [each.subject for each in wire.taken]
    assert subjects.count("今日汇总 5 条") == 1
    assert len(subjects) == 2  # and the fire
    states = [find(store, m).delivery for m in made]
    assert states.count(Delivery.DIGESTED) == 5


def test_a_database_that_is_away_for_a_moment_sends_nothing_twice(
    store: Store, office: Office, keep: Keep, clock: Clock
) -> None:
    (message,) = keep(make_message())
    away = {"settle": 2, "add_deeds": 1}

    class Away:
        def __getattr__(self, name: str) -> Any:
            if away.get(name, 0) > 0:
                away[name] -= 1
                raise SourceError("facts.db", "is away", "try again")
            return getattr(store.desk, name)

    broken = Office(desk=Away(), settings=office.settings, secret=SECRET, clock=clock)
    wire = Wire()
    assert send(broken, wire).sent == 1
    clock.now += timedelta(hours=1)
    send(office, wire)
    assert wire.keys == [message.key]
    assert find(store, message).delivery is Delivery.SENT


def test_a_digest_at_once(store: Store, office: Office, keep: Keep) -> None:
    wei = make_account(interest=Interest(digest=True))
    keep(*make_day(office.settings, wei), people=(wei,))
    assert digest_now(store.desk, NOW) == 5
    assert digest_now(store.desk, NOW) == 0
    wire = Wire()
    send(office, wire)
    assert "今日汇总 5 条" in {each.subject for each in wire.taken}


def test_what_was_dismissed_is_not_in_the_digest(
    store: Store, office: Office, keep: Keep, clock: Clock
) -> None:
    wei = make_account(interest=Interest(digest=True))
    made = keep(*make_day(office.settings, wei), people=(wei,))
    event = make_event(News.CANCELLED, state="cancelled:3", case=make_case(id="c1"))
    clock.now += timedelta(minutes=5)
    store.desk.add_messages(plan([event], [wei], office.settings, clock.now, told=made))
    clock.now = datetime(2024, 5, 3, 10, tzinfo=UTC)
    wire = Wire()
    tally = send(office, wire)
    assert "今日汇总 4 条" in {each.subject for each in wire.taken}
    assert (tally.dropped, tally.digested) == (2, 4)
