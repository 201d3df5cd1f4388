"""Tables: names that survive, cells that no spreadsheet runs, files that are whole."""

import csv
import json
import sqlite3
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyarrow.parquet as pq
import pyogrio
import pytest
from rasterio.warp import Resampling, reproject
from tests.products.zonal_examples import (
    CRS,
    box,
    grid_of,
    parcels,
    raster,
    read,
    summarise,
)

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.grid import Grid
from agroforest.cube import write_cog
from agroforest.products.zonal import ZonalRequest, write_zonal
from agroforest.products.zonal.names import free_names, raster_prefixes

HALVES = (box(0, 0, 10, 10), box(10, 0, 20, 10))
USUAL = ["count", "valid", "mean", "stdev", "min", "max"]


@pytest.fixture
def ndvi(tmp_path: Path) -> Path:
    return raster(tmp_path / "49QCE_2024-05-06_ndvi.tif", [[1000, 2000]])


@pytest.mark.parametrize("suffix", [".gpkg", ".csv", ".parquet"])
def test_chinese_names_come_through(tmp_path: Path, ndvi: Path, suffix: str) -> None:
    names = ["高峰林场·一号小班", "甘蔗地「三」，东"]
    path = parcels(tmp_path / "地块.geojson", HALVES, crs="EPSG:4326", 小班名=names)
    out = tmp_path / "新" / f"统计{suffix}"
    found, report = summarise(ndvi, path, out, by=("小班名",))
    assert found["小班名"].tolist() == names
    assert report.files[0] == out
    columns = [c for c in found if c != "geometry"]
    areas = ["area_ha", "area_mu"]
    assert columns == ["parcel", "小班名", *areas, *(f"ndvi_{s}" for s in USUAL)]


def test_csv_is_utf8_that_excel_recognises(tmp_path: Path, ndvi: Path) -> None:
    path = parcels(tmp_path / "p.gpkg", HALVES, name=["甲", "乙"])
    summarise(ndvi, path, tmp_path / "o.csv", by=("name",), batch=1)
    for name in ("o.csv", "o_units.csv"):
        content = (tmp_path / name).read_bytes()
        assert content.startswith(b"\xef\xbb\xbf")
        assert content.count(b"\xef\xbb\xbf") == 1
        assert "乙".encode() in content


def test_csv_holds_no_formulas(tmp_path: Path, ndvi: Path) -> None:
    evil = [
        "=cmd|'/c calc'!A1",
        "+1",
        "-1+2",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "a=1",
        "-",
        "",
    ]
    heading = "=HYPERLINK(1)"
    fields: dict[str, Any] = {heading: evil}
    path = parcels(tmp_path / "p.parquet", [HALVES[0]] * len(evil), n=-1.5, **fields)
    write_zonal(
        ZonalRequest(
            rasters=(ndvi,), parcels=path, out=tmp_path / "o.csv", by=(heading,)
        )
    )
    for file, column in (("o.csv", f"'{heading}"), ("o_units.csv", "unit")):
        with (tmp_path / file).open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.reader(stream))
        assert column in rows[0]
        for row in rows:
            for cell in row:
                number = cell.removeprefix("-").replace(".", "", 1).isdigit()
                assert number or not cell.startswith(tuple("=+-@\t\r\n")), cell
    with (tmp_path / "o.csv").open(encoding="utf-8-sig", newline="") as stream:
        cells = [row[f"'{heading}"] for row in csv.DictReader(stream)]
    assert cells == [f"'{t}" if t not in {"a=1", ""} else t for t in evil]
    with (tmp_path / "o.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert next(csv.DictReader(stream))["n"] == "-1.5"  # a number is a number


def test_a_geopackage_has_two_layers(tmp_path: Path, ndvi: Path) -> None:
    path = parcels(tmp_path / "p.gpkg", HALVES, county=["甲", "乙"])
    out = tmp_path / "o.gpkg"
    _, report = summarise(ndvi, path, out, by=("county",), batch=1)
    assert report.files == (out,)
    assert dict(pyogrio.list_layers(out)) == {"parcels": "MultiPolygon", "units": None}
    found = read(out)
    assert found.crs.to_epsg() == 32649
    assert found.geometry.area.tolist() == pytest.approx([100, 100])
    assert read(out, "units")["unit"].tolist() == ["乙", "甲"]
    with sqlite3.connect(out) as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        assert database.execute("pragma journal_mode").fetchone() == ("delete",)
    database.close()


def test_parquet_is_geoparquet(tmp_path: Path, ndvi: Path) -> None:
    path = parcels(tmp_path / "p.gpkg", [*HALVES, None], crs="EPSG:4490")
    summarise(ndvi, path, tmp_path / "o.parquet", batch=2)
    geo = json.loads(pq.read_metadata(tmp_path / "o.parquet").metadata[b"geo"])
    assert geo["version"] == "1.0.0"
    column = geo["columns"]["geometry"]
    assert column["geometry_types"] == ["MultiPolygon"]
    assert column["crs"]["id"] == {"authority": "EPSG", "code": 4490}
    found = geopandas.read_parquet(tmp_path / "o.parquet")
    assert found.crs.to_epsg() == 4490
    assert found.geometry.iloc[2] is None
    # What we wrote can be read again by ourselves.
    again, _ = summarise(ndvi, tmp_path / "o.parquet", tmp_path / "again.csv")
    assert again["ndvi_mean"].tolist()[:2] == pytest.approx([0.1, 0.2], abs=1e-6)
    assert again["ndvi_mean_input"].tolist()[:2] == pytest.approx([0.1, 0.2], abs=1e-6)


@pytest.mark.parametrize("suffix", [".gpkg", ".csv", ".parquet"])
def test_nothing_but_the_tables_is_left(
    tmp_path: Path, ndvi: Path, suffix: str
) -> None:
    path = parcels(tmp_path / "p.parquet", HALVES, county=["甲", "乙"])
    out = tmp_path / "out"
    for _ in range(2):  # the second time it replaces them
        _, report = summarise(ndvi, path, out / f"o{suffix}", by=("county",))
        assert sorted(out.iterdir()) == sorted(report.files)


@pytest.mark.parametrize("suffix", [".gpkg", ".csv", ".parquet"])
def test_a_failure_leaves_what_was_there(
    tmp_path: Path, ndvi: Path, suffix: str
) -> None:
    path = parcels(tmp_path / "p.parquet", [*HALVES, *HALVES], id=["a", "b", "c", "a"])
    out = tmp_path / "out" / f"o{suffix}"
    summarise(ndvi, path, out, by=("id",))
    before = {p: p.read_bytes() for p in out.parent.iterdir()}
    with pytest.raises(DataError, match="parcel 4 has the id of another"):
        summarise(ndvi, path, out, by=("id",), id_field="id", batch=1)
    assert {p: p.read_bytes() for p in out.parent.iterdir()} == before


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, ndvi: Path) -> None:
    path = parcels(tmp_path / "p.gpkg", HALVES)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"file/o\.csv: cannot be written"):
        summarise(ndvi, path, tmp_path / "file" / "o.csv")


# --------------------------------------------------------------------------- rasters


def test_rasters_of_any_grid_stand_side_by_side(tmp_path: Path, ndvi: Path) -> None:
    coarse = raster(tmp_path / "49QCE_2024-05-06_ndmi.tif", [[5000]], resolution=20.0)
    same = raster(tmp_path / "49QCE_2024-05-11_ndvi.tif", [[3000, 4000]])
    path = parcels(tmp_path / "p.gpkg", HALVES, crs="EPSG:4326")
    steps: list[tuple[int, int]] = []
    report = write_zonal(
        ZonalRequest(
            rasters=(ndvi, coarse, same),
            parcels=path,
            out=tmp_path / "o.parquet",
            statistics=("mean", "count"),
        ),
        progress=lambda done, total, _: steps.append((done, total)),
    )
    found = read(tmp_path / "o.parquet")
    names = ["ndvi_20240506", "ndmi_20240506", "ndvi_20240511"]
    assert list(report.prefixes) == names
    expected: dict[str, Any] = {
        "ndvi_20240506_mean": [0.1, 0.2],
        "ndmi_20240506_mean": [0.5, 0.5],
        "ndvi_20240511_mean": [0.3, 0.4],
        "ndmi_20240506_count": [0.25, 0.25],
    }
    for column, values in expected.items():
        assert found[column].tolist() == pytest.approx(values, abs=1e-6)
    assert list(found.filter(like="_count")) == [f"{n}_count" for n in names]
    assert steps[-1] == (2, 2)


def test_rasters_in_other_zones_are_measured_where_they_lie(tmp_path: Path) -> None:
    numbers = np.tile(np.arange(60, dtype="int16"), (60, 1))
    east = raster(tmp_path / "east.tif", numbers, scale=1.0)
    source = grid_of(60, 60)
    corner = geopandas.GeoSeries([box(0, 0, 600, 600)], crs=CRS).to_crs(32648)
    grid = Grid.from_bounds(
        crs="EPSG:32648", bounds=tuple(corner.total_bounds), resolution=10
    )
    warped = np.full(grid.shape, -32768, dtype="int16")
    reproject(
        numbers,
        warped,
        src_transform=source.transform,
        src_crs=source.crs,
        dst_transform=grid.transform,
        dst_crs=grid.crs,
        dst_nodata=-32768,
        resampling=Resampling.nearest,
    )
    west = tmp_path / "west.tif"
    write_cog(west, warped, grid, scale=1.0)
    path = parcels(tmp_path / "p.gpkg", [box(100, 100, 300, 400)], crs="EPSG:4326")
    found, _ = summarise((east, west), path, tmp_path / "o.csv")
    assert found["east_mean"][0] == pytest.approx(19.5, abs=1e-3)
    assert found["west_mean"][0] == pytest.approx(19.5, abs=0.2)
    assert found["west_valid"][0] == pytest.approx(1)


@pytest.mark.parametrize(
    ("files", "prefixes"),
    [
        (["49QCE_2024-05-06_ndvi.tif"], ["ndvi"]),
        (["49QCE-0101_2024-05-06_ndmi_b08.tif"], ["ndmi_b08"]),
        (
            ["a_2024-05-06_ndvi.tif", "a_2024-05-11_ndvi.tif"],
            ["ndvi_20240506", "ndvi_20240511"],
        ),
        (
            ["a_2024-05-06_ndvi.tif", "b-1_2024-05-06_ndvi.tif"],
            ["a_20240506_ndvi", "b1_20240506_ndvi"],
        ),
        (["植被 指数(1).tif", "x.tif"], ["植被_指数_1", "x"]),
        (["().tif"], ["raster"]),
    ],
)
def test_rasters_are_told_apart(files: list[str], prefixes: list[str]) -> None:
    assert list(raster_prefixes([Path(f) for f in files])) == prefixes


def test_rasters_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="two rasters have the same name"):
        raster_prefixes([Path("a/x.tif"), Path("b/X.tif")])


def test_free_names() -> None:
    names = ("a", "A", "b", "a_input", "ß", "SS")
    assert free_names(names, ("B",)) == (
        "a",
        "A_input",
        "b_input",
        "a_input_input",
        "ß",
        "SS_input",
    )
