"""One day on: missing weather, bands of latitude, threads, order of days."""

from datetime import date

import numpy as np
import pytest
from tests.indices.fire_weather.conftest import DAY, Make

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.risk import epoch_day
from agroforest.core.weather import NoonWeather
from agroforest.indices.fire_weather import Codes, Method, StartUp, step

CODES = ("ffmc", "dmc", "dc")
INDICES = ("isi", "bui", "fwi", "dsr")


@pytest.mark.parametrize(
    "broken",
    [
        {"temperature": np.nan},
        {"humidity": np.nan},
        {"wind": np.nan},
        {"rain": np.nan},
        {"humidity": 100.5},
        {"humidity": -1.0},
        {"rain": -0.1},
        {"wind": -3.0},
        {"temperature": np.inf},
    ],
)
def test_missing_weather_carries_the_codes_and_counts(make: Make, broken) -> None:
    sound = make(temperature=[20.0, 20.0])
    start = Codes.start((2,), day=DAY - 1)
    first, _ = step(start, sound, latitude=23.0)
    gone = {name: np.array([20.0, value]) for name, value in broken.items()}
    second, found = step(first, make(DAY + 1, **gone), latitude=23.0)
    for name in CODES:
        assert getattr(second, name)[1] == getattr(first, name)[1]
        assert getattr(second, name)[0] != getattr(first, name)[0]
    for name in INDICES:
        assert np.isnan(getattr(found, name)).tolist() == [False, True]
    assert second.stale.tolist() == [0, 1]
    assert second.missed.tolist() == [0, 1]
    third, found = step(second, make(DAY + 2, temperature=[20.0, 20.0]), latitude=23.0)
    assert third.stale.tolist() == [0, 0]
    assert third.missed.tolist() == [0, 1]
    assert not np.isnan(found.fwi).any()


def test_days_left_out_are_counted_and_not_made_up(make: Make) -> None:
    first, _ = step(Codes.start((), day=DAY - 1), make(), latitude=23.0)
    later, _ = step(first, make(DAY + 5), latitude=23.0)
    next_day, _ = step(first, make(DAY + 1), latitude=23.0)
    assert later.dc == next_day.dc
    assert (int(later.missed), int(later.stale)) == (4, 0)
    gone, _ = step(first, make(DAY + 5, wind=np.nan), latitude=23.0)
    assert (int(gone.missed), int(gone.stale)) == (5, 5)


def test_the_state_given_is_left_alone(make: Make) -> None:
    start = Codes.start((3,), day=DAY - 1)
    before = {name: array.copy() for name, array in start.arrays().items()}
    step(start, make(temperature=[1.0, 20.0, np.nan]), latitude=23.0)
    for name, array in start.arrays().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_day_comes_once_and_in_order(make: Make) -> None:
    codes, _ = step(Codes.start((), day=DAY - 1), make(), latitude=23.0)
    for day in (DAY, DAY - 1):
        with pytest.raises(DataError, match="not later"):
            step(codes, make(day), latitude=23.0)


def test_shapes_must_agree(make: Make) -> None:
    start = Codes.start((2, 2), day=DAY - 1)
    with pytest.raises(DataError, match="shape"):
        step(start, make(), latitude=23.0)
    with pytest.raises(DataError, match="shape"):
        step(start, make(rain=np.zeros((2, 2))), latitude=np.zeros(4))
    with pytest.raises(ValueError, match="several shapes"):
        NoonWeather(
            day=1,
            temperature=np.zeros(1),
            humidity=np.zeros(2),
            wind=np.zeros(1),
            rain=np.zeros(1),
        )


@pytest.mark.parametrize("latitude", [90.1, -91.0, np.nan])
def test_latitudes_are_checked(make: Make, latitude) -> None:
    with pytest.raises(ConfigurationError, match="latitude"):
        step(Codes.start((), day=DAY - 1), make(), latitude=latitude)


def test_many_threads_find_the_same(make: Make) -> None:
    size = 300_000
    noise = np.random.default_rng(1)
    weather = make(
        temperature=noise.uniform(-5, 40, size),
        humidity=noise.uniform(-5, 105, size),
        wind=noise.uniform(0, 60, size),
        rain=noise.choice([0.0, 1.0, 3.0, 30.0, np.nan], size),
    )
    latitude = np.linspace(-60, 60, size)
    start = Codes.start((size,), day=DAY - 1)
    one, found = step(start, weather, latitude=latitude)
    two, again = step(start, weather, latitude=latitude, threads=3)
    for name in (*CODES, "stale"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    for name in INDICES:
        np.testing.assert_array_equal(getattr(found, name), getattr(again, name))


def test_a_grid_is_its_cells_one_by_one(make: Make) -> None:
    latitude = np.array([[-45.0, -25.0, -5.0], [15.0, 25.0, 45.0]])
    codes = Codes.start((2, 3), day=DAY - 1)
    whole, found = step(
        codes, make(temperature=np.full((2, 3), 30.0)), latitude=latitude
    )
    for at in np.ndindex(2, 3):
        one, alone = step(
            Codes.start((), day=DAY - 1), make(temperature=30.0), latitude=latitude[at]
        )
        assert (one.dmc, one.dc) == (whole.dmc[at], whole.dc[at])
        assert alone.fwi == found.fwi[at]


def test_start_up_and_method_are_kept(make: Make) -> None:
    method = Method(scale=147.27723, day_length="gfwed")
    start = Codes.start(
        (), day=DAY - 1, start_up=StartUp(ffmc=70, dmc=20, dc=200), method=method
    )
    after, _ = step(start, make(), latitude=23.0)
    assert after.method == method
    assert after.dmc > 20
    assert after.dc > 200
    with pytest.raises(ConfigurationError, match="cannot be"):
        StartUp(ffmc=102)
    with pytest.raises(ConfigurationError, match="cannot be"):
        StartUp(dc=float("nan"))
    with pytest.raises(ConfigurationError, match="no method"):
        Method(scale=1.0)


@pytest.mark.parametrize(
    ("month", "latitude", "hours", "factor"),
    [
        (1, 45.0, 6.5, -1.6),
        (7, 30.1, 12.4, 6.4),
        (7, 30.0, 10.1, 6.4),  # cffdrs counts the edge to the south
        (7, 20.1, 10.1, 6.4),
        (7, 20.0, 10.1, 1.4),
        (7, 10.0, 9.0, 1.4),
        (1, -10.0, 10.1, 1.4),
        (1, -20.0, 10.1, 6.4),
        (1, -30.0, 11.5, 6.4),
        (12, -35.0, 11.8, 5.8),
    ],
)
def test_bands_are_those_of_cffdrs(make: Make, month, latitude, hours, factor) -> None:
    day = epoch_day(date(2024, month, 15))
    start = Codes.start((), day=day - 1)
    after, _ = step(start, make(day), latitude=latitude)
    drying = 1.894e-4 * 21.1 * 60 * hours
    assert after.dmc == pytest.approx(6 + drying, abs=1e-9)
    assert after.dc == pytest.approx(15 + (0.36 * 22.8 + factor) / 2, abs=1e-9)


@pytest.mark.parametrize(
    ("latitude", "hours", "factor"),
    [(30.0, 12.4, 6.4), (15.0, 10.1, 6.4), (14.9, 9.0, 1.39), (-15.0, 9.0, 1.39)],
)
def test_bands_of_gfwed(make: Make, latitude, hours, factor) -> None:
    day = epoch_day(date(2024, 7, 15))
    start = Codes.start((), day=day - 1, method=Method(day_length="gfwed"))
    after, _ = step(start, make(day), latitude=latitude)
    assert after.dmc == pytest.approx(6 + 1.894e-4 * 21.1 * 60 * hours, abs=1e-9)
    assert after.dc == pytest.approx(15 + (0.36 * 22.8 + factor) / 2, abs=1e-9)
