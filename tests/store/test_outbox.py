"""The outbox: each message once, and each to one sender at a time."""

from collections import Counter
from datetime import timedelta
from multiprocessing.pool import ThreadPool
from pathlib import Path

from tests.store.desks import NOW, make_message

from agroforest.core.message import Delivery, Message, News
from agroforest.store import Store, open_store

MINUTE = timedelta(minutes=1)


def claim(
    store: Store, limit: int = 99, minutes: float = 0, **more: str
) -> list[Message]:
    return store.desk.claim(
        NOW + minutes * MINUTE, limit=limit, lease=5 * MINUTE, **more
    )


def keys(messages: list[Message]) -> list[str]:
    return [m.key for m in messages]


def test_a_message_comes_back_exactly_and_is_kept_once(desk_store: Store) -> None:
    full = make_message(
        "k1",
        news=News.CANCELLED,
        due=NOW + timedelta(microseconds=1),
        urgent=True,
        facts={"area_ha": 0.1 + 0.2, "places": ["小班-7"], "none": None},
        delivery=Delivery.FAILED,
        attempts=3,
        lease=NOW,
        sent=NOW,
        acknowledged=NOW,
        error="<b>",
    )
    assert desk_store.desk.add_messages([full, make_message("k2")]) == 2
    assert desk_store.desk.add_messages([make_message("k1"), make_message("k3")]) == 1
    assert desk_store.desk.message("k1") == full
    assert desk_store.desk.message("nobody") is None


def test_messages_are_found_by_what_they_are(desk_store: Store) -> None:
    desk_store.desk.add_messages(
        [
            make_message("k1"),
            make_message("k2", created=NOW + MINUTE, subject="a2"),
            make_message("k3", created=NOW + 2 * MINUTE, account="an"),
            make_message("k4", created=NOW + 3 * MINUTE, delivery=Delivery.SENT),
        ]
    )
    assert keys(desk_store.desk.messages()) == ["k4", "k3", "k2", "k1"]
    assert keys(desk_store.desk.messages(limit=2)) == ["k4", "k3"]
    assert keys(desk_store.desk.messages(subject="a1", account="韦工")) == ["k4", "k1"]
    sent = desk_store.desk.messages(delivery=[Delivery.SENT, Delivery.FAILED])
    assert keys(sent) == ["k4"]
    assert keys(desk_store.desk.messages(since=NOW + 2 * MINUTE)) == ["k4", "k3"]


def test_what_is_due_is_claimed_once_urgent_first(desk_store: Store) -> None:
    desk_store.desk.add_messages(
        [
            make_message("late", due=NOW - MINUTE),
            make_message("urgent", urgent=True),
            make_message("later", due=NOW + MINUTE),
            make_message("sms", due=NOW - 2 * MINUTE, channel="sms"),
            make_message("sent", delivery=Delivery.SENT),
            make_message("dropped", delivery=Delivery.DROPPED),
        ]
    )
    first = claim(desk_store, channel="mail", limit=1)
    assert keys(first) == ["urgent"]
    assert first[0].delivery == Delivery.SENDING
    assert first[0].attempts == 1
    assert first[0].lease == NOW + 5 * MINUTE
    assert desk_store.desk.message("urgent") == first[0]
    assert keys(claim(desk_store)) == ["sms", "late"]
    assert claim(desk_store) == []
    assert keys(claim(desk_store, minutes=1)) == ["later"]


def test_a_lease_that_ran_out_lets_another_try(desk_store: Store) -> None:
    desk_store.desk.add_messages([make_message("k1"), make_message("k2")])
    old, _ = claim(desk_store)
    assert claim(desk_store, minutes=4.9) == []
    new, _ = claim(desk_store, minutes=5)
    assert (old.key, new.key) == ("k1", "k1")
    assert new.attempts == 2
    overtaken = old.patch(delivery=Delivery.WAITING, error="time")
    assert desk_store.desk.settle(overtaken) is False
    assert desk_store.desk.message("k1") == new
    sent = old.patch(delivery=Delivery.SENT, sent=NOW, lease=None)
    assert desk_store.desk.settle(sent) is True
    failed = new.patch(delivery=Delivery.WAITING, error="refused", due=NOW)
    assert desk_store.desk.settle(failed) is False
    kept = desk_store.desk.message("k1")
    assert kept is not None
    assert (kept.delivery, kept.sent, kept.error) == (Delivery.SENT, NOW, "")


def test_a_failed_attempt_waits_for_the_next(desk_store: Store) -> None:
    desk_store.desk.add_messages([make_message("k1")])
    (one,) = claim(desk_store)
    again = one.patch(
        delivery=Delivery.WAITING, due=NOW + MINUTE, error="busy", lease=None
    )
    assert desk_store.desk.settle(again) is True
    assert desk_store.desk.message("k1") == again
    assert claim(desk_store) == []
    assert claim(desk_store, minutes=1)[0].attempts == 2
    assert desk_store.desk.settle(make_message("unknown")) is False


def test_settling_leaves_an_acknowledgement_alone(desk_store: Store) -> None:
    desk_store.desk.add_messages([make_message("k1")])
    (one,) = claim(desk_store)
    assert desk_store.desk.acknowledge("k1", NOW) is True
    assert desk_store.desk.acknowledge("k1", NOW + MINUTE) is False
    assert desk_store.desk.acknowledge("unknown", NOW) is False
    assert desk_store.desk.settle(one.patch(delivery=Delivery.SENT, sent=NOW))
    kept = desk_store.desk.message("k1")
    assert kept is not None
    assert kept.acknowledged == NOW


def test_two_who_claim_never_get_the_same(database_url: str | Path) -> None:
    number = 300

    def work(_: int) -> list[str]:
        taken: list[str] = []
        with open_store(database_url) as own:
            while found := keys(claim(own, limit=7)):
                taken += found
        return taken

    with open_store(database_url) as store:
        store.desk.add_messages(make_message(f"k{n}") for n in range(number))
        with ThreadPool(4) as pool:
            taken = pool.map(work, range(4))
    counted = Counter(key for some in taken for key in some)
    assert len(counted) == number
    assert set(counted.values()) == {1}
