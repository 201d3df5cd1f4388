"""Sums of rain, split into steps and put together again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.weather.conftest import since_midnight

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.weather.accumulation import resolve_kind, split_sums, sum_day
from agroforest.weather.names import RainKind

START = np.datetime64("2024-03-01T00:00:00", "s")
HOUR = np.timedelta64(3600, "s")


def clock(count: int, *, first: int = 1, step: int = 1) -> np.ndarray:
    return START + (first + step * np.arange(count)) * HOUR


@given(st.lists(st.floats(0, 100), min_size=2, max_size=80), st.integers(1, 24))
def test_sums_since_midnight_come_apart(rain: list[float], first: int) -> None:
    """Whatever hour the file begins at, only its first step may be unknown."""
    every = np.concatenate([np.zeros(first), rain])
    sums = since_midnight(every)[first:]
    steps = split_sums(
        sums, clock(len(rain), first=first), RainKind.SINCE_MIDNIGHT, where="f"
    )
    np.testing.assert_allclose(steps[1:], rain[1:], atol=1e-9)
    if first == 1:
        assert steps[0] == pytest.approx(rain[0])
    else:
        assert np.isnan(steps[0])


def test_six_hour_buckets_of_gfs() -> None:
    rain = np.arange(1.0, 25.0)
    sums = np.concatenate([np.cumsum(part) for part in rain.reshape(4, 6)])
    steps = split_sums(sums, clock(24), RainKind.SIX_HOURS, where="f")
    np.testing.assert_allclose(steps, rain)


def test_three_hour_steps_in_six_hour_buckets() -> None:
    sums = np.array([1.0, 3.0, 5.0, 5.0])
    steps = split_sums(sums, clock(4, first=3, step=3), RainKind.SIX_HOURS, where="f")
    np.testing.assert_allclose(steps, [1.0, 2.0, 5.0, 0.0])


def test_sums_since_the_forecast_began() -> None:
    times = clock(4, first=0, step=3)
    sums = np.array([0.0, 1.0, 4.0, 4.0])
    steps = split_sums(sums, times, RainKind.SINCE_START, where="f", start=times[0])
    np.testing.assert_allclose(steps[1:], [1.0, 3.0, 0.0])


def test_a_missing_hour_leaves_two_steps_unknown() -> None:
    rain = np.ones(24)
    sums = since_midnight(np.concatenate([[0.0], rain]))[1:]
    sums[9] = np.nan
    steps = split_sums(sums, clock(24), RainKind.SINCE_MIDNIGHT, where="f")
    assert np.flatnonzero(np.isnan(steps)).tolist() == [9, 10]


def test_a_daily_file_of_sums_since_midnight_is_not_a_day_of_rain() -> None:
    """At 05 UTC it holds five hours; at 00 UTC the whole day before."""
    five = split_sums(
        np.ones(3), clock(3, first=5, step=24), RainKind.SINCE_MIDNIGHT, where="f"
    )
    assert np.isnan(five).all()
    whole = split_sums(
        np.ones(3), clock(3, first=24, step=24), RainKind.SINCE_MIDNIGHT, where="f"
    )
    assert whole.tolist() == [1.0, 1.0, 1.0]


def test_hourly_rain_called_a_sum_is_found_out() -> None:
    with pytest.raises(DataError, match=r"rain falls by 3\.00 mm .*since-midnight"):
        split_sums(
            np.array([1.0, 4.0, 1.0]), clock(3), RainKind.SINCE_MIDNIGHT, where="f"
        )


def test_steps_of_packing_are_no_fault() -> None:
    steps = split_sums(
        np.array([1.0, 0.99, 1.0]), clock(3), RainKind.SINCE_MIDNIGHT, where="f"
    )
    assert steps.min() == 0.0


def test_a_day_needs_all_its_hours() -> None:
    times, rain = clock(30), np.ones(30)
    assert sum_day(rain, times, end=times[23], hours=24) == 24.0
    assert np.isnan(sum_day(rain, times, end=times[22], hours=24))
    assert np.isnan(sum_day(rain, times, end=times[29] + HOUR, hours=24))
    rain[10] = np.nan
    assert np.isnan(sum_day(rain, times, end=times[24], hours=24))


def test_nothing_is_guessed() -> None:
    assert resolve_kind(None, daily=True, where="f") is RainKind.EACH_STEP
    assert resolve_kind("era5-land", daily=False, where="f") is RainKind.SINCE_MIDNIGHT
    assert resolve_kind("six-hours", daily=False, where="f") is RainKind.SIX_HOURS
    with pytest.raises(ConfigurationError, match=r"f: has several times.*era5-land"):
        resolve_kind(None, daily=False, where="f")
    with pytest.raises(ConfigurationError, match="'x': is not known"):
        resolve_kind("x", daily=False, where="f")
