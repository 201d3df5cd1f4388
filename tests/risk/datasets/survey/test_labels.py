"""Files of surveyors: what can be used, and why the rest cannot."""

import json
from datetime import date
from pathlib import Path

import geopandas
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from tests.risk.datasets.survey.conftest import write_csv

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.risk.datasets.survey.labels import (
    WORDS,
    Reason,
    Status,
    norm_status,
    norm_window,
    read_survey,
)

SQUARE = shapely.box(108.0, 22.0, 108.001, 22.001)


def test_points_of_a_table(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "a.csv",
        [
            (108.1, 22.1, "受害", "2020-09-01", ""),
            (108.2, 22.2, " Healthy ", "2020/9/2", "30"),
            (108.3, 22.3, "不确定", "2020-09-01", ""),
            (108.3, 22.3, "=1+1", "2020-09-01", ""),
            (108.3, 22.3, "clean", "1.9.20", ""),
            (22.3, 108.3, "clean", "2020-09-01", ""),
            ("x", 22.3, "clean", "2020-09-01", ""),
            (108.3, 22.3, "clean", "2020-09-01", "-5"),
            (108.1, 22.1, "dead", "2020年9月1日", ""),
        ],
        *("LON", "Lat", "状态", "日期", "radius_m"),
    )
    found = read_survey(path)
    damaged, clean = found.labels
    assert (damaged.status, clean.status) == (Status.DAMAGED, Status.CLEAN)
    assert damaged.start == damaged.end == date(2020, 9, 1)
    assert clean.start == date(2020, 9, 2)
    assert found.set_aside == {
        Reason.UNSURE: 1,
        Reason.STATUS: 1,
        Reason.DATE: 1,
        Reason.PLACE: 2,
        Reason.RADIUS: 1,
        Reason.DUPLICATE: 1,
    }
    assert found.strange == ("'=1+1'",)


def test_a_point_stands_for_the_ground_around_it(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [(15.0, 60.0, "dead", "2020-09-01")])
    (label,) = read_survey(path, radius=25.0).labels
    assert label.is_point
    assert label.centre == (15.0, 60.0)
    distance = pyproj.Geod(ellps="WGS84").inv(
        *(15.0, 60.0), *shapely.get_coordinates(label.geometry)[7]
    )[2]
    assert distance == pytest.approx(25.0, abs=1e-3)  # on the ground, at any latitude


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".shp", ".fgb", ".parquet"])
def test_polygons_and_points_of_any_format_and_crs(tmp_path: Path, suffix: str) -> None:
    point = suffix == ".geojson"
    table = geopandas.GeoDataFrame(
        {"status": ["damaged", "健康"], "date": ["2020-09-01", "2020-09-02"]},
        geometry=[
            SQUARE,
            SQUARE.centroid if point else shapely.affinity.translate(SQUARE, 1),
        ],
        crs="EPSG:4326",
    )
    if not point:
        table = table.to_crs("EPSG:32649")
    path = tmp_path / f"a{suffix}"
    if suffix == ".parquet":
        table.to_parquet(path)
    else:
        table.to_file(path, encoding="UTF-8" if suffix == ".shp" else None)
    # FlatGeobuf keeps its features in an order of its own.
    found = sorted(read_survey(path).labels, key=lambda label: label.status)
    clean, damaged = found
    assert (damaged.status, clean.status) == (Status.DAMAGED, Status.CLEAN)
    assert clean.is_point == point
    overlap = damaged.geometry.intersection(SQUARE).area / SQUARE.area
    assert overlap == pytest.approx(1, abs=1e-3)


def test_a_datum_without_a_known_shift_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = geopandas.GeoDataFrame(
        {"status": ["dead"], "date": ["2020-09-01"]}, geometry=[SQUARE], crs="EPSG:4610"
    )
    table.to_file(tmp_path / "a.gpkg")
    assert len(read_survey(tmp_path / "a.gpkg").labels) == 1
    assert "about 100 m off" in caplog.text


def test_lines_and_crossing_outlines(tmp_path: Path) -> None:
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    line = {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}
    far = {"type": "Point", "coordinates": [300.0, 22.0]}
    both = {"type": "MultiPoint", "coordinates": [[1.0, 1.0], [2.0, 2.0]]}
    features = [
        {"type": "Feature", "geometry": g,
         "properties": {"status": "dead", "date": "2020-09-01"}}
        for g in (bow, line, far, both, None)
    ]  # fmt: skip
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    found = read_survey(path)
    assert [label.geometry.is_valid for label in found.labels] == [True, True]
    assert found.set_aside == {Reason.PLACE: 3}
    assert len(shapely.get_parts(found.labels[1].geometry)) == 2


def test_windows_of_days(tmp_path: Path) -> None:
    rows = [
        (1, 1, "dead", "2020-05-01", "2020-06-01"),
        (2, 1, "dead", "2020-05", "2020-06"),
        (3, 1, "dead", "2020-06-01", "2020-05-01"),
        (4, 1, "dead", "2020-06-01", ""),
    ]
    heads = ("lon", "lat", "status", "start", "end")
    found = read_survey(write_csv(tmp_path / "a.csv", rows, *heads))
    assert [(x.start, x.end) for x in found.labels] == [
        (date(2020, 5, 1), date(2020, 6, 1)),
        (date(2020, 5, 1), date(2020, 6, 30)),
    ]
    assert found.set_aside == {Reason.DATE: 2}


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("20240506", date(2024, 5, 6), date(2024, 5, 6)),
        (20240506, date(2024, 5, 6), date(2024, 5, 6)),
        (20240506.0, date(2024, 5, 6), date(2024, 5, 6)),
        ("2024-05-06T10:00:00Z", date(2024, 5, 6), date(2024, 5, 6)),
        ("2024.5.6", date(2024, 5, 6), date(2024, 5, 6)),
        ("２０２４年５月６日", date(2024, 5, 6), date(2024, 5, 6)),
        ("2024年5月", date(2024, 5, 1), date(2024, 5, 31)),
    ],
)
def test_days_as_people_write_them(text: object, start: date, end: date) -> None:
    assert norm_window(text) == (start, end)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "2024",
        "05/06/2024",
        "6.5.24",
        "2024-13-01",
        "2023-02-29",
        "0000-01-01",
    ],
)
def test_days_that_are_none(text: object) -> None:
    assert norm_window(text) is None


@given(st.dates(min_value=date(1900, 1, 1)))
def test_every_day_is_read_back(day: date) -> None:
    for text in (day, day.isoformat(), f"{day:%Y/%m/%d}", f"{day:%Y%m%d}"):
        assert norm_window(text) == (day, day)


@given(st.text())
def test_any_word_is_a_status_or_none(text: str) -> None:
    assert norm_status(text) in {*Status, None}


def test_words_do_not_contradict_each_other() -> None:
    assert {norm_status(word.upper()) for word in WORDS} == set(Status)
    assert norm_status("未受害") == Status.CLEAN  # and not damaged, which it contains


def test_files_that_are_none(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_bytes("lon,lat,status,date\n1,1,受害,2020-09-01\n".encode("gbk"))
    with pytest.raises(DataError, match="--encoding"):
        read_survey(table)
    assert len(read_survey(table, encoding="GBK").labels) == 1
    with pytest.raises(ConfigurationError, match="encoding 'klingon' is unknown"):
        read_survey(table, encoding="klingon")
    table.write_text('lon,lat,status,date\n1,1,"dead')
    with pytest.raises(DataError, match="no CSV"):
        read_survey(table)
    with pytest.raises(ConfigurationError, match="no such file"):
        read_survey(tmp_path / "b.csv")
    fake = tmp_path / "a.gpkg"
    fake.write_text("<OGRVRTDataSource/>")
    with pytest.raises(DataError, match="none of the known formats"):
        read_survey(fake)


@pytest.mark.parametrize(
    ("heads", "problem"),
    [
        (("x", "y", "status", "date"), "no columns of longitude"),
        (("lon", "lat", "kind", "date"), "no column status"),
        (("lon", "lat", "status", "start"), "no column date"),
    ],
)
def test_columns_that_are_needed(
    tmp_path: Path, heads: tuple[str, ...], problem: str
) -> None:
    path = write_csv(tmp_path / "a.csv", [(1, 1, "dead", "2020-09-01")], *heads)
    with pytest.raises(ConfigurationError, match=problem):
        read_survey(path)


def test_foreign_words_are_harmless_in_messages(tmp_path: Path) -> None:
    row = (1, 1, "\x1b[31mred\nline" + "x" * 99, "2020-09-01")
    (shown,) = read_survey(write_csv(tmp_path / "a.csv", [row])).strange
    assert shown.isprintable()
    assert len(shown) < 50
