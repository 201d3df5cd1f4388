"""Soil as a store: layers hold what they hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.core.crop import Crop
from agroforest.core.errors import ConfigurationError
from agroforest.core.soil import Soil, hold_layers

BOTTOM = np.array([200.0, 500.0, 1000.0])
CONTENT = np.array([0.25, 0.28, 0.20])


def test_a_depth_cuts_through_a_layer() -> None:
    assert hold_layers(BOTTOM, CONTENT, 300.0) == pytest.approx(200 * 0.25 + 100 * 0.28)
    assert hold_layers(BOTTOM, CONTENT, 0.0) == 0
    assert hold_layers(BOTTOM, CONTENT, 5000.0) == hold_layers(BOTTOM, CONTENT, 1000.0)


@given(
    shallow=st.floats(0.0, 1200.0),
    deep=st.floats(0.0, 1200.0),
    contents=st.lists(st.floats(0.01, 0.6), min_size=3, max_size=3),
)
def test_deeper_never_holds_less_and_layers_add_up(
    shallow: float, deep: float, contents: list[float]
) -> None:
    low, high = sorted([shallow, deep])
    content = np.array(contents)
    both = hold_layers(BOTTOM, content, np.array([low, high]))
    assert both[0] <= both[1] + 1e-9
    by_hand = sum(
        share * max(min(high, bottom) - top, 0.0)
        for share, top, bottom in zip(content, [0, 200, 500], BOTTOM, strict=True)
    )
    assert both[1] == pytest.approx(by_hand, abs=1e-9)


def test_equal_layers_are_a_uniform_soil() -> None:
    layered = Soil(
        bottom_mm=BOTTOM,
        field_capacity=np.full(3, 0.28),
        wilting_point=np.full(3, 0.14),
        evaporation_depth=0.1,
        readily_evaporable=8.0,
        layered=True,
    )
    uniform = Soil.uniform(field_capacity=0.28, wilting_point=0.14)
    for depth in (0.1, 0.35, 1.0):
        assert layered.available(depth) == pytest.approx(uniform.available(depth))
    assert layered.total_evaporable == pytest.approx(uniform.total_evaporable)


def test_layers_of_several_places() -> None:
    content = np.stack([CONTENT, 2 * CONTENT], axis=1)
    bottom = np.stack([BOTTOM, BOTTOM], axis=1)
    found = hold_layers(bottom, content, np.array([300.0, 300.0]))
    assert found[1] == 2 * found[0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"field_capacity": 0.1}, "field capacity 0.1 and wilting point 0.14"),
        ({"field_capacity": 28.0}, "field capacity 28"),
        ({"evaporation_depth": 0.0}, "evaporation depth 0.0 m"),
        ({"readily_evaporable": 30.0}, "readily evaporable water 30 mm, of 21 mm"),
        ({"curve_number": 101.0}, "curve number 101"),
    ],
)
def test_a_soil_that_cannot_be_is_refused(changes: dict[str, float], said: str) -> None:
    values = {"field_capacity": 0.28, "wilting_point": 0.14} | changes
    with pytest.raises(ConfigurationError, match=said):
        Soil.uniform(**values)


def test_a_crop_counts_its_season() -> None:
    values = {
        name: 1.0
        for name in Crop.__dataclass_fields__
        if name not in {"depletion_fraction", "kc_min"}
    }
    crop = Crop(**values, depletion_fraction=0.5)
    assert crop.season_days == 4
    assert crop.bare == 1.0
    with pytest.raises(ConfigurationError, match="height_max 0 is not above 0"):
        crop.patch(height_max=0)
    with pytest.raises(ConfigurationError, match="days_dev is not a number"):
        crop.patch(days_dev=float("nan"))
