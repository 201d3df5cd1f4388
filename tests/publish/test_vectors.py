"""Files of cases, opened again by those who would open them."""

import csv
import io
import json
import sqlite3
import warnings
import weakref
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree  # type: ignore[import-untyped]
from shapely.geometry import MultiPolygon, Polygon
from tests.publish.cases import OUTLINE, START, make_case

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.review import Case, Reason, Stage, Verdict
from agroforest.core.risk import Hazard
from agroforest.publish.rows import Manner, describe
from agroforest.publish.table import COLUMNS, Type
from agroforest.publish.vectors import Format, build_file, find_format, write_cases
from agroforest.publish.vectors_text import disarm

EXACT = Manner(exact=True)
NAMED = [f for f in Format if f not in {Format.KML, Format.GPX, Format.SHP}]
HOLED = Polygon(
    shapely.box(109, 23, 109.1, 23.1).exterior,
    [shapely.box(109.03, 23.03, 109.07, 23.07).exterior],
)
PARTS = MultiPolygon([shapely.box(110, 24, 110.01, 24.01), HOLED])


def make_cases() -> list[Case]:
    return [
        make_case("a1"),
        make_case("b2", geometry=HOLED, probability=None, county=("", "", "")),
        make_case(
            "c3",
            geometry=PARTS,
            hazard=Hazard.ACTIVE_FIRE,
            stage=Stage.DECIDED,
            verdict=Verdict.CONFIRMED,
            reason=Reason.REPORTED,
            changed=START + timedelta(days=3, seconds=7),
        ),
    ]


def write(
    tmp_path: Path, kind: Format, cases: list[Case], manner: Manner = EXACT
) -> Path:
    path = tmp_path / f"cases{kind.suffix}"
    assert write_cases(path, cases, manner=manner) == len(cases)
    return path


def source(path: Path) -> str:
    return f"/vsizip/{path}/cases.shp" if path.suffix == ".zip" else str(path)


# ------------------------------------------------------------------ read again


@pytest.mark.parametrize("kind", [*NAMED, Format.SHP])
def test_file_says_what_the_rows_say(tmp_path, kind):
    cases = make_cases()
    path = write(tmp_path, kind, cases)
    found = pyogrio.read_dataframe(
        source(path), read_geometry=kind is not Format.CSV, datetime_as_string=True
    )
    short = kind is Format.SHP
    found = found.set_index("id").sort_index()
    assert list(found.index) == ["a1", "b2", "c3"]
    for case in cases:
        row = describe(case, EXACT)
        got = found.loc[case.id]
        for column in COLUMNS[1:]:
            value = got[column.short if short else column.name]
            expected = row.values[column.name]
            assert same(value, expected, column.type), (kind, column.name)
        if kind is not Format.CSV:
            assert shapely.equals_exact(
                shapely.normalize(got.geometry), shapely.normalize(row.outline), 1e-6
            ) or shapely.normalize(got.geometry).equals(row.outline)


def same(value, expected, kind: Type) -> bool:
    if expected is None or expected == "":
        return bool(value in {None, ""} or pd.isna(value))
    if kind is Type.NUMBER:
        return bool(float(value) == pytest.approx(expected, rel=1e-9))
    if kind is Type.DAY:
        return bool(pd.Timestamp(value).date() == expected)
    if kind is Type.TIME:
        time = pd.Timestamp(value)
        zoned = time if time.tzinfo else time.tz_localize("UTC")
        return bool(zoned == expected)
    return bool(value == expected)


@pytest.mark.parametrize("kind", list(Format))
def test_no_cases_still_make_a_file(tmp_path, kind):
    path = write(tmp_path, kind, [])
    assert path.stat().st_size > 0
    if kind not in {Format.CSV, Format.KML, Format.GPX}:
        assert (
            pyogrio.read_info(source(path), force_feature_count=True)["features"] == 0
        )


@pytest.mark.parametrize("kind", list(Format))
def test_same_cases_same_bytes(tmp_path, kind):
    one = build_file(make_cases(), manner=EXACT, format=kind)
    other = write(tmp_path, kind, make_cases()).read_bytes()
    assert one == other


def test_time_of_a_geopackage_is_that_of_its_newest_case(tmp_path):
    path = write(tmp_path, Format.GPKG, make_cases())
    with closing(sqlite3.connect(path)) as database:
        (time,) = database.execute("SELECT last_change FROM gpkg_contents").fetchone()
    assert time == "2024-05-05T00:00:07.000Z"


@pytest.mark.parametrize("kind", list(Format))
def test_bad_outline_leaves_the_others_whole(tmp_path, kind):
    swapped = make_case("bad", geometry=shapely.box(23, 108, 24, 109))
    path = write(tmp_path, kind, [swapped, make_case("good")])
    text = (
        b"".join(ZipFile(path).read(n) for n in ZipFile(path).namelist())
        if kind is Format.SHP
        else path.read_bytes()
    )
    assert b"good" in text


@pytest.mark.parametrize("kind", list(Format))
def test_failing_source_is_told_and_leaves_the_file_as_it_was(tmp_path, kind):
    path = write(tmp_path, kind, make_cases())
    before = path.read_bytes()

    def cases() -> Iterator[Case]:
        yield from make_cases() * 400
        raise DataError("case 7", "is not on record", "look it up")

    with pytest.raises(DataError, match="case 7"):
        write_cases(path, cases(), manner=EXACT)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"use one of .*gpkg"):
        write_cases(tmp_path / "cases.dwg", [], manner=EXACT)
    assert find_format(Path("x.ZIP")) is Format.SHP


def test_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(DataError, match=r"cases\.csv"):
        write_cases(tmp_path / "out" / "cases.csv", [], manner=EXACT)


# ---------------------------------------------------------------- coordinates


@pytest.mark.parametrize("kind", [f for f in Format if f is not Format.CSV])
def test_coarse_file_holds_no_exact_coordinate(tmp_path, kind):
    path = write(tmp_path, kind, [make_case()], Manner())
    layer = "waypoints" if kind is Format.GPX else None
    (shape,) = pyogrio.read_dataframe(source(path), layer=layer).geometry
    corners = shapely.get_coordinates(shape) * 1000
    assert np.abs(corners - corners.round()).max() < 1e-6
    if kind is not Format.GPX:
        assert shape.buffer(1e-9).covers(OUTLINE)
        assert shape.area == pytest.approx(1e-4)
    if kind not in {Format.SHP, Format.GPKG, Format.FGB}:
        assert "108.272" not in path.read_text(encoding="utf-8")


def test_geojson_keeps_rfc_7946(tmp_path):
    document = json.loads(write(tmp_path, Format.GEOJSON, make_cases()).read_bytes())
    assert document["type"] == "FeatureCollection"
    assert "crs" not in document
    for feature in document["features"]:
        assert feature["id"] == feature["properties"]["id"]
        for outer, *holes in feature["geometry"]["coordinates"]:
            assert shapely.LinearRing(outer).is_ccw
            assert not any(shapely.LinearRing(hole).is_ccw for hole in holes)


def test_outline_over_the_antimeridian_is_cut(tmp_path):
    case = make_case(geometry=shapely.box(179.5, 50, 180.5, 51))
    document = json.loads(write(tmp_path, Format.GEOJSON, [case]).read_bytes())
    (feature,) = document["features"]
    spans = [{x for x, _ in outer} for outer, *_ in feature["geometry"]["coordinates"]]
    assert sorted(map(sorted, spans)) == [[-180, -179.5], [179.5, 180]]


# ------------------------------------------------------------------ shapefile


def test_shapefile_comes_with_all_it_needs(tmp_path):
    path = write(tmp_path, Format.SHP, make_cases())
    with ZipFile(path) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {
            *("cases.shp", "cases.shx", "cases.dbf", "cases.prj", "cases.cpg"),
            "fields.csv",
        }
        assert archive.read("cases.cpg").strip() == b"UTF-8"
        assert "武鸣区".encode() in archive.read("cases.dbf")
        meanings = list(
            csv.DictReader(io.StringIO(archive.read("fields.csv").decode("utf-8-sig")))
        )
    fields = pyogrio.read_info(source(path))["fields"].tolist()
    assert [m["short"] for m in meanings] == fields
    assert [m["name"] for m in meanings] == [c.name for c in COLUMNS]


@settings(max_examples=10)
@given(st.sampled_from(["区", "a区", "ab区", "🔥", "a🔥"]), st.integers(60, 300))
def test_long_text_is_cut_between_characters(tmp_path_factory, piece, count):
    name = piece * count
    path = write(
        tmp_path_factory.mktemp("long"),
        Format.SHP,
        [make_case(county=("", name, ""))],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (read,) = pyogrio.read_dataframe(source(path)).county_zh
    assert name.startswith(read)
    assert len(read.encode()) > min(len(name.encode()), 254) - 4


# ------------------------------------------------------------------------ CSV

PAYLOADS = [
    "=1+1",
    "+1",
    "-1+2",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =cmd|'/c calc'!A0",
    "\u3000=1",
    "\u200b=1",
    "＝1+1",  # noqa: RUF001
    "＋1",  # noqa: RUF001
    "－1",  # noqa: RUF001
    "＠x",  # noqa: RUF001
    '"=1+1"',
    '=HYPERLINK("http://x","y")',
    "a;=1+1",
    "a; =1+1",
    "a,=1+1",
    'a",=1+1,"',
    "\ufeff=1",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_csv_runs_nothing_in_a_spreadsheet(tmp_path, payload):
    case = make_case(county=("450110", payload, payload), places=(payload,))
    path = write(tmp_path, Format.CSV, [case])
    # As a spreadsheet does: cells as text, kept, opened again.
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    book = tmp_path / "book.xlsx"
    table.to_excel(book, index=False, engine="openpyxl")
    for cells in openpyxl.load_workbook(book).active.iter_rows():
        assert all(cell.data_type != "f" for cell in cells)
    # Where a semicolon parts columns, and quotes within a cell say nothing.
    for cell in path.read_text(encoding="utf-8-sig").replace('"', "").split(";"):
        assert cell.strip()[:1] not in set("=+@＝＋＠")  # noqa: RUF001


@given(st.text(alphabet="=+-@＝＋－＠ \u3000\u200b;a1\"'", max_size=8))  # noqa: RUF001
def test_disarmed_text_begins_with_nothing_that_runs(text):
    for part in disarm(text).split(";"):
        bare = part.lstrip(" \u3000\u200b")
        assert not bare.startswith(tuple("=+-@＝＋－＠"))  # noqa: RUF001
    assert disarm(text).replace("'", "") == text.replace("'", "")


def test_numbers_stay_numbers(tmp_path):
    west = make_case(geometry=shapely.box(-60.02, -3.02, -60.01, -3.01))
    path = write(tmp_path, Format.CSV, [west])
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    table = pd.read_csv(path)
    assert table.longitude.dtype == np.float64
    assert table.longitude[0] == pytest.approx(-60.015)
    assert table.area_mu[0] == 37.5


def test_plain_text_is_left_as_it_is():
    for text in ("武鸣区", "a-b", "2024-05-01", "O'Hara", "x = y"):
        assert disarm(text) == text


# ------------------------------------------------------------------ KML and GPX

NAMESPACES = {
    "k": "http://www.opengis.net/kml/2.2",
    "g": "http://www.topografix.com/GPX/1/1",
}


def test_kml_is_styled_by_hazard(tmp_path):
    root = etree.parse(write(tmp_path, Format.KML, make_cases())).getroot()
    styles = {s.get("id") for s in root.iterfind(".//k:Style", NAMESPACES)}
    assert styles == {str(hazard) for hazard in Hazard}
    urls = [e.text for e in root.iterfind(".//k:styleUrl", NAMESPACES)]
    assert urls == ["#canopy-loss", "#canopy-loss", "#active-fire"]
    assert len(root.findall(".//k:innerBoundaryIs", NAMESPACES)) == 2


def test_kml_outlines_are_read_again(tmp_path):
    cases = make_cases()
    found = pyogrio.read_dataframe(write(tmp_path, Format.KML, cases))
    for case, shape in zip(cases, found.geometry, strict=True):
        assert shape.equals(case.geometry)


def test_gpx_leads_into_each_case(tmp_path):
    cases = make_cases()
    path = write(tmp_path, Format.GPX, cases)
    points = pyogrio.read_dataframe(path, layer="waypoints")
    tracks = pyogrio.read_dataframe(path, layer="tracks")
    for case, point, name in zip(cases, points.geometry, points.name, strict=True):
        assert case.geometry.contains(point)
        assert case.id in name
    assert "亩" in points.desc[0]
    assert len(tracks) == len(cases)
    assert [len(t.geoms) for t in tracks.geometry] == [1, 2, 3]
    root = etree.parse(path).getroot()
    assert [etree.QName(e).localname for e in root] == [
        *("metadata", "wpt", "wpt", "wpt", "trk", "trk", "trk")
    ]


def test_gpx_writes_plain_decimals(tmp_path):
    case = make_case(geometry=shapely.box(-1e-5, -1e-5, 1e-5, 1e-5))
    text = write(tmp_path, Format.GPX, [case]).read_text()
    assert "e-" not in text.replace("Suspected", "")


HOSTILE = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            "]]><script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "$[id]",
            "&xxe;",
            "\x00\ud800\ufffe",
            "\u2028</Placemark>",
        ]
    ),
)


@settings(max_examples=25)
@given(HOSTILE, HOSTILE)
def test_hostile_text_stays_text_in_every_format(tmp_path_factory, name, place):
    case = make_case(county=(name, name, name), places=(place,), pipeline=place)
    folder = tmp_path_factory.mktemp("hostile")
    for kind in Format:
        path = write(folder, kind, [case])
        if kind in {Format.KML, Format.GPX}:
            root = etree.parse(path).getroot()
            tags = {etree.QName(e).localname for e in root.iter()}
            assert not tags & {"script", "img"}
            for text in root.iterfind(".//k:description", NAMESPACES):
                assert "<" not in text.text
                assert "$[" not in text.text
        elif kind is Format.CSV:
            with path.open(encoding="utf-8-sig", newline="") as lines:
                assert len(list(csv.reader(lines))) == 2
        else:
            assert len(pyogrio.read_dataframe(source(path))) == 1


# ----------------------------------------------------------------------- many


@pytest.mark.parametrize("kind", [Format.CSV, Format.GEOJSON, Format.GPKG, Format.FGB])
def test_cases_are_taken_one_after_another(tmp_path, kind):
    """No writer gathers them: few are alive at any time."""
    alive: weakref.WeakSet[Polygon] = weakref.WeakSet()
    most = 0

    def cases() -> Iterator[Case]:
        nonlocal most
        for number in range(5000):
            outline = shapely.box(108, 23, 108.01, 23.01 + number * 1e-5)
            alive.add(outline)
            most = max(most, len(alive))
            yield make_case(f"c{number}", geometry=outline)

    path = tmp_path / f"cases{kind.suffix}"
    assert write_cases(path, cases(), manner=EXACT) == 5000
    assert most < 2000
