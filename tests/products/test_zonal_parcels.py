"""Parcels as they come: any format, any CRS, any encoding, odd outlines."""

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyproj
import pytest
import shapely
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

from agroforest.core.errors import ConfigurationError, DataError, NoInputError
from agroforest.products.zonal.outlines import (
    datum_note,
    geodesic_area,
    read_outlines,
)

HALVES = (box(0, 0, 10, 10), box(10, 0, 20, 10))


@pytest.fixture
def ndvi(tmp_path: Path) -> Path:
    return raster(tmp_path / "ndvi.tif", [[1000, 2000]])


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".shp", ".fgb", ".parquet"])
@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_every_format_gives_the_same_rows(
    tmp_path: Path, ndvi: Path, suffix: str, batch: int
) -> None:
    outlines = [*HALVES, None, box(0, 0, 20, 10)]
    names = ["高峰林场", "甘蔗地 3", "空", "all"]
    numbers = [1, 2, 3, 4]
    path = parcels(
        tmp_path / f"p{suffix}", outlines, crs="EPSG:4326", 名称=names, n=numbers
    )
    found, report = summarise(ndvi, path, tmp_path / "o.parquet", batch=batch)
    assert list(found["parcel"]) == [1, 2, 3, 4]
    assert list(found["名称"]) == names
    assert list(found["n"]) == numbers
    assert found["ndvi_mean"].tolist() == pytest.approx(
        [0.1, 0.2, np.nan, 0.15], nan_ok=True, abs=1e-6
    )
    assert found["ndvi_count"].tolist() == pytest.approx([1, 1, 0, 2], abs=1e-5)
    assert (report.parcels, report.with_pixels, report.without_polygon) == (4, 3, 1)


def test_odd_outlines_are_kept_and_counted(tmp_path: Path, ndvi: Path) -> None:
    outlines = [
        shapely.Polygon([(LEFT, TOP), (LEFT + 10, TOP - 10), (LEFT + 10, TOP),
                         (LEFT, TOP - 10)]),  # a bow tie of half a pixel
        None,
        shapely.Polygon(),
        shapely.Point(LEFT + 5, TOP - 5),
        shapely.LineString([(LEFT, TOP), (LEFT + 10, TOP - 10)]),
        shapely.Polygon([(LEFT, TOP), (LEFT + 9, TOP), (LEFT, TOP)]),  # without area
        shapely.MultiPolygon([box(0, 0, 5, 10), box(15, 0, 20, 10)]),
        shapely.force_3d(HALVES[0], 100),
        box(1000, 0, 1010, 10),
        shapely.Polygon([(LEFT, TOP), (np.inf, TOP), (LEFT, TOP - 10)]),
    ]  # fmt: skip
    path = parcels(tmp_path / "p.parquet", outlines)
    found, report = summarise(ndvi, path, tmp_path / "o.gpkg")
    counts = [0.5, 0, 0, 0, 0, 0, 1, 1, 0, 0]
    assert found["ndvi_count"].tolist() == pytest.approx(counts)
    means = {0: 0.1, 6: 0.15, 7: 0.1}
    assert found["ndvi_mean"].dropna().to_dict() == pytest.approx(means)
    assert found["area_ha"].tolist() == pytest.approx(
        [0.005, 0, 0, 0, 0, 0, 0.01, 0.01, 0.01, 0], rel=1e-3
    )
    assert report.parcels == 10
    assert report.with_pixels == 3
    assert report.without_polygon == 6
    assert report.outside == 1
    assert report.repaired == 2  # the bow tie and the one that falls to a line
    drawn = found.geometry
    assert drawn.iloc[0].equals(shapely.multipolygons([outlines[0]]))  # as drawn
    assert not drawn.has_z.any()


def test_the_share_of_valid_pixels(tmp_path: Path) -> None:
    ndvi = raster(tmp_path / "ndvi.tif", [[1000, -32768]])
    outlines = [box(0, 0, 20, 10), box(0, 0, 10, 10), box(-10, 0, 10, 10)]
    path = parcels(tmp_path / "p.gpkg", [*outlines, box(90, 0, 99, 9), None])
    found, _ = summarise(ndvi, path, tmp_path / "o.csv")
    assert found["ndvi_valid"].tolist() == pytest.approx([0.5, 1, 0.5, 0, 0])


def test_a_cloudy_raster_is_no_error(tmp_path: Path) -> None:
    ndvi = raster(tmp_path / "ndvi.tif", [[-32768, -32768]])
    path = parcels(tmp_path / "p.gpkg", HALVES)
    found, report = summarise(ndvi, path, tmp_path / "o.csv")
    assert found["ndvi_mean"].isna().all()
    assert (report.with_pixels, report.outside) == (0, 0)


# ------------------------------------------------------------------------------ area


def test_area_is_that_of_the_ellipsoid(tmp_path: Path, ndvi: Path) -> None:
    side = 1000.0
    square = shapely.box(LEFT - side / 2, TOP - side, LEFT + side / 2, TOP)
    hole = shapely.box(LEFT - 100, TOP - 300, LEFT + 100, TOP - 200)
    # On the central meridian UTM shrinks lengths by 0.9996, so areas by its square.
    true = 100.0 / 0.9996**2
    for crs in (CRS, "EPSG:3857", "EPSG:4490"):
        path = parcels(tmp_path / "p.gpkg", [square, square.difference(hole)], crs=crs)
        found, report = summarise(ndvi, path, tmp_path / "o.parquet")
        assert found["area_ha"].tolist() == pytest.approx([true, 0.98 * true], rel=2e-6)
        assert found["area_mu"].tolist() == pytest.approx(
            [15 * true, 14.7 * true], rel=2e-6
        )
        assert report.area_ha == pytest.approx(1.98 * true, rel=2e-6)


def test_area_of_a_square_degree() -> None:
    # GeographicLib's planimeter for 0..1 E, 0..1 N: 12308778361.469 square metres.
    outlines = np.array([shapely.box(0, 0, 1, 1), None], dtype=object)
    found = geodesic_area(outlines, pyproj.CRS("EPSG:4326"))
    assert found == pytest.approx([12_308_778_361.469, 0], abs=1e-3)


def test_a_datum_without_a_known_shift_is_told() -> None:
    utm = pyproj.CRS(CRS)
    note = datum_note(pyproj.CRS("EPSG:4610"), utm)
    assert note is not None
    assert "Xian 1980" in note
    assert datum_note(pyproj.CRS("EPSG:4490"), utm) is None  # China 2000
    assert datum_note(pyproj.CRS("EPSG:4326"), utm) is None
    assert datum_note(utm, utm) is None
    # A finer grid exists, but is not here.
    assert datum_note(pyproj.CRS("EPSG:27700"), pyproj.CRS("EPSG:32630")) is None


# ------------------------------------------------------------------------------- CRS


def test_a_curved_edge_stays_on_its_pixels(tmp_path: Path) -> None:
    """A parallel of latitude, far from the central meridian, is an arc in UTM."""
    numbers = np.repeat(np.arange(400, dtype="int16")[:, np.newaxis], 400, axis=1)
    path = tmp_path / "rows.tif"
    raster(path, numbers, resolution=100.0, scale=1.0)
    corners = [(111.1, 22.3), (111.35, 22.3), (111.35, 22.5), (111.1, 22.5)]
    wide = geopandas.GeoDataFrame(
        {"n": [1]}, geometry=[shapely.Polygon(corners)], crs=4326
    )
    dense = wide.assign(geometry=wide.segmentize(0.0005))
    means = []
    for frame in (wide, dense):
        frame.to_file(tmp_path / "p.gpkg")
        found, _ = summarise(path, tmp_path / "p.gpkg", tmp_path / "o.csv")
        means.append(found["rows_mean"][0])
    assert means[0] == pytest.approx(means[1], abs=0.01)


def test_no_overlap_is_nothing_to_do(tmp_path: Path, ndvi: Path) -> None:
    out = tmp_path / "o.csv"
    out.write_text("as it was")
    far = parcels(tmp_path / "far.gpkg", [box(9000, 0, 9010, 10)])
    with pytest.raises(NoInputError, match=r"no parcel of .*49N meets .*ndvi\.tif"):
        summarise(ndvi, far, out)
    swapped = tmp_path / "swapped.geojson"
    degrees = geopandas.GeoSeries(HALVES, crs=CRS).to_crs(4326)
    flipped = shapely.transform(degrees.to_numpy(), lambda xy: xy[:, ::-1])
    geopandas.GeoSeries(flipped, crs=4326).to_file(swapped)
    with pytest.raises(NoInputError, match="swapped coordinates"):
        summarise(ndvi, swapped, out)
    assert out.read_text() == "as it was"
    assert sorted(p.suffix for p in tmp_path.iterdir()) == sorted(
        [".csv", ".gpkg", ".geojson", ".tif"]
    )


# -------------------------------------------------------------------------- encoding


def gbk(path: Path, names: list[str]) -> Path:
    """Write a Shapefile in GBK that does not say so, as many programs do."""
    frame = geopandas.GeoDataFrame({"名称": names}, geometry=list(HALVES), crs=CRS)
    frame.to_file(path, encoding="GBK")
    path.with_suffix(".cpg").unlink()
    return path


def test_text_in_an_unstated_encoding_is_refused(tmp_path: Path, ndvi: Path) -> None:
    path = gbk(tmp_path / "p.shp", ["地块", "乙"])
    with pytest.raises(DataError, match=r"p\.shp: does not say how.*--encoding"):
        summarise(ndvi, path, tmp_path / "o.csv")


def test_values_alone_in_an_unstated_encoding_are_refused(
    tmp_path: Path, ndvi: Path
) -> None:
    frame = geopandas.GeoDataFrame({"n": ["a", "乙"]}, geometry=list(HALVES), crs=CRS)
    frame.to_file(tmp_path / "p.shp", encoding="GBK")
    (tmp_path / "p.cpg").unlink()
    with pytest.raises(DataError, match="does not say how"):
        summarise(ndvi, tmp_path / "p.shp", tmp_path / "o.csv")


@pytest.mark.parametrize("encoding", ["GBK", "gb18030"])
def test_a_stated_encoding_is_used(tmp_path: Path, ndvi: Path, encoding: str) -> None:
    path = gbk(tmp_path / "p.shp", ["地块", "乙"])
    found, _ = summarise(ndvi, path, tmp_path / "o.gpkg", encoding=encoding)
    assert list(found["名称"]) == ["地块", "乙"]


def test_ascii_needs_no_encoding(tmp_path: Path, ndvi: Path) -> None:
    path = parcels(tmp_path / "p.shp", HALVES, name=["a", "b"])
    path.with_suffix(".cpg").unlink(missing_ok=True)
    assert len(summarise(ndvi, path, tmp_path / "o.csv")[0]) == 2


@pytest.mark.parametrize(
    ("suffix", "encoding", "words"),
    [
        (".gpkg", "GBK", "leave --encoding out"),
        (".shp", "klingon", "'klingon' is unknown"),
    ],
)
def test_encodings_that_cannot_be(
    tmp_path: Path, ndvi: Path, suffix: str, encoding: str, words: str
) -> None:
    path = parcels(tmp_path / f"p{suffix}", HALVES)
    with pytest.raises(ConfigurationError, match=words):
        summarise(ndvi, path, tmp_path / "o.csv", encoding=encoding)


# -------------------------------------------------------------------- fields and ids


def test_fields_whose_name_is_taken_get_another(tmp_path: Path, ndvi: Path) -> None:
    fields: dict[str, Any] = {
        "AREA_HA": [7.0, 8.0],
        "parcel": ["x", "y"],
        "NDVI_mean": [1, 2],
        "fid": [5, 5],
        "Name": ["a", "b"],
        "name": ["c", "d"],
    }
    path = parcels(tmp_path / "p.geojson", HALVES, crs="EPSG:4326", **fields)
    for suffix in (".gpkg", ".csv", ".parquet"):
        found, report = summarise(ndvi, path, tmp_path / f"o{suffix}")
        assert found["AREA_HA_input"].tolist() == [7.0, 8.0]
        assert found["parcel_input"].tolist() == ["x", "y"]
        assert found["fid_input"].tolist() == [5, 5]
        assert found["Name"].tolist() == ["a", "b"]
        assert found["name_input"].tolist() == ["c", "d"]
        assert found["area_ha"][0] == pytest.approx(0.01, rel=1e-3)
        assert set(report.renamed) == {"AREA_HA", "parcel", "NDVI_mean", "fid", "name"}


def test_ids_may_repeat_unless_they_are_asked_to_differ(
    tmp_path: Path, ndvi: Path
) -> None:
    path = parcels(tmp_path / "p.gpkg", HALVES, id=["甲", "甲"])
    assert list(summarise(ndvi, path, tmp_path / "o.csv")[0]["id"]) == ["甲", "甲"]
    with pytest.raises(DataError, match="parcel 2 has the id of another: 甲"):
        summarise(ndvi, path, tmp_path / "o.csv", id_field="id", batch=1)
    path = parcels(tmp_path / "q.gpkg", HALVES, id=["甲", None])
    with pytest.raises(DataError, match="parcel 2 has no id"):
        summarise(ndvi, path, tmp_path / "o.csv", id_field="id")


def test_values_of_every_type_come_through(tmp_path: Path, ndvi: Path) -> None:
    fields: dict[str, Any] = {
        "whole": pd.array([1, None], dtype="Int64"),
        "real": [0.5, None],
        "flag": [True, False],
        "day": [pd.Timestamp("2024-05-06"), pd.NaT],
        "kind": pd.Categorical(["松", "杉"]),
    }
    source = parcels(tmp_path / "p.parquet", HALVES, **fields)
    table = pq.read_table(source)
    table = table.append_column("list", pa.array([["甲", "乙"], None]))
    pq.write_table(table.append_column("void", pa.nulls(2)), source)
    for suffix in (".gpkg", ".csv", ".parquet"):
        found, _ = summarise(ndvi, source, tmp_path / f"o{suffix}")
        assert found["whole"][0] == 1
        assert pd.isna(found["whole"][1])
        assert found["real"][0] == 0.5
        assert found["flag"].tolist() == [True, False]
        assert pd.Timestamp(found["day"][0]) == pd.Timestamp("2024-05-06")
        assert found["kind"].tolist() == ["松", "杉"]
        assert json.loads(found["list"][0]) == ["甲", "乙"]
        assert pd.isna(found["void"]).all()


def test_a_layer_is_named_where_there_are_several(tmp_path: Path, ndvi: Path) -> None:
    path = tmp_path / "p.gpkg"
    for n, layer in enumerate(("甲", "乙")):
        frame = geopandas.GeoDataFrame({"n": [n]}, geometry=[HALVES[n]], crs=CRS)
        frame.to_file(path, layer=layer)
    with pytest.raises(ConfigurationError, match=r"has 2 layers; name one.* 甲, 乙"):
        summarise(ndvi, path, tmp_path / "o.csv")
    with pytest.raises(ConfigurationError, match="no layer '丙'"):
        summarise(ndvi, path, tmp_path / "o.csv", layer="丙")
    found, _ = summarise(ndvi, path, tmp_path / "o.csv", layer="乙")
    assert found["n"].tolist() == [1]


# ------------------------------------------------------------------------- bad files


def _no_crs(path: Path) -> None:
    frame = geopandas.GeoDataFrame({"n": [1]}, geometry=[HALVES[0]])
    with pytest.warns(UserWarning, match="crs"):
        frame.to_file(path)


def _plain_parquet(path: Path) -> None:
    pq.write_table(pa.table({"n": [1]}), path)


def _other_encoding(path: Path) -> None:
    table = pa.table({"geometry": [b""]})
    column = {"encoding": "point", "geometry_types": []}
    geo = {"primary_column": "geometry", "columns": {"geometry": column}}
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(geo)}), path)


def _damaged(path: Path) -> None:
    parcels(path, HALVES)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _virtual(path: Path) -> None:
    inside = parcels(path.with_name("inside.gpkg"), HALVES)
    path.write_text(
        "<OGRVRTDataSource><OGRVRTLayer name='inside'>"
        f"<SrcDataSource>{inside}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
    )


def _program(path: Path) -> None:
    inside = parcels(path.with_name("inside.gpkg"), HALVES)
    command = f"gdal vector filter --where 1=1 {inside} --format=stream streamed"
    document = {"type": "gdal_streamed_alg", "command_line": command}
    path.write_text(json.dumps(document))


def _cut(suffix: str, share: float) -> Any:
    def make(path: Path) -> None:
        parcels(path, [HALVES[0]] * 300)
        beside = path.with_suffix(suffix)
        content = beside.read_bytes()
        beside.write_bytes(content[: int(share * len(content))])

    return make


def _without_index(path: Path) -> None:
    parcels(path, HALVES)
    path.with_suffix(".shx").unlink()


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("p.gpkg", _no_crs, "has no CRS; assign"),
        ("p.parquet", _plain_parquet, "Parquet without geometry"),
        ("p.parquet", _other_encoding, "keeps geometry as point"),
        ("p.gpkg", _damaged, "cannot be read"),
        ("p.geojson", _damaged, "cannot be read"),
        ("p.fgb", _damaged, "holds no layer"),
        ("p.fgb", _cut(".fgb", 0.9), r"truncated: 2\d\d of 300 features"),
        ("p.shp", _cut(".shp", 0.9), r"truncated: \d+ of \d+ bytes"),
        ("p.shp", _cut(".dbf", 0.9), r"truncated: \d+ of \d+ bytes"),
        ("p.shp", _cut(".shp", 0.0005), "cannot be read"),
        ("p.parquet", _damaged, "cannot be read"),
        ("p.shp", _without_index, "cannot be read"),
        ("p.gpkg", _virtual, "none of the known formats"),
        ("p.geojson", _program, "cannot be read"),
        ("p.geojson", lambda p: p.write_text("[1, 2]"), "none of the known formats"),
        ("p.geojson", lambda p: p.write_text('{"a": 1}'), "cannot be read"),
        ("p.gpkg", lambda p: p.write_bytes(b""), "none of the known formats"),
    ],
)
def test_files_that_cannot_be_read(
    tmp_path: Path, ndvi: Path, name: str, make: Any, words: str
) -> None:
    path = tmp_path / name
    make(path)
    with pytest.raises(DataError, match=words) as refusal:
        summarise(ndvi, path, tmp_path / "o.csv")
    assert str(path.with_suffix("")) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "o.csv").exists()


def test_an_empty_layer_is_nothing_to_do(tmp_path: Path, ndvi: Path) -> None:
    frame = geopandas.GeoDataFrame({"n": []}, geometry=[], crs=CRS)
    frame.to_file(tmp_path / "p.gpkg")
    with pytest.raises(NoInputError, match="holds no parcels"):
        summarise(ndvi, tmp_path / "p.gpkg", tmp_path / "o.gpkg")
    assert not (tmp_path / "o.gpkg").exists()


@pytest.mark.parametrize("missing", ["ndvi.tif", "p.gpkg", "units.gpkg"])
def test_a_missing_file_is_named(tmp_path: Path, ndvi: Path, missing: str) -> None:
    path = parcels(tmp_path / "p.gpkg", HALVES)
    units = shutil.copy(path, tmp_path / "units.gpkg")
    (tmp_path / missing).unlink()
    with pytest.raises(ConfigurationError, match=f"{missing}: no such file"):
        summarise(ndvi, path, tmp_path / "o.csv", units=Path(units))


@pytest.mark.parametrize(
    ("out", "options", "words"),
    [
        ("o.xlsx", {}, "'.xlsx' is not a format of tables"),
        ("p.gpkg", {}, "is an input"),
        ("o.csv", {"by": ("县",)}, "has no field '县'; use one of: name"),
        ("o.csv", {"id_field": "x"}, "has no field 'x'"),
        ("o.csv", {"statistics": ("sum",)}, "'sum' is unknown"),
    ],
)
def test_requests_that_cannot_be(
    tmp_path: Path, ndvi: Path, out: str, options: dict[str, Any], words: str
) -> None:
    path = parcels(tmp_path / "p.gpkg", HALVES)
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match=words):
        summarise(ndvi, path, tmp_path / out, **options)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ndvi.tif", "p.gpkg"]


def test_reading_leaves_settings_of_gdal_alone(tmp_path: Path, ndvi: Path) -> None:
    path = parcels(tmp_path / "p.fgb", HALVES)
    summarise(ndvi, path, tmp_path / "o.csv")
    assert pyogrio.get_gdal_config_option("OGR_FLATGEOBUF_STREAM_BASE_IMPL") is None
    assert len(read(tmp_path / "o.csv")) == 2


def test_curves_and_places_off_the_globe_are_no_outlines() -> None:
    curve = struct.pack("<BII", 1, 8, 0)  # CircularString, OGC 06-103r4, 8.2
    far = shapely.Polygon([(108.2, 22.8), (108.3, -9e61), (4e-62, 22.9)])
    good = shapely.box(108.2, 22.8, 108.3, 22.9)
    wkb = np.array([curve, shapely.to_wkb(far), shapely.to_wkb(good)], dtype=object)
    found = read_outlines(wkb, pyproj.CRS("EPSG:4326"))
    assert list(found.polygons[:2]) == [None, None]
    assert list(found.area[:2]) == [0.0, 0.0]
    assert found.area[2] == pytest.approx(1.137e8, rel=0.01)
