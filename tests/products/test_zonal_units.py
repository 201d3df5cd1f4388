"""Administrative units: who belongs where, and sums that say what they are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from tests.products.zonal_examples import (
    CRS,
    LEFT,
    TOP,
    box,
    parcels,
    raster,
    read,
    summarise,
)

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.products.zonal.pixels import Figures
from agroforest.products.zonal.totals import Level

NODATA = -32768
ROW = [[1000, 2000, 3000, NODATA]]  # pixels of 10 m


@pytest.fixture
def ndvi(tmp_path: Path) -> Path:
    return raster(tmp_path / "ndvi.tif", ROW)


def units_of(out: Path) -> Any:
    if out.suffix == ".gpkg":
        return read(out, "units")
    return read(out.with_name(f"{out.stem}_units{out.suffix}"), "units")


@pytest.mark.parametrize("suffix", [".gpkg", ".csv", ".parquet"])
def test_units_sum_their_parcels(tmp_path: Path, ndvi: Path, suffix: str) -> None:
    outlines = [box(0, 0, 10, 10), box(10, 0, 30, 10), box(30, 0, 40, 10)]
    path = parcels(tmp_path / "p.gpkg", outlines, 县=["兴宁区", "兴宁区", "青秀区"])
    out = tmp_path / f"o{suffix}"
    _, report = summarise(ndvi, path, out, by=("县",))
    found = units_of(out).set_index("unit")
    assert report.units == 2
    assert list(found["level"]) == ["县", "县"]
    assert list(found.index) == ["兴宁区", "青秀区"]
    assert found["parcels"].tolist() == [2, 1]
    assert found["area_ha"].tolist() == pytest.approx([0.03, 0.01], rel=1e-3)
    assert found["area_mu"].tolist() == pytest.approx([0.45, 0.15], rel=1e-3)
    assert found["ndvi_count"].tolist() == pytest.approx([3, 0])
    assert found["ndvi_valid"].tolist() == pytest.approx([1, 0])
    first = found.loc["兴宁区"]
    assert first["ndvi_mean"] == pytest.approx(0.2)
    assert first["ndvi_stdev"] == pytest.approx(np.std([0.1, 0.2, 0.3]))
    assert (first["ndvi_min"], first["ndvi_max"]) == pytest.approx((0.1, 0.3))
    assert found.loc["青秀区"].filter(like="ndvi_m").isna().all()


def test_the_mean_by_area_gives_hidden_ground_its_weight(
    tmp_path: Path, ndvi: Path
) -> None:
    # The second parcel has twice the area of the first, but half of it is hidden.
    outlines = [box(0, 0, 10, 10), box(20, 0, 40, 10)]
    path = parcels(tmp_path / "p.gpkg", outlines, by=["a", "a"])
    summarise(ndvi, path, tmp_path / "o.csv", by=("by",))
    (row,) = units_of(tmp_path / "o.csv").to_dict("records")
    assert row["ndvi_mean"] == pytest.approx((0.1 + 0.3) / 2)
    assert row["ndvi_mean_by_area"] == pytest.approx((0.1 + 2 * 0.3) / 3)


def test_a_median_is_not_made_of_medians(tmp_path: Path, ndvi: Path) -> None:
    path = parcels(tmp_path / "p.gpkg", [box(0, 0, 30, 10)], by=["a"])
    out = tmp_path / "o.csv"
    found, _ = summarise(ndvi, path, out, by=("by",), statistics=("median", "mean"))
    ours = ["parcel", "by", "area_ha", "area_mu", "ndvi_mean", "ndvi_median"]
    assert list(found) == ours
    assert found["ndvi_median"][0] == pytest.approx(0.2)
    assert list(units_of(out).filter(like="ndvi")) == ["ndvi_mean", "ndvi_mean_by_area"]


def test_several_levels_and_parcels_of_no_unit(tmp_path: Path, ndvi: Path) -> None:
    outlines = [box(0, 0, 10, 10), box(10, 0, 20, 10), None]
    path = parcels(
        tmp_path / "p.gpkg",
        outlines,
        code=[450102, 450102, 450103],
        镇=["甲", " ", None],
    )
    summarise(ndvi, path, tmp_path / "o.csv", by=("code", "镇"), batch=1)
    found = pd.read_csv(tmp_path / "o_units.csv", dtype={"unit": "str"})
    rows = found[["level", "unit", "parcels"]].fillna("").to_numpy().tolist()
    assert rows == [
        ["code", "450102", 2],
        ["code", "450103", 1],
        ["镇", "甲", 1],
        ["镇", "", 2],
    ]
    for _, level in found.groupby("level"):
        assert level["ndvi_count"].sum() == pytest.approx(2)


# ------------------------------------------------------------------ a layer of units


def county_file(path: Path, shapes: Mapping[str, object], crs: str = CRS) -> Path:
    frame = geopandas.GeoDataFrame(
        {"name": list(shapes), "code": range(len(shapes))},
        geometry=list(shapes.values()),
        crs=CRS,
    )
    frame.to_crs(crs).to_file(path)
    return path


def test_a_parcel_belongs_where_most_of_it_lies(tmp_path: Path, ndvi: Path) -> None:
    counties = county_file(
        tmp_path / "county.geojson",
        {"西": box(-100, -100, 15, 100), "东": box(15, -100, 100, 100)},
        crs="EPSG:4326",
    )
    outlines = [
        box(0, 0, 10, 10),  # inside
        box(10, 0, 18, 10),  # 5 of 8 m in the west
        box(12, 0, 40, 10),  # 25 of 28 m in the east
        box(500, 0, 510, 10),  # nowhere
        shapely.Point(LEFT, TOP),
    ]
    path = parcels(tmp_path / "p.gpkg", outlines)
    found, report = summarise(ndvi, path, tmp_path / "o.gpkg", units=counties)
    assert found["unit"].fillna("").tolist() == ["西", "西", "东", "", ""]
    units = read(tmp_path / "o.gpkg", "units")
    assert report.units == 3
    assert units["level"].tolist() == ["county"] * 3
    assert units["unit"].fillna("").tolist() == ["东", "西", ""]
    assert units["parcels"].tolist() == [1, 2, 2]
    assert units.crs.to_epsg() == 32649  # that of the parcels
    west = units.geometry.iloc[1]
    assert west.area == pytest.approx(115 * 200, rel=1e-4)
    assert units.geometry.iloc[2] is None


def test_units_of_one_name_are_one_unit(tmp_path: Path, ndvi: Path) -> None:
    frame = geopandas.GeoDataFrame(
        {"name": ["甲", "乙", "甲"]},
        geometry=[box(0, 0, 10, 10), box(10, 0, 20, 10), box(20, 0, 30, 10)],
        crs=CRS,
    )
    frame.to_file(tmp_path / "town.gpkg")
    path = parcels(tmp_path / "p.gpkg", [box(1, 0, 9, 9), box(21, 0, 29, 9)])
    out = tmp_path / "o.parquet"
    found, _ = summarise(ndvi, path, out, units=tmp_path / "town.gpkg")
    assert found["unit"].tolist() == ["甲", "甲"]
    units = geopandas.read_parquet(tmp_path / "o_units.parquet")
    assert units["parcels"].tolist() == [2]
    assert len(units.geometry[0].geoms) == 2


def test_of_equal_shares_the_first_in_the_file_counts(
    tmp_path: Path, ndvi: Path
) -> None:
    shapes = {"first": box(0, 0, 20, 10), "second": box(0, 0, 30, 10)}
    counties = county_file(tmp_path / "county.gpkg", shapes)
    halves = {"left": box(0, 0, 10, 10), "right": box(10, 0, 20, 10)}
    towns = county_file(tmp_path / "town.gpkg", halves)
    path = parcels(tmp_path / "p.gpkg", [box(2, 0, 18, 10)])
    for units, name in ((counties, "first"), (towns, "left")):
        found, _ = summarise(
            ndvi, path, tmp_path / "o.csv", units=units, unit_name="name"
        )
        assert found["unit"].tolist() == [name]


def test_units_that_cross_themselves_are_mended(tmp_path: Path, ndvi: Path) -> None:
    ring = [(0, 0), (40, 40), (40, 0), (0, 40)]
    bow = shapely.Polygon([(LEFT + x, TOP - y) for x, y in ring])
    units = county_file(tmp_path / "county.gpkg", {"bow": bow})
    inside, beside = box(1, 15, 3, 25), box(15, 1, 25, 3)
    path = parcels(tmp_path / "p.gpkg", [inside, beside, box(0, 0, 10, 10)])
    found, _ = summarise(ndvi, path, tmp_path / "o.csv", units=units)
    assert found["unit"].fillna("").tolist() == ["bow", "", "bow"]


def test_units_can_be_named_by_a_code(tmp_path: Path, ndvi: Path) -> None:
    units = county_file(tmp_path / "county.gpkg", {"甲": box(0, 0, 40, 10)})
    path = parcels(tmp_path / "p.gpkg", [box(0, 0, 10, 10)])
    found, _ = summarise(ndvi, path, tmp_path / "o.gpkg", units=units, unit_name="code")
    assert found["unit"].tolist() == ["0"]


def test_encodings_of_parcels_and_units_may_differ(tmp_path: Path, ndvi: Path) -> None:
    path, units = tmp_path / "p.shp", tmp_path / "u.shp"
    for file, name, encoding in ((path, "地块", "GBK"), (units, "兴宁区", "UTF-8")):
        frame = geopandas.GeoDataFrame(
            {"n": [name]}, geometry=[box(0, 0, 9, 9)], crs=CRS
        )
        frame.to_file(file, encoding=encoding)
    path.with_suffix(".cpg").unlink()
    found, _ = summarise(ndvi, path, tmp_path / "o.csv", units=units, encoding="GBK")
    assert found[["n", "unit"]].to_numpy().tolist() == [["地块", "兴宁区"]]


def test_units_without_a_name_are_refused(tmp_path: Path, ndvi: Path) -> None:
    path = parcels(tmp_path / "p.gpkg", [box(0, 0, 10, 10)])
    many = parcels(tmp_path / "u.gpkg", [box(0, 0, 9, 9)], a=["x"], b=["y"])
    with pytest.raises(ConfigurationError, match="2 text fields; pass --unit-name, of"):
        summarise(ndvi, path, tmp_path / "o.csv", units=many)
    with pytest.raises(ConfigurationError, match="has no field 'c'; use one of: a, b"):
        summarise(ndvi, path, tmp_path / "o.csv", units=many, unit_name="c")
    blank = parcels(tmp_path / "v.gpkg", [box(0, 0, 9, 9)], a=[""])
    with pytest.raises(DataError, match="no named polygons"):
        summarise(ndvi, path, tmp_path / "o.csv", units=blank)


@pytest.mark.data
def test_real_counties_take_their_parcels(
    tmp_path: Path, ndvi: Path, data_dir: Path
) -> None:
    counties = data_dir / "guangxi_vectors" / "county.geojson"
    frame = geopandas.read_file(counties).to_crs(CRS)
    points = frame.representative_point().buffer(20)
    near = points.iloc[[0]].translate(0, 0)
    outlines = [*points, box(0, 0, 10, 10), *near]
    path = parcels(tmp_path / "p.gpkg", outlines)
    found, _ = summarise(
        ndvi, path, tmp_path / "o.parquet", units=counties, unit_name="district_adcode"
    )
    expected = frame["district_adcode"].astype(str).tolist()
    assert found["unit"].tolist()[: len(expected)] == expected


# -------------------------------------------------------------------------- algebra


@given(
    values=st.lists(
        st.tuples(
            st.sampled_from(["甲", "乙", None]),
            st.lists(st.integers(-10_000, 10_000), max_size=5),
        ),
        min_size=1,
        max_size=12,
    ),
    batch=st.integers(1, 5),
)
def test_sums_do_not_depend_on_batches(
    values: list[tuple[str | None, list[int]]], batch: int
) -> None:
    level = Level(name="x")
    for start in range(0, len(values), batch):
        some = values[start : start + batch]
        labels = np.array([label for label, _ in some], dtype=object)
        numbers = [np.array(v, float) for _, v in some]
        level.add(labels, np.ones(len(some)), [figures_of(numbers)])
    sums = level.figures()
    for n, name in enumerate(sums.names):
        pooled = [float(v) for label, some in values if label == name for v in some]
        (figures,) = sums.rasters
        assert sums.parcels[n] == sum(label == name for label, _ in values)
        assert figures["count"][n] == len(pooled)
        if pooled:
            assert figures["mean"][n] == pytest.approx(np.mean(pooled), abs=1e-6)
            assert figures["stdev"][n] == pytest.approx(np.std(pooled), abs=1e-6)
            assert figures["min"][n] == min(pooled)
            assert figures["max"][n] == max(pooled)
        else:
            assert np.isnan([figures[k][n] for k in ("mean", "stdev", "min")]).all()


def figures_of(numbers: list[np.ndarray]) -> Figures:
    """What `measure` would say of parcels with these whole pixels."""
    nothing = np.array([np.nan])
    filled = [v if v.size else nothing for v in numbers]
    counts = np.array([float(v.size) for v in numbers])
    return {
        "count": counts,
        "pixels": counts,
        "mean": np.array([v.mean() for v in filled]),
        "stdev": np.array([v.std() for v in filled]),
        "min": np.array([v.min() for v in filled]),
        "max": np.array([v.max() for v in filled]),
    }
