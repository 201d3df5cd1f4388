"""Field capacity learned from drainage."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from agroforest.sensors.field_capacity import find_drainages, learn_field_capacity
from agroforest.testing.soil import FIELD_CAPACITY, STEP_HOURS, soil_moisture

Values = NDArray[np.float64]
_HOUR = 3600.0


def _soaking(
    peak: float, rest: float, *, days: float = 10.0, below: float = 0.1
) -> Values:
    """Ten days: dry, soaked at noon of the second day, drained within hours."""
    hours = np.arange(24 * days)
    since = hours - 36
    drained = rest + (peak - rest) * np.exp(-np.maximum(since, 0) / 5.0)
    return np.where(since < 0, rest - below, drained)


def _series(*parts: Values) -> tuple[Values, Values]:
    value = np.concatenate(parts)
    return np.arange(len(value), dtype=np.float64) * _HOUR, value


def test_what_is_left_after_each_soaking() -> None:
    time, value = _series(*[_soaking(0.44, rest) for rest in (0.30, 0.31, 0.32, 0.33)])
    found = learn_field_capacity(time, value)
    assert found is not None
    assert len(found.wettings) == 4
    # Of the day that begins five time constants after the peak, e**-5 is left.
    assert found.value == pytest.approx(0.315, abs=1e-3)
    assert (found.low, found.high) == pytest.approx((0.3075, 0.3225), abs=1e-3)
    assert found.wettings[0].time == 36 * _HOUR
    assert found.wettings[0].peak == 0.44


def test_fewer_than_three_teach_nothing() -> None:
    time, value = _series(_soaking(0.44, 0.30), _soaking(0.44, 0.31))
    assert learn_field_capacity(time, value) is None
    assert learn_field_capacity(np.empty(0), np.empty(0)) is None


def _drying(rate: float) -> Values:
    part = _soaking(0.30, 0.30)
    since = np.maximum(np.arange(len(part)) - 36, 0)
    return np.where(since > 0, 0.30 - rate * since / 24, part)


@pytest.mark.parametrize(
    "part",
    [
        _drying(0.02),  # roots and sun take the same every day: no drainage
        _soaking(0.24, 0.225, below=0.01),  # no rise worth the name
        np.where(np.arange(240) == 36 + 40, 0.45, _soaking(0.44, 0.30)),  # rains again
        _soaking(0.44, 0.30, days=3.0),  # ends before the second day does
    ],
)
def test_what_is_no_drainage(part: Values) -> None:
    time, value = _series(part)
    assert all(d.time > 60 * _HOUR for d in find_drainages(time, value))


def test_a_shower_in_a_dry_time_is_no_soaking() -> None:
    shower = _soaking(0.44, 0.30) - 0.2
    time, value = _series(*[_soaking(0.44, 0.30)] * 3, shower)
    found = learn_field_capacity(time, value)
    assert found is not None
    assert len(found.wettings) == 3


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_simulated_soil_is_learned(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = 200 * 24 // STEP_HOURS
    rain = np.zeros(count)
    for day in rng.choice(count - 10, 25, replace=False):
        rain[day : day + 2] += rng.gamma(2, 12)
    start = datetime(2024, 4, 1, tzinfo=UTC)
    times = [start + timedelta(hours=STEP_HOURS * n) for n in range(count)]
    upper, _ = soil_moisture(rain, times, thirst=1.0)
    noisy = upper + rng.normal(0.0, 0.001, count)
    noisy[rng.choice(count, 50, replace=False)] = np.nan
    found = learn_field_capacity(np.array([t.timestamp() for t in times]), noisy)
    assert found is not None
    assert found.value == pytest.approx(FIELD_CAPACITY, abs=0.015)
    assert found.low <= found.value <= found.high
