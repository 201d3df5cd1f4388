"""Blocks without a clear pixel are not read, and nothing that counts changes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.cube.range_server import RangeServer

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.core.scene import Asset, Granule, Scene, build_scene
from agroforest.cube import SceneReader
from agroforest.cube.counted import ReadCount, counting
from agroforest.indices.fused import build_recipe
from agroforest.products.compute import compute

MakeAsset = Callable[..., Asset]
MakeGranule = Callable[..., Granule]

TEN = Grid(
    crs="EPSG:32649", left=500_000, top=2_500_000, resolution=10, width=256, height=192
)
TWENTY = TEN.at_resolution(20)
BANDS = ("B08", "B11")
CLEAR, CLOUD = 4, 9
_RNG = np.random.default_rng(11)
RED = _RNG.integers(1, 9000, TEN.shape).astype(np.uint16)
SHORTWAVE = _RNG.integers(1, 9000, TWENTY.shape).astype(np.uint16)
TILES: dict[str, Any] = {"tiled": True, "blockxsize": 64, "blockysize": 64}
LAYOUTS: dict[str, dict[str, Any]] = {
    "tiles": {**TILES, "compress": "deflate"},
    "strips": {"blockysize": 8, "compress": "deflate"},
}


@pytest.fixture(scope="module", params=LAYOUTS)
def bands(request: pytest.FixtureRequest, make_asset: MakeAsset) -> dict[str, Asset]:
    options = LAYOUTS[request.param]
    known = {"scale": 1e-4, "nodata": (0,), "options": options}
    return {
        "B08": make_asset("B08", RED, TEN, **known),
        "B11": make_asset("B11", SHORTWAVE, TWENTY, **known),
    }


@pytest.fixture
def see(
    bands: dict[str, Asset], make_asset: MakeAsset, make_granule: MakeGranule
) -> Callable[[NDArray[np.bool_]], Scene]:
    """A scene with clouds there, in pixels of 20 m."""

    def make(cloudy: NDArray[np.bool_]) -> Scene:
        classes = np.where(cloudy, CLOUD, CLEAR).astype(np.uint8)
        mask = make_asset("scl", classes, TWENTY)
        return build_scene((make_granule(bands=bands, mask=mask),))

    return make


def block_bytes(asset: Asset, blocks: NDArray[np.bool_]) -> int:
    """Bytes of some blocks, as GDAL tells them."""
    with rasterio.open(asset.href) as data:
        return sum(
            int(data.get_tag_item(f"BLOCK_SIZE_{column}_{row}", "TIFF", bidx=1) or 0)
            for row, column in np.argwhere(blocks).tolist()
        )


def test_bytes_are_those_of_the_blocks_that_hold_a_clear_pixel(
    make_asset: MakeAsset, make_granule: MakeGranule
) -> None:
    options = LAYOUTS["tiles"]
    red = make_asset("B08", RED, TEN, nodata=(0,), options=options)
    cloudy = np.ones(TWENTY.shape, np.bool_)
    cloudy[40, 50] = False  # pixels 80-81, 100-101 of 10 m: block (1, 1)
    cloudy[:32, 96:] = False  # block (0, 3)
    mask = make_asset("scl", np.where(cloudy, CLOUD, CLEAR).astype(np.uint8), TWENTY)
    scene = build_scene((make_granule(bands={"B08": red}, mask=mask),))
    wanted = np.zeros((3, 4), np.bool_)
    wanted[1, 1] = wanted[0, 3] = True

    with counting() as count, SceneReader(scene, ["B08"], dilate_m=0) as reader:
        found = reader.read_clear(TEN)
    assert found is not None
    assert count.blocks_skipped == 10
    assert count.bytes_skipped == block_bytes(red, ~wanted)
    assert count.bytes_read == block_bytes(red, wanted) + Path(
        mask.href
    ).stat().st_size - _overhead(mask)
    values = found.values(["B08"])[0]
    assert (values[found.clear] == RED[found.clear]).all()
    assert np.isnan(values[0, 0])  # under cloud, and never read


def _overhead(asset: Asset) -> int:
    """Bytes of a file that are not pixels."""
    with rasterio.open(asset.href) as data:
        down = -(-data.height // data.block_shapes[0][0])
        across = -(-data.width // data.block_shapes[0][1])
    every = np.ones((down, across), np.bool_)
    return Path(asset.href).stat().st_size - block_bytes(asset, every)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_what_is_clear_is_the_same_as_when_everything_is_read(
    see: Callable[[NDArray[np.bool_]], Scene], data: st.DataObject
) -> None:
    cloudy = np.ones(TWENTY.shape, np.bool_)
    for _ in range(data.draw(st.integers(0, 3))):
        top, left = (data.draw(st.integers(0, n - 1)) for n in TWENTY.shape)
        high, wide = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 60))
        cloudy[top : top + high, left : left + wide] = False
    scale = data.draw(st.sampled_from([1, 2]))
    pixel = 10 * scale
    left, top = data.draw(st.integers(-5, 90)), data.draw(st.integers(-5, 60))
    grid = TEN.patch(
        left=TEN.left + pixel * left,
        top=TEN.top - pixel * top,
        resolution=pixel,
        width=data.draw(st.integers(1, 120)),
        height=data.draw(st.integers(1, 120)),
    )
    with SceneReader(see(cloudy), BANDS, dilate_m=20) as reader:
        whole = reader.read(grid)
        some = reader.read_clear(grid)
    if some is None:
        assert not whole.clear.any()
        return
    assert (some.clear == whole.clear).all()
    at = whole.clear
    assert np.array_equal(
        some.values(BANDS)[:, at], whole.values(BANDS)[:, at], equal_nan=True
    )
    recipe = build_recipe(["ndmi"], BANDS)
    assert (compute(some, recipe) == compute(whole, recipe)).all()


def test_bands_of_a_scene_without_a_clear_pixel_are_not_opened(
    see: Callable[[NDArray[np.bool_]], Scene],
) -> None:
    scene = see(np.ones(TWENTY.shape, np.bool_))
    gone = scene.granules[0].bands["B08"].patch(href="nowhere.tif")
    granule = scene.granules[0].patch(bands={**scene.granules[0].bands, "B08": gone})
    with counting() as count:
        with SceneReader(build_scene((granule,)), BANDS) as reader:
            assert reader.read_clear(TEN) is None
        assert count.windows_skipped == 1
        assert count.bytes_skipped == Path(granule.bands["B11"].href).stat().st_size
        with (
            pytest.raises(DataError, match=r"nowhere\.tif"),
            SceneReader(build_scene((granule,)), BANDS) as reader,
        ):
            reader.read(TEN)


def test_a_clear_window_is_read_at_once(
    see: Callable[[NDArray[np.bool_]], Scene],
) -> None:
    with (
        counting() as count,
        SceneReader(see(np.zeros(TWENTY.shape, np.bool_)), BANDS) as reader,
    ):
        assert reader.read_clear(TEN) is not None
    assert count.bytes_skipped == count.blocks_skipped == count.windows_skipped == 0
    assert count.bytes_read > 0
    assert count.cpu_seconds >= 0


def test_nobody_counts_where_nobody_asked() -> None:
    outer = ReadCount()
    with counting() as inner:
        pass
    assert inner == outer


@pytest.fixture
def server() -> Iterator[RangeServer]:
    with RangeServer() as running:
        yield running


@pytest.mark.enable_socket
def test_of_a_remote_file_less_is_fetched(
    server: RangeServer, make_asset: MakeAsset, make_granule: MakeGranule
) -> None:
    # Not compressible and large, so that blocks are further apart than what is
    # fetched ahead and what is fetched together.
    side = 1024
    grid = TEN.patch(width=side, height=side)
    numbers = _RNG.integers(0, 65_535, grid.shape).astype(np.uint16)
    options = {"tiled": True, "blockxsize": 256, "blockysize": 256}
    local = make_asset("B08", numbers, grid, options=options)
    band = local.patch(href=server.put("B08.tif", Path(local.href).read_bytes()))
    cloudy = np.ones((side // 2, side // 2), np.bool_)
    cloudy[:128, :128] = cloudy[384:, 384:] = False
    mask = make_asset(
        "scl",
        np.where(cloudy, CLOUD, CLEAR).astype(np.uint8),
        grid.at_resolution(20),
    )
    scene = build_scene((make_granule(bands={"B08": band}, mask=mask),))
    with SceneReader(scene, ["B08"], dilate_m=0) as reader:
        found = reader.read_clear(grid)
    assert found is not None
    assert (found.values(["B08"])[0][found.clear] == numbers[found.clear]).all()
    assert found.clear.sum() == 2 * 256 * 256
    assert server.sent < 4 * 256 * 256 * 2 + 200_000  # of 16 blocks, two and margins
    assert len(server.asked) <= 4
