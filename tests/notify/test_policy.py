"""Who is told what, and when."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.notify.people import (
    NOW,
    make_account,
    make_case,
    make_event,
    make_message,
    make_settings,
)

from agroforest.core.account import Account, Interest, Role
from agroforest.core.message import Delivery, Message, News
from agroforest.core.review import Verdict
from agroforest.core.risk import Hazard
from agroforest.notify.events import Event
from agroforest.notify.policy import escalate, plan
from agroforest.notify.told import IN_DIGEST

SETTINGS = make_settings()
FIRE = make_case(id="f1", alert="f1", hazard=Hazard.ACTIVE_FIRE)


def tell(
    events: list[Event], *accounts: Account, told: list[Message] | None = None
) -> list[Message]:
    return list(plan(events, accounts, SETTINGS, NOW, told=told or []))


def test_one_message_for_each_channel() -> None:
    both = make_account(contacts={"mail": "a@b.cn", "hook": "1", "gone": "x"})
    made = tell([make_event()], both, make_account("mei"))
    assert {(m.account, m.channel) for m in made} == {
        ("wei", "mail"),
        ("wei", "hook"),
        ("mei", "mail"),
    }
    assert len({m.key for m in made}) == 3
    assert all(m.due == NOW and m.news is News.RAISED for m in made)


@pytest.mark.parametrize(
    ("changes", "is_told"),
    [
        ({}, True),
        ({"disabled": True}, False),
        ({"contacts": {}}, False),
        ({"role": Role.VIEWER}, False),  # not before a person has judged it
        ({"interest": Interest(hazards=(Hazard.CANOPY_LOSS,))}, True),
        ({"interest": Interest(hazards=(Hazard.ACTIVE_FIRE,))}, False),
        ({"interest": Interest(counties=("450110",))}, True),
        ({"interest": Interest(counties=("450123",))}, False),
        ({"role": Role.FARMER}, False),
        ({"role": Role.FARMER, "parcels": ("p9",)}, False),
        ({"role": Role.FARMER, "parcels": ("p2",)}, True),
    ],
)
def test_people_are_told_of_what_concerns_them(
    changes: dict[str, Any], is_told: bool
) -> None:
    assert bool(tell([make_event()], make_account(**changes))) is is_told


def test_an_unknown_county_is_left_out_for_nobody() -> None:
    event = make_event(case=make_case(county=("", "", "")))
    assert tell([event], make_account(interest=Interest(counties=("450123",))))


def test_a_viewer_is_told_of_what_people_confirmed_but_not_where_exactly() -> None:
    case = make_case(verdict=Verdict.CONFIRMED)
    (message,) = tell(
        [make_event(News.CONFIRMED, case=case)], make_account(role=Role.VIEWER)
    )
    assert not {"longitude", "latitude", "road"} & message.facts.keys()


def test_a_farmer_reads_of_their_own_parcels_alone() -> None:
    farmer = make_account(role=Role.FARMER, parcels=("p2",))
    (message,) = tell([make_event()], farmer)
    assert [each["id"] for each in message.facts["places"]] == ["p2"]
    assert message.facts["place_count"] == 1


def test_a_task_goes_to_who_shall_do_it() -> None:
    event = make_event(News.TASK, to="mei", state="task:4")
    made = tell([event], make_account(), make_account("mei", role=Role.FARMER))
    assert [m.account for m in made] == ["mei"]


def test_a_withdrawal_goes_to_those_who_were_told() -> None:
    event = make_event(News.CANCELLED, state="cancelled:4")
    wei, mei, hua = (make_account(name) for name in ("wei", "mei", "hua"))
    told = [
        make_message(delivery=Delivery.SENT),
        make_message(account="mei", delivery=Delivery.FAILED),
        make_message(account="hua", subject="c2", delivery=Delivery.SENT),
    ]
    assert [m.account for m in tell([event], wei, mei, hua, told=told)] == ["wei"]


def test_nothing_is_told_twice() -> None:
    first = tell([make_event()], make_account())
    assert tell([make_event(), make_event()], make_account(), told=first) == []
    worse = make_event(News.WORSE, state="worse:2024-05-03")
    assert len(tell([worse], make_account(), told=first)) == 1


def test_quiet_hours_hold_back_all_but_fires() -> None:
    wei = make_account(interest=Interest(quiet=(time(11), time(14))))
    (message,) = tell([make_event()], wei)
    assert message.due == datetime(2024, 5, 3, 6, tzinfo=UTC)
    (urgent,) = tell([make_event(case=FIRE)], wei)
    assert (urgent.due, urgent.urgent) == (NOW, True)


def test_what_passes_the_quota_waits_for_the_digest() -> None:
    wei = make_account(
        interest=Interest(quota=2), contacts={"mail": "a@b.cn", "hook": "1"}
    )
    events = [make_event(case=make_case(id=f"c{n}")) for n in range(4)]
    made = tell([*events, make_event(case=FIRE)], wei)
    at_once = {m.subject for m in made if not m.facts.get(IN_DIGEST)}
    assert at_once == {"c0", "c1", "f1"}
    later = [m for m in made if m.facts.get(IN_DIGEST)]
    assert {m.subject for m in later} == {"c2", "c3"}
    assert {m.due for m in later} == {datetime(2024, 5, 3, 10, tzinfo=UTC)}  # 18:00


def test_a_day_without_room_has_none_later() -> None:
    # Of thousands of messages only the newest are looked up: none of the first two.
    wei = make_account(interest=Interest(quota=2))
    made = tell([make_event(case=make_case(id=f"c{n}")) for n in range(9)], wei)
    newest = [m for m in made if m.facts.get(IN_DIGEST)]
    (more,) = tell([make_event(case=make_case(id="c10"))], wei, told=newest)
    assert more.facts[IN_DIGEST] == "2024-05-03"
    tomorrow = NOW + timedelta(days=1)
    event = make_event(case=make_case(id="c11"))
    (message,) = plan([event], [wei], SETTINGS, tomorrow, told=newest)
    assert IN_DIGEST not in message.facts


def test_the_quota_of_a_day_ends_with_it() -> None:
    wei = make_account(interest=Interest(quota=1))
    yesterday = make_message(
        subject="c0", created=NOW - timedelta(days=1), due=NOW - timedelta(days=1)
    )
    (message,) = tell([make_event()], wei, told=[yesterday])
    assert IN_DIGEST not in message.facts


def test_who_wants_a_digest_gets_one_but_for_fires() -> None:
    wei = make_account(interest=Interest(digest=True))
    made = tell([make_event(), make_event(case=FIRE)], wei)
    assert [bool(m.facts.get(IN_DIGEST)) for m in made] == [True, False]


def test_a_channel_for_urgent_messages_takes_no_others() -> None:
    sms = {
        "kind": "sms-webhook",
        "url_env": "SMS",
        "urgent_only": True,
        "template": {"to": "$to"},
    }
    settings = make_settings(channels={"sms": sms})
    wei = make_account(contacts={"sms": "13800000000"})
    assert plan([make_event()], [wei], settings, NOW) == ()
    assert len(plan([make_event(case=FIRE)], [wei], settings, NOW)) == 1


# ------------------------------------------------------------------ escalation


def escalated(
    minutes: float, *messages: Message, handled: tuple[str, ...] = ()
) -> list[tuple[str, str]]:
    people = [
        make_account("wei"),
        make_account("sun", role=Role.SUPERVISOR),
        make_account("ada", role=Role.ADMIN),
        make_account("far", role=Role.FARMER, parcels=("p1",)),
    ]
    now = NOW + timedelta(minutes=minutes)
    made = escalate(messages, people, SETTINGS, now, handled=handled)
    assert all(m.news is News.ESCALATED and m.urgent for m in made)
    return sorted((m.account, m.state) for m in made)


def fire_message(**changes: Any) -> Message:
    facts = {"hazard": "active-fire", "county_code": "450110"}
    return make_message(
        **{"delivery": Delivery.SENT, "urgent": True, "facts": facts, **changes}
    )


def test_what_nobody_reads_goes_to_one_role_after_the_other() -> None:
    sent = fire_message()
    sun = ("sun", "escalated:supervisor:raised")
    ada = ("ada", "escalated:admin:raised")
    assert escalated(29, sent) == []
    assert escalated(30, sent) == [sun]
    assert escalated(60, sent) == [ada, sun]
    assert escalated(6000, sent) == [ada, sun]


def test_what_somebody_read_or_acted_on_stays_where_it_is() -> None:
    read = fire_message(account="mei", acknowledged=NOW)
    assert escalated(90, fire_message(), read) == []
    assert escalated(90, fire_message(), handled=("c1",)) == []


def test_what_reached_nobody_is_escalated_too() -> None:
    assert len(escalated(30, fire_message(delivery=Delivery.FAILED))) == 1


def test_hazards_without_a_rule_and_other_news_do_not_escalate() -> None:
    assert escalated(90, make_message(delivery=Delivery.SENT)) == []
    assert escalated(90, fire_message(news=News.CANCELLED)) == []
    assert escalated(90, fire_message(facts={"hazard": "flood"})) == []


def test_an_escalation_is_written_once() -> None:
    people = [make_account("sun", role=Role.SUPERVISOR)]
    later = NOW + timedelta(minutes=31)
    first = escalate([fire_message()], people, SETTINGS, later)
    again = escalate([fire_message(), *first], people, SETTINGS, later)
    assert (len(first), again) == (1, ())


def test_a_role_whose_wishes_nobody_meets_is_told_as_a_whole() -> None:
    elsewhere = Interest(counties=("450123",))
    sun = make_account("sun", role=Role.SUPERVISOR, interest=elsewhere)
    later = NOW + timedelta(minutes=31)
    assert len(escalate([fire_message()], [sun], SETTINGS, later)) == 1
    ann = make_account("ann", role=Role.SUPERVISOR)
    made = escalate([fire_message()], [sun, ann], SETTINGS, later)
    assert [m.account for m in made] == ["ann"]


# ------------------------------------------------------------------ properties

interests = st.builds(
    Interest,
    hazards=st.lists(st.sampled_from(Hazard), max_size=2, unique=True).map(tuple),
    counties=st.lists(st.sampled_from(["450110", "450123"]), max_size=1).map(tuple),
    quiet=st.none() | st.tuples(st.times(), st.times()),
    quota=st.integers(0, 3),
    digest=st.booleans(),
)
accounts = st.builds(
    make_account,
    name=st.sampled_from(["a", "b", "c"]),
    role=st.sampled_from(Role),
    interest=interests,
    disabled=st.booleans(),
    parcels=st.lists(st.sampled_from(["p1", "p9"]), max_size=1).map(tuple),
    contacts=st.sampled_from([{}, {"mail": "x"}, {"mail": "x", "hook": "y"}]),
)
events = st.builds(
    make_event,
    news=st.sampled_from([News.RAISED, News.WORSE, News.CONFIRMED, News.CANCELLED]),
    case=st.builds(
        make_case,
        id=st.sampled_from(["c1", "c2", "c3"]),
        hazard=st.sampled_from(Hazard),
    ),
)


@given(
    happened=st.lists(events, max_size=8),
    people=st.lists(accounts, max_size=3, unique_by=lambda a: a.name),
    cut=st.integers(0, 8),
)
def test_planning_in_pieces_or_again_tells_each_change_once(
    happened: list[Event], people: list[Account], cut: int
) -> None:
    whole = plan(happened, people, SETTINGS, NOW)
    first = plan(happened[:cut], people, SETTINGS, NOW)
    rest = plan(happened[cut:], people, SETTINGS, NOW, told=first)
    assert [*first, *rest] == list(whole)
    again = plan(happened, people, SETTINGS, NOW, told=whole)
    # A withdrawal that came first concerned nobody then.
    assert {m.news for m in again} <= {News.CANCELLED}
    keys = [m.key for m in (*whole, *again)]
    assert len(keys) == len(set(keys))
    named = [(m.subject, m.state, m.account, m.channel) for m in (*whole, *again)]
    assert len(named) == len(set(named))


@given(
    happened=st.lists(events, max_size=8),
    person=accounts,
)
def test_rules_that_hold_whatever_happens(
    happened: list[Event], person: Account
) -> None:
    made = plan(happened, [person], SETTINGS, NOW)
    fires = {e.case.id for e in happened if e.urgent}
    for message in made:
        assert not person.disabled
        assert message.channel in person.contacts
        assert message.due >= NOW
        if message.urgent:
            assert message.subject in fires
            assert message.due == NOW
        elif person.interest.digest:
            assert message.facts[IN_DIGEST]
    alone = {
        (m.subject, m.state) for m in made if not m.urgent and IN_DIGEST not in m.facts
    }
    assert len(alone) <= person.interest.quota
    told = {m.subject for m in made if m.news is not News.CANCELLED}
    cancelled = {m.subject for m in made if m.news is News.CANCELLED}
    assert cancelled <= told
