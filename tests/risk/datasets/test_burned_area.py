"""Fires: bands by their names, true colour as reflectance, dNBR from what is there."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.risk.datasets.burned_area import (
    AFTER,
    FEATURES,
    LOSS,
    network_planes,
    read_fires,
    tree_planes,
)

BANDS = ["B2", "B3", "B4", "B8", "B12"]
TRUE_COLOUR = ["TCI_R", "TCI_G", "TCI_B", "B8", "B12"]


def write(path: Path, numbers: NDArray[np.generic], left: float = -120.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=numbers.shape[0],
        height=numbers.shape[1],
        width=numbers.shape[2],
        dtype=numbers.dtype,
        crs="EPSG:4326",
        transform=Affine(2e-4, 0, left, 0, -2e-4, 38.0),
    ) as data:
        data.write(numbers)


def scene(*numbers: float) -> NDArray[np.float64]:
    """Five bands of 6 by 7 pixels, one number a band."""
    return np.broadcast_to(np.array(numbers)[:, None, None], (5, 6, 7)).copy()


def build_fire(
    folder: Path,
    name: str,
    *parts: str,
    bands: list[str] | None = None,
    post: NDArray[np.float64] | None = None,
    left: float = -120.0,
) -> Path:
    """A fire with some of ``pre``, ``dnbr`` and ``mask``."""
    index: dict[str, object] = {"fire": name, "bands": bands or BANDS}
    files: dict[str, NDArray[np.generic]] = {
        "post": post if post is not None else scene(300, 500, 700, 1000, 3000),
        "pre": scene(300, 500, 700, 3000, 1000),
        "dnbr": np.full((1, 6, 7), 0.25),
        "mask": np.ones((1, 6, 7), np.uint8),
    }
    for part in ("post", *parts):
        index[part] = f"{part}/{name}.tif"
        write(folder / part / f"{name}.tif", files[part], left)
    path = folder / "index" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(index), encoding="utf-8")
    return folder


def test_reflectance_and_given_loss_are_read(tmp_path: Path) -> None:
    fires = read_fires(build_fire(tmp_path, "a", "pre", "dnbr", "mask"))
    assert fires.values[0].shape == (len(FEATURES), 6, 7)
    np.testing.assert_allclose(
        fires.values[0][:, 0, 0], [0.03, 0.05, 0.07, 0.1, 0.3, 0.25], rtol=1e-5
    )
    assert fires.truth is not None
    assert fires.truth[0].sum() == 42


def test_loss_comes_from_the_scene_before_where_it_is_not_given(tmp_path: Path) -> None:
    fires = read_fires(build_fire(tmp_path, "a", "pre"))
    np.testing.assert_allclose(fires.values[0][-1], 1.0, rtol=1e-5)  # 0.5 - -0.5
    assert fires.truth is None


def test_loss_may_be_unknown(tmp_path: Path) -> None:
    fires = read_fires(build_fire(tmp_path, "a"))
    assert np.isnan(fires.values[0][-1]).all()
    assert np.isfinite(fires.values[0][:-1]).all()


def test_true_colour_is_reflectance_too(tmp_path: Path) -> None:
    post = scene(255, 51, 0, 3000, 2000)
    folder = build_fire(tmp_path, "a", bands=TRUE_COLOUR, post=post)
    np.testing.assert_allclose(
        read_fires(folder).values[0][:5, 0, 0], [0, 0.04, 0.2, 0.3, 0.2], atol=1e-6
    )


def test_visible_bands_end_where_true_colour_ends(tmp_path: Path) -> None:
    folder = build_fire(tmp_path, "a", post=scene(2500, 2600, 1900, 5000, 4000))
    np.testing.assert_allclose(
        read_fires(folder).values[0][:5, 0, 0], [0.2, 0.2, 0.19, 0.5, 0.4], rtol=1e-5
    )


def test_pixels_of_zeros_are_missing(tmp_path: Path) -> None:
    post = scene(300, 500, 700, 1000, 3000)
    post[:, 2, 3] = 0
    post[0, 1, 1] = 0  # dark, not missing
    values = read_fires(build_fire(tmp_path, "a", post=post)).values[0]
    assert np.isnan(values[:5, 2, 3]).all()
    assert values[0, 1, 1] == 0


def test_fires_nearby_are_one_place(tmp_path: Path) -> None:
    for name, left in (("a", -120.0), ("b", -120.3), ("c", -121.0)):
        build_fire(tmp_path, name, left=left)
    assert read_fires(tmp_path).place.tolist() == ["a", "a", "c"]


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no index/<fire>\.json"):
        read_fires(tmp_path)
    build_fire(tmp_path, "a", bands=["B2", "B3", "B4", "B8", "B11"])
    with pytest.raises(DataError, match=r"a\.json: has no B12 among"):
        read_fires(tmp_path)
    path = tmp_path / "index" / "a.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.json: not JSON"):
        read_fires(tmp_path)
    path.write_text('{"bands": []}', encoding="utf-8")
    with pytest.raises(DataError, match="names no bands or no post"):
        read_fires(tmp_path)


def test_a_loss_that_lies_elsewhere_is_refused(tmp_path: Path) -> None:
    build_fire(tmp_path, "a", "dnbr")
    write(tmp_path / "dnbr" / "a.tif", np.zeros((1, 6, 7)), left=-119.0)
    with pytest.raises(DataError, match=r"dnbr/a\.tif: is .* at -119"):
        read_fires(tmp_path)


def build_values(seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return rng.uniform(0.05, 0.2, (6, 12, 10)).astype(np.float32)


def test_a_scene_beside_itself_forgives_a_common_gain() -> None:
    values = build_values()
    brighter = values.copy()
    brighter[4] = (brighter[4] + 0.02) * 1.5 - 0.02
    one, other = network_planes(values), network_planes(brighter)
    assert one.shape == (AFTER + LOSS, 12, 10)
    relative = slice(AFTER // 2, AFTER)
    assert np.abs(one[4] - other[4]).min() > 0.3
    # B12 and its slope are beside the scene's own median; NBR is not linear in it.
    for plane in (4, 7):
        np.testing.assert_allclose(
            one[relative][plane], other[relative][plane], atol=1e-3
        )


def test_a_common_change_is_no_loss() -> None:
    values = build_values()
    shifted = values.copy()
    shifted[5] += 0.1
    one, other = network_planes(values), network_planes(shifted)
    np.testing.assert_allclose(one[-1], other[-1], atol=1e-6)
    np.testing.assert_allclose(one[-2] + 0.1, other[-2], atol=1e-6)


def test_unknown_loss_is_nan_in_the_last_planes_alone() -> None:
    values = build_values()
    known = tree_planes(values)
    values[5] = np.nan
    planes = tree_planes(values)
    last = LOSS + 3
    assert np.isnan(planes[-last:]).all()
    np.testing.assert_array_equal(planes[:-last], known[:-last])
    assert np.isfinite(known).all()
