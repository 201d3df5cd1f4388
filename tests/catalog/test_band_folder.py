"""Folders of files named by band."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine

from agroforest.catalog.band_folder import read_band_folder
from agroforest.catalog.single import read_scene
from agroforest.core.errors import DataError
from agroforest.core.scene import MaskKind


def write(
    path: Path,
    *,
    dtype: str = "uint16",
    step: float = 10,
    crs: str = "EPSG:32649",
    scales: tuple[float, float] | None = None,
    **options: Any,
) -> None:
    size = int(80 / step)
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype=dtype,
        count=1,
        height=size,
        width=size,
        crs=crs,
        transform=Affine(step, 0, 500_000, 0, -step, 2_500_000),
        **options,
    ) as data:
        data.write(np.ones((size, size), dtype), 1)
        if scales:
            data.scales, data.offsets = (scales[0],), (scales[1],)


def test_bands_and_mask_are_known_by_their_names(tmp_path: Path) -> None:
    folder = tmp_path / "plot_20240506T031530"
    write(folder / "x_B04_10m.tif")
    write(folder / "x_B04_20m.tif", step=20)
    write(folder / "B8A.tif", step=20)
    write(folder / "SCL.tif", step=20, dtype="uint8")
    write(folder / "notes.tif")
    granule, notes = read_band_folder(folder)
    assert set(granule.bands) == {"B04", "B8A"}
    assert granule.bands["B04"].href.endswith("B04_10m.tif")
    assert granule.mask_kind is MaskKind.SCL
    assert granule.sensed == datetime(2024, 5, 6, 3, 15, 30, tzinfo=UTC)
    red = granule.bands["B04"]
    assert (red.scale, red.offset, red.nodata) == (1e-4, 0.0, (0,))
    assert notes == ("no scale in the files: taken as reflectance x 10000",)


def test_what_a_file_states_counts_and_what_the_user_says_counts_more(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "20240506"
    write(folder / "B04.tif", scales=(2e-4, -0.1), nodata=65535)
    write(folder / "B08.tif", dtype="float32")
    write(folder / "SCL.tif", dtype="uint8")
    stated = read_band_folder(folder)[0].bands
    assert (stated["B04"].scale, stated["B04"].offset) == (2e-4, -0.1)
    assert stated["B04"].nodata == ()
    assert (stated["B08"].scale, stated["B08"].offset) == (1.0, 0.0)
    said = read_band_folder(folder, scale=1e-3, offset=0.0)[0].bands
    assert (said["B04"].scale, said["B04"].offset) == (1e-3, 0.0)


def test_without_a_mask_all_is_clear_and_the_user_is_told(tmp_path: Path) -> None:
    write(tmp_path / "B04.tif")
    granule, notes = read_band_folder(tmp_path)
    assert granule.mask_kind is MaskKind.NONE
    assert any("no mask" in note for note in notes)
    assert any("no date" in note for note in notes)


def test_an_offset_that_nothing_states_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "S2B_MSIL2A_20240506T031539_N0510_R118_T49QBF_20240506T060000"
    write(folder / "B04.tif")
    with pytest.raises(DataError, match=r"--offset -0\.1"):
        read_band_folder(folder)
    assert read_band_folder(folder, offset=-0.1)[0].bands["B04"].offset == -0.1


def test_files_of_two_projections_are_no_scene(tmp_path: Path) -> None:
    write(tmp_path / "B04.tif")
    write(tmp_path / "B08.tif", crs="EPSG:32648")
    with pytest.raises(DataError, match=r"B08.tif: is in EPSG:32648, B04.tif in"):
        read_band_folder(tmp_path)


def test_a_folder_of_other_files_is_named(tmp_path: Path) -> None:
    write(tmp_path / "map.tif")
    with pytest.raises(DataError, match="no file named by band"):
        read_scene(tmp_path)


def test_one_path_is_one_scene(tmp_path: Path) -> None:
    folder = tmp_path / "plot_20240506"
    write(folder / "B04.tif")
    found = read_scene(folder)
    assert found.name == "plot_20240506"
    assert found.scene.band_names == {"B04"}
    with pytest.raises(DataError, match="no such file"):
        read_scene(tmp_path / "nothing")
