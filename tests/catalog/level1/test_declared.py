"""Bands that a file describes, and paths that hold nothing of the kind."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from tests.catalog.level1.conftest import GRID, Make

from agroforest.catalog.level1 import BANDS, Imager, find_level1
from agroforest.core.errors import DataError

SAID = """
level = "top of atmosphere"
satellite = "sentinel-2c"
sensed = 2025-01-02T03:04:05Z
sun_elevation = 30.0
sun_corrected = true
scale = 0.0001
offset = -0.1
nodata = 0
saturated = 65535
cloud_cover = 7
"""


def write_stack(path: Path) -> Path:
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=8,
        dtype="uint16",
        width=GRID.width,
        height=GRID.height,
        crs=GRID.crs,
        transform=GRID.transform,
    ) as target:
        layers = np.arange(8, dtype=np.uint16)[:, None, None]
        target.write(np.broadcast_to(layers, (8, *GRID.shape)))
    return path


@pytest.fixture
def folder(make_l1c: Make, tmp_path: Path) -> Path:
    bands = tmp_path / "bands"
    bands.mkdir()
    for path in make_l1c().glob("GRANULE/*/IMG_DATA/*.tif"):
        shutil.copy(path, bands / f"{path.stem[-3:]}.tif")
    table = "\n".join(f'{band} = "{band}.tif"' for band in BANDS)
    (bands / "toa.toml").write_text(f"{SAID}\n[bands]\n{table}\n")
    return bands


def test_a_folder_of_bands_with_a_description(folder: Path) -> None:
    (scene,) = find_level1(folder)
    assert find_level1(folder / "toa.toml") == [scene]
    assert (scene.id, scene.imager, scene.satellite) == ("bands", Imager.MSI, "S2C")
    assert scene.sensed.isoformat() == "2025-01-02T03:04:05+00:00"
    assert (scene.sun_elevation, scene.cloud_cover) == (30.0, 7.0)
    assert scene.bands["B12"].asset.href == str(folder / "B12.tif")
    assert scene.bands["B12"].asset.scale == 1e-4
    assert (scene.bands["B12"].layer, scene.bands["B12"].saturated) == (None, 65_535)


def test_numbers_that_are_not_corrected_for_the_sun_are(folder: Path) -> None:
    path = folder / "toa.toml"
    path.write_text(path.read_text().replace("corrected = true", "corrected = false"))
    (scene,) = find_level1(folder)
    assert scene.bands["B12"].asset.scale == pytest.approx(2e-4)
    assert scene.bands["B12"].asset.offset == pytest.approx(-0.2)


def test_a_stack_is_described_beside_it_in_json_or_toml(tmp_path: Path) -> None:
    stack = write_stack(tmp_path / "all.tif")
    said: dict[str, Any] = {
        "level": "top of atmosphere",
        "satellite": "landsat-9",
        "sensed": "2025-01-02T03:04:05",
        "sun_elevation": 55,
        "sun_corrected": True,
        "scale": 1,
        "offset": 0,
        "stack": "all.tif",
        "bands": {band: n for n, band in enumerate(BANDS, start=2)},
    }
    with pytest.raises(DataError, match="nothing says what its bands are") as told:
        find_level1(stack)
    assert "all.toml" in told.value.remedy
    (tmp_path / "all.json").write_text(json.dumps(said))
    (scene,) = find_level1(stack)
    assert [scene.bands[band].layer for band in BANDS] == [2, 3, 4, 5, 6, 7, 8]
    assert (scene.imager, scene.satellite, scene.id) == (Imager.OLI, "L9", "all")
    assert scene.bands["B12"].asset.scale == 1.0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"top of atmosphere"', '"surface"', "level is 'surface'"),
        ('level = "top of atmosphere"', "", "does not say level"),
        ("sun_elevation = 30.0", 'sun_elevation = "high"', "sun_elevation is 'high'"),
        ("sun_elevation = 30.0", "sun_elevation = nan", "sun_elevation is nan"),
        ("nodata = 0", f"nodata = {'9' * 400}", "nodata is inf"),
        ("cloud_cover = 7", "cloud_cover = true", "cloud cover True"),
        ("corrected = true", 'corrected = "yes"', "neither true nor false"),
        ("scale = 0.0001", "scale = 10000", "give no fractions"),
        ("offset = -0.1", "offset = -1000", "give no fractions"),
        ("nodata = 0", "nodata = 0.5", "write a whole number"),
        ("cloud_cover = 7", "cloud_cover = 700", "cloud cover 700"),
        ("cloud_cover = 7", "clouds = 7", "says clouds"),
        ('"sentinel-2c"', '"modis"', "taken by 'modis'"),
        ("2025-01-02T03:04:05Z", '"yesterday"', "time 'yesterday'"),
        ('B01 = "B01.tif"', "", "bands are not those"),
        ('"B01.tif"', '"../S2.tif"', "no such file in the product"),
        ("[bands]", "[bands", "cannot be read"),
    ],
)
def test_nothing_is_guessed(folder: Path, old: str, new: str, said: str) -> None:
    (folder.parent / "S2.tif").write_bytes((folder / "B01.tif").read_bytes())
    path = folder / "toa.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(DataError, match=said) as told:
        find_level1(folder)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("place", ["true", '"B01.tif"', "0", "-1", "1.5"])
def test_bands_of_a_stack_are_numbers(tmp_path: Path, place: str) -> None:
    write_stack(tmp_path / "all.tif")
    table = "\n".join(f"{band} = {place}" for band in BANDS)
    (tmp_path / "all.toml").write_text(f'{SAID}stack = "all.tif"\n[bands]\n{table}\n')
    with pytest.raises(DataError, match="of a stack; number them from 1"):
        find_level1(tmp_path / "all.tif")


def test_paths_that_hold_nothing_say_what_to_give(tmp_path: Path) -> None:
    (tmp_path / "item.json").write_text('{"type": "Feature"}')
    (tmp_path / "S2.zip").write_bytes(b"PK")
    (tmp_path / "note.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    for name, said in {
        "gone": "no such file or folder",
        "empty": "folder without a level-1 product",
        "note.txt": "is no level-1 product",
        "item.json": "is no level-1 product",
        "S2.zip": "archive; unpack it first",
    }.items():
        with pytest.raises(DataError, match=said):
            find_level1(tmp_path / name)
