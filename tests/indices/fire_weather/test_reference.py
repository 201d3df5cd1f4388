"""Against other programs: the reference series of cffdrs, and xclim."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from tests.indices.fire_weather.conftest import DAY, Make, stack

from agroforest.core.weather import NoonWeather
from agroforest.indices.fire_weather import (
    EXACT_SCALE,
    Codes,
    Method,
    StartUp,
    find_season,
    overwinter,
    step,
)

SIX = ("ffmc", "dmc", "dc", "isi", "bui", "fwi")


def run(
    weather: list[NoonWeather],
    *,
    latitude: float | NDArray[np.float64],
    start: StartUp | None = None,
    method: Method | None = None,
    active: NDArray[np.bool_] | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Step through days; with seasons, from a winter whose autumn is not known."""
    codes = Codes.start(
        weather[0].shape,
        day=weather[0].day - 1,
        start_up=start,
        method=method,
        resting=active is not None,
    )
    days = []
    for i, today in enumerate(weather):
        on = None if active is None else active[i]
        codes, found = step(codes, today, latitude=latitude, active=on)
        days.append((codes, found))
    return stack(days)


def series(data: xr.Dataset) -> list[NoonWeather]:
    first = data.time.values.astype("datetime64[D]").astype(int)
    return [
        NoonWeather(
            day=int(day),
            temperature=np.array(float(data.tas[i])),
            humidity=np.array(float(data.rh[i])),
            wind=np.array(float(data.ws[i])),
            rain=np.array(float(data.pr[i])),
        )
        for i, day in enumerate(first)
    ]


@pytest.mark.data
@pytest.mark.golden
def test_both_runs_of_cffdrs_1_8(data_dir: Path) -> None:
    """Scale 147.2; the second run starts where the first ended."""
    data = xr.open_dataset(data_dir / "fwi_reference" / "cffdrs_test_fwi.nc")
    weather = series(data)
    first = run(weather, latitude=40.0)
    last = {name: float(first[name][-1]) for name in ("ffmc", "dmc", "dc")}
    second = run(weather, latitude=40.0, start=StartUp(**last))
    for number, found in enumerate((first, second)):
        for name in SIX:
            expected = data[name].values[number]
            np.testing.assert_allclose(found[name], expected, atol=1e-9, err_msg=name)


@pytest.mark.data
@pytest.mark.golden
def test_the_table_of_48_days(data_dir: Path) -> None:
    """One decimal, scale 147.27723: half a unit of the last place."""
    path = data_dir / "fwi_reference" / "van_wagner_48_days.csv"
    table = np.genfromtxt(path, delimiter=",", names=True)
    weather = [
        NoonWeather(
            day=DAY + i,  # April and May, as in the table
            temperature=np.array(row["TEMP"]),
            humidity=np.array(row["RH"]),
            wind=np.array(row["WS"]),
            rain=np.array(row["PREC"]),
        )
        for i, row in enumerate(table)
    ]
    weather = [w.patch(day=w.day + 12) for w in weather]
    assert (weather[0].date.month, weather[0].date.day) == (4, 13)
    found = run(weather, latitude=40.0, method=Method(scale=EXACT_SCALE))
    for name in SIX:
        worst = np.abs(found[name] - table[name.upper()]).max()
        assert worst <= 0.05, (name, worst)
    assert np.abs(found["dsr"] - table["DSR"]).max() <= 0.005


def made_year(size: int, make: Make) -> list[NoonWeather]:
    """A year of wild weather at `size` places."""
    noise = np.random.default_rng(1987)
    days = []
    for i in range(366):
        wet = noise.random(size) < 0.3
        days.append(
            make(
                DAY + i,
                temperature=noise.normal(15, 12, size),
                humidity=noise.uniform(8, 100, size),
                wind=noise.gamma(2, 8, size),
                rain=np.where(wet, noise.gamma(0.6, 12, size), 0.0),
            )
        )
    return days


@pytest.mark.slow
@pytest.mark.golden
def test_xclim_finds_the_same(make: Make) -> None:
    """Every band of latitude, a year of days, to a thousandth."""
    from xclim.indices.fire import fire_weather_ufunc  # noqa: PLC0415  five seconds

    latitude = np.array([-50.0, -30.0, -22.0, -15.0, 0.0, 14.9, 15.0, 22.8, 30.0, 60.0])
    weather = made_year(len(latitude), make)
    time = np.array([w.day for w in weather], "datetime64[D]").astype("datetime64[ns]")

    def field(name: str) -> xr.DataArray:
        values = np.stack([getattr(w, name) for w in weather], axis=-1)
        return xr.DataArray(values, dims=("cell", "time"), coords={"time": time})

    expected = fire_weather_ufunc(
        tas=field("temperature"),
        pr=field("rain"),
        hurs=field("humidity"),
        sfcWind=field("wind"),
        lat=xr.DataArray(latitude, dims="cell"),
        dc0=xr.full_like(xr.DataArray(latitude, dims="cell"), 15.0),
        dmc0=xr.full_like(xr.DataArray(latitude, dims="cell"), 6.0),
        ffmc0=xr.full_like(xr.DataArray(latitude, dims="cell"), 85.0),
    )
    found = run(weather, latitude=latitude, method=Method(day_length="gfwed"))
    for name in (*SIX, "dsr"):
        theirs = expected[name.upper()].values.T
        np.testing.assert_allclose(found[name], theirs, atol=1e-3, err_msg=name)


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.golden
@pytest.mark.parametrize("number", [1, 2, 3])
def test_seasons_and_winters_are_those_of_xclim(data_dir: Path, number: int) -> None:
    """Two summers and the winter between them, three times: real weather, 49° N."""
    from xclim.indices.fire import (  # noqa: PLC0415  five seconds
        fire_season,
        fire_weather_ufunc,
    )

    data = xr.open_dataset(data_dir / "fwi_reference" / "cffdrs_test_wDC.nc")
    data = data.isel(time=data.id.values == number)
    data["rh"] = data.rh.clip(max=100.0)  # 27 days have 100.01
    assert (np.diff(data.time.values).astype("timedelta64[D]").astype(int) == 1).all()
    data.tasmax.attrs["units"] = "degC"
    mask = fire_season(data.tasmax, method="WF93", freq=None)
    own = find_season(data.tasmax.values)
    np.testing.assert_array_equal(own, mask.values)
    assert int(np.abs(np.diff(own.astype(int))).sum()) >= 3
    one = xr.DataArray(np.nan)
    with np.errstate(invalid="ignore"):  # it computes winters, as NaN
        expected = fire_weather_ufunc(
            tas=data.tas,
            pr=data.pr,
            hurs=data.rh,
            sfcWind=data.ws,
            lat=xr.DataArray(49.4625),
            dc0=one,
            dmc0=one,
            ffmc0=one,
            season_mask=mask,
            overwintering=True,
        )
    weather = series(data)
    found = run(weather, latitude=49.4625, active=own)
    for name in SIX:
        theirs = expected[name.upper()].values
        np.testing.assert_allclose(found[name][own], theirs[own], atol=1e-3)
    for name in ("isi", "bui", "fwi"):
        assert np.isnan(found[name][~own]).all()


def test_overwintering_of_cffdrs() -> None:
    """Examples of its manual page; the numbers from Lawson & Armitage Eqs. 2 to 4."""
    found = overwinter(np.array([300.0, 400.0]), np.array([110.0, 500.0]))
    spring = 0.75 * 800 * np.exp(-0.75) + 0.75 * 3.94 * 110
    np.testing.assert_allclose(found, [400 * np.log(800 / spring), 15.0])
