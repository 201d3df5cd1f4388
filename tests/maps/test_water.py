"""Parcels and their water as values: what a page refuses to show."""

from dataclasses import replace
from datetime import timedelta
from math import inf, nan
from typing import Any

import pytest
import shapely
from tests.maps.waters import NIGHT, PROBES, days_of, parcel, water_page

from agroforest.maps import WaterDay
from agroforest.maps.water import LIGHTS


def test_the_urgent_light_comes_first() -> None:
    assert LIGHTS == ("red", "amber", "green", "grey")


@pytest.mark.parametrize("name", ["raw_mm", "taw_mm", "rain_mm", "irrigation_mm"])
@pytest.mark.parametrize("value", [nan, inf, -0.1])
def test_a_day_is_of_known_amounts(name: str, value: float) -> None:
    changes: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=name):
        replace(days_of()[0], **changes)


def test_more_than_full_is_a_negative_depletion() -> None:
    day = replace(days_of()[0], depletion_mm=-3.5)
    assert day.depletion_mm == -3.5
    with pytest.raises(ValueError, match="depletion"):
        replace(day, depletion_mm=nan)


@pytest.mark.parametrize("trust", [-0.01, 1.01, nan])
def test_trust_is_a_share(trust: float) -> None:
    with pytest.raises(ValueError, match="trust"):
        replace(PROBES[0], trust=trust)


def _days(*steps: tuple[int, bool]) -> tuple[WaterDay, ...]:
    day = days_of()[0]
    return tuple(
        replace(day, day=NIGHT + timedelta(days=n), forecast=ahead)
        for n, ahead in steps
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"light": "blue"}, "blue"),
        ({"geometry": shapely.Point(108, 22)}, "no polygon but Point"),
        ({"geometry": shapely.Polygon()}, "no polygon"),
        ({"amount_mm": -1.0}, "amount_mm"),
        ({"minutes": inf}, "minutes"),
        ({"last_irrigation_mm": nan}, "last_irrigation_mm"),
        ({"days": _days((0, False), (0, False))}, "do not rise"),
        ({"days": _days((1, False), (0, False))}, "do not rise"),
        ({"days": _days((0, True), (1, False))}, "no forecast"),
    ],
)
def test_a_parcel_names_what_is_wrong(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parcel(**changes)


def test_a_parcel_stands_on_a_page_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        water_page(parcels=(parcel(0), parcel(0)))


def test_a_changed_copy_leaves_the_parcel_as_it_was() -> None:
    red = parcel(0)
    assert red.patch(light="green").light == "green"
    assert red.light == "red"
