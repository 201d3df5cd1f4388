import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import shapely
from shapely.geometry import shape
from tests.hotspots.made import MODIS_HEAD, VIIRS_HEAD, modis_row, viirs_row
from tests.hotspots.test_districts import write

from agroforest.core.errors import ConfigurationError, NoInputError
from agroforest.hotspots.survey import HotspotReport, HotspotRequest, write_hotspots

_NOW = datetime(2022, 4, 8, 0, 0, tzinfo=UTC)


def run(folder: Path, *rows: str, head: str = VIIRS_HEAD, **more: Any) -> HotspotReport:
    feed = folder / "feed.csv"
    feed.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    request: dict[str, Any] = {"files": (feed,), "out": folder / "out", "now": _NOW}
    return write_hotspots(HotspotRequest(**(request | more)))


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "out/events.csv").open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def features_of(folder: Path) -> list[dict[str, Any]]:
    document = json.loads((folder / "out/events.geojson").read_text(encoding="utf-8"))
    assert document["type"] == "FeatureCollection"
    return list(document["features"])


def test_an_event_in_a_row(tmp_path):
    counties = write(
        tmp_path / "county.geojson",
        [shapely.box(108, 23, 109, 24)],
        [{"name": "武鸣区", "name_en": "Wuming", "adcode": "450110"}],
    )
    rows = [
        viirs_row(acq_time="5", frp=4),
        viirs_row(acq_time="1830", frp=6, satellite="N20", daynight="N"),
    ]
    report = run(tmp_path, *rows, boundaries=counties)
    assert (report.detections, report.events, report.outside) == (2, 1, 0)
    (row,) = rows_of(tmp_path)
    assert row["first_utc"] == "2022-04-07T00:05Z"
    assert row["last_utc"] == "2022-04-07T18:30Z"
    assert row["last_local"] == "2022-04-08T02:30+08:00"  # the next day in China
    assert float(row["age_h"]) == 5.5
    assert (row["detections"], row["viirs"], row["modis"]) == ("2", "2", "0")
    assert row["satellites"] == "N N20"
    assert (float(row["frp_max_mw"]), float(row["frp_sum_mw"])) == (6.0, 10.0)
    assert row["night_share"] == "0.5"
    assert row["confidence"] == "nominal"
    assert (row["county_code"], row["county_zh"], row["county_en"]) == (
        "450110",
        "武鸣区",
        "Wuming",
    )
    (feature,) = features_of(tmp_path)
    assert feature["properties"]["id"] == row["id"]
    assert shape(feature["geometry"]).contains(shapely.Point(108.5, 23.5))


def test_viirs_nominal_comes_first_then_others_then_low_and_static_last(tmp_path):
    rows = {
        "low": viirs_row(longitude=108.1, confidence="l", acq_time="2200"),
        "modis": viirs_row(longitude=108.2, satellite="T", instrument="MODIS"),
        "nominal": viirs_row(longitude=108.3, confidence="n", acq_time="0100"),
        "newer": viirs_row(longitude=108.4, confidence="h", acq_time="0700"),
        "static": viirs_row(longitude=108.5, confidence="h", type="2"),
    }
    run(tmp_path, *rows.values())
    order = [round(float(row["longitude"]), 1) for row in rows_of(tmp_path)]
    assert order == [108.4, 108.3, 108.2, 108.1, 108.5]
    by_place = [f["properties"]["longitude"] for f in features_of(tmp_path)]
    assert [round(x, 1) for x in by_place] == order


def test_an_event_lies_where_most_of_it_lies(tmp_path):
    shapes = [shapely.box(108, 23, 108.5, 24), shapely.box(108.5, 23, 109, 24)]
    layer = write(tmp_path / "c.geojson", shapes, [{"name": "西"}, {"name": "东"}])
    rows = [viirs_row(longitude=x) for x in ("108.498", "108.5015", "108.5030")]
    run(tmp_path, *rows, boundaries=layer, townships=layer)
    (row,) = rows_of(tmp_path)
    assert (row["county_zh"], row["county_count"]) == ("东", "2")
    assert row["township_zh"] == "东"


def test_a_spreadsheet_runs_nothing_of_it(tmp_path):
    evil = [{"name": '=HYPERLINK("http://x")', "adcode": "+1", "name_en": "@x"}]
    layer = write(tmp_path / "c.geojson", [shapely.box(108, 23, 109, 24)], evil)
    run(tmp_path, viirs_row(longitude="108.5"), boundaries=layer)
    raw = (tmp_path / "out/events.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    (row,) = rows_of(tmp_path)
    assert row["county_zh"] == "'@x"
    assert row["county_code"] == "'+1"
    assert row["county_en"] == "'@x"


def test_numbers_below_zero_stay_numbers(tmp_path):
    run(tmp_path, viirs_row(longitude="-60.5", latitude="-10"))
    (row,) = rows_of(tmp_path)
    assert (float(row["longitude"]), float(row["latitude"])) == (-60.5, -10.0)


def test_what_is_not_known_is_null(tmp_path):
    run(tmp_path, viirs_row(frp=""))
    (row,) = rows_of(tmp_path)
    assert row["frp_max_mw"] == row["frp_sum_mw"] == ""
    (feature,) = features_of(tmp_path)
    assert feature["properties"]["frp_max_mw"] is None
    assert "NaN" not in (tmp_path / "out/events.geojson").read_text()


def test_burning_fields_are_suspected_not_known(tmp_path):
    cover = write(
        tmp_path / "cover.geojson",
        [shapely.box(108.0, 23, 108.3, 24), shapely.box(108.3, 23, 108.6, 24)],
        [{"crop": "sugarcane"}, {"species": "eucalyptus"}],
    )
    rows = [viirs_row(longitude=x) for x in ("108.1", "108.5", "108.9")]
    report = run(tmp_path, *rows, land_cover=cover)
    assert report.crop_burning == 1
    flags = {row["longitude"]: row["crop_burning"] for row in rows_of(tmp_path)}
    assert flags == {"108.1": "suspected", "108.5": "no", "108.9": "unknown"}
    shares = {row["longitude"]: row["sugarcane_share"] for row in rows_of(tmp_path)}
    assert shares == {"108.1": "1.0", "108.5": "0.0", "108.9": ""}


def test_a_mask_sets_its_events_apart(tmp_path):
    mask = write(tmp_path / "m.geojson", [shapely.box(108.45, 23, 108.55, 24)], [{}])
    rows = [viirs_row(longitude="108.5"), viirs_row(longitude="108.9")]
    report = run(tmp_path, *rows, static=mask)
    assert (report.burning, report.static, report.sources) == (1, 1, 1)
    assert [row["static"] for row in rows_of(tmp_path)] == ["false", "true"]


def test_what_was_written_is_all_the_state_there_is(tmp_path):
    first = [viirs_row(), viirs_row(latitude="23.52", confidence="h", type="0")]
    modis = modis_row(acq_time="900", latitude="23.503", confidence="44", frp="")
    second = tmp_path / "second"
    second.mkdir()
    run(tmp_path, *first)
    evening = second / "evening.csv"
    evening.write_text(f"{MODIS_HEAD}\n{modis}\n")
    known = tmp_path / "out/detections.csv"
    write_hotspots(HotspotRequest(files=(known, evening), out=second / "out", now=_NOW))

    morning = tmp_path / "feed.csv"
    write_hotspots(
        HotspotRequest(files=(morning, evening), out=tmp_path / "all", now=_NOW)
    )
    for name in ("events.geojson", "events.csv", "detections.csv"):
        once = (tmp_path / "all" / name).read_bytes()
        assert (second / "out" / name).read_bytes() == once


def test_bad_files_do_not_stop_the_others(tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text("no,table\n")
    good = tmp_path / "good.csv"
    good.write_text(f"{VIIRS_HEAD}\n{viirs_row()}\n{viirs_row(confidence='z')}\n")
    report = write_hotspots(
        HotspotRequest(files=(bad, good), out=tmp_path / "out", now=_NOW)
    )
    assert report.detections == 1
    assert str(bad) in report.unreadable[0]
    assert [(r.line, r.reason[:14]) for r in report.refused] == [(3, "confidence 'z'")]


def test_a_quiet_day_gives_empty_tables(tmp_path):
    report = run(tmp_path)
    assert report.events == 0
    assert rows_of(tmp_path) == features_of(tmp_path) == []


def test_nothing_usable_is_said(tmp_path):
    with pytest.raises(NoInputError, match=r"line 2: confidence 'z'"):
        run(tmp_path, viirs_row(confidence="z"))
    with pytest.raises(NoInputError, match="no usable file"):
        run(tmp_path, head="a,b")
    with pytest.raises(ConfigurationError, match="names no detections"):
        run(tmp_path, files=())


def test_what_was_seen_later_is_not_known_yet(tmp_path):
    report = run(
        tmp_path, viirs_row(acq_time="5"), viirs_row(acq_date="2022-04-09", latitude=24)
    )
    assert report.detections == 1
    (note,) = report.notes
    assert note.startswith("1 detections after 2022-04-08T00:00:00 UTC")
    assert all(float(row["age_h"]) >= 0 for row in rows_of(tmp_path))


def test_a_layer_of_unknown_datum_is_used_and_named(tmp_path):
    layer = write(tmp_path / "c.geojson", [shapely.box(108, 23, 109, 24)], [{}])
    report = run(tmp_path, viirs_row(), boundaries=layer)
    (note,) = report.notes
    assert "taken as WGS 84" in note
    assert "--reference" in note


@pytest.mark.data
def test_real_hotspots_in_real_counties(data_dir, tmp_path):
    report = write_hotspots(
        HotspotRequest(
            files=(data_dir / "hotspots_guangxi" / "modis_c61_nrt.csv",),
            out=tmp_path / "out",
            now=datetime(2024, 11, 2, tzinfo=UTC),
            boundaries=data_dir / "guangxi_vectors" / "county.geojson",
        )
    )
    assert (report.detections, report.sources) == (3124, 2)
    rows = rows_of(tmp_path)
    assert sum(int(row["detections"]) for row in rows) == 3124
    assert len({row["county_code"] for row in rows}) > 90
    hull = shapely.box(104, 20, 113, 27)
    assert all(hull.contains(shape(f["geometry"])) for f in features_of(tmp_path))
