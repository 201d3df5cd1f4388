"""Parcels and their water as the data of a page; and a page without them."""

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from tests.maps.test_document import data_of as document_data
from tests.maps.waters import (
    NIGHT,
    bare,
    data_of,
    days_of,
    farm_page,
    parcel,
    place_box,
    water_page,
)

from agroforest.maps import MapPage, WaterDay, WaterPage, build_page
from agroforest.maps.assets import WATER_SCRIPTS, WATER_STYLE, read_script, read_style
from agroforest.maps.layers import build_data
from agroforest.maps.water_data import add_water

Json = dict[str, Any]


@pytest.fixture(scope="module")
def data() -> Json:
    return data_of(farm_page())


def test_a_page_without_water_stays_as_it_is(fake_page: MapPage) -> None:
    plain = build_data(fake_page)
    assert add_water(plain, fake_page) is plain
    document = build_page(fake_page)
    assert "water" not in document_data(document)
    assert not [name for name in WATER_SCRIPTS if read_script(name) in document]
    assert read_style(WATER_STYLE) not in document


def test_a_page_with_water_has_its_scripts_once() -> None:
    document = build_page(farm_page())
    for name in WATER_SCRIPTS:
        assert document.count(read_script(name)) == 1
    assert document.count(read_style(WATER_STYLE)) == 1
    assert build_page(farm_page()) == document


def test_the_urgent_parcels_come_first(data: Json) -> None:
    lights = [p["light"] for p in data["water"]["parcels"]]
    assert lights == ["red", "amber", "green", "grey", "grey"]


def test_among_red_ones_the_first_due_then_the_thirstiest() -> None:
    boxes = [place_box(n) for n in range(4)]
    due = date(2025, 6, 11)
    reds = (
        parcel(0, id="none", latest=None, geometry=boxes[0]),
        parcel(0, id="later", latest=due, geometry=boxes[1]),
        parcel(0, id="small", amount_mm=5.0, geometry=boxes[2]),
        parcel(0, id="large", amount_mm=50.0, geometry=boxes[3]),
    )
    for order in (reds, reds[::-1]):
        said = data_of(farm_page(water_page(parcels=order)))["water"]["parcels"]
        assert [p["id"] for p in said] == ["large", "small", "later", "none"]


def test_a_parcel_says_what_to_do(data: Json) -> None:
    red = data["water"]["parcels"][0]
    assert red["name"] == {"zh": "三号甘蔗地", "en": "Sugarcane 3"}
    assert red["amount"] == {
        "mm": 28.93,
        "m3": 1240.4,
        "perMu": 19.29,
        "minutes": 123.2,
    }
    assert red["latest"] == "2025-06-10"
    assert red["irrigated"] == {"day": "2025-05-24", "mm": 40}
    assert [s["trust"] for s in red["sensors"]] == [0.91, 0.12, None]
    latitude, longitude = red["at"]
    assert place_box(0).contains(shapely.Point(longitude, latitude))


def test_a_parcel_of_which_nothing_is_known(data: Json) -> None:
    grey = data["water"]["parcels"][-1]
    assert grey["id"] == "p5"
    assert set(grey["amount"].values()) == {None}
    assert grey["days"] is None
    assert grey["advice"] == {"zh": "", "en": ""}


def test_a_nameless_parcel_is_called_by_its_id() -> None:
    water = water_page(parcels=(bare(0, zh="", en=""),))
    assert data_of(farm_page(water))["water"]["parcels"][0]["name"]["zh"] == "p1"


def test_notes_are_notices_of_the_page(data: Json) -> None:
    assert data["notices"] == data["water"]["notes"]
    assert data["notices"][0]["zh"] == "土壤按质地估算，未经实测。"


def test_days_are_columns(data: Json) -> None:
    days = data["water"]["parcels"][0]["days"]
    given_days = days_of()
    assert days["first"] == given_days[0].day.isoformat()
    assert (days["count"], days["past"]) == (37, 30)
    assert "at" not in days
    assert days["depletion"] == [round(d.depletion_mm, 1) for d in given_days]
    assert days["rain"][5] == 22


def _unpack(days: Json) -> list[tuple[str, bool, list[float]]]:
    first = date.fromisoformat(days["first"])
    names = ("depletion", "raw", "taw", "rain", "irrigation")
    columns = [
        days[n] if isinstance(days[n], list) else [days[n]] * days["count"]
        for n in names
    ]
    at = days.get("at", list(range(days["count"])))
    return [
        (
            (first + timedelta(days=at[n])).isoformat(),
            n >= days["past"],
            [column[n] for column in columns],
        )
        for n in range(days["count"])
    ]


_MM = st.integers(0, 3000).map(lambda tenths: tenths / 10)


@given(
    gaps=st.lists(st.integers(1, 3), min_size=1, max_size=8),
    amounts=st.lists(st.tuples(_MM, _MM, _MM, _MM, _MM), min_size=8, max_size=8),
    past=st.integers(0, 8),
)
def test_columns_hold_every_day(
    gaps: list[int], amounts: list[tuple[float, ...]], past: int
) -> None:
    days, day = [], NIGHT
    for n, gap in enumerate(gaps):
        day += timedelta(days=gap)
        missing, raw, taw, rain, irrigation = amounts[n]
        days.append(
            WaterDay(
                day=day, depletion_mm=missing, raw_mm=raw, taw_mm=taw,
                rain_mm=rain, irrigation_mm=irrigation, forecast=n >= past,
            )
        )  # fmt: skip
    one = water_page(parcels=(parcel(0, days=tuple(days)),))
    packed = data_of(farm_page(one))["water"]["parcels"][0]["days"]
    assert _unpack(json.loads(json.dumps(packed))) == [
        (
            d.day.isoformat(),
            d.forecast,
            [d.depletion_mm, d.raw_mm, d.taw_mm, d.rain_mm, d.irrigation_mm],
        )
        for d in days
    ]


def test_nothing_is_minus_zero() -> None:
    day = replace(days_of()[0], depletion_mm=-0.04)
    one = water_page(parcels=(parcel(0, days=(day,)),))
    packed = data_of(farm_page(one))["water"]["parcels"][0]["days"]
    assert json.dumps(packed["depletion"]) == "0"


def many_parcels(count: int) -> WaterPage:
    """Build a county of parcels, with sixty days each that all differ."""
    return water_page(
        parcels=tuple(
            parcel(
                n,
                id=f"parcel-{n:04d}",
                geometry=place_box(n, columns=25),
                light=("red", "amber", "green", "grey")[n % 4],
                days=days_of(past=53, ahead=7, start=n / 40, loss=3 + n / 500),
            )
            for n in range(count)
        )
    )


def test_five_hundred_parcels_are_less_than_two_megabytes() -> None:
    water = many_parcels(500)
    assert {len(p.days) for p in water.parcels} == {60}
    assert len(build_page(farm_page(water)).encode("utf-8")) < 2_000_000
