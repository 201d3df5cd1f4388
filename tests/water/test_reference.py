"""Reference evapotranspiration: worked examples, another program, less weather."""

from typing import Any

import numpy as np
import pytest
from pyfao56 import refet

from agroforest.core.errors import ConfigurationError
from agroforest.core.field import DailyWeather
from agroforest.water.reference import (
    Origin,
    find_day_of_year,
    find_hargreaves,
    find_reference_et,
    find_sky_radiation,
    norm_wind,
)

#: 6 July, a year without a leap day.
JULY = 187 - 1 + int(np.datetime64("2015-01-01").astype(int))


def station(days: int = 1, **columns: object) -> DailyWeather:
    missing = np.full(days, np.nan)
    names = ("t_max", "t_min", "radiation", "vapour", "dew_point", "rh_max", "rh_min")
    values: dict[str, object] = dict.fromkeys((*names, "wind", "reference_et"), missing)
    values |= {"rain": np.zeros(days), "latitude": 50.8, "elevation": 100.0}
    for name, value in columns.items():
        scalar = name in {"latitude", "elevation", "wind_height", "tall"}
        values[name] = value if scalar else np.full(days, value)
    return DailyWeather(
        days=np.arange(JULY, JULY + days),
        **values,  # type: ignore[arg-type]
    )


def test_fao_56_example_18() -> None:
    # Uccle, 6 July: 3.9 mm.
    found = find_reference_et(
        station(
            t_max=21.5,
            t_min=12.3,
            rh_max=84.0,
            rh_min=63.0,
            wind=2.78,
            radiation=22.07,
            wind_height=10.0,
        )
    )
    assert found.eto[0] == pytest.approx(3.88, abs=0.01)
    assert found.origin[0] == Origin.MEASURED


def test_fao_56_example_20_without_radiation_humidity_and_wind() -> None:
    # Lyon, July: 5.0 mm by the estimates of chapter 3, to which Hargreaves is close.
    found = find_reference_et(
        station(t_max=26.6, t_min=14.8, latitude=45.72, elevation=200.0)
    )
    assert found.eto[0] == pytest.approx(5.0, abs=0.3)
    assert found.origin[0] == Origin.TEMPERATURE_ONLY


def test_fao_56_example_8_sky_radiation() -> None:
    # 3 September at 20 degrees south: 32.2 MJ.
    assert find_sky_radiation(-20.0, np.array([246.0]))[0] == pytest.approx(
        32.2, abs=0.05
    )


def test_the_sun_that_does_not_rise_gives_nothing() -> None:
    assert find_sky_radiation(80.0, np.array([355.0]))[0] == pytest.approx(0, abs=1e-9)
    assert find_sky_radiation(80.0, np.array([172.0]))[0] > 40


def test_wind_profile() -> None:
    # FAO-56 Example 14: 3.2 m/s at 10 m are 2.4 m/s at 2 m.
    assert norm_wind(3.2, 10.0) == pytest.approx(2.4, abs=0.01)
    assert norm_wind(3.2, 2.0) == pytest.approx(3.2, rel=1e-3)


def test_day_of_year() -> None:
    days = np.array(["2020-01-01", "2020-12-31", "2021-12-31"], "datetime64[D]")
    assert find_day_of_year(days.astype(np.int64)).tolist() == [1, 366, 365]


@pytest.mark.golden
@pytest.mark.parametrize("tall", [False, True])
def test_every_way_to_measure_humidity_gives_their_numbers(*, tall: bool) -> None:
    chance = np.random.default_rng(3)
    ways: list[dict[str, Any]] = [
        {"vapour": 1.5, "dew_point": 9.0},
        {"dew_point": 9.0, "rh_max": 90.0, "rh_min": 40.0},
        {"rh_max": 90.0, "rh_min": 40.0},
        {"rh_max": 90.0},
        {"rh_min": 40.0},
        {},
    ]
    for way in ways:
        values: dict[str, Any] = {
            "t_max": chance.uniform(20, 38),
            "t_min": chance.uniform(5, 19),
            "radiation": chance.uniform(3, 30),
            "wind": chance.uniform(0.2, 8),
        }
        found = find_reference_et(station(**values, **way, wind_height=3.0, tall=tall))
        theirs = refet.ascedaily(
            "T" if tall else "S",
            100.0,
            50.8,
            187.0,
            values["radiation"],
            values["t_max"],
            values["t_min"],
            way.get("vapour", np.nan),
            way.get("dew_point", np.nan),
            way.get("rh_max", np.nan),
            way.get("rh_min", np.nan),
            values["wind"],
            3.0,
        )
        assert found.eto[0] == pytest.approx(theirs, rel=1e-12)


def test_what_is_given_is_kept_and_needs_no_place() -> None:
    found = find_reference_et(
        station(reference_et=4.2, latitude=np.nan, elevation=np.nan)
    )
    assert found.eto[0] == 4.2
    assert found.count() == {Origin.GIVEN: 1}


def test_each_day_says_how_it_came_about() -> None:
    weather = station(5, t_max=30.0, t_min=20.0, rain=0.0, latitude=22.8)
    nan = np.nan
    weather = weather.patch(
        reference_et=np.array([4.0, nan, nan, nan, nan]),
        radiation=np.array([nan, 20.0, nan, nan, nan]),
        rh_min=np.array([nan, 50.0, 50.0, nan, nan]),
        wind=np.array([nan, 2.0, 2.0, 2.0, nan]),
        t_max=np.array([30.0, 30.0, 30.0, 30.0, nan]),
    )
    found = find_reference_et(weather)
    assert found.origin.tolist() == [
        Origin.GIVEN,
        Origin.MEASURED,
        Origin.RADIATION_ESTIMATED,
        Origin.TEMPERATURE_ONLY,
        Origin.MISSING,
    ]
    assert np.isnan(found.eto[4])
    assert np.all(found.eto[:4] > 0)


def test_alfalfa_is_never_hargreaves() -> None:
    found = find_reference_et(station(t_max=30.0, t_min=20.0, tall=True))
    assert found.origin[0] == Origin.RADIATION_ESTIMATED


def test_a_day_to_be_computed_needs_a_place() -> None:
    with pytest.raises(ConfigurationError, match="no latitude; give the station's"):
        find_reference_et(station(t_max=30.0, t_min=20.0, latitude=np.nan))


def test_no_range_of_temperature_gives_no_radiation() -> None:
    flat = np.array([20.0])
    assert find_hargreaves(np.array([35.0]), t_max=flat, t_min=flat + 1)[0] == 0
