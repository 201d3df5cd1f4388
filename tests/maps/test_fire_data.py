"""Hotspots and alerts on a page, with their clocks; and a page without fire."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import shapely
from tests.maps.fires import (
    ALERTS,
    EVENTS,
    MOMENT,
    NOTHING,
    data_of,
    event,
    facts,
    fire_page,
    night_page,
)
from tests.maps.test_document import data_of as document_data

from agroforest.core.fire import EventConfidence, EventKind
from agroforest.core.risk import Hazard
from agroforest.core.words import hazard_words
from agroforest.maps import MapPage, build_page
from agroforest.maps.assets import FIRE_SCRIPTS, read_script
from agroforest.maps.fire_data import MOST_EVENTS, add_fire
from agroforest.maps.layers import build_data

Json = dict[str, Any]


@pytest.fixture(scope="module")
def data() -> Json:
    return data_of(night_page())


class TestAPageWithoutFire:
    def test_it_stays_as_it_is(self, fake_page: MapPage) -> None:
        plain = build_data(fake_page)
        assert add_fire(plain, fake_page) is plain
        document = build_page(fake_page)
        assert "fire" not in document_data(document)
        assert not [name for name in FIRE_SCRIPTS if read_script(name) in document]

    def test_a_probability_that_nobody_gave_is_not_zero(self) -> None:
        page = night_page(fire=NOTHING).patch(fire=None)
        said = data_of(page)
        assert {alert["probability"] for alert in said["alerts"]} == {None}
        assert said["fire"] == {"told": False}
        assert read_script("fire_popups.js") in build_page(page)


def test_events_are_told_once_the_last_first(data: Json) -> None:
    fire = data["fire"]
    ids = fire["events"]["id"]
    assert ids == [f"e{n:015x}" for n in range(8)]
    assert fire["looks"] == 8 * [2]
    assert fire["events"]["age"][:2] == [3.0, 12.0]
    assert fire["events"]["lastLocal"][0] == "2024-02-21T03:12+08:00"
    shuffled = fire_page(events=EVENTS[::-1], alerts=ALERTS[::-1])
    assert data_of(night_page(shuffled)) == data


def test_clocks_come_with_the_oldest_deadline_first(data: Json) -> None:
    alerts = data["fire"]["alerts"]
    assert [a["alert"] for a in alerts] == [f"a{n:015x}" for n in (0, 2, 3)]
    assert alerts[0]["raised"] == "2024-02-20T22:12:00Z"
    assert alerts[0]["until"] == "2024-02-20T23:12:00Z"
    assert alerts[0]["verification"] is None
    assert alerts[2]["verification"] == {
        "time": "2024-02-20T22:46:00Z",
        "outcome": "forest-fire",
        "by": "黄护林员",
        "note": "已扑灭，留人看守",
    }
    ids = data["fire"]["events"]["id"]
    assert [ids[a["event"]][-1] for a in alerts] == ["0", "2", "3"]


def test_other_zones_are_the_same_moment(data: Json) -> None:
    local = [
        replace(
            said,
            raised=said.raised.astimezone(),
            verify_by=said.verify_by.astimezone(),
        )
        for said in ALERTS
    ]
    again = fire_page(alerts=tuple(local), moment=MOMENT.astimezone())
    assert data_of(night_page(again)) == data


def test_an_alert_brings_its_event_along() -> None:
    fire = data_of(night_page(fire_page(events=(), held=())))["fire"]
    assert fire["events"]["id"] == [f"e{n:015x}" for n in (0, 2, 3)]


def test_held_events_give_the_reason(data: Json) -> None:
    (held,) = data["fire"]["held"]
    assert data["fire"]["events"]["id"][held["event"]] == event(1).id
    assert held["says"]["zh"].startswith("当日低火险")


def test_too_many_events_lose_those_hidden_at_first() -> None:
    sure = [event(n, id=f"s{n:05d}") for n in range(10)]
    low = [
        event(0, id=f"l{n:05d}", confidence=EventConfidence.LOW)
        for n in range(MOST_EVENTS - 5)
    ]
    held = event(0, id="kept", kind=EventKind.STATIC)
    fire = fire_page(
        events=(*low, *sure),
        danger=(),
        scars=(),
        alerts=(facts(0, event=held),),
        held=(),
    )
    said = data_of(night_page(fire))
    ids = said["fire"]["events"]["id"]
    assert len(ids) == MOST_EVENTS
    assert {"kept", *(e.id for e in sure)} <= set(ids)
    assert f"共 {MOST_EVENTS + 6} 个热点事件" in said["notices"][-1]["zh"]


def test_an_event_after_the_moment_has_no_negative_age() -> None:
    late = event(0, last=MOMENT + timedelta(hours=1))
    fire = fire_page(events=(late,), alerts=(), held=(), danger=(), scars=())
    assert data_of(night_page(fire))["fire"]["events"]["age"] == [0.0]


def test_the_hazard_has_words() -> None:
    words = hazard_words(Hazard.ACTIVE_FIRE)
    assert words.name == ("疑似火情", "Suspected fire")
    assert "请实地核查" in words.sentence[0]


def test_counties_are_drawn_as_lines() -> None:
    fire = fire_page().patch(boundaries=(shapely.box(108, 22, 109, 23),))
    lines = data_of(night_page(fire=fire))["fire"]["boundaries"]
    assert len(lines) == 1
    assert [22.0, 108.0] in lines[0]
    assert data_of(night_page())["fire"]["boundaries"] == []
