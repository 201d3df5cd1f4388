"""Weather of stations and grids on the cells."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from tests.fire.conftest import write_weather

from agroforest.core.errors import ConfigurationError, NoInputError
from agroforest.fire.cells import Cells
from agroforest.fire.days import walk
from agroforest.fire.weather_on_cells import WeatherFile, open_weather


def _table(path: Path, *rows: str) -> WeatherFile:
    text = "\n".join(["date,temp,rh,wind,prec,id,lat,long,elev", *rows])
    path.write_text(text + "\n", encoding="utf-8")
    return WeatherFile(path=path)


def test_temperature_falls_with_height_and_the_air_grows_moister(
    tmp_path: Path, cells: Cells
) -> None:
    file = _table(tmp_path / "w.csv", "2024-03-01,25,40,10,0,a,22.84,108.34,100")
    heights = np.full(cells.grid.shape, 100.0)
    heights[0] = 1100.0
    today = open_weather(file, cells, elevation=heights).bring(19783)
    assert today.temperature[1] == pytest.approx(25.0)
    assert today.temperature[0] == pytest.approx(25.0 - 6.5)
    assert (today.humidity[0] > today.humidity[1]).all()


def test_without_a_stations_height_slopes_are_not_used_and_it_is_said(
    tmp_path: Path, cells: Cells
) -> None:
    file = WeatherFile(path=write_weather(tmp_path / "w.csv", date(2024, 3, 1), 5))
    found = open_weather(file, cells, elevation=np.full(cells.grid.shape, 900.0))
    assert any("no elevation" in note for note in found.notes)
    assert any("taken to be in the area" in note for note in found.notes)
    assert np.ptp(found.bring(int(found.days[0])).temperature) == pytest.approx(0)


def test_stations_far_away_are_refused(tmp_path: Path, cells: Cells) -> None:
    file = _table(tmp_path / "w.csv", "2024-03-01,25,40,10,0,a,30,108.34,100")
    with pytest.raises(ConfigurationError, match="km from the area"):
        open_weather(file, cells)


def test_a_day_of_one_station_only_is_taken_from_it(
    tmp_path: Path, cells: Cells
) -> None:
    file = _table(
        tmp_path / "w.csv",
        "2024-03-01,20,40,10,0,a,22.81,108.31,100",
        "2024-03-01,30,40,10,0,b,22.87,108.37,100",
        "2024-03-02,20,40,10,0,a,22.81,108.31,100",
    )
    found = open_weather(file, cells)
    assert found.days.tolist() == [19783, 19784]
    both, one = (found.bring(day).temperature for day in found.days.tolist())
    assert both[-1, 0] < both[0, -1]
    assert one == pytest.approx(20.0)
    past = list(found.past())
    assert np.isnan(past[1].temperature[1])
    assert set(np.unique(found.nearest)) == {0, 1}


def _grid(path: Path, days: int = 30) -> WeatherFile:
    latitude = np.arange(23.2, 22.4, -0.1)
    longitude = np.arange(108.0, 109.0, 0.1)
    shape = (days, len(latitude), len(longitude))
    noise = np.random.default_rng(2)
    dims = ("time", "latitude", "longitude")
    xr.Dataset(
        {
            "t2m": (dims, noise.uniform(293, 308, shape), {"units": "K"}),
            "r2": (dims, noise.uniform(20, 90, shape), {"units": "%"}),
            "si10": (dims, noise.uniform(0, 8, shape), {"units": "m s-1"}),
            "tp": (dims, noise.gamma(0.3, 5, shape), {"units": "mm"}),
        },
        coords={
            "time": np.datetime64("2024-03-01", "ns")
            + np.arange(days) * np.timedelta64(1, "D"),
            "latitude": latitude,
            "longitude": longitude,
        },
    ).to_netcdf(path)
    return WeatherFile(path=path)


def test_grids_give_weather_and_places_of_the_area_only(
    tmp_path: Path, cells: Cells
) -> None:
    found = open_weather(_grid(tmp_path / "w.nc"), cells)
    days = list(walk(found, first=int(found.days[-3]), last=int(found.days[-1])))
    assert [day.led for day in days] == [28, 29, 30]
    assert np.isfinite(days[-1].indices.fwi).all()
    places = next(iter(found.past())).shape[0]
    assert 1 < places < 12  # of 80
    assert found.nearest.max() == places - 1
    limits, problem = found.find_classes()
    assert "Europe" in problem
    assert found.spread(limits).classify(days[-1].indices.fwi).min() >= 1


def test_a_gap_breaks_the_dry_spell(tmp_path: Path, cells: Cells) -> None:
    rows = [
        f"2024-03-{n:02d},25,40,10,{5 if n == 1 else 0},a,22.84,108.34,100"
        for n in (1, 2, 3, 4, 7, 8)
    ]
    found = open_weather(_table(tmp_path / "w.csv", *rows), cells)
    days = list(walk(found, first=19783, last=19790))
    assert [int(day.spell.days[0, 0]) for day in days][:4] == [0, 1, 2, 3]
    assert np.isnan(days[-1].spell.rain).all()  # not known since the gap


def test_days_that_are_not_there_are_named(tmp_path: Path, cells: Cells) -> None:
    file = WeatherFile(path=write_weather(tmp_path / "w.csv", date(2024, 3, 1), 5))
    found = open_weather(file, cells)
    with pytest.raises(NoInputError, match="2024-03-01 to 2024-03-05"):
        next(walk(found, first=19000, last=19001))
