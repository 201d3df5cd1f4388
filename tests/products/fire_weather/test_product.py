"""Fire weather of files: stations with gaps and classes, grids, states."""

import csv
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.indices.fire_weather import Codes, Method, StartUp
from agroforest.products.fire_weather import FireWeatherRequest, write_fire_weather
from agroforest.products.fire_weather.saved import load_codes, save_codes

START = date(2015, 1, 1)


def series(path: Path, days, *, latitude: str = "23") -> Path:
    """A table of a station on some days; weather follows from the day."""
    with path.open("w", encoding="utf-8") as file:
        file.write("id,lat,date,temp,rh,wind,prec\n")
        for i in days:
            day = START + timedelta(days=i)
            rain = 12.5 if i % 9 == 4 else 0.0
            weather = f"{18 + i % 17},{25 + i * 13 % 70},{i * 5 % 31},{rain}"
            file.write(f"x,{latitude},{day},{weather}\n")
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def grid(path: Path, days: int = 4) -> Path:
    """The same weather in every cell, but for one that misses a day."""
    i = np.arange(days)
    dims = ("time", "lat", "lon")
    one = np.ones((days, 2, 3))
    fields = {
        "tas": (18 + i % 17, "degC"),
        "hurs": (25 + i * 13 % 70, "%"),
        "sfcWind": (i * 5 % 31, "km/h"),
        "pr": (np.where(i % 9 == 4, 12.5, 0.0), "mm"),
    }
    data = xr.Dataset(
        {
            name: (dims, values[:, None, None] * one, {"units": unit})
            for name, (values, unit) in fields.items()
        },
        coords={
            "time": np.datetime64(START, "ns") + i * np.timedelta64(1, "D"),
            "lat": [23.0, -35.0],
            "lon": [108.0, 109.0, 110.0],
        },
    )
    data.hurs[1, 0, 2] = np.nan
    data.to_netcdf(path)
    return path


def test_codes_are_carried_over_a_gap_and_it_is_named(tmp_path: Path) -> None:
    path = series(tmp_path / "s.csv", [0, 1, 2, 41, 42])
    report = write_fire_weather(
        FireWeatherRequest(weather=path, out=tmp_path / "o.csv")
    )
    assert report.gaps == (("2015-01-04", "2015-02-10"),)
    assert (report.missed, report.restarts, report.latitude) == (38, (), (23.0,))
    found = rows(tmp_path / "o.csv")
    assert len(found) == 5
    assert float(found[3]["dc"]) > float(found[2]["dc"])


def test_codes_may_begin_again_after_a_gap(tmp_path: Path) -> None:
    path = series(tmp_path / "s.csv", [0, 1, 2, 41, 42])
    report = write_fire_weather(
        FireWeatherRequest(weather=path, out=tmp_path / "o.csv", restart_after=37)
    )
    assert report.restarts == ("2015-02-11",)
    alone = series(tmp_path / "t.csv", [41, 42])
    write_fire_weather(FireWeatherRequest(weather=alone, out=tmp_path / "p.csv"))
    assert rows(tmp_path / "o.csv")[3:] == rows(tmp_path / "p.csv")
    report = write_fire_weather(
        FireWeatherRequest(weather=path, out=tmp_path / "o.csv", restart_after=38)
    )
    assert report.restarts == ()


def test_rows_in_disorder_are_put_in_order(tmp_path: Path) -> None:
    one, two = tmp_path / "a.csv", tmp_path / "b.csv"
    write_fire_weather(
        FireWeatherRequest(weather=series(tmp_path / "s.csv", range(9)), out=one)
    )
    write_fire_weather(
        FireWeatherRequest(
            weather=series(tmp_path / "t.csv", [4, 8, 0, 1, 7, 2, 3, 6, 5]), out=two
        )
    )
    assert one.read_text() == two.read_text()


def test_local_classes_and_more_columns(tmp_path: Path) -> None:
    history = series(tmp_path / "h.csv", range(365 * 6))
    climate = tmp_path / "climate.csv"
    write_fire_weather(FireWeatherRequest(weather=history, out=climate))
    report = write_fire_weather(
        FireWeatherRequest(
            weather=history, out=tmp_path / "o.csv", climate=climate, extended=True
        )
    )
    found = rows(tmp_path / "o.csv")
    assert list(found[0])[7:] == ["dsr", "vpd_kpa", "missed", "forecast", "class"]
    fwi = np.array([float(row["fwi"]) for row in found])
    expected = 1 + np.searchsorted(report.class_limits, fwi, side="left")
    assert [int(row["class"]) for row in found] == expected.tolist()
    np.testing.assert_allclose(
        report.class_limits, np.percentile(fwi, [50, 75, 90, 97]), atol=1e-5
    )
    short = series(tmp_path / "s.csv", range(400))
    write_fire_weather(FireWeatherRequest(weather=short, out=tmp_path / "c.csv"))
    with pytest.raises(DataError, match=r"c\.csv: the longest history has 1 sound"):
        write_fire_weather(
            FireWeatherRequest(
                weather=short, out=tmp_path / "o.csv", climate=tmp_path / "c.csv"
            )
        )


def test_a_grid_is_its_stations(tmp_path: Path) -> None:
    report = write_fire_weather(
        FireWeatherRequest(
            weather=grid(tmp_path / "g.nc"), out=tmp_path / "o.nc", latitude=1.0
        )
    )
    assert (report.days, report.rows, report.used) == (4, 24, 23)
    assert report.latitude == (-35.0, 23.0)
    assert "the one given" in report.notes[-1]
    with xr.open_dataset(tmp_path / "o.nc") as found:
        assert found.attrs["ffmc_scale"] == 147.2
        for row, latitude in enumerate(("23", "-35")):
            path = series(tmp_path / "s.csv", range(4), latitude=latitude)
            out = tmp_path / f"{row}.csv"
            write_fire_weather(FireWeatherRequest(weather=path, out=out))
            for name in ("ffmc", "dmc", "dc", "isi", "bui", "fwi"):
                expected = [float(r[name]) for r in rows(out)]
                np.testing.assert_allclose(found[name][:, row, 0], expected, rtol=1e-5)
        assert np.isnan(found.fwi[1, 0, 2])
        assert float(found.dc[1, 0, 2]) == float(found.dc[0, 0, 2])
        assert found.missed[:, 0, 2].values.tolist() == [0, 1, 1, 1]


def test_a_grid_goes_on_with_its_codes(tmp_path: Path) -> None:
    path = grid(tmp_path / "g.nc")
    with xr.open_dataset(path) as data:
        data.isel(time=slice(0, 2)).to_netcdf(tmp_path / "1.nc")
        data.isel(time=slice(1, 4)).to_netcdf(tmp_path / "2.nc")
    write_fire_weather(FireWeatherRequest(weather=path, out=tmp_path / "o.nc"))
    _, report = [
        write_fire_weather(
            FireWeatherRequest(
                weather=tmp_path / f"{part}.nc",
                out=tmp_path / f"{part}o.nc",
                state=tmp_path / "c.npz",
            )
        )
        for part in ("1", "2")
    ]
    assert report.known == 1
    with (
        xr.open_dataset(tmp_path / "o.nc") as whole,
        xr.open_dataset(tmp_path / "2o.nc") as last,
    ):
        np.testing.assert_array_equal(whole.dc[2:], last.dc)
        np.testing.assert_array_equal(whole.missed[2:], last.missed)


def test_a_table_is_no_grid(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"end it in \.nc"):
        write_fire_weather(
            FireWeatherRequest(weather=grid(tmp_path / "g.nc"), out=tmp_path / "o.csv")
        )


def test_kept_codes_are_those_of_the_place_and_method(tmp_path: Path) -> None:
    codes = Codes.start((2,), day=5, start_up=StartUp(dc=123.456))
    path = tmp_path / "c.npz"
    assert load_codes(path, place="a", method=Method()) is None
    save_codes(path, codes, place="a")
    back = load_codes(path, place="a", method=Method())
    assert back is not None
    assert (back.day, back.dc.tolist()) == (5, [123.456, 123.456])
    with pytest.raises(ConfigurationError, match="is of 'a'"):
        load_codes(path, place="b", method=Method())
    with pytest.raises(ConfigurationError, match="scale"):
        load_codes(path, place="a", method=Method(scale=147.27723))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="holds no codes"):
        load_codes(path, place="a", method=Method())


def test_a_run_that_fails_leaves_the_codes_as_they_were(tmp_path: Path) -> None:
    state = tmp_path / "c.npz"
    good = series(tmp_path / "s.csv", range(3))
    write_fire_weather(
        FireWeatherRequest(weather=good, out=tmp_path / "o.csv", state=state)
    )
    before = state.read_bytes()
    folder = tmp_path / "taken.csv"
    folder.mkdir()
    more = series(tmp_path / "t.csv", range(6))
    with pytest.raises(OSError, match="directory"):
        write_fire_weather(FireWeatherRequest(weather=more, out=folder, state=state))
    assert state.read_bytes() == before
