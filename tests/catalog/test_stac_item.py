"""STAC items of every producer that is claimed, real ones and damaged ones."""

import importlib.util
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agroforest.catalog import LocalCatalog, add_scenes, recognise
from agroforest.catalog.stac_item import read_item
from agroforest.core.errors import DataError
from agroforest.core.scene import MaskKind

MakeRaster = Callable[..., Path]

_spec = importlib.util.spec_from_file_location(
    "stac_examples", Path(__file__).with_name("stac_examples.py")
)
assert _spec is not None
assert _spec.loader is not None
examples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(examples)
BASE = "https://example.org/items/x"


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "expected", "bands", "scale", "offset"),
    [
        (
            "S2A_28QCH_20200714_0_L2A",
            {
                "collection": "sentinel-2-l2a",
                "platform": "sentinel-2a",
                "place": "28QCH",
                "sensed": datetime(2020, 7, 14, 11, 52, 21, tzinfo=UTC),
                "baseline": "02.14",
                "crs": "EPSG:32628",
                "cloud_cover": 2.36,
                "mask_kind": MaskKind.SCL,
            },
            12,
            1e-4,
            0.0,
        ),
        (
            "S2B_MSIL2A_20190629T212529_R043_T06VVN_20201006T080531",
            {
                "collection": "sentinel-2-l2a",
                "platform": "sentinel-2b",
                "place": "06VVN",
                "sensed": datetime(2019, 6, 29, 21, 25, 29, tzinfo=UTC),
                "baseline": "02.12",
                "crs": "EPSG:32606",
                "cloud_cover": 0.314306,
                "mask_kind": MaskKind.SCL,
            },
            12,
            1e-4,
            0.0,
        ),
        (
            "LC08_L2SP_028030_20200114_20200824_02_T1_SR",
            {
                "collection": "landsat-c2-l2",
                "platform": "landsat-8",
                "place": "028030",
                "sensed": datetime(2020, 1, 14, 17, 5, 46, 732651, UTC),
                "baseline": "02",
                "crs": "EPSG:32615",
                "cloud_cover": 8.18,
                "mask_kind": MaskKind.QA_PIXEL,
            },
            7,
            2.75e-5,
            -0.2,
        ),
    ],
)
def test_real_items(
    data_dir: Path,
    name: str,
    expected: dict[str, object],
    bands: int,
    scale: float,
    offset: float,
) -> None:
    path = data_dir / "scene_metadata" / "stac_items" / f"{name}.json"
    (granule,) = recognise(path)
    assert {key: getattr(granule, key) for key in expected} == expected
    assert len(granule.bands) == bands
    assert {(a.scale, a.offset, a.nodata) for a in granule.bands.values()} == {
        (scale, offset, (0,))
    }
    assert granule.mask.href.startswith("https://")


@pytest.mark.data
def test_old_landsat_item_without_projection_is_refused(data_dir: Path) -> None:
    folder = data_dir / "scene_metadata" / "landsat"
    for path in sorted(folder.glob("*_stac.json")):
        with pytest.raises(DataError, match="no coordinate reference system") as error:
            recognise(path)
        assert str(error.value).startswith(str(path.resolve()))


def test_earth_search_v1() -> None:
    granule = read_item(examples.earth_search(), base=BASE)
    assert set(granule.bands) == {"B02", "B04", "B05", "B06", "B08", "B8A", "B11"}
    assert granule.bands["B04"].href.endswith("B04.tif")  # not the JPEG 2000
    assert granule.bands["B04"].resolution == 10
    assert granule.bands["B11"].resolution == 20
    assert granule.bands["B04"].offset == 0.0  # the flag, not raster:bands
    assert granule.sensed == datetime(2024, 3, 1, 3, 5, 41, tzinfo=UTC)
    assert granule.place == "49QBF"
    later = examples.earth_search(**{"earthsearch:boa_offset_applied": False})
    assert read_item(later, base=BASE).bands["B04"].offset == -0.1


@pytest.mark.parametrize(
    ("baseline", "offset"), [("05.10", -0.1), ("04.00", -0.1), ("03.01", 0.0)]
)
def test_planetary_computer(baseline: str, offset: float) -> None:
    granule = read_item(examples.planetary_computer(baseline), base=BASE)
    assert granule.bands["B8A"].offset == offset
    assert granule.bands["B8A"].resolution == 20
    assert granule.crs == "EPSG:32649"


def test_planetary_computer_without_a_baseline_is_refused() -> None:
    with pytest.raises(DataError, match="unknown baseline None"):
        read_item(examples.planetary_computer(None), base=BASE)


def test_copernicus_lists_a_band_by_resolution() -> None:
    granule = read_item(examples.copernicus(), base=BASE)
    assert granule.bands["B04"].href.endswith("B04_10m.jp2")
    assert granule.bands["B04"].offset == -0.1
    assert granule.mask.href.endswith("SCL_20m.jp2")
    assert granule.baseline == "05.10"


def test_the_same_product_of_two_catalogues_is_one_strip() -> None:
    one = read_item(examples.earth_search(), base=BASE)
    other = read_item(examples.planetary_computer(), base=BASE)
    assert (one.collection, one.platform, one.place, one.baseline, one.generated) == (
        other.collection,
        other.platform,
        other.place,
        other.baseline,
        other.generated,
    )
    assert abs((one.sensed - other.sensed).total_seconds()) < 1


def _damage(**changes: object) -> dict[str, Any]:
    item = examples.earth_search()
    for path, value in changes.items():
        holder, (*parents, last) = item, path.split("__")
        for parent in parents:
            holder = holder[parent]
        if value is None:
            del holder[last]
        else:
            holder[last] = value
    return dict(item)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"assets__scl": None}, "no asset scl"),
        ({"assets": {"scl": {"href": "a.tif"}}}, "no known band among scl"),
        ({"assets": 3}, "no asset scl"),
        ({"assets__red__raster:bands": [3]}, "not a STAC item"),
        ({"assets__red__raster:bands": [{"scale": "x"}]}, "not a STAC item"),
        ({"geometry": None}, "not a STAC item"),
        ({"geometry": {"type": "Point", "coordinates": [1, 2]}}, "is a Point"),
        ({"geometry": {"type": "Polygon", "coordinates": [[[0, 0]]]}}, "STAC item"),
        ({"properties__proj:epsg": None}, "no coordinate reference system"),
        ({"properties__platform": "", "id": "x"}, "states no platform"),
        ({"properties__eo:cloud_cover": 400}, "cloud cover 400"),
        ({"properties__earthsearch:boa_offset_applied": "maybe"}, "'maybe'"),
        (
            {
                "properties__earthsearch:boa_offset_applied": None,
                "assets__red__raster:bands": None,
            },
            "asset red: baseline 05.10, but nothing says",
        ),
        (
            {
                "properties__s2:product_uri": None,
                "properties__datetime": "01/03/2024",
            },
            "'01/03/2024'",
        ),
        ({"collection": "sentinel-2-l1c"}, "level 1C"),
    ],
)
def test_damaged_items_are_one_line(changes: dict[str, object], names: str) -> None:
    with pytest.raises(DataError, match=names) as refused:
        read_item(_damage(**changes), base=BASE)
    assert str(refused.value).startswith(BASE)
    assert "\n" not in str(refused.value)


def _write_local(folder: Path, make_raster: MakeRaster) -> Path:
    """Plain item beside its COGs, as a small producer would write it."""
    for name in ("B04", "SCL"):
        make_raster(folder / f"{name}.tif")
    item = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": "own_20240301",
        "collection": "own",
        "geometry": examples.earth_search()["geometry"],
        "properties": {"datetime": "2024-03-01T03:00:00Z", "platform": "own-1"},
        "assets": {
            "B04": {
                "href": "./B04.tif",
                "raster:bands": [{"scale": 0.0001, "offset": -0.1, "nodata": 0}],
            },
            "SCL": {"href": "SCL.tif"},
        },
        "links": [],
    }
    path = folder / "own_20240301.json"
    path.write_text(json.dumps(item))
    return path


def test_local_item_takes_crs_and_size_from_its_files(
    tmp_path: Path, make_raster: MakeRaster
) -> None:
    path = _write_local(tmp_path, make_raster)
    (granule,) = recognise(path)
    assert granule.collection == "own"
    assert granule.crs == "EPSG:32649"
    assert granule.bands["B04"].href == str(tmp_path / "B04.tif")
    assert granule.bands["B04"].resolution == 10
    assert (granule.bands["B04"].scale, granule.bands["B04"].offset) == (1e-4, -0.1)
    assert recognise(tmp_path) == [granule]
    (tmp_path / "B04.tif").write_bytes(b"II*\0")
    with pytest.raises(DataError, match=r"B04\.tif: not a readable raster"):
        recognise(path)
    (tmp_path / "B04.tif").unlink()
    with pytest.raises(DataError, match=r"B04\.tif: no such file"):
        recognise(path)


def test_catalogue_and_collection_files_are_followed(
    tmp_path: Path, make_raster: MakeRaster
) -> None:
    item = _write_local(tmp_path / "deep" / "item", make_raster)
    links = {
        "catalog.json": [
            {"rel": "child", "href": "./deep/collection.json"},
            {"rel": "root", "href": "./catalog.json"},
        ],
        "deep/collection.json": [
            {"rel": "item", "href": f"item/{item.name}"},
            {"rel": "child", "href": "../catalog.json"},
            {"rel": "item", "href": f"item/{item.name}"},
        ],
    }
    for name, entries in links.items():
        kind = "Catalog" if name == "catalog.json" else "Collection"
        (tmp_path / name).write_text(
            json.dumps({"type": kind, "stac_version": "1.0.0", "links": entries})
        )
    expected = recognise(item)
    for path in (tmp_path, tmp_path / "catalog.json", tmp_path / "deep"):
        assert recognise(path) == expected


def test_damaged_parts_of_a_tree_do_not_hide_the_rest(
    tmp_path: Path, make_raster: MakeRaster
) -> None:
    _write_local(tmp_path / "items" / "whole", make_raster)
    cut = tmp_path / "items" / "cut" / "cut.json"
    cut.parent.mkdir()
    cut.write_text((tmp_path / "items/whole/own_20240301.json").read_text()[:200])
    lists = [{"rel": "child", "href": f"./{name}.json"} for name in ("lost", "good")]
    good = [{"rel": "item", "href": "../items/whole/own_20240301.json"}]
    (tmp_path / "tree").mkdir()
    for name, links in (("catalog", lists), ("good", good)):
        (tmp_path / "tree" / f"{name}.json").write_text(
            json.dumps({"type": "Catalog", "stac_version": "1.0.0", "links": links})
        )
    local = LocalCatalog(tmp_path / "catalog")
    report = add_scenes([tmp_path / "items", tmp_path / "tree"], local)
    assert (report.added, report.known) == (1, 1)  # the same item, found twice
    assert [e.where for e in report.refused] == [
        str(cut),
        str(tmp_path / "tree" / "lost.json"),
    ]


def test_item_collection_file(tmp_path: Path) -> None:
    path = tmp_path / "search.json"
    features = [examples.earth_search(), examples.planetary_computer()]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    assert [granule.id for granule in recognise(path)] == [f["id"] for f in features]


def test_names_that_no_file_can_have(tmp_path: Path) -> None:
    """Too long, or with a zero byte: refused like a file that is missing."""
    path = tmp_path / "i.json"
    for name in ("9" * 300, "a\0b"):
        item = examples.earth_search()
        for asset in item["assets"].values():
            asset["href"] = f"./{name}.tif"
        path.write_text(json.dumps(item), encoding="utf-8")
        with pytest.raises(DataError) as refused:
            recognise(path)
        assert "\n" not in str(refused.value)
    tree: dict[str, Any] = {"stac_version": "1.0.0", "type": []}
    tree["links"] = [{"rel": rel, "href": "a\0b"} for rel in ("item", ["item"])]
    path.write_text(json.dumps(tree), encoding="utf-8")
    with pytest.raises(DataError, match="not a product"):
        recognise(path)
