"""Landsat 8 and 9 level-1 folders: reflectance, sun and saturation."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from tests.catalog.level1.conftest import Make

from agroforest.catalog.landsat import OLI
from agroforest.catalog.level1 import Imager, find_level1
from agroforest.catalog.level1.landsat import read_l1
from agroforest.core.errors import DataError


def change(folder: Path, edit: Callable[[Any], None]) -> Path:
    (path,) = folder.glob("*_MTL.json")
    said = json.loads(path.read_text())
    edit(said["LANDSAT_METADATA_FILE"])
    path.write_text(json.dumps(said))
    return path


def test_a_folder_and_its_mtl_are_the_same_scene(make_l1tp: Make) -> None:
    folder = make_l1tp(sun_elevation=30.0, saturated=np.zeros((12, 12), dtype=bool))
    (scene,) = find_level1(folder)
    (path,) = folder.glob("*_MTL.json")
    assert find_level1(path) == [scene]
    assert (scene.id, scene.crs) == (folder.name, "EPSG:32649")
    assert (scene.imager, scene.satellite) == (Imager.OLI, "L8")
    assert scene.sensed == datetime(2024, 3, 1, 3, 5, 41, tzinfo=UTC)
    assert (scene.sun_elevation, scene.cloud_cover) == (30.0, 12.0)
    for number, name in OLI.items():
        asset = scene.bands[name].asset
        assert asset.href.endswith(f"_B{number}.TIF")
        # 0.00002 and -0.1 over the sine of 30 degrees.
        assert asset.scale == pytest.approx(4e-5)
        assert asset.offset == pytest.approx(-0.2)
        assert asset.nodata == (0,)
    (mask,) = scene.quality
    assert mask.layers[0].bits == 0b1100000  # bits 5 and 6 are bands 6 and 7
    (folder / Path(mask.asset.href).name).unlink()
    assert find_level1(folder)[0].quality == ()


@pytest.mark.data
def test_level_1_of_a_real_mtl_is_read_from_its_own_group(
    data_dir: Path, tmp_path: Path
) -> None:
    """A level-2 MTL repeats level 1; the group is that of a level-1 product."""
    name = "LC08_L2SP_008059_20191201_20200825_02_T1"
    text = (data_dir / "scene_metadata/landsat" / f"{name}_MTL.txt").read_text()
    path = tmp_path / f"{name}_MTL.txt"
    path.write_text(text)
    with pytest.raises(DataError, match="level L2SP is surface reflectance") as told:
        read_l1(path)
    assert "L1TP" in told.value.remedy
    path.write_text(text.replace('"L2SP"', '"L1TP"', 1))
    with pytest.raises(DataError, match=r"_SR_B1\.TIF: no such file"):
        read_l1(path)


@pytest.mark.parametrize(
    ("group", "key", "value", "said"),
    [
        ("PRODUCT_CONTENTS", "PROCESSING_LEVEL", "L2SP", "is surface reflectance"),
        ("PRODUCT_CONTENTS", "COLLECTION_NUMBER", "01", "level L1TP of collection 01"),
        ("IMAGE_ATTRIBUTES", "SPACECRAFT_ID", "LANDSAT_7", "taken by 'landsat-7'"),
        ("IMAGE_ATTRIBUTES", "SUN_ELEVATION", "-12.5", "the sun is at -12.5 degrees"),
        ("IMAGE_ATTRIBUTES", "SUN_ELEVATION", "nan", "the sun is at nan degrees"),
        ("PROJECTION_ATTRIBUTES", "UTM_ZONE", "48", "is in EPSG:32649, the others"),
        (
            "LEVEL1_RADIOMETRIC_RESCALING",
            "REFLECTANCE_MULT_BAND_7",
            "2.0",
            "reflectance scale 2.0",
        ),
    ],
)
def test_what_rules_are_not_for_is_named(
    make_l1tp: Make, group: str, key: str, value: str, said: str
) -> None:
    folder = make_l1tp()
    path = change(folder, lambda groups: groups[group].update({key: value}))
    with pytest.raises(DataError, match=said) as told:
        find_level1(folder)
    assert path.parent.name in told.value.where


def test_without_the_rescaling_of_level_1_nothing_is_guessed(make_l1tp: Make) -> None:
    folder = make_l1tp()
    change(folder, lambda groups: groups.pop("LEVEL1_RADIOMETRIC_RESCALING"))
    with pytest.raises(DataError, match="has no group LEVEL1_RADIOMETRIC_RESCALING"):
        find_level1(folder)


def test_reflectance_is_that_which_was_packed(make_l1tp: Make) -> None:
    (scene,) = find_level1(make_l1tp(sun_elevation=37.0))
    with rasterio.open(scene.bands["B8A"].asset.href) as source:
        number = float(source.read(1)[0, 0])
    asset = scene.bands["B8A"].asset
    step = 2e-5 / math.sin(math.radians(37.0))
    assert number * asset.scale + asset.offset == pytest.approx(0.30, abs=step)
