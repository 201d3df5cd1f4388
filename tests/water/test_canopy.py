"""Greenness to coefficient and cover; drought; heat and frost."""

from datetime import date
from typing import Any

import numpy as np
import pytest
from tests.water.places import COTTON, LOAM

from agroforest.water.canopy import find_kcb, find_seen_cover
from agroforest.water.drought import Drought, classify_drought, find_relative_moisture
from agroforest.water.notices import Hazard, TemperatureDay, find_notices


def test_the_published_line() -> None:
    assert find_kcb(0.5, crop=COTTON) == pytest.approx(1.44 * 0.5 - 0.10)


def test_the_line_stays_in_what_the_crop_can_be() -> None:
    found = find_kcb(np.array([-0.2, 0.95, np.nan]), crop=COTTON)
    assert found[0] == 0.01
    assert found[1] == COTTON.kcb_mid
    assert np.isnan(found[2])


def test_cover_runs_from_bare_to_closed() -> None:
    found = find_seen_cover(np.array([0.0, 0.14, 0.51, 0.88, 1.0, np.nan]))
    assert found[:5].tolist() == pytest.approx([0, 0, 0.5, 0.99, 0.99])
    assert np.isnan(found[5])


def test_a_limit_belongs_to_the_drier_class() -> None:
    shares = np.array([100, 60.1, 60, 50.1, 50, 40, 30.1, 30, 0, np.nan])
    assert classify_drought(shares).tolist() == [0, 0, 1, 1, 2, 3, 3, 4, 4, -1]


def test_drought_has_words() -> None:
    assert Drought(int(classify_drought(45.0))).zh == "中旱"
    assert Drought.EXTREME.en == "extreme drought"


def test_relative_moisture_is_a_share_of_field_capacity() -> None:
    # 300 mm of soil at 0.28 hold 84 mm.
    assert find_relative_moisture(42.0, soil=LOAM, root=0.3) == pytest.approx(50.0)


def find(**temperatures: Any) -> list[Hazard]:
    one = TemperatureDay(day=date(2026, 1, 5), **temperatures)
    return [notice.hazard for notice in find_notices([one], cold=0.0, heat=35.0)]


@pytest.mark.parametrize(
    ("temperatures", "expected"),
    [
        ({"air_low": 0.0}, [Hazard.COLD]),
        ({"air_low": 0.1}, [Hazard.FROST_POSSIBLE]),
        ({"air_low": 2.1}, []),
        ({"air_high": 34.9}, []),
        ({"air_high": 35.0}, [Hazard.HEAT]),
        ({"soil": 0.0}, [Hazard.FROZEN_SOIL]),
        ({"soil": 20.0}, []),
        ({"air_high": 39.0, "soil": 40.0}, [Hazard.HEAT, Hazard.HOT_SOIL]),
        ({}, []),
    ],
)
def test_temperatures_that_harm(
    temperatures: dict[str, float], expected: list[Hazard]
) -> None:
    assert find(**temperatures) == expected


def test_bananas_are_harmed_above_frost() -> None:
    one = TemperatureDay(day=date(2026, 1, 5), air_low=4.5, forecast=True)
    (notice,) = find_notices([one], cold=5.0, heat=38.0)
    assert notice.zh == "1 月 5 日预报低温冻害，4.5 °C"
    assert notice.en == "05 January: forecast cold that harms the crop, 4.5 °C"
