"""``agroforest fire scar`` as a person runs it."""

import csv
import json
import os
import subprocess
from pathlib import Path

import pytest
from tests.fire import scars

from agroforest.testing.commands import run_command


def call(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return run_command(
        "fire", "scar", *arguments, cwd=cwd, env=os.environ | {"COLUMNS": "200"}
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    scars.write(tmp_path / "post.tif", scars.draw(burned=True))
    scars.write(tmp_path / "pre.tif", scars.draw(burned=False, cut=False))
    return tmp_path


def test_help_names_what_it_takes(tmp_path: Path) -> None:
    shown = call("--help", cwd=tmp_path)
    assert shown.returncode == 0
    for word in (
        *("POST", "--pre", "--hotspots", "--compartments", "--counties", "--out"),
        *("--bands", "--post-date", "--min-ha", "--exact", "--json", "火烧迹地"),
    ):
        assert word in shown.stdout


def test_a_pair_of_images_for_people_and_for_machines(folder: Path) -> None:
    done = call(
        *("post.tif", "--pre", "pre.tif", "--out", "out", "--json"),
        *("--post-date", "2024-03-16", "--pre-date", "2024-03-01"),
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {Path(name).name for name in told["files"]} == {
        *("probability.tif", "severity.tif", "severity_rbr.tif"),
        *("scars.geojson", "scars.csv", "scars.html"),
    }
    assert [row["verdict"] for row in told["scars"]] == ["fire", "harvest?"]
    table = (folder / "out/scars.csv").read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(table.splitlines()))
    assert [row["id"] for row in rows] == [row["id"] for row in told["scars"]]
    page = (folder / "out/scars.html").read_text("utf-8")
    assert "火烧迹地" in page
    for day in ("2024-03-01", "2024-03-16"):
        assert day in page


def test_without_a_date_there_is_no_page_and_it_says_so(folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out/scars.html").write_text("of an earlier run")
    done = call("post.tif", "--out", "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "--post-date" in done.stderr
    assert "1 marked harvest?" in done.stdout
    assert not (folder / "out/scars.html").exists()


def test_what_is_wrong_is_said_in_one_line(folder: Path) -> None:
    done = call("nothing.tif", "--out", "out", cwd=folder)
    assert done.returncode != 0
    assert "nothing.tif" in done.stderr
    assert "Traceback" not in done.stderr
    (folder / "noise.tif").write_bytes(b"II*\0" + bytes(50))
    done = call("noise.tif", "--out", "out", cwd=folder)
    assert done.returncode != 0
    assert "noise.tif" in done.stderr
    assert "Traceback" not in done.stderr
