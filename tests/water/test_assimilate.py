"""Measurements draw the balance as far as either can be believed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.water.places import COTTON, LAYERS, LOAM, day

from agroforest.core.errors import DataError
from agroforest.core.field import ProfileSeen
from agroforest.core.soil import Soil
from agroforest.water import RootZone, step
from agroforest.water.assimilate import GATE, assimilate
from agroforest.water.measured import (
    PROBE_SPREAD,
    UNSEEN_SPREAD,
    Measured,
    find_profile_depletion,
    measure_probes,
    measure_wetness,
)

AVAILABLE = 1000 * (0.28 - 0.14) * 0.3


def zone(depletion: float, spread: float, soil: Soil = LOAM) -> RootZone:
    start = RootZone.start((), day=-1, crop=COTTON, soil=soil, moisture=0.2)
    return start.patch(depletion=np.array(depletion), variance=np.array(spread**2))


def test_equal_trust_meets_in_the_middle() -> None:
    after, done = assimilate(
        zone(10.0, 6.0), Measured(depletion=20.0, variance=36.0), crop=COTTON, soil=LOAM
    )
    assert after.depletion == pytest.approx(15.0)
    assert after.variance == pytest.approx(18.0)
    assert done.gain == pytest.approx(0.5)
    assert done.taken


@given(
    depletion=st.floats(0.0, AVAILABLE),
    spread=st.floats(0.0, 30.0),
    seen=st.floats(-30.0, 80.0),
    error=st.floats(0.1, 30.0),
)
def test_a_measurement_never_overshoots_and_never_makes_us_less_sure(
    depletion: float, spread: float, seen: float, error: float
) -> None:
    before = zone(depletion, spread)
    after, done = assimilate(
        before, Measured(depletion=seen, variance=error**2), crop=COTTON, soil=LOAM
    )
    target = np.clip(seen, 0.0, AVAILABLE)
    low, high = sorted([depletion, float(target)])
    assert low - 1e-9 <= after.depletion <= high + 1e-9
    assert after.variance <= before.variance + 1e-12
    assert 0 <= done.gain <= 1
    assert done.change == pytest.approx(float(after.depletion) - depletion)


def test_what_is_far_off_is_not_averaged_in() -> None:
    spread = 4.0
    apart = GATE * np.hypot(spread, spread) + 0.1
    after, done = assimilate(
        zone(2.0, spread),
        Measured(depletion=2.0 + apart, variance=spread**2),
        crop=COTTON,
        soil=LOAM,
    )
    assert not done.taken
    assert done.surprise > GATE
    assert after.depletion == 2.0
    assert after.variance == spread**2


def test_nothing_measured_changes_nothing() -> None:
    before = zone(10.0, 6.0)
    after, done = assimilate(
        before, Measured(depletion=np.nan, variance=1.0), crop=COTTON, soil=LOAM
    )
    assert after.depletion == 10.0
    assert after.variance == before.variance
    assert not done.taken
    assert np.isnan(done.surprise)


def test_each_place_has_its_own_measurement() -> None:
    start = RootZone.start((3,), day=-1, crop=COTTON, soil=LOAM, moisture=0.2)
    after, done = assimilate(
        start,
        Measured(depletion=np.array([5.0, np.nan, 40.0]), variance=25.0),
        crop=COTTON,
        soil=LOAM,
    )
    assert after.depletion[0] < 24 < after.depletion[2]
    assert after.depletion[1] == start.depletion[1]
    assert done.taken.tolist() == [True, False, True]


def test_the_whole_profile_moves_with_its_upper_part() -> None:
    before = zone(10.0, 20.0, LAYERS)
    after, done = assimilate(
        before, Measured(depletion=30.0, variance=4.0), crop=COTTON, soil=LAYERS
    )
    assert done.change > 10
    assert after.profile == pytest.approx(before.profile + done.change)
    assert after.below == before.below


def test_probes_speak_for_the_soil_around_them() -> None:
    found = measure_probes((0.1, 0.3), (0.20, 0.10), soil=LOAM, root=0.4)
    # To 0.2 m the first, to 0.4 m the second.
    assert found.depletion == pytest.approx(200 * 0.08 + 200 * 0.18)
    assert found.variance == pytest.approx((PROBE_SPREAD * 400) ** 2)


def test_a_shallow_probe_knows_less_of_deep_roots() -> None:
    found = measure_probes((0.1,), (0.20,), soil=LOAM, root=0.9)
    assert found.depletion == pytest.approx(900 * 0.08)
    assert found.variance == pytest.approx(
        (PROBE_SPREAD * 200 + UNSEEN_SPREAD * 700) ** 2
    )


def test_layers_are_measured_against_their_own_field_capacity() -> None:
    seen = ProfileSeen(day=0, bottom_mm=(200.0, 600.0), moisture=(0.10, 0.20))
    lack = 200 * (0.25 - 0.10) + 300 * (0.28 - 0.20) + 100 * (0.20 - 0.20)
    found = find_profile_depletion(seen, soil=LAYERS, root=0.6)
    assert found == pytest.approx(lack)


@pytest.mark.parametrize(
    ("depths", "moisture"), [((), ()), ((0.1,), (0.2, 0.3)), ((0.3, 0.1), (0.2, 0.2))]
)
def test_probes_that_cannot_be_are_refused(
    depths: tuple[float, ...], moisture: tuple[float, ...]
) -> None:
    with pytest.raises(DataError, match="soil probes"):
        measure_probes(depths, moisture, soil=LOAM, root=0.5)


def test_a_satellite_is_believed_less_than_a_probe() -> None:
    probe = measure_probes((0.1, 0.3), (0.2, 0.2), soil=LOAM, root=0.3)
    space = measure_wetness(0.5, available=AVAILABLE)
    assert space.depletion == pytest.approx(AVAILABLE / 2)
    assert space.variance > probe.variance
    assert np.isnan(measure_wetness(np.nan, available=AVAILABLE).depletion)


def test_what_is_not_measured_grows_and_a_soaking_forgets_it() -> None:
    known = zone(20.0, 3.0)
    spreads = [3.0]
    for number in range(6):
        known, _ = step(known, day(number), crop=COTTON, soil=LOAM)
        spreads.append(float(np.sqrt(known.variance)))
    assert spreads == sorted(spreads)
    unsure = zone(20.0, 40.0)
    soaked, _ = step(unsure, day(0, rain=80.0), crop=COTTON, soil=LOAM)
    assert soaked.depletion == 0
    assert soaked.variance < unsure.variance
