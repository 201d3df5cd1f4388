"""``agroforest zonal`` as a person runs it."""

import json
import subprocess
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely

from agroforest.core.grid import Grid
from agroforest.cube import write_cog
from agroforest.testing.commands import run_command

_GRID = Grid(
    crs="EPSG:32649", left=500_000, top=2_500_000, resolution=10, width=2, height=1
)


def call(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return run_command("zonal", *arguments, cwd=cwd)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_cog(tmp_path / "ndvi.tif", np.array([[1000, 2000]], "int16"), _GRID)
    write_cog(tmp_path / "ndmi.tif", np.array([[3000, 4000]], "int16"), _GRID)
    left, bottom, right, top = _GRID.bounds
    middle = (left + right) / 2
    geopandas.GeoDataFrame(
        {"名称": ["甲", "乙"], "area_ha": [1, 2]},
        geometry=[
            shapely.box(left, bottom, middle, top),
            shapely.box(middle, bottom, right, top),
        ],
        crs=_GRID.crs,
    ).to_file(tmp_path / "p.gpkg")
    return tmp_path


def test_help_names_what_it_takes(tmp_path: Path) -> None:
    shown = call("--help", cwd=tmp_path)
    assert shown.returncode == 0
    for word in ("RASTER", "PARCELS", "--out", "--stat", "--by", "--units", "--json"):
        assert word in shown.stdout


def test_json_for_machines_and_notes_for_people(folder: Path) -> None:
    ended = call(
        "ndvi.tif", "ndmi.tif", "p.gpkg", "--out", "o.csv", "--by", "名称", "--json",
        cwd=folder,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "'area_ha' is taken: 'area_ha_input'" in ended.stderr
    report = json.loads(ended.stdout)
    assert report["files"] == ["o.csv", "o_units.csv"]
    assert report["prefixes"] == {"ndvi": "ndvi.tif", "ndmi": "ndmi.tif"}
    assert (report["parcels"], report["with_pixels"], report["units"]) == (2, 2, 2)
    assert report["area_ha"] == pytest.approx(0.02, rel=1e-3)
    lines = (folder / "o.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith("parcel,名称,area_ha_input,area_ha,area_mu,ndvi_count")
    assert len(lines) == 3


def test_a_line_for_people(folder: Path) -> None:
    ended = call("ndvi.tif", "p.gpkg", "--out", "o.gpkg", "--stat", "mean", cwd=folder)
    assert ended.stdout == (
        "2 parcels, 2 with pixels, 0 outside, 0 without a polygon, 0 repaired, "
        "0 units -> o.gpkg\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["ndvi.tif", "p.gpkg"], 2, "--out"),
        (["ndvi.tif", "--out", "o.csv"], 2, "RASTER"),
        (["ndvi.tif", "p.gpkg", "--out", "o.txt"], 2, "use .parquet, .csv, .gpkg"),
        (["ndvi.tif", "p.gpkg", "--out", "o.csv", "--stat", "sum"], 2, "'sum'"),
        (["ndvi.tif", "p.gpkg", "--out", "o.csv", "--by", "x"], 2, "no field 'x'"),
        (["none.tif", "p.gpkg", "--out", "o.csv"], 2, "none.tif: no such file"),
        (["p.gpkg", "p.gpkg", "--out", "o.csv"], 1, "cannot be read as GeoTIFF"),
        (["ndvi.tif", "ndmi.tif", "--out", "o.csv"], 1, "none of the known formats"),
        (["ndvi.tif", "far.geojson", "--out", "o.csv"], 5, "no parcel"),
    ],
)
def test_what_is_wrong_is_one_line_and_a_code(
    folder: Path, arguments: list[str], code: int, words: str
) -> None:
    far = geopandas.GeoSeries([shapely.box(0, 0, 1, 1)], crs=4326)
    far.to_file(folder / "far.geojson")
    ended = call(*arguments, cwd=folder)
    assert ended.returncode == code, ended.stderr
    assert words in ended.stderr
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    assert not list(folder.glob("o*"))
