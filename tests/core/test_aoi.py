import json
from pathlib import Path
from typing import Any

import geopandas
import pytest
from shapely.geometry import mapping, shape

from agroforest.core.aoi import PlaceKind, read_aoi
from agroforest.core.errors import ConfigurationError

SQUARE = [[108.1, 22.1], [108.2, 22.1], [108.2, 22.2], [108.1, 22.2], [108.1, 22.1]]
BOW_TIE = [[108.1, 22.1], [108.2, 22.2], [108.2, 22.1], [108.1, 22.2], [108.1, 22.1]]


def feature(ring: list[list[float]], **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def write(path: Path, *features: dict[str, Any]) -> Path:
    document = {"type": "FeatureCollection", "features": list(features)}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_places_and_boundary(tmp_path: Path) -> None:
    inner = [[x + 0.01, y + 0.01] for x, y in SQUARE]
    path = write(
        tmp_path / "a.geojson",
        feature(SQUARE),
        feature(inner, id="C7", kind="compartment", name_zh="7小班", species="松"),
        feature(inner, id="P1", kind="parcel", name="Field 1", crop="sugarcane"),
    )
    aoi = read_aoi(path)
    assert aoi.area.equals(shape(feature(SQUARE)["geometry"]))
    stand, field = aoi.places
    assert (stand.kind, stand.name_zh, stand.name_en, stand.cover) == (
        PlaceKind.COMPARTMENT,
        "7小班",
        "7小班",
        "松",
    )
    assert (field.name_zh, field.name_en, field.cover) == (
        "Field 1",
        "Field 1",
        "sugarcane",
    )
    assert aoi.forest.equals(stand.geometry)


def test_without_boundary_the_places_are_the_area(tmp_path: Path) -> None:
    path = write(tmp_path / "a.geojson", feature(SQUARE, kind="parcel"))
    assert read_aoi(path).area.equals(shape(feature(SQUARE)["geometry"]))
    assert read_aoi(path).forest.is_empty


def test_geopackage_in_another_crs(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    table = geopandas.GeoDataFrame(
        {"id": ["x"], "kind": ["parcel"]},
        geometry=[shape(feature(SQUARE)["geometry"])],
        crs="EPSG:4326",
    )
    table.to_crs("EPSG:32649").to_file(path)
    (place,) = read_aoi(path).places
    assert place.id == "x"
    assert place.geometry.bounds == pytest.approx((108.1, 22.1, 108.2, 22.2), abs=1e-3)


MULTI = {"type": "MultiPolygon", "coordinates": [[SQUARE]]}
SWAPPED = [[y, x] for x, y in SQUARE]
ACROSS = [[179.5, 1.0], [-179.5, 1.0], [-179.5, 2.0], [179.5, 2.0], [179.5, 1.0]]
METRES = [[x * 1e4, y * 1e5] for x, y in SQUARE]


@pytest.mark.parametrize(
    ("features", "words"),
    [
        ([], "holds no features"),
        ([feature(BOW_TIE, id="F9")], r"feature 0 \('F9'\).*Self-intersection"),
        ([feature(SWAPPED)], "latitude and longitude swapped.*longitude first"),
        ([feature([[1e999, 0.0], *SQUARE[1:4], [1e999, 0.0]])], "is no number"),
        ([feature(SQUARE) | {"properties": [1]}], "feature 0 has no readable"),
        ([feature(ACROSS)], "half the world, from -179.5 to 179.5; cut it where"),
        ([feature(METRES)], "not in degrees.*EPSG:4326"),
        ([feature(SQUARE, kind="pond")], "kind 'pond'.*parcel"),
        ([feature(SQUARE, id=1), feature(SQUARE, id="1")], "'1' appears twice"),
        ([{"type": "Feature", "properties": {}, "geometry": None}], "is empty; use"),
        (
            [{"properties": {}, "geometry": {"type": "Point", "coordinates": [1, 2]}}],
            "Point; use polygons",
        ),
    ],
)
def test_bad_areas_are_one_line(
    tmp_path: Path, features: list[Any], words: str
) -> None:
    path = write(tmp_path / "bad.geojson", *features)
    with pytest.raises(ConfigurationError, match=words) as caught:
        read_aoi(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.geojson", "not json"),
        ("a.geojson", "[1, 2]"),
        ("a.geojson", '{"type": "Polygon"}'),
        ("a.geojson", '{"features": null}'),
        ("a.geojson", "[" * 100_000),
        ("a.gpkg", "SQLite format 3 but not really"),
        ("a.gpkg", "<OGRVRTDataSource><OGRVRTLayer name='a'/></OGRVRTDataSource>"),
        ("a.kml", "<OGRVRTDataSource><!-- <kml --></OGRVRTDataSource>"),
        ("a.docx", "letter"),
    ],
)
def test_files_of_the_wrong_kind(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=r"FeatureCollection|read|format"):
        read_aoi(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such file"):
        read_aoi(tmp_path / "nowhere.geojson")


def test_multipolygon_with_height_is_flattened(tmp_path: Path) -> None:
    high = {"type": "Polygon", "coordinates": [[[*p, 80.0] for p in SQUARE]]}
    path = write(
        tmp_path / "a.geojson",
        {"properties": {"id": "m"}, "geometry": MULTI},
        {"properties": {"id": "h"}, "geometry": high},
    )
    assert not read_aoi(path).area.has_z
    assert mapping(read_aoi(path).area)["type"] == "Polygon"
