"""Winters: resting, waking, and what rain leaves of the drought."""

import numpy as np
import pytest
from tests.indices.fire_weather.conftest import DAY, Make

from agroforest.core.errors import DataError
from agroforest.indices.fire_weather import Codes, find_season, overwinter, step


def test_the_season_of_a_made_year() -> None:
    celsius = np.array([0.0] * 5 + [13.0] * 6 + [4.0] * 6)
    on = find_season(celsius)
    # on from the day after three warm days, off the day after three cold ones
    assert np.flatnonzero(on).tolist() == list(range(8, 14))


def test_a_missing_day_turns_nothing() -> None:
    celsius = np.array([0.0, 0, 13, 13, np.nan, 13, 13, 13, 13])
    assert np.flatnonzero(find_season(celsius)).tolist() == [8]


def test_codes_rest_and_wake(make: Make) -> None:
    on, off = np.array([True, True]), np.array([True, False])
    codes = Codes.start((2,), day=DAY - 1)
    codes = codes.patch(dc=np.array([400.0, 400.0]))
    codes, _ = step(codes, make(rain=[0.0, 0.0]), latitude=45.0, active=on)
    autumn = codes.dc.copy()
    for i in range(3):
        codes, found = step(
            codes, make(DAY + 1 + i, rain=[0.0, 50.0]), latitude=45.0, active=off
        )
        assert np.isnan(found.fwi).tolist() == [False, True]
    assert codes.dc[1] == autumn[1]
    assert codes.winter_rain.tolist() == [0.0, 150.0]
    assert codes.missed.tolist() == [0, 0]
    awake, found = step(codes, make(DAY + 4, rain=[0, 0]), latitude=45.0, active=on)
    spring = overwinter(autumn, np.array([0.0, 150.0]))
    loss = (0.36 * 22.8 + 0.9) / 2
    assert awake.dc[1] == pytest.approx(spring[1] + loss)
    assert awake.winter_rain.tolist() == [0.0, 0.0]
    assert not np.isnan(found.fwi).any()


def test_a_dry_winter_keeps_more_drought_than_a_wet_one() -> None:
    dc = np.full(3, 500.0)
    found = overwinter(dc, np.array([0.0, 100.0, 200.0]))
    assert (np.diff(found) < 0).all()
    assert found.min() >= 15.0
    assert found[0] > 500  # a quarter of autumn's moisture is lost, none comes back


def test_a_season_has_the_shape_of_the_codes(make: Make) -> None:
    with pytest.raises(DataError, match="shape"):
        step(
            Codes.start((2,), day=DAY - 1),
            make(rain=[0.0, 0.0]),
            latitude=45.0,
            active=np.ones(3, bool),
        )
