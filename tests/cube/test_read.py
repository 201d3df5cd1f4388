"""A scene on a grid: precedence, usable mask, blocks, and refusals."""

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from agroforest import cube
from agroforest.core.errors import DataError, SourceError
from agroforest.core.grid import Grid
from agroforest.core.scene import Asset, Granule, MaskKind, Scene, build_scene
from agroforest.indices import compute

MakeAsset = Callable[..., Asset]
MakeGranule = Callable[..., Granule]
#: A folder and the URL under which it is served.
Server = tuple[Path, str]

NAN = np.nan
TEN = Grid(
    crs="EPSG:32649", left=500_000, top=2_500_000, resolution=10, width=40, height=40
)
TWENTY = TEN.at_resolution(20)
THEIA = "SENTINEL2A_20151230-105153-392_L2A_T31UFQ_D_V1-1"


def scl(*, cloud: tuple[slice, slice] | None = None) -> np.ndarray:
    classes = np.full(TWENTY.shape, 4, np.uint8)
    if cloud is not None:
        classes[cloud] = 9
    return classes


# ------------------------------------------------------------ one granule


def test_a_scene_becomes_a_dataset(
    make_asset: MakeAsset, make_granule: MakeGranule
) -> None:
    red = np.full(TEN.shape, 500, np.uint16)
    red[0, 0] = 0
    granule = make_granule(
        bands={
            "B04": make_asset("B04", red, TEN, scale=1e-4, nodata=(0,)),
            "B8A": make_asset(
                "B8A", np.full(TWENTY.shape, 3000, np.uint16), TWENTY, scale=1e-4
            ),
        }
    )
    scene = build_scene((granule,))
    found = cube.read(scene, TEN, ["B04", "B8A"])

    assert list(found.data_vars) == ["B04", "B8A", "usable"]
    assert found["B04"].dims == ("y", "x")
    assert found["B04"].dtype == np.float32
    assert found["B04"].values[0, 1] == np.float32(0.05)
    assert np.isnan(found["B04"].values[0, 0])
    assert found["usable"].dtype == bool
    assert (~found["usable"].values).sum() == 1
    assert found["x"].values[:2].tolist() == [500_005, 500_015]
    assert found["y"].values[:2].tolist() == [2_499_995, 2_499_985]
    assert found.rio.crs.to_epsg() == 32649
    assert np.isnan(found["B04"].rio.nodata)
    assert found.attrs == {"scene": scene.id, "date": "2024-05-06"}


def test_clouds_grow_by_metres_and_keep_their_numbers(
    make_asset: MakeAsset, make_granule: MakeGranule
) -> None:
    corner = (slice(9, 10), slice(9, 10))  # one 20 m pixel: rows 18 and 19 of 10 m
    granule = make_granule(
        bands={"B04": make_asset("B04", np.full(TEN.shape, 7, np.int16), TEN)},
        mask=make_asset("scl", scl(cloud=corner), TWENTY),
    )
    found = cube.read(build_scene((granule,)), TEN, ["B04"], dilate_m=20)
    # A 2 x 2 square grown by a disc of two pixels: 6 x 6 less the corners that
    # are sqrt(8) away, which is 3 in each corner less those reached diagonally.
    unusable = ~found["usable"].values
    assert unusable[16:22, 16:22].sum() == unusable.sum() == 24
    assert unusable[16].nonzero()[0].tolist() == [18, 19]
    assert (found["B04"].values == 7).all()


def test_clouds_outside_the_grid_reach_in(
    make_asset: MakeAsset, make_granule: MakeGranule
) -> None:
    left_half = (slice(None), slice(0, 10))
    granule = make_granule(
        bands={"B04": make_asset("B04", np.full(TEN.shape, 7, np.int16), TEN)},
        mask=make_asset("scl", scl(cloud=left_half), TWENTY),
    )
    right_half = TEN.patch(left=TEN.left + 200, width=20)
    found = cube.read(build_scene((granule,)), right_half, ["B04"], dilate_m=40)
    assert found["usable"].values[20].tolist() == [False] * 4 + [True] * 16


# ------------------------------------------------------- several granules


def strips(
    make_asset: MakeAsset,
    make_granule: MakeGranule,
    *,
    cloud: tuple[slice, slice] | None = None,
) -> Scene:
    """The first strip is valid in columns 0-23, the second in 16-39."""
    first, second = np.zeros((2, *TEN.shape), np.int16)
    first[:, :24] = 1000
    second[:, 16:] = 2000
    return build_scene(
        (
            make_granule(
                "first",
                bands={"B04": make_asset("B04", first, TEN, nodata=(0,))},
                mask=make_asset("scl", scl(cloud=cloud), TWENTY),
            ),
            make_granule(
                "second",
                bands={
                    "B04": make_asset("B04", second, TEN, nodata=(0,)),
                    "B08": make_asset("B08", second, TEN, nodata=(0,)),
                },
            ),
        )
    )


def test_the_first_valid_number_wins(
    make_asset: MakeAsset, make_granule: MakeGranule
) -> None:
    found = cube.read(strips(make_asset, make_granule), TEN, ["B04"])
    assert found["B04"].values[5].tolist() == [1000.0] * 24 + [2000.0] * 16
    assert found["usable"].values.all()


def test_a_band_comes_from_the_granules_that_have_it(
    make_asset: MakeAsset, make_granule: MakeGranule
) -> None:
    found = cube.read(strips(make_asset, make_granule), TEN, ["B04", "B08"])
    assert np.isnan(found["B08"].values[:, :16]).all()
    assert (found["B08"].values[:, 16:] == 2000).all()
    assert found["usable"].values[7].tolist() == [False] * 16 + [True] * 24


def test_the_mask_follows_the_granule_that_supplied(
    make_asset: MakeAsset, make_granule: MakeGranule
) -> None:
    # The first strip's mask sees cloud from column 22 on (11 in 20 m).
    cloud = (slice(None), slice(11, None))
    found = cube.read(
        strips(make_asset, make_granule, cloud=cloud), TEN, ["B04"], dilate_m=0
    )
    # It counts in columns 22 and 23, which it supplied; from 24 on the second
    # strip supplied, and that is clear.
    assert found["usable"].values[3].nonzero()[0].tolist() == [
        c for c in range(40) if c not in (22, 23)
    ]


def test_clouds_of_one_strip_reach_into_the_next(
    make_asset: MakeAsset, make_granule: MakeGranule
) -> None:
    cloud = (slice(None), slice(11, 12))
    found = cube.read(
        strips(make_asset, make_granule, cloud=cloud), TEN, ["B04"], dilate_m=30
    )
    blocked = (~found["usable"].values[3]).nonzero()[0].tolist()
    assert blocked == list(range(19, 27))


# ------------------------------------------------------------------ blocks


@pytest.fixture(scope="session")
def rich_scene(make_asset: MakeAsset, make_granule: MakeGranule) -> Scene:
    """Two granules with holes, clouds and three resolutions."""
    rng = np.random.default_rng(20240506)
    thirty = TEN.patch(left=TEN.left - 15, top=TEN.top + 15, width=14, height=14)
    thirty = thirty.patch(resolution=30.0)
    granules = []
    for name in ("first", "second"):
        bands = {}
        for band, grid in (("B04", TEN), ("B11", TWENTY)):
            numbers = rng.integers(1, 9000, grid.shape).astype(np.int16)
            numbers[rng.random(grid.shape) < 0.3] = 0
            bands[band] = make_asset(
                band, numbers, grid, scale=1e-4, offset=-0.1, nodata=(0, -10000)
            )
        classes = rng.choice(
            [4, 5, 9, 3, 0], TWENTY.shape, p=[0.5, 0.4, 0.04, 0.03, 0.03]
        )
        granules.append(
            make_granule(
                name,
                bands=bands,
                mask=make_asset("scl", classes.astype(np.uint8), TWENTY),
            )
        )
    return build_scene(tuple(granules))


GRIDS = st.builds(
    lambda zone, resolution, left, top, width, height: Grid(
        crs=zone[0],
        left=zone[1] + left,
        top=zone[2] + top,
        resolution=resolution,
        width=width,
        height=height,
    ),
    # The scene's middle in its own zone, and in the neighbour's.
    zone=st.sampled_from(
        [("EPSG:32649", 500_000, 2_500_000), ("EPSG:32648", 1_117_660, 2_512_260)]
    ),
    resolution=st.sampled_from([10.0, 15.0, 20.0, 40.0, 60.0]),
    left=st.integers(-30, 30).map(lambda n: 5.0 * n),
    top=st.integers(-30, 30).map(lambda n: 5.0 * n),
    width=st.integers(1, 45),
    height=st.integers(1, 45),
)


@settings(max_examples=60, deadline=None)
@given(
    grid=GRIDS,
    size=st.integers(1, 45),
    dilate_m=st.sampled_from([0.0, 15.0, 40.0]),
    granules=st.sampled_from([1, 2]),
)
def test_blocks_are_the_whole(
    rich_scene: Scene, grid: Grid, size: int, dilate_m: float, granules: int
) -> None:
    size = max(size, -(-max(grid.shape) // 5))  # at most 25 blocks
    scene = build_scene(rich_scene.granules[:granules])
    whole = cube.read(scene, grid, ["B04", "B11"], dilate_m=dilate_m)
    for block in grid.blocks(size):
        part = cube.read(scene, block.grid, ["B04", "B11"], dilate_m=dilate_m)
        for name in ("B04", "B11", "usable"):
            np.testing.assert_array_equal(
                part[name].values, whole[name].values[block.window]
            )


def test_a_block_is_freed_without_the_garbage_collector(rich_scene: Scene) -> None:
    """Bounded memory: a cycle would keep block after block."""
    gc.disable()
    try:
        found = cube.read(rich_scene, TEN, ["B04"])
        pixels = weakref.ref(found["B04"].values)
        index = compute(
            "msi", cube.read(rich_scene, TEN, ["B11", "B04"]).rename(B04="B08")
        )
        ratio = weakref.ref(index.values)
        del found, index
        assert pixels() is None
        assert ratio() is None
    finally:
        gc.enable()


def test_the_scene_is_seen_from_the_neighbouring_zone(rich_scene: Scene) -> None:
    """The property above would hold of an empty grid, too."""
    grid = Grid(
        crs="EPSG:32648",
        left=1_117_460,
        top=2_512_460,
        resolution=20,
        width=20,
        height=20,
    )
    found = cube.read(rich_scene, grid, ["B04", "B11"], dilate_m=0)
    assert 0.2 < found["usable"].values.mean() < 1


# ---------------------------------------------------------------- refusals


@pytest.fixture
def red(make_asset: MakeAsset) -> Asset:
    rng = np.random.default_rng(0)
    return make_asset("B04", rng.integers(1, 9000, TEN.shape).astype(np.uint16), TEN)


def read_red(make_granule: MakeGranule, asset: Asset, **fields: Any) -> xr.Dataset:
    granule = make_granule(bands={"B04": asset}, **fields)
    return cube.read(build_scene((granule,)), TEN, ["B04"])


def test_a_missing_band_is_named(make_granule: MakeGranule, red: Asset) -> None:
    scene = build_scene((make_granule(bands={"B04": red}),))
    with pytest.raises(DataError, match="has no band B08 B11, only B04"):
        cube.read(scene, TEN, ["B04", "B08", "B11"])


def test_a_missing_file_is_named(make_granule: MakeGranule) -> None:
    asset = Asset(href="/nowhere/B04.tif", resolution=10)
    with pytest.raises(DataError, match=r"^/nowhere/B04\.tif: cannot be opened"):
        read_red(make_granule, asset)


@pytest.mark.parametrize("driver", ["GTiff", "JP2OpenJPEG"])
@pytest.mark.parametrize("share", [0.97, 0.5, 0.02])
def test_a_truncated_file_is_refused(
    make_asset: MakeAsset, make_granule: MakeGranule, driver: str, share: float
) -> None:
    grid = TEN.patch(width=700, height=700)
    options = {
        "GTiff": {"compress": "deflate", "tiled": True},
        "JP2OpenJPEG": {
            "QUALITY": 100,
            "REVERSIBLE": "YES",
            "BLOCKXSIZE": 256,
            "BLOCKYSIZE": 256,
        },
    }[driver]
    numbers = np.random.default_rng(0).integers(1, 9000, grid.shape).astype(np.uint16)
    whole = make_asset("B04", numbers, grid, driver=driver, options=options)
    twenty = grid.at_resolution(20)
    mask = make_asset("scl", np.full(twenty.shape, 4, np.uint8), twenty)
    scene = build_scene((make_granule(bands={"B04": whole}, mask=mask),))
    found = cube.read(scene, grid, ["B04"])
    np.testing.assert_array_equal(found["B04"].values, numbers)

    path = Path(whole.href)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match=f"{path.name}: damaged"):
        cube.read(scene, grid, ["B04"])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a raster",
        b"II*\0" + b"\xff" * 400,
        b'<VRTDataset rasterXSize="40" rasterYSize="40"></VRTDataset>',
    ],
)
def test_other_files_are_refused(
    make_granule: MakeGranule, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "B04.tif"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"B04\.tif: damaged, or not a GeoTIFF"):
        read_red(make_granule, Asset(href=str(path), resolution=10))


def test_a_virtual_raster_cannot_lead_to_other_files(
    make_granule: MakeGranule, red: Asset, tmp_path: Path
) -> None:
    path = tmp_path / "B04.vrt"
    path.write_text(
        '<VRTDataset rasterXSize="40" rasterYSize="40"><SRS>EPSG:32649</SRS>'
        "<GeoTransform>500000,10,0,2500000,0,-10</GeoTransform>"
        '<VRTRasterBand dataType="UInt16" band="1"><SimpleSource><SourceFilename>'
        f"{red.href}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    with rasterio.open(path) as data:  # GDAL itself would follow it
        assert data.read(1).any()
    with pytest.raises(DataError, match=r"B04\.vrt"):
        read_red(make_granule, Asset(href=str(path), resolution=10))


@pytest.mark.parametrize(
    "href", ["/vsizip//tmp/a.zip/B04.tif", "GTIFF_DIR:1:/tmp/B04.tif", "a\0b.tif", ""]
)
def test_gdal_prefixes_mean_nothing(make_granule: MakeGranule, href: str) -> None:
    with pytest.raises(DataError, match="cannot be opened"):
        read_red(make_granule, Asset(href=href, resolution=10))


def test_another_crs_than_the_product_says_is_refused(
    make_granule: MakeGranule, make_asset: MakeAsset
) -> None:
    asset = make_asset("B04", np.ones(TEN.shape, np.int16), TEN.patch(crs="EPSG:32648"))
    with pytest.raises(
        DataError, match="is in EPSG:32648, its product says EPSG:32649"
    ):
        read_red(make_granule, asset)


def test_a_file_without_crs_is_refused(
    make_granule: MakeGranule, tmp_path: Path
) -> None:
    path = tmp_path / "B04.tif"
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype="int16",
        count=1,
        height=40,
        width=40,
        transform=TEN.transform,
    ) as data:
        data.write(np.ones((40, 40), np.int16), 1)
    with pytest.raises(DataError, match=r"B04\.tif: has no CRS"):
        read_red(make_granule, Asset(href=str(path), resolution=10))


@pytest.mark.parametrize(
    "grid",
    [
        TEN.patch(width=20),
        TEN.patch(resolution=20.0),
        TEN.patch(width=24, height=24, resolution=400 / 24),  # same ground
        TEN.patch(left=TEN.left + 1000),
    ],
)
def test_a_band_that_covers_other_ground_is_refused(
    make_granule: MakeGranule, make_asset: MakeAsset, grid: Grid
) -> None:
    asset = make_asset("B04", np.ones(grid.shape, np.int16), grid)
    with pytest.raises(
        DataError, match=r"B04\.tif: has .* pixels of .*-scl\.tif of its product"
    ):
        read_red(make_granule, asset)


def test_two_bands_in_a_file_are_refused(
    make_granule: MakeGranule, tmp_path: Path
) -> None:
    path = tmp_path / "B04.tif"
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype="int16",
        count=2,
        height=40,
        width=40,
        transform=TEN.transform,
        crs=TEN.crs,
    ) as data:
        data.write(np.ones((2, 40, 40), np.int16))
    with pytest.raises(DataError, match="has 2 bands"):
        read_red(make_granule, Asset(href=str(path), resolution=10))


# ------------------------------------------------------------------ remote


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Serve a folder on the loopback interface."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = partial(Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield tmp_path, f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


@pytest.mark.enable_socket
def test_a_remote_file_is_read(
    make_granule: MakeGranule, red: Asset, server: Server
) -> None:
    folder, url = server
    (folder / "B04.tif").write_bytes(Path(red.href).read_bytes())
    remote = read_red(make_granule, Asset(href=f"{url}/B04.tif", resolution=10))
    local = read_red(make_granule, red)
    xr.testing.assert_identical(remote, local)


@pytest.mark.enable_socket
def test_a_remote_file_that_does_not_answer_can_be_tried_again(
    make_granule: MakeGranule, server: Server
) -> None:
    _, url = server
    with pytest.raises(SourceError, match=r"gone\.tif: no answer"):
        read_red(make_granule, Asset(href=f"{url}/gone.tif", resolution=10))


# --------------------------------------------------------------- real data


@pytest.mark.data
def test_a_theia_scene_is_read_as_it_is_stored(
    data_dir: Path, make_granule: MakeGranule
) -> None:
    name = THEIA
    folder = data_dir / "s2_theia_t31ufq" / "scenes" / name

    def asset(file: str, resolution: float, **fields: Any) -> Asset:
        path = folder / f"{name}{file}.tif"
        return Asset(href=str(path), resolution=resolution, **fields)

    theia = {"scale": 1e-4, "nodata": (0, -10000)}
    granule = make_granule(
        name,
        bands={
            "B04": asset("_FRE_B4", 10, **theia),
            "B8A": asset("_FRE_B8A", 20, **theia),
        },
        mask=Asset(href=str(folder / "MASKS" / f"{name}_CLM_R2.tif"), resolution=20),
        mask_kind=MaskKind.CLM,
        crs="EPSG:32631",
    )
    ten = Grid(
        crs="EPSG:32631",
        left=670_540,
        top=5_461_500,
        resolution=10,
        width=80,
        height=80,
    )
    found = cube.read(build_scene((granule,)), ten, ["B04", "B8A"], dilate_m=0)

    def stored(address: str) -> np.ndarray:
        with rasterio.open(address) as data:
            numbers: np.ndarray = data.read(1)
            return numbers

    red = stored(granule.bands["B04"].href)
    infrared = stored(granule.bands["B8A"].href).repeat(2, 0).repeat(2, 1)
    clear = stored(granule.mask.href).repeat(2, 0).repeat(2, 1) == 0
    for band, numbers in (("B04", red), ("B8A", infrared)):
        measured = (numbers != 0) & (numbers != -10000)
        assert measured.any()
        expected = np.where(measured, numbers / 10000, NAN).astype(np.float32)
        np.testing.assert_array_equal(found[band].values, expected)
        clear &= measured
    np.testing.assert_array_equal(found["usable"].values, clear)
    assert found["usable"].values.any()
