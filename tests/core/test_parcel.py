from datetime import date
from typing import Any

import pytest
from shapely.geometry import box

from agroforest.core.aoi import Place, PlaceKind
from agroforest.core.errors import ConfigurationError
from agroforest.core.parcel import Sowing, read_facts


def parcel(**farm: Any) -> Place:
    return Place(
        id="p3",
        kind=PlaceKind.PARCEL,
        name_zh="3 号地",
        name_en="field 3",
        cover="甘蔗",
        geometry=box(108.0, 22.0, 108.01, 22.01),
        farm={"crop": "甘蔗"} | farm,
    )


def test_what_a_parcel_says_is_read() -> None:
    facts = read_facts(
        parcel(
            sown="2024-03-05",
            sand="0.4",
            clay=0.2,
            flow_m3h=60,
            method="Drip",
            sensors="farm:1, farm:2",
        )
    )
    assert facts.crop == "甘蔗"
    assert facts.sown == Sowing(year=2024, month=3, day=5)
    assert (facts.sand, facts.clay, facts.flow) == (0.4, 0.2, 60.0)
    assert facts.method == "drip"
    assert facts.sensors == ("farm:1", "farm:2")
    assert facts.efficiency is facts.most_mm is facts.perennial is None


def test_a_cell_that_a_table_left_empty_says_nothing() -> None:
    facts = read_facts(parcel(flow_m3h=float("nan"), sown=None, method=""))
    assert facts.flow is None
    assert facts.sown is None
    assert facts.method is None


@pytest.mark.parametrize(
    ("farm", "words"),
    [
        ({"crop": " "}, "names no crop"),
        ({"sand": 40, "clay": 0.2}, "sand 40 cannot be"),
        ({"sand": 0.4}, "only one of sand and clay"),
        ({"field_capacity": 0.3}, "only one of field_capacity"),
        ({"flow_m3h": 0}, "flow_m3h 0 cannot be"),
        ({"flow_m3h": 10**400}, "flow_m3h 1000"),
        ({"flow_m3h": "much"}, "'much' cannot be"),
        ({"flow_m3h": True}, "True cannot be"),
        ({"most_mm": -3}, "most_mm -3"),
        ({"efficiency": 1.2}, "efficiency 1.2"),
        ({"method": "flood"}, "use surface, sprinkler, drip"),
        ({"sown": "02-30"}, "02-30"),
        ({"sown": "spring"}, "write 2024-03-05"),
        ({"perennial": "perhaps"}, "neither yes nor no"),
        ({"sensors": [3]}, "no list of ids"),
    ],
)
def test_an_odd_value_is_refused_by_parcel(farm: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        read_facts(parcel(**farm))
    assert str(caught.value).startswith("parcel p3: ")


def test_sowing_every_year_goes_back_over_the_new_year() -> None:
    sown = Sowing(month=11, day=20)
    assert sown.latest(date(2024, 3, 1)) == date(2023, 11, 20)
    assert sown.latest(date(2024, 11, 20)) == date(2024, 11, 20)


def test_one_sowing_holds_from_its_day_on() -> None:
    sown = Sowing(year=2024, month=3, day=5)
    assert sown.latest(date(2024, 3, 4)) is None
    assert sown.latest(date(2026, 1, 1)) == date(2024, 3, 5)
