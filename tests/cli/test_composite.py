"""``agroforest composite`` as a person runs it."""

import json
import subprocess
from datetime import date
from pathlib import Path

import pytest
import rasterio
import shapely
from tests.products.test_composite import GRID, deliver

from agroforest.core.grid import WGS84, reproject
from agroforest.core.scene import BANDS
from agroforest.testing.commands import run_command


def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run_command("composite", *arguments)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scenes of two autumns, one damaged, and an area inside them."""
    folder = tmp_path_factory.mktemp("place")
    for day in (date(2019, 9, 2), date(2020, 8, 27), date(2020, 9, 16)):
        deliver(folder / "scenes", day)
    bad = deliver(folder / "scenes", date(2020, 10, 1))
    for path in Path(bad.granules[0].mask.href).parent.glob("*.json"):
        path.write_text(path.read_text()[:400])
    left, bottom, right, top = GRID.bounds
    outline = shapely.box(left + 100, bottom + 100, right - 100, top - 100)
    feature = {
        "type": "Feature",
        "properties": {"kind": "boundary", "id": "a", "name_en": "A", "name_zh": "甲"},
        "geometry": shapely.geometry.mapping(reproject(outline, GRID.crs, WGS84)),
    }
    text = json.dumps({"type": "FeatureCollection", "features": [feature]})
    (folder / "aoi.geojson").write_text(text)
    return folder


def test_seasons_become_files_that_predict_reads(place: Path, tmp_path: Path) -> None:
    asked = (
        place / "scenes", "--years", "2018-2020", "--aoi", place / "aoi.geojson",
        "--out", tmp_path, "--workers", "1",
    )  # fmt: skip
    done = call(*asked, "--json")
    assert done.returncode == 0, done.stderr
    assert "refused" in done.stderr
    found = {one["year"]: one for one in json.loads(done.stdout)}
    assert "no scene from 2018-08-15" in found[2018]["missing"]
    assert [len(found[year]["scenes"]) for year in (2019, 2020)] == [1, 2]
    assert found[2020]["filled"] == ["B01", "B09"]
    path = Path(found[2020]["path"])
    assert path == tmp_path / "2020" / f"{found[2020]['tile']}.tif"
    with rasterio.open(path) as data:
        assert (data.descriptions, data.dtypes[0], data.nodata) == (BANDS, "uint16", 0)
    again = call(*asked)
    assert again.returncode == 0
    lines = again.stdout.splitlines()
    assert "nothing: " in lines[0]
    assert lines[2].endswith("2 scenes, B01 and B09 estimated, was there already")


@pytest.mark.parametrize(
    ("option", "value", "code", "words"),
    [
        ("--season", "8-15/10", 2, "MM-DD/MM-DD"),
        ("--years", "20-x", 2, "2016-2020"),
        ("--years", "2001", 5, "no composite could be made"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    place: Path, tmp_path: Path, option: str, value: str, code: int, words: str
) -> None:
    options: dict[str, str | Path] = {
        "--years": "2020",
        "--aoi": place / "aoi.geojson",
        "--out": tmp_path,
        option: value,
    }
    done = call(place / "scenes", *(part for pair in options.items() for part in pair))
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
