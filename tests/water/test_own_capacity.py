"""Probes measured against the field capacity that they learned themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.core.soil import Soil
from agroforest.water.measured import (
    OWN_CAPACITY_SPREAD,
    PROBE_SPREAD,
    UNSEEN_SPREAD,
    OwnCapacity,
    measure_probes,
)

SOIL = Soil.uniform(field_capacity=0.30, wilting_point=0.15)
OWN = OwnCapacity(value=0.36, spread=0.0)


def test_what_is_short_is_short_of_its_own_field_capacity() -> None:
    # Down to 0.6 m: all of it is what the probe at 0.3 m speaks for.
    found = measure_probes((0.3,), (0.31,), soil=SOIL, root=0.6, capacities=(OWN,))
    assert found.depletion == pytest.approx(600 * (0.36 - 0.31))
    assert found.variance == pytest.approx((600 * OWN_CAPACITY_SPREAD) ** 2)
    plain = measure_probes((0.3,), (0.31,), soil=SOIL, root=0.6)
    assert plain.depletion == pytest.approx(600 * (0.30 - 0.31))
    assert plain.variance == pytest.approx((600 * PROBE_SPREAD) ** 2)


def test_rains_that_differ_make_it_less_sure() -> None:
    wide = OwnCapacity(value=0.36, spread=0.015)
    found = measure_probes((0.3,), (0.31,), soil=SOIL, root=0.6, capacities=(wide,))
    assert found.variance == pytest.approx((600 * 0.025) ** 2)  # 3, 4, 5


def test_each_depth_goes_by_what_it_learned() -> None:
    found = measure_probes(
        (0.2, 0.6), (0.30, 0.25), soil=SOIL, root=1.0, capacities=(OWN, None)
    )
    # Half-way between the two: 0.4 m; the lower one speaks down to 0.8 m.
    assert found.depletion == pytest.approx(400 * 0.06 + 600 * 0.05)
    error = 400 * OWN_CAPACITY_SPREAD + 400 * PROBE_SPREAD + 200 * UNSEEN_SPREAD
    assert found.variance == pytest.approx(error**2)


@given(offset=st.floats(-0.1, 0.1), moisture=st.floats(0.15, 0.35))
def test_what_the_calibration_is_off_by_cancels(offset: float, moisture: float) -> None:
    def measure(by: float) -> float:
        own = OwnCapacity(value=0.30 + by, spread=0.01)
        found = measure_probes(
            (0.3,), (moisture + by,), soil=SOIL, root=0.6, capacities=(own,)
        )
        return float(found.depletion)

    assert measure(offset) == pytest.approx(measure(0.0), abs=1e-9)
