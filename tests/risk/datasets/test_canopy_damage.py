"""Composites of two years: what is read, and what students are shown of it."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.risk.datasets.canopy_damage import (
    BANDS,
    CHANNELS,
    FEATURES,
    network_planes,
    read_scenes,
    tree_planes,
)


def write(
    path: Path, numbers: NDArray[np.generic], left: float = 0.0, side: float = 10.0
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=numbers.shape[0],
        height=numbers.shape[1],
        width=numbers.shape[2],
        dtype=numbers.dtype,
        crs="EPSG:3857",
        transform=Affine(side, 0, left, 0, -side, 100.0),
    ) as data:
        data.write(numbers)


def composite(seed: int = 0, shape: tuple[int, int] = (5, 6)) -> NDArray[np.uint16]:
    rng = np.random.default_rng(seed)
    return rng.integers(100, 4000, (12, *shape)).astype(np.uint16)


def build_folder(folder: Path, *, masks: bool = True) -> Path:
    for name, left in (("a", 0.0), ("b", 2000.0), ("c", 90_000.0)):
        write(folder / "2019" / f"{name}.tif", composite(1), left)
        write(folder / "2020" / f"{name}.tif", composite(2), left)
        if masks:
            mask = np.zeros((1, 5, 6), np.uint8)
            mask[0, 2, 3] = 1
            write(folder / "mask" / f"{name}.tif", mask, left)
    return folder


def test_both_years_are_read_and_the_damage(tmp_path: Path) -> None:
    scenes = read_scenes(build_folder(tmp_path))
    assert scenes.name == ("a", "b", "c")
    assert scenes.values[0].shape == (len(FEATURES), 5, 6)
    np.testing.assert_allclose(scenes.values[0][:12] * 1e4, composite(1), rtol=1e-5)
    np.testing.assert_allclose(scenes.values[0][12:] * 1e4, composite(2), rtol=1e-5)
    assert scenes.truth is not None
    assert [float(t.sum()) for t in scenes.truth] == [1.0, 1.0, 1.0]
    assert (scenes.grid[1].left, scenes.grid[1].resolution) == (2000.0, 10.0)


def test_scenes_that_lie_near_each_other_are_one_place(tmp_path: Path) -> None:
    assert read_scenes(build_folder(tmp_path)).place.tolist() == ["a", "a", "c"]


def test_a_folder_without_masks_has_no_truth(tmp_path: Path) -> None:
    assert read_scenes(build_folder(tmp_path, masks=False)).truth is None


def test_a_scene_without_its_mask_has_unknown_truth(tmp_path: Path) -> None:
    (build_folder(tmp_path) / "mask" / "b.tif").unlink()
    truth = read_scenes(tmp_path).truth
    assert truth is not None
    assert np.isnan(truth[1]).all()
    assert np.isfinite(truth[0]).all()


def test_the_earlier_year_may_be_missing(tmp_path: Path) -> None:
    (build_folder(tmp_path) / "2019" / "a.tif").unlink()
    values = read_scenes(tmp_path).values
    assert np.isnan(values[0][:12]).all()
    assert np.isfinite(values[0][12:]).all()
    assert np.isfinite(values[1]).all()


def test_zero_in_any_band_is_no_data(tmp_path: Path) -> None:
    numbers = composite(2)
    numbers[3, 1, 1] = 0
    write(build_folder(tmp_path) / "2020" / "a.tif", numbers)
    values = read_scenes(tmp_path).values[0]
    assert np.isnan(values[12:, 1, 1]).all()
    assert np.isfinite(values).sum() == values.size - 12


@pytest.mark.parametrize(
    ("numbers", "left", "problem"),
    [
        (composite()[:11], 0.0, "has 11 bands; give 12 bands"),
        (composite(), 30.0, r"at 30.0, 100.0 .*warp it to \(5, 6\) at 0.0"),
        (composite(shape=(5, 7)), 0.0, r"is \(5, 7\) pixels"),
    ],
)
def test_other_bands_and_grids_are_refused(
    tmp_path: Path, numbers: NDArray[np.uint16], left: float, problem: str
) -> None:
    write(build_folder(tmp_path) / "2019" / "a.tif", numbers, left)
    with pytest.raises(DataError, match=problem) as caught:
        read_scenes(tmp_path)
    assert caught.value.where.endswith("2019/a.tif")


def test_damaged_files_and_empty_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no <year>/<scene>\.tif"):
        read_scenes(tmp_path)
    (build_folder(tmp_path) / "2020" / "b.tif").write_bytes(b"II*\0 and nothing else")
    with pytest.raises(DataError, match=r"b\.tif: cannot be read as GeoTIFF"):
        read_scenes(tmp_path)


def pixel(**bands: float) -> NDArray[np.float32]:
    """One pixel of 0.1 everywhere but in the later year's bands named."""
    values = np.full((24, 1, 1), 0.1, np.float32)
    for band, value in bands.items():
        values[12 + BANDS.index(band)] = value
    return values


def test_indices_are_those_of_the_literature() -> None:
    planes = network_planes(pixel(B08=0.3, B8A=0.3, B11=0.2, B12=0.15))
    before, after = np.split(planes[:, 0, 0], 2)
    np.testing.assert_allclose(before[:12], np.log(0.11), rtol=1e-5)
    # By hand; the last is 0.2 over a line that falls from 0.3 by 0.15 in 1321.7 nm,
    # of which it has gone 746.4.
    np.testing.assert_allclose(after[12:], [0.5, 0.2, 1 / 3, 0.5, 0.92898], rtol=1e-4)


def test_a_black_pixel_has_numbers_and_a_missing_one_none() -> None:
    values = np.zeros((24, 2, 2), np.float32)
    values[5, 0, 0] = np.nan
    planes = network_planes(values)
    assert np.isnan(planes[:CHANNELS, 0, 0]).all()
    assert np.isfinite(planes[CHANNELS:]).all()
    assert np.isfinite(planes[:CHANNELS, 1]).all()


def test_trees_are_shown_means_of_what_is_known() -> None:
    values = np.full((24, 9, 9), 0.1, np.float32)
    values[:12, 4, 4] = np.nan
    values[12:, 4, 4] = 0.4
    planes = tree_planes(values)
    assert planes.dtype == np.float32
    first = 3 * CHANNELS  # mean of B02 over three by three of the earlier year
    np.testing.assert_allclose(planes[first, 3:6, 3:6], np.log(0.11), rtol=1e-4)
    assert np.isnan(planes[0, 4, 4])
    later = first + 5 * 11
    expected = (8 * np.log(0.11) + np.log(0.41)) / 9
    np.testing.assert_allclose(planes[later, 4, 4], expected, rtol=1e-4)


def test_without_the_earlier_year_trees_are_shown_nan_and_no_dust() -> None:
    values = np.full((24, 9, 9), 0.1, np.float32)
    values[:12] = np.nan
    planes = tree_planes(values)
    assert np.isnan(planes[:CHANNELS]).all()
    first = 3 * CHANNELS
    assert np.isnan(planes[first : first + 5 * 11]).all()
    assert np.isfinite(planes[first + 5 * 11 : first + 10 * 11]).all()
