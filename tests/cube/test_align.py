"""Pixels brought to a grid: exact where they can be."""

from collections.abc import Callable

import numpy as np
import pytest
from pyproj import Transformer

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.core.scene import Asset
from agroforest.cube.align import read_flags, read_reflectance
from agroforest.cube.source import opened

MakeAsset = Callable[..., Asset]

NAN = np.nan


def on_grid(asset: Asset, grid: Grid, crs: str = "EPSG:32649") -> np.ndarray:
    with opened(asset, crs=crs) as source:
        return read_reflectance(source, grid)


def square(size: int, resolution: float, *, left: float = 0, top: float = 0) -> Grid:
    return Grid(
        crs="EPSG:32649",
        left=500_000 + left,
        top=2_500_000 - top,
        resolution=resolution,
        width=size,
        height=size,
    )


def test_numbers_become_reflectance(make_asset: MakeAsset) -> None:
    numbers = np.array([[1000, 1234], [11000, 0]], np.uint16)
    asset = make_asset(
        "b", numbers, square(2, 10), scale=1e-4, offset=-0.1, nodata=(0,)
    )
    found = on_grid(asset, square(2, 10))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[0.0, 0.0234], [1.0, NAN]], atol=1e-7)


def test_coarse_pixels_are_repeated(make_asset: MakeAsset) -> None:
    asset = make_asset("b", np.array([[1, 2], [3, 4]], np.int16), square(2, 20))
    expected = [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    np.testing.assert_array_equal(on_grid(asset, square(4, 10)), expected)


def test_a_window_may_start_inside_a_coarse_pixel_and_end_outside(
    make_asset: MakeAsset,
) -> None:
    asset = make_asset("b", np.array([[1, 2], [3, 4]], np.int16), square(2, 20))
    found = on_grid(asset, square(4, 10, left=10, top=-10))
    expected = [
        [NAN, NAN, NAN, NAN],
        [1, 2, 2, NAN],
        [1, 2, 2, NAN],
        [3, 4, 4, NAN],
    ]
    np.testing.assert_array_equal(found, expected)


def test_fine_pixels_are_averaged_without_nodata(make_asset: MakeAsset) -> None:
    numbers = np.array(
        [
            [1000, 2000, 0, 0],
            [3000, 4000, 0, -10000],
            [-10000, 500, 7, 8],
            [0, 1000, 9, 11],
        ],
        np.int16,
    )
    asset = make_asset("b", numbers, square(4, 10), scale=1e-4, nodata=(0, -10000))
    expected = [[0.25, NAN], [0.075, 0.000875]]
    np.testing.assert_allclose(on_grid(asset, square(2, 20)), expected, rtol=1e-6)


def test_averages_start_at_the_grid_not_at_the_file(make_asset: MakeAsset) -> None:
    numbers = np.arange(1, 17, dtype=np.int16).reshape(4, 4)
    asset = make_asset("b", numbers, square(4, 10))
    # Shifted by one fine pixel: rows and columns 1-2, then 3 and outside.
    found = on_grid(asset, square(2, 20, left=10, top=10))
    np.testing.assert_allclose(
        found, [[(6 + 7 + 10 + 11) / 4, (8 + 12) / 2], [(14 + 15) / 2, 16]]
    )


def test_the_files_own_nodata_counts_too(make_asset: MakeAsset) -> None:
    asset = make_asset(
        "b",
        np.array([[5, 7], [9, 3]], np.int16),
        square(2, 10),
        options={"nodata": 7},
        nodata=(9,),
    )
    np.testing.assert_array_equal(on_grid(asset, square(2, 10)), [[5, NAN], [NAN, 3]])


def test_infinite_numbers_are_nodata(make_asset: MakeAsset) -> None:
    numbers = np.array([[np.inf, 0.25], [-np.inf, np.nan]], np.float32)
    asset = make_asset("b", numbers, square(2, 10))
    np.testing.assert_array_equal(
        on_grid(asset, square(2, 10)), [[NAN, 0.25], [NAN, NAN]]
    )


def test_elsewhere_is_nodata(make_asset: MakeAsset) -> None:
    asset = make_asset("b", np.ones((2, 2), np.int16), square(2, 20))
    assert np.isnan(on_grid(asset, square(4, 10, left=4000))).all()
    assert np.isnan(on_grid(asset, square(4, 10, top=-4000, left=3))).all()


def test_half_pixel_shift_is_bilinear(make_asset: MakeAsset) -> None:
    # Landsat's corners: 30 m pixels that start at 15 m.
    numbers = np.array([[0, 300], [600, 900]], np.int16)
    asset = make_asset("b", numbers, square(2, 30, left=-15, top=-15))
    # Pixel centres at 15 m of each pixel: the grid of 30 m from 0 has its first
    # centre on the corner all four share.
    assert on_grid(asset, square(1, 30))[0, 0] == pytest.approx(450)


def test_bilinear_ignores_nodata_and_keeps_its_edge(make_asset: MakeAsset) -> None:
    numbers = np.array([[100, 0], [100, 0]], np.int16)
    asset = make_asset("b", numbers, square(2, 20, left=-5), nodata=(0,))
    # Centres at 10, 20, 30, 40 m of the file's 40 m: pixel 0 holds 0..20.
    found = on_grid(asset, square(4, 10))
    assert found[0, :1].tolist() == [100.0]
    assert np.isnan(found[:, 2:]).all()
    assert set(np.unique(found[~np.isnan(found)])) == {100.0}


def ramp(grid: Grid) -> np.ndarray:
    """A plane over easting and northing of the grid's own CRS."""
    east = grid.x_centres()[None, :] - grid.left
    south = grid.top - grid.y_centres()[:, None]
    return (1000 + 2 * east + 3 * south).astype(np.float32)


@pytest.mark.parametrize("resolution", [10.0, 25.0, 60.0])
def test_another_zone_gives_the_plane_that_is_there(
    make_asset: MakeAsset, resolution: float
) -> None:
    file = square(400, 10)
    asset = make_asset("b", ramp(file), file)
    to_49 = Transformer.from_crs("EPSG:32648", "EPSG:32649", always_xy=True)
    to_48 = Transformer.from_crs("EPSG:32649", "EPSG:32648", always_xy=True)
    east, north = to_48.transform(502_000, 2_498_000)
    grid = Grid(
        crs="EPSG:32648",
        left=round(east) - 300,
        top=round(north) + 300,
        resolution=resolution,
        width=int(600 // resolution),
        height=int(600 // resolution),
    )
    x, y = to_49.transform(*np.meshgrid(grid.x_centres(), grid.y_centres()))
    expected = 1000 + 2 * (x - file.left) + 3 * (file.top - y)
    # float32 holds these numbers to 0.0005; a metre off would show as 2 or 3.
    np.testing.assert_allclose(on_grid(asset, grid), expected, atol=0.01)


def test_mask_flags_are_never_lost_in_coarser_pixels(make_asset: MakeAsset) -> None:
    numbers = np.array([[1, 1, 1, 1], [1, 2, 1, 1], [1, 1, 1, 4], [1, 1, 8, 1]])
    asset = make_asset("m", numbers.astype(np.uint8), square(4, 10))
    with opened(asset, crs="EPSG:32649", is_mask=True) as source:
        found = read_flags(source, square(3, 20), lambda numbers: numbers)
    assert found.tolist() == [[3, 1, 0], [1, 13, 0], [0, 0, 0]]


def test_absurdly_fine_pixels_are_refused(make_asset: MakeAsset) -> None:
    asset = make_asset("b", np.ones((4, 4), np.int16), square(4, 0.05))
    with pytest.raises(DataError, match=r"b\.tif: has pixels of 0\.05, 200 times"):
        on_grid(asset, square(4, 10))
