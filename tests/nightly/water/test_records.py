"""Fields, irrigation records, sunshine and accounts, one by one."""

import json
import math
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.nightly.water.made import CANE, parcel

from agroforest.core.aoi import read_aoi
from agroforest.core.config import WaterSection
from agroforest.core.errors import DataError
from agroforest.core.reading import Sensor
from agroforest.core.risk import epoch_day
from agroforest.farm.crops import read_crops
from agroforest.nightly.water.fields import FarmField, build_fields
from agroforest.nightly.water.irrigation import read_irrigations
from agroforest.nightly.water.names import file_name
from agroforest.nightly.water.rows import BalanceRow, read_rows, write_rows
from agroforest.nightly.water.sunshine import find_radiation
from agroforest.nightly.water.weather import WeatherDesk

HECTARES = {"p1": 2.0, "甘蔗 2": 0.5}


def fields(
    path: Path, *features: dict[str, Any], **settings: Any
) -> tuple[list[FarmField], list[str]]:
    file = path / "area.geojson"
    document = {"type": "FeatureCollection", "features": list(features)}
    file.write_text(json.dumps(document), encoding="utf-8")
    sensors = [Sensor(id="s", name="", longitude=108.3075, latitude=22.8015)]
    ready, left = build_fields(
        read_aoi(file), WaterSection(**settings), read_crops(), sensors
    )
    return ready, [str(one.error) for one in left]


def test_a_field_is_made_of_what_is_said_and_of_the_settings(tmp_path: Path) -> None:
    (one, two), _ = fields(
        tmp_path,
        parcel(1, **CANE | {"field_capacity": 0.32, "wilting_point": 0.16}),
        parcel(2, **CANE | {"method": None, "efficiency": 0.5}),
        sand=0.4,
        clay=0.25,
        method="surface",
    )
    assert one.soil.field_capacity.tolist() == [0.32]
    assert one.plot.efficiency == 0.9  # drip, its own way
    assert one.sensors == ("s",)  # it stands there
    assert two.plot.efficiency == 0.5
    assert two.method == "surface"
    assert two.sensors == ()
    # 0.003 degrees by 0.003 degrees at 22.8 north: 308 m by 332 m.
    assert one.plot.hectares == pytest.approx(10.23, abs=0.05)
    assert one.plot.crop_en == "sugarcane"


def test_a_soil_that_nobody_described_is_refused(tmp_path: Path) -> None:
    ready, errors = fields(tmp_path, parcel(1, **CANE))
    assert not ready
    assert "says nothing of its soil" in errors[0]


def test_seasons_of_annual_and_standing_crops(tmp_path: Path) -> None:
    features = [
        parcel(1, crop="maize", sown="2024-03-05"),
        parcel(2, crop="maize", sown="03-05"),
        parcel(3, crop="citrus"),
        parcel(4, crop="citrus", sown="2020-02-29"),
    ]
    (once, yearly, stand, planted), _ = fields(tmp_path, *features, sand=0.4, clay=0.25)
    assert once.find_season(date(2024, 3, 4)) is None
    assert once.find_season(date(2024, 7, 7)) == date(2024, 3, 5)  # day 125 of 125
    assert once.find_season(date(2024, 7, 8)) is None
    assert yearly.find_season(date(2025, 4, 1)) == date(2025, 3, 5)
    assert stand.find_season(date(2024, 12, 31)) == date(2024, 1, 1)
    assert planted.find_season(date(2020, 2, 28)) is None
    assert planted.find_season(date(2021, 3, 1)) == date(2021, 2, 28)


def test_an_annual_crop_says_when_it_was_sown(tmp_path: Path) -> None:
    _, errors = fields(tmp_path, parcel(1, crop="玉米"), sand=0.4, clay=0.25)
    assert "does not say when it was sown" in errors[0]


def test_irrigations_in_mm_and_in_cubic_metres(tmp_path: Path) -> None:
    path = tmp_path / "i.csv"
    lines = ["地块,日期,毫米,立方米", "p1,2024/6/1,20,", "p1,2024-06-01,,100"]
    lines += ["甘蔗 2,2024-06-03,,50", "", "p1,2024-06-02,0,"]
    path.write_text("\n".join(lines), encoding="utf-8-sig")
    found = read_irrigations(path, HECTARES)
    assert not found.refused
    assert found.of("p1", epoch_day(date(2024, 6, 1))) == 25.0  # 100 m3 on 2 ha
    assert found.of("甘蔗 2", epoch_day(date(2024, 6, 3))) == 10.0
    assert found.find_last("p1", epoch_day(date(2024, 6, 9))) == (
        epoch_day(date(2024, 6, 1)),
        25.0,
    )
    assert found.find_last("p1", epoch_day(date(2024, 5, 9))) is None


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("p9,2024-06-01,20", "parcel 'p9' is not one of the area"),
        ("p1,2024-06-31,20", "cannot be read"),
        ("p1,2024-06-01,", "neither mm nor m3"),
        ("p1,2024-06-01,much", "'much' is no number"),
        ("p1,2024-06-01,-5", "-5 mm cannot be"),
        ("p1,2024-06-01,9000", "9000 mm cannot be"),
        ("p1,2024-06-01,nan", "nan mm cannot be"),
        ("p1", "only 1 columns"),
    ],
)
def test_an_odd_irrigation_is_set_aside(tmp_path: Path, row: str, words: str) -> None:
    path = tmp_path / "i.csv"
    path.write_text(f"parcel,date,mm\n{row}\np1,2024-06-02,5\n", encoding="utf-8")
    found = read_irrigations(path, HECTARES)
    (refused,) = found.refused
    assert refused.line == 2
    assert words in refused.reason
    assert found.of("p1", epoch_day(date(2024, 6, 2))) == 5.0


def test_a_table_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "i.csv"
    path.write_text("date,mm\n", encoding="utf-8")
    with pytest.raises(DataError, match="give parcel, date and mm or m3"):
        read_irrigations(path, HECTARES)


def test_radiation_from_sunshine_is_that_of_the_book() -> None:
    """FAO-56 example 10: Rio de Janeiro, May, 7.1 hours: 14.5 MJ a square metre."""
    found = find_radiation(
        np.array([7.1, np.nan]), latitude=-22.9, day_of_year=np.array([135.0, 135.0])
    )
    assert found[0] == pytest.approx(14.5, abs=0.1)
    assert np.isnan(found[1])


def test_an_account_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    row = BalanceRow(
        day=19_876,
        depletion=123.4567,
        readily=60.1,
        available=150.0,
        spread=20.5,
        eto=math.nan,
        etc=math.nan,
        eta=math.nan,
        ks=math.nan,
        kcb=1.2,
        root=1.2,
        rain=math.nan,
        irrigation=0.0,
        percolation=0.0,
        drawn=("farm:1", "lorawan:a840"),
        refused=("satellite",),
    )
    path = tmp_path / "p.csv"
    write_rows(path, [row])
    (again,) = read_rows(path)
    assert str(again) == str(row)  # NaN is not equal to itself
    path.write_text("date\n2024-06-01\n", encoding="utf-8")
    assert read_rows(path) == []
    assert read_rows(tmp_path / "none.csv") == []


def test_no_parcel_writes_outside_its_folder() -> None:
    assert file_name("p1") == "p1"
    assert file_name("3号地") == "3号地"
    for odd in ("../evil", ".hidden", "a/b", "", "x" * 300):
        assert file_name(odd).startswith("parcel-")
    assert file_name("../a") != file_name("../b")


def test_the_nearest_station_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    path.write_text(
        "date,station,latitude,longitude,reference_et,rain\n"
        "2024-06-01,far,25.0,110.0,4,0\n2024-06-01,near,22.8,108.31,5,1\n",
        encoding="utf-8",
    )
    (one,), _ = fields(tmp_path, parcel(1, **CANE), sand=0.4, clay=0.25)
    desk = WeatherDesk(WaterSection(weather=path), latitude=22.8)
    sky = desk.look(date(2024, 6, 1)).over(one.place.geometry)
    assert sky.station.id == "near"
    assert sky.find(epoch_day(date(2024, 6, 1))).field.rain == 1
    assert not sky.find(epoch_day(date(2024, 6, 2))).known
