"""Fuel from maps, and from inputs of the model."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from tests.fire.conftest import write_raster

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.fire.cells import Cells
from agroforest.fire.fuel import date_maps, read_fuel_moisture, read_ndmi


def _maps(folder: Path, cells: Cells, levels: dict[str, float]) -> list[Path]:
    return [
        write_raster(
            folder / f"49QCE_{day}_NDMI.tif",
            np.full(cells.grid.shape, level, np.float32),
            cells.grid,
        )
        for day, level in levels.items()
    ]


YEARS = {
    "2016-03-02": 0.20,
    "2017-03-12": 0.30,
    "2018-02-20": 0.25,
    "2019-03-01": 0.25,
}


def test_anomaly_is_counted_in_deviations_of_the_season(
    tmp_path: Path, cells: Cells
) -> None:
    levels = YEARS | {"2018-08-01": 0.9, "2020-03-01": 0.15}
    maps = date_maps(_maps(tmp_path, cells, levels))
    ndmi, anomaly = read_ndmi(maps, cells, date(2020, 3, 10))
    assert ndmi.values == pytest.approx(0.15)
    spread = np.std([0.2, 0.3, 0.25, 0.25], ddof=1)
    assert anomaly.values == pytest.approx((0.15 - 0.25) / spread, rel=1e-4)


def test_maps_of_the_future_and_old_ones_are_not_looked_at(
    tmp_path: Path, cells: Cells
) -> None:
    maps = date_maps(_maps(tmp_path, cells, YEARS | {"2020-03-01": 0.15}))
    ndmi, anomaly = read_ndmi(maps, cells, date(2020, 2, 20))
    assert ndmi.missing
    assert anomaly.missing
    assert "60 days" in ndmi.source


def test_few_years_give_no_normal(tmp_path: Path, cells: Cells) -> None:
    levels = {"2018-03-01": 0.3, "2019-03-01": 0.3, "2020-03-01": 0.1}
    maps = date_maps(_maps(tmp_path, cells, levels))
    ndmi, anomaly = read_ndmi(maps, cells, date(2020, 3, 2))
    assert not ndmi.missing
    assert anomaly.missing
    assert "4 earlier years" in anomaly.source


def test_names_without_a_day_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no date"):
        date_maps([tmp_path / "ndmi.tif"])
    with pytest.raises(ConfigurationError, match="no date"):
        date_maps([tmp_path / "a_2020-13-01_NDMI.tif"])


def test_fractions_are_no_percentages(tmp_path: Path, cells: Cells) -> None:
    path = write_raster(
        tmp_path / "m.tif", np.full(cells.grid.shape, 0.8, np.float32), cells.grid
    )
    with pytest.raises(DataError, match="percent"):
        read_fuel_moisture(path, cells, date(2020, 1, 1))


def test_inputs_of_the_model_are_judged_in_their_cells_and_month(
    tmp_path: Path, cells: Cells
) -> None:
    folder = tmp_path / "inputs"
    folder.mkdir()
    places = np.array(
        [
            [cells.latitude[2, 2], cells.longitude[2, 2]],
            [cells.latitude[5, 5], cells.longitude[5, 5]],
            [40.0, -110.0],
        ]
    )
    values = np.full((3, 3, 18), 1500.0, np.float32)
    values[..., :2] = -12.0
    values[..., 13] = 300.0
    values[..., 14] = 0.002
    values[..., 15:] = [[[200.0, 5.0, 0.5]]]
    np.save(folder / "s1_s2_era5_srtm.npy", values)
    np.save(folder / "latlon.npy", places)
    months = np.array([[0, 1, 2], [8, 9, 10], [0, 1, 2]])
    np.save(folder / "month.npy", months)
    driver = read_fuel_moisture(folder, cells, date(2020, 3, 5))
    assert driver.values is not None
    known = np.argwhere(np.isfinite(driver.values)).tolist()
    assert known == [[2, 2]]
    assert 10 < driver.values[2, 2] < 400
    assert "never tested here" in driver.source
    later = read_fuel_moisture(folder, cells, date(2020, 7, 5))
    assert later.missing
