"""``agroforest fire hotspots`` and ``fire climatology`` as a person runs them."""

import csv
import json
import os
import re
import subprocess
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import shapely
from tests.hotspots.made import VIIRS_HEAD, viirs_row
from tests.hotspots.test_districts import COUNTIES, SHIFTED, write

from agroforest.core.gcj02 import to_gcj02
from agroforest.testing.commands import run_command


def call(
    command: str, *arguments: str | Path, cwd: Path
) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k != "FIRMS_MAP_KEY"}
    return run_command(
        "fire", command, *arguments, cwd=cwd, env=clean | {"COLUMNS": "200"}
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        viirs_row(longitude="108.30", latitude="22.80", acq_time="5"),
        viirs_row(longitude="108.60", latitude="22.80", acq_time="1830"),
        viirs_row(longitude="108.60", latitude="22.80", confidence="x"),
        viirs_row(longitude="108.60", latitude="22.80", acq_time="1830"),
    ]
    (tmp_path / "firms.csv").write_text("\n".join([VIIRS_HEAD, *rows]) + "\n")
    write(tmp_path / "county.geojson")
    write(tmp_path / "shifted.geojson", SHIFTED)
    return tmp_path


def test_help_names_what_it_takes(tmp_path: Path) -> None:
    shown = call("hotspots", "--help", cwd=tmp_path)
    assert shown.returncode == 0
    for word in (
        "FIRMS.csv",
        *("--out", "--boundaries", "--townships", "--reference", "--datum"),
        *("--land-cover", "--static", "--fetch", "--area", "--now", "--json"),
        "火点",
    ):
        assert word in shown.stdout


def test_events_for_people_and_for_machines(folder: Path) -> None:
    arguments = ("firms.csv", "--boundaries", "county.geojson", "--out", "out")
    ended = call("hotspots", *arguments, "--now", "2022-04-08", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    assert "2 detections, 2 events: 2 burning" in ended.stdout
    assert "1 rows refused, 1 repeated" in ended.stdout
    assert "firms.csv: line 4: confidence 'x'" in ended.stderr
    assert "firms.csv: line 5: repeats line 3" in ended.stderr
    assert "taken as WGS 84" in ended.stderr
    table = (folder / "out/events.csv").read_text(encoding="utf-8-sig")
    assert "县0" in table
    assert "County 1" in table

    ended = call("hotspots", *arguments, "--json", cwd=folder)
    said = json.loads(ended.stdout)
    assert (said["detections"], said["events"], said["outside"]) == (2, 2, 0)
    assert (said["refused_count"], said["repeated"]) == (1, 1)
    assert said["refused"][0]["line"] == 4
    assert all((folder / name).is_file() for name in said["files"])


def page_data(path: Path) -> dict[str, Any]:
    block = re.search(
        r'id="af-data">(.*?)</script>', path.read_text("utf-8"), re.DOTALL
    )
    assert block is not None
    data: dict[str, Any] = json.loads(block[1])
    return data


def test_the_page_shows_what_the_tables_say(folder: Path) -> None:
    arguments = ("firms.csv", "--boundaries", "county.geojson", "--out", "out")
    ended = call("hotspots", *arguments, "--now", "2022-04-08", cwd=folder)
    assert "hotspots.html" in ended.stdout
    data = page_data(folder / "out/hotspots.html")
    table = (folder / "out/events.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(table.splitlines()))
    assert data["events"]["id"] == [row["id"] for row in rows]
    assert data["events"]["lastUtc"] == [row["last_utc"] for row in rows]
    names = [data["names"][n]["zh"] for n in data["events"]["county"]]
    assert names == [row["county_zh"] for row in rows]
    assert data["now"] == "2022-04-08T00:00Z"
    assert data["nowLocal"] == "2022-04-08T08:00+08:00"
    assert data["sources"] == ["firms.csv"]
    assert len(data["boundaries"]) >= len(COUNTIES)
    said = [notice["en"] for notice in data["notices"]]
    assert said[0] == "1 rows and 0 files could not be used: left out."
    assert any("land cover" in notice for notice in said)


def test_kinds_and_hostile_names_reach_the_page(folder: Path) -> None:
    name = "</script><script>alert(1)</script>"
    write(folder / "bad.geojson", COUNTIES, [{"name": name}] * len(COUNTIES))
    fields = shapely.box(108.2, 22.7, 108.4, 22.9)
    kiln = shapely.box(108.5, 22.7, 108.7, 22.9)
    write(folder / "fields.geojson", [fields], [{"crop": "甘蔗"}])
    write(folder / "mask.geojson", [kiln], [{}])
    ended = call(
        "hotspots", "firms.csv", "--boundaries", "bad.geojson", "--datum", "wgs84",
        "--land-cover", "fields.geojson", "--static", "mask.geojson",
        "--out", "out", cwd=folder,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    data = page_data(folder / "out/hotspots.html")
    kinds = [data["kinds"][k] for k in data["events"]["kind"]]
    assert kinds == ["crop", "static"]
    assert [n["zh"] for n in data["names"]] == [name]
    page = (folder / "out/hotspots.html").read_text("utf-8")
    assert "<script>alert" not in page


def test_a_shifted_boundary_file_is_noticed_and_mended(folder: Path) -> None:
    arguments = ("firms.csv", "--boundaries", "shifted.geojson", "--out", "out")
    reference = ("--reference", "county.geojson")
    ended = call("hotspots", *arguments, *reference, cwd=folder)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "shifted.geojson: is in GCJ-02, about 5" in ended.stderr
    assert not (folder / "out").exists()

    ended = call("hotspots", *arguments, *reference, "--datum", "gcj02", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    assert "GCJ-02, moved back by 5" in ended.stderr


@pytest.mark.slow
def test_a_point_on_a_shifted_border_changes_its_county(folder: Path) -> None:
    # Two counties with a straight border; the fire is 200 m east of it.
    left, right = shapely.box(108, 22, 108.5, 23), shapely.box(108.5, 22, 109, 23)
    fine = [shapely.segmentize(shape, 0.002) for shape in (left, right)]
    moved = [
        shapely.Polygon(list(zip(*to_gcj02(*shape.exterior.xy), strict=True)))
        for shape in fine
    ]
    names = [{"name": "西县"}, {"name": "东县"}]
    write(folder / "true.geojson", fine, names)
    write(folder / "map.geojson", moved, names)
    row = viirs_row(longitude="108.502", latitude="22.5")
    (folder / "one.csv").write_text(f"{VIIRS_HEAD}\n{row}\n")
    found = {}
    for layer, datum in (("true", "wgs84"), ("map", "wgs84"), ("map", "gcj02")):
        ended = call(
            "hotspots", "one.csv", "--boundaries", f"{layer}.geojson",
            "--datum", datum, "--out", f"{layer}-{datum}", cwd=folder,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        table = (folder / f"{layer}-{datum}/events.csv").read_text("utf-8-sig")
        found[layer, datum] = "东县" in table
    assert found == {
        ("true", "wgs84"): True,
        ("map", "wgs84"): False,  # what the refusal saves the bureau from
        ("map", "gcj02"): True,
    }


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "names no detections"),
        (("nowhere.csv",), 5, "nowhere.csv"),
        (("firms.csv", "--now", "yesterday"), 2, "'yesterday' is no time"),
        (("firms.csv", "--datum", "mars"), 2, "'mars' is unknown"),
        (("--fetch", "MODIS_NRT", "--area", "1,2,3,4"), 2, "holds no key"),
        (("firms.csv", "--boundaries", "firms.csv"), 2, "'.csv' is not"),
        (("firms.csv", "--land-cover", "county.geojson"), 0, ""),
        (("firms.csv", "--static", "nowhere.geojson"), 2, "no such file"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    folder: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ended = call("hotspots", *arguments, "--out", "out", cwd=folder)
    assert ended.returncode == code, ended.stderr
    assert said in ended.stderr
    if code:
        assert ended.stderr.startswith("agroforest: ")
        assert ended.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_climatology_and_what_it_is_worth(tmp_path: Path) -> None:
    start = date(2021, 1, 1)
    rows = [
        viirs_row(
            longitude=f"{108.3 + day % 7 * 0.003:.4f}",
            latitude="22.80",
            acq_date=start + timedelta(days=day),
            type="0",
        )
        for day in (*range(60, 100, 3), *range(425, 465, 3))
    ]
    (tmp_path / "firms.csv").write_text("\n".join([VIIRS_HEAD, *rows]))
    write(tmp_path / "area.geojson", [shapely.union_all(COUNTIES)], [{"name": "a"}])
    days = (start + timedelta(days=n) for n in range(30, 500, 5))
    (tmp_path / "days.csv").write_text("\n".join(map(str, days)))
    arguments = (
        *("firms.csv", "--covered", "days.csv", "--boundaries", "area.geojson"),
        *("--cell", "0.05", "--out", "climatology.tif"),
    )
    ended = call("climatology", *arguments, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "28 detections on" in ended.stdout
    assert "year  hidden  climatology  AUROC" in ended.stdout
    said = json.loads(call("climatology", *arguments, "--json", cwd=tmp_path).stdout)
    assert said["skill"]["year"]["climatology"]["auroc"]["value"] > 0.8
    assert (tmp_path / "climatology.tif").is_file()
