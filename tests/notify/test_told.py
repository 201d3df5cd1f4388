"""What is looked up of what people know, and what facts they are shown."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from shapely.geometry import box
from tests.notify.people import NOW, make_account, make_case, make_message

from agroforest.core.account import Role
from agroforest.core.message import Delivery
from agroforest.notify.facts import RoadPoint, describe_case, show_to
from agroforest.notify.told import find_told
from agroforest.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "facts.db") as opened:
        yield opened


def test_only_what_counts_is_looked_up(store: Store) -> None:
    wei = make_account()
    near = make_account("lan", role=Role.FARMER, parcels=("p1",))
    far = make_account("bao", role=Role.FARMER, parcels=("p9",))
    mute = make_account("mei", contacts={})
    gone = make_account("sun", disabled=True)
    people = [wei, near, far, mute, gone]
    store.desk.add_messages(
        [
            *(make_message(subject="c2", account=each.name) for each in people),
            make_message(subject="c3", created=NOW - timedelta(days=9)),
            make_message(account="old", created=NOW - timedelta(days=9)),
        ]
    )
    found = find_told(store.desk, ["c1"], NOW, accounts=people, places=["p1", "p2"])
    named = sorted((m.subject, m.account) for m in found)
    # Of the case whenever it was told of; of people what may fill their day.
    assert named == [("c1", "old"), ("c2", "lan"), ("c2", "wei")]


def test_however_much_waits_a_full_day_is_seen(store: Store) -> None:
    account = make_account()
    facts = {"hazard": "canopy-loss", "in_digest": "2024-05-03"}
    store.desk.add_messages(
        make_message(
            subject=f"c{n}", facts=facts, created=NOW + timedelta(microseconds=n)
        )
        for n in range(1000)
    )
    found = find_told(store.desk, [], NOW, accounts=[account], places=[])
    assert 0 < len(found) < 1000
    assert {m.delivery for m in found} == {Delivery.WAITING}


@pytest.mark.parametrize(
    ("longitude", "latitude", "bearing"),
    [(108.5, 22.4, 0), (108.4, 22.5, 90), (108.5, 22.6, 180), (108.6, 22.5, 270)],
)
def test_the_way_from_a_road(longitude: float, latitude: float, bearing: int) -> None:
    case = make_case(geometry=box(108.499, 22.499, 108.501, 22.501))
    road = RoadPoint(
        name_zh="国道", name_en="road", longitude=longitude, latitude=latitude
    )
    told = describe_case(case, road=road)["road"]
    assert told["bearing"] == pytest.approx(bearing, abs=1)
    assert told["km"] == pytest.approx(11.1 if bearing % 180 == 0 else 10.3, abs=0.1)


def test_places_are_named_up_to_three_and_counted() -> None:
    case = make_case(places=tuple(f"p{n}" for n in range(7)))
    facts = describe_case(case, names={"p0": ("北田", "North field")})
    shown = show_to(facts, make_account())
    assert [each["name"] for each in shown["places"]] == [
        ["北田", "North field"],
        ["p1", "p1"],
        ["p2", "p2"],
    ]
    assert shown["place_count"] == 7
    again = show_to(shown, make_account())  # as an escalation shows it
    assert again["place_count"] == 7
