"""Gridded files: names of several makers, units read, noon and rain of a day."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from tests.weather.conftest import (
    HOURS,
    LATITUDE,
    LONGITUDE,
    era5_land,
    hourly_rain,
)

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.weather import find_saturation
from agroforest.weather import read_gridded

NOON = 5  # UTC, at 108° E


@pytest.fixture
def path(tmp_path: Path) -> Path:
    era5_land().to_netcdf(tmp_path / "w.nc")
    return tmp_path / "w.nc"


def daily(**units: str) -> xr.Dataset:
    """Two days at noon, CF names."""
    times = np.array(["2024-03-01", "2024-03-02"], "datetime64[ns]")
    said = {"tas": "degC", "hurs": "%", "sfcWind": "km/h", "pr": "mm/d"} | units
    values = {"tas": 20.0, "hurs": 40.0, "sfcWind": 10.0, "pr": 3.0}
    dims = ("time", "lat", "lon")
    return xr.Dataset(
        {
            n: (dims, np.full((2, 3, 4), v), {"units": said[n]})
            for n, v in values.items()
        },
        coords={"time": times, "lat": LATITUDE, "lon": LONGITUDE},
    )


def test_era5_land(path: Path) -> None:
    found = read_gridded(path, source="era5-land")
    first = np.datetime64("2024-03-01", "D").astype(int)
    assert found.days.tolist() == [first, first + 1, first + 2]
    hour = np.array([NOON, NOON + 24, NOON + 48])
    kelvin = era5_land().t2m.values[hour]
    np.testing.assert_allclose(found.temperature, kelvin - 273.15)
    wet, dry = find_saturation(np.array(285 - 273.15)), find_saturation(kelvin - 273.15)
    np.testing.assert_allclose(found.humidity, 100 * wet / dry)
    np.testing.assert_allclose(found.wind, 5 * 3.6)
    rain = hourly_rain()
    assert np.isnan(found.rain[0]).all()  # only five hours are known
    for day in (1, 2):
        expected = rain[hour[day] - 23 : hour[day] + 1].sum(axis=0)
        np.testing.assert_allclose(found.rain[day], expected, atol=1e-9)
    assert found.dims == ("latitude", "longitude")
    assert found.is_grid
    assert found.cell_latitude()[:, 0].tolist() == LATITUDE.tolist()
    assert found.notes == ("noon is 5 UTC",)
    assert not found.forecast.any()
    assert [w.shape for w in found] == [(3, 4)] * 3


def test_the_source_must_be_named(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="era5-land"):
        read_gridded(path)


def test_the_wrong_source_is_found_out(tmp_path: Path) -> None:
    data = era5_land()
    data["tp"] = (data.tp.dims, hourly_rain() / 1000, {"units": "m"})
    data.to_netcdf(tmp_path / "w.nc")
    with pytest.raises(DataError, match="rain falls"):
        read_gridded(tmp_path / "w.nc", source="era5-land")
    found = read_gridded(tmp_path / "w.nc", source="era5")
    expected = hourly_rain()[NOON + 1 : NOON + 25].sum(axis=0)
    np.testing.assert_allclose(found.rain[1], expected, atol=1e-9)


def test_another_noon(path: Path) -> None:
    found = read_gridded(path, source="era5-land", utc_offset=8)
    kelvin = era5_land().t2m.values[[4, 28, 52]]
    np.testing.assert_allclose(found.temperature, kelvin - 273.15)


def test_zarr_is_read_alike(path: Path, tmp_path: Path) -> None:
    era5_land().to_zarr(tmp_path / "w.zarr", zarr_format=2, consolidated=True)
    one = read_gridded(path, source="era5-land")
    two = read_gridded(tmp_path / "w.zarr", source="era5-land")
    np.testing.assert_array_equal(one.rain, two.rain)
    np.testing.assert_array_equal(one.humidity, two.humidity)


def test_a_gfs_forecast_of_runs_and_steps(tmp_path: Path) -> None:
    """As cfgrib writes it: a run, 3-hourly steps, sums of six hours, 0-360 degrees."""
    steps = np.arange(3, 55, 3)
    run = np.datetime64("2024-03-01T00:00", "ns")
    shape = (len(steps), 2, 2)
    rain = np.where(steps % 6 == 3, 1.0, 3.0)[:, None, None] + np.zeros(shape)
    dims = ("step", "latitude", "longitude")
    data = xr.Dataset(
        {
            "t2m": (dims, np.full(shape, 295.0), {"units": "K"}),
            "r2": (dims, np.full(shape, 55.0), {"units": "%"}),
            "u10": (dims, np.full(shape, 0.0), {"units": "m s**-1"}),
            "v10": (dims, np.full(shape, 2.0), {"units": "m s**-1"}),
            "tp": (dims, rain, {"units": "kg m**-2"}),
        },
        coords={
            "step": steps.astype("timedelta64[h]").astype("timedelta64[ns]"),
            "time": run,
            "valid_time": ("step", run + steps.astype("timedelta64[h]")),
            "latitude": [23.0, 22.75],
            "longitude": [251.75, 252.0],
        },
    )
    data.to_netcdf(tmp_path / "gfs.nc")
    found = read_gridded(tmp_path / "gfs.nc", source="gfs")
    assert found.longitude.tolist() == [-108.25, -108.0]
    # noon at 108° W is 19 UTC; the nearest step is 18 UTC
    assert len(found.days) == 2
    assert "1 h from noon" in found.notes[1]
    assert found.forecast.tolist() == [True, True]
    np.testing.assert_allclose(found.rain[1], 12.0)  # four buckets of 3 mm
    np.testing.assert_allclose(found.wind, 7.2)


def test_daily_files_hold_noon_and_rates_are_days(tmp_path: Path) -> None:
    daily().to_netcdf(tmp_path / "d.nc")
    found = read_gridded(tmp_path / "d.nc")
    np.testing.assert_allclose(found.rain, 3.0)
    np.testing.assert_allclose(found.wind, 10.0)
    daily(pr="mm", sfcWind="m s-1", hurs="1").to_netcdf(tmp_path / "e.nc")
    with pytest.raises(DataError, match="humidity above 100"):
        read_gridded(tmp_path / "e.nc")


def test_points_are_read_as_they_come(tmp_path: Path) -> None:
    """GFWED's sample of xclim is a list of places."""
    grid = daily().stack(loc=("lat", "lon")).reset_index("loc")
    grid.to_netcdf(tmp_path / "p.nc")
    found = read_gridded(tmp_path / "p.nc")
    assert (found.is_grid, found.dims, found.rain.shape) == (False, ("loc",), (2, 12))
    assert found.cell_latitude().tolist() == np.repeat(LATITUDE, 4).tolist()


def test_names_of_cma(tmp_path: Path) -> None:
    names = {"tas": "TEM", "hurs": "RHU", "sfcWind": "WIN_S_Avg_10mi", "pr": "PRE"}
    data = daily(pr="mm", sfcWind="m/s").rename(names)
    data.to_netcdf(tmp_path / "c.nc")
    found = read_gridded(tmp_path / "c.nc")
    np.testing.assert_allclose(found.wind, 36.0)
    np.testing.assert_allclose(found.rain, 3.0)


def test_specific_humidity_of_cldas(tmp_path: Path) -> None:
    """20 °C, 1000 hPa and 7.25 g/kg are half saturated (e = 1.169 kPa)."""
    data = daily(hurs="g/kg", pr="mm").rename(hurs="QAIR", tas="TAIR", pr="PRE")
    data["QAIR"][:] = 1000 * 0.622 * 1.16914 / (100 - 0.378 * 1.16914)
    data["PAIR"] = (data.QAIR.dims, np.full((2, 3, 4), 1000.0), {"units": "hPa"})
    data.to_netcdf(tmp_path / "c.nc")
    np.testing.assert_allclose(read_gridded(tmp_path / "c.nc").humidity, 50, atol=1e-3)
    data.drop_vars("PAIR").to_netcdf(tmp_path / "d.nc")
    with pytest.raises(ConfigurationError, match="specific humidity with pressure"):
        read_gridded(tmp_path / "d.nc")


def test_standard_names_serve_where_short_names_do_not(tmp_path: Path) -> None:
    data = daily().rename(tas="a", hurs="b", sfcWind="c", pr="d")
    standard = {
        "a": "air_temperature",
        "b": "relative_humidity",
        "c": "wind_speed",
        "d": "precipitation_flux",
    }
    for name, said in standard.items():
        data[name].attrs["standard_name"] = said
    data.to_netcdf(tmp_path / "s.nc")
    assert read_gridded(tmp_path / "s.nc").temperature.shape == (2, 3, 4)
    data["e"] = data["a"]
    data.to_netcdf(tmp_path / "t.nc")
    with pytest.raises(ConfigurationError, match="several variables of temperature"):
        read_gridded(tmp_path / "t.nc")


def test_old_and_new_era5_in_one_file(tmp_path: Path) -> None:
    data = era5_land()
    old = data.where(np.arange(HOURS)[:, None, None] < 40)
    new = data.where(np.arange(HOURS)[:, None, None] >= 40)
    both = xr.concat([old, new], xr.DataArray([1, 5], dims="expver", name="expver"))
    for name, variable in both.data_vars.items():
        variable.attrs = data[name].attrs
    both.to_netcdf(tmp_path / "w.nc")
    found = read_gridded(tmp_path / "w.nc", source="era5-land")
    data.to_netcdf(tmp_path / "x.nc")
    expected = read_gridded(tmp_path / "x.nc", source="era5-land")
    np.testing.assert_array_equal(found.rain, expected.rain)
    np.testing.assert_array_equal(found.temperature, expected.temperature)


def test_numbers_that_cannot_be_are_counted(tmp_path: Path) -> None:
    data = daily()
    data.hurs[0, 0, 0], data.hurs[0, 0, 1], data.hurs[0, 0, 2] = 120.0, 0.5, 100.04
    data.pr[1, 1, 1] = -2.0
    data.tas[1, 2, 3] = 290.0
    data.sfcWind[0, 2, 2] = -1.0
    data.to_netcdf(tmp_path / "d.nc")
    found = read_gridded(tmp_path / "d.nc")
    assert found.refused == {
        "temperature that cannot be": 1,
        "humidity above 100": 1,
        "humidity below 1": 1,
        "wind that cannot be": 1,
        "negative rain": 1,
    }
    assert np.isnan(found.humidity).sum() == 2
    assert found.humidity[0, 0, 2] == 100.0  # rounding
    assert np.isnan(found.rain).sum() == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.drop_vars("pr"), "has no rain"),
        (lambda d: d.drop_vars(["tas", "sfcWind"]), "has no temperature, no wind"),
        (lambda d: d.rename(time="month"), "no dimension of time"),
        (lambda d: d.drop_vars("lat"), "no latitude"),
        (lambda d: d.assign_coords(time=[1, 2]), "without a calendar"),
        (lambda d: d.isel(time=[0, 0]), "a time twice"),
        (lambda d: d.assign_coords(lat=LATITUDE + 90), "beyond 90"),
        (lambda d: d.assign(tas=d.tas.isel(lat=0, drop=True)), "several kinds"),
    ],
)
def test_files_of_another_kind(tmp_path: Path, change, words) -> None:
    change(daily()).to_netcdf(tmp_path / "d.nc")
    with pytest.raises((DataError, ConfigurationError), match=words):
        read_gridded(tmp_path / "d.nc")


def test_units_are_read_and_never_guessed(tmp_path: Path) -> None:
    data = daily()
    del data.tas.attrs["units"]
    data.to_netcdf(tmp_path / "d.nc")
    with pytest.raises(ConfigurationError, match=r"d\.nc: tas: has no unit"):
        read_gridded(tmp_path / "d.nc")


def test_forecast_days_can_be_named(tmp_path: Path) -> None:
    daily().to_netcdf(tmp_path / "d.nc")
    found = read_gridded(tmp_path / "d.nc", forecast_from=date(2024, 3, 2))
    assert found.forecast.tolist() == [False, True]


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not there"):
        read_gridded(tmp_path / "x.nc")
    (tmp_path / "x.nc").write_text("no", encoding="utf-8")
    with pytest.raises(DataError, match="neither NetCDF nor Zarr"):
        read_gridded(tmp_path / "x.nc")
