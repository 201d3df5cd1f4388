"""``agroforest fire hotspots --scene`` as a person runs it."""

import csv
import json
from pathlib import Path

import pytest
from tests.cli.test_fire_hotspots import call, page_data
from tests.hotspots.made import VIIRS_HEAD, viirs_row

from agroforest.core.grid import Grid
from agroforest.testing.level1 import (
    CLOUD,
    FLAME,
    FOREST,
    Level1,
    paint,
    write_l1c,
    write_l1tp,
)

GRID = Grid(
    crs="EPSG:32649", left=300_000, top=2_500_020, resolution=20, width=90, height=90
)
BANDS = paint(GRID.shape, FOREST, ((40, 50, 2, 3), FLAME), ((10, 10, 9, 9), CLOUD))


@pytest.fixture
def scenes(tmp_path: Path) -> tuple[Path, Path]:
    return (
        write_l1c(tmp_path, Level1(grid=GRID, bands=BANDS)),
        write_l1tp(
            tmp_path,
            Level1(grid=GRID.patch(resolution=30), bands=BANDS, satellite="8"),
        ),
    )


def test_scenes_alone_become_events(scenes: tuple[Path, Path], tmp_path: Path) -> None:
    arguments = [f"--scene={path.name}" for path in scenes]
    now = ("--now", "2024-03-01T12:00")
    ended = call("hotspots", *arguments, "--out", "out", *now, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    # Landsat's pixels of the fire lie in two squares.
    assert "3 detections, 2 events: 2 burning" in ended.stdout
    assert "6 burning pixels, 6 of them by all three rules" in ended.stderr
    assert "no alarm system" in ended.stderr
    table = (tmp_path / "out/events.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(table.splitlines()))
    assert sorted(row["satellites"] for row in rows) == ["L8", "S2A"]
    assert {row["confidence"] for row in rows} == {"high"}
    assert {row["age_h"] for row in rows} == {"8.91"}
    data = page_data(tmp_path / "out/hotspots.html")
    names = {path.name.removesuffix(".SAFE") for path in scenes}
    assert set(data["sources"]) == names
    notices = {notice["en"]: notice["zh"] for notice in data["notices"]}
    (said,) = (zh for en, zh in notices.items() if "no alarm system" in en)
    assert "不能用于报警" in said


def test_scenes_beside_tables_of_firms(
    scenes: tuple[Path, Path], tmp_path: Path
) -> None:
    row = viirs_row(longitude=108.0, latitude=22.0, acq_date="2024-03-01")
    (tmp_path / "firms.csv").write_text(f"{VIIRS_HEAD}\n{row}\n")
    ended = call(
        "hotspots", "firms.csv", "--scene", scenes[0].name, "--out", "out",
        "--now", "2024-03-01T12:00", "--json", cwd=tmp_path,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    said = json.loads(ended.stdout)
    assert (said["detections"], said["events"], said["unreadable"]) == (2, 2, [])
    assert any("burning pixels" in note for note in said["notes"])


def test_level_2a_is_refused_and_the_rest_is_used(
    scenes: tuple[Path, Path], tmp_path: Path
) -> None:
    (scenes[0] / "MTD_MSIL1C.xml").rename(scenes[0] / "MTD_MSIL2A.xml")
    level2, level1 = scenes
    now = ("--now", "2024-03-01T12:00")
    both = ("--scene", level2.name, "--scene", level1.name)
    ended = call("hotspots", *both, "--out", "out", *now, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "MTD_MSIL2A.xml: holds surface reflectance (level 2A)" in ended.stderr
    assert "2 detections, 1 events" in ended.stdout

    ended = call("hotspots", "--scene", level2.name, "--out", "o", *now, cwd=tmp_path)
    assert ended.returncode == 5
    assert ended.stderr.count("\n") == 1
    assert "holds surface reflectance (level 2A)" in ended.stderr
    assert not (tmp_path / "o").exists()
