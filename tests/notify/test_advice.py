"""A night's advice on water becomes messages to farmers."""

from datetime import timedelta
from typing import Any

from tests.notify.people import NOW, make_account, make_message, make_settings

from agroforest.core.account import Interest, Role
from agroforest.core.message import Delivery, Message, News
from agroforest.core.risk import Hazard
from agroforest.notify.advice import advise, subject_of
from agroforest.notify.told import IN_DIGEST

SETTINGS = make_settings()
FARMER = make_account("lan", role=Role.FARMER, parcels=("p2", "p3"))


def make_parcel(**changes: Any) -> dict[str, Any]:
    return {
        "id": "p2",
        "name_zh": "北田",
        "name_en": "North field",
        "light": "red",
        "verdict": "irrigate",
        "overdue": False,
        "latest": "2024-05-06",
        "zh": "北田 甘蔗：最迟周五灌水 30 mm。",
        "en": "North field, sugarcane: irrigate by Friday.",
        "notices": [],
        **changes,
    }


def tell(
    *parcels: dict[str, Any], night: str = "2024-05-03", told: tuple[Message, ...] = ()
) -> tuple[Message, ...]:
    document = {"night": night, "parcels": list(parcels)}
    people = [FARMER, make_account(), make_account("ada", role=Role.ADMIN)]
    days = int(night[-2:]) - 3
    now = NOW + timedelta(days=days)
    return advise(document, people, SETTINGS, now, told=told)


def test_a_farmer_is_told_of_their_own_parcels() -> None:
    made = tell(make_parcel(), make_parcel(id="p9"), make_parcel(id="p3"))
    assert [(m.account, m.subject) for m in made] == [
        ("lan", subject_of("p2")),
        ("lan", subject_of("p3")),
    ]
    assert all(m.news is News.ADVICE and not m.urgent for m in made)
    assert made[0].facts["advice"][0].startswith("北田 甘蔗")


def test_nothing_is_told_while_there_is_nothing_to_do() -> None:
    assert tell(make_parcel(light="green", verdict="enough")) == ()
    assert tell(make_parcel(light="grey", verdict=None)) == ()


def test_heat_and_frost_are_told_whatever_the_light() -> None:
    frost = {"hazard": "cold", "day": "2024-05-04", "zh": "霜", "en": "frost"}
    assert len(tell(make_parcel(light="green", notices=[frost]))) == 1


def test_each_change_is_told_once() -> None:
    known: tuple[Message, ...] = ()
    nights = [
        ("03", make_parcel(), 1),
        ("03", make_parcel(), 0),  # the night again
        ("04", make_parcel(zh="北田 甘蔗：最迟周五灌水 32 mm。"), 0),  # a number
        ("05", make_parcel(overdue=True), 1),
        ("06", make_parcel(light="green", verdict="enough"), 1),  # no longer
        ("07", make_parcel(light="green", verdict="enough"), 0),
        ("08", make_parcel(), 1),  # as on the first day, and news all the same
    ]
    for day, parcel, count in nights:
        made = tell(parcel, night=f"2024-05-{day}", told=known)
        assert len(made) == count, day
        known += made
    assert len({m.key for m in known}) == len(known) == 4


def test_what_reached_nobody_is_told_again_on_the_next_night() -> None:
    first = tell(make_parcel())
    lost = tuple(m.patch(delivery=Delivery.FAILED) for m in first)
    assert len(tell(make_parcel(), night="2024-05-04", told=lost)) == 1
    assert tell(make_parcel(), night="2024-05-04", told=first) == ()


def test_advice_counts_towards_the_quota() -> None:
    farmer = FARMER.patch(interest=Interest(quota=1))
    document = {"night": "2024-05-03", "parcels": [make_parcel(), make_parcel(id="p3")]}
    made = advise(document, [farmer], SETTINGS, NOW)
    assert [bool(m.facts.get(IN_DIGEST)) for m in made] == [False, True]


def test_other_messages_are_no_advice() -> None:
    other = make_message(subject=subject_of("p2"), account="lan")
    assert len(tell(make_parcel(), told=(other,))) == 1
    assert other.facts["hazard"] == Hazard.CANOPY_LOSS


def test_a_farmer_who_is_gone_is_not_written_to() -> None:
    document = {"night": "2024-05-03", "parcels": [make_parcel()]}
    assert advise(document, [FARMER.patch(disabled=True)], SETTINGS, NOW) == ()
