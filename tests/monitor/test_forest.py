"""Masks beside a cube: of its own pixels, of others, of none."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from typer.testing import CliRunner

from agroforest.cli.app import app
from agroforest.core.errors import DataError
from agroforest.indices.season import BANDS
from agroforest.monitor import Cube, open_cube, read_forest
from agroforest.monitor.layout import NOWHERE
from agroforest.risk.simulate import Emulator, build_forest

SHAPE = (6, 8)
# Pixels of degrees are oblong on the ground: these are 20 m x 20 m at 23 degrees north.
PLACE = Affine(2e-4, 0, 108.0, 0, -1.8e-4, 23.0)
EAST = 108.0 + 2e-4 * (np.arange(8) + 0.5)
NORTH = 23.0 - 1.8e-4 * (np.arange(6) + 0.5)
WOOD = np.zeros(SHAPE, bool)
WOOD[1:5, 2:6] = True


@pytest.fixture
def cube(tmp_path: Path) -> Cube:
    data = xr.Dataset(
        {"B04": (("time", "y", "x"), np.full((2, *SHAPE), 500, np.int16))},
        coords={"time": np.array(["2020-01-02", "2020-01-12"], "M8[ns]")},
        attrs={"crs": "EPSG:4326"},
    ).assign_coords(x=EAST, y=NORTH)
    data.to_netcdf(tmp_path / "c.nc")
    return open_cube(tmp_path / "c.nc")


def write(
    path: Path,
    mask: NDArray[np.number],
    transform: Affine = PLACE,
    crs: str | None = "EPSG:4326",
    nodata: int | None = None,
) -> Path:
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype=mask.dtype,
        count=1,
        height=mask.shape[0],
        width=mask.shape[1],
        crs=crs,
        transform=transform,
        nodata=nodata,
    ) as raster:
        raster.write(mask, 1)
    return path


@pytest.mark.parametrize("crs", ["EPSG:4326", None])
def test_a_mask_of_the_same_pixels(tmp_path: Path, cube: Cube, crs: str | None) -> None:
    mask = write(tmp_path / "m.tif", WOOD.astype(np.uint8), crs=crs)
    np.testing.assert_array_equal(read_forest(mask, cube), WOOD)


@pytest.mark.parametrize(("other", "nodata"), [(-9999, -9999), (-9999, None), (9, 9)])
def test_nodata_is_no_forest(
    tmp_path: Path, cube: Cube, other: int, nodata: int | None
) -> None:
    numbers = np.where(WOOD, 1, other).astype(np.int16)
    mask = write(tmp_path / "m.tif", numbers, nodata=nodata)
    np.testing.assert_array_equal(read_forest(mask, cube), WOOD)


def test_a_finer_mask_is_warped(tmp_path: Path, cube: Cube) -> None:
    finer = np.kron(WOOD, np.ones((4, 4))).astype(np.uint8)
    mask = write(tmp_path / "m.tif", finer, PLACE @ Affine.scale(0.25))
    np.testing.assert_array_equal(read_forest(mask, cube), WOOD)


def test_a_mask_that_is_upside_down_is_warped(tmp_path: Path, cube: Cube) -> None:
    upside = Affine(PLACE.a, 0, PLACE.c, 0, -PLACE.e, PLACE.f + 6 * PLACE.e)
    mask = write(tmp_path / "m.tif", WOOD[::-1].astype(np.uint8), upside)
    np.testing.assert_array_equal(read_forest(mask, cube), WOOD)


def test_masks_that_are_refused(tmp_path: Path, cube: Cube) -> None:
    elsewhere = Affine(1e-4, 0, 109.0, 0, -1e-4, 23.0)
    far = write(tmp_path / "far.tif", np.ones((9, 9), np.uint8), elsewhere)
    with pytest.raises(DataError, match="no forest where the cube lies"):
        read_forest(far, cube)
    plain = write(tmp_path / "plain.tif", np.ones((9, 9), np.uint8), crs=None)
    with pytest.raises(DataError, match="no CRS"):
        read_forest(plain, cube)
    (tmp_path / "text.tif").write_text("hello")
    with pytest.raises(DataError, match="cannot be read"):
        read_forest(tmp_path / "text.tif", cube)
    data = xr.open_dataset(cube.path).drop_attrs()
    data.to_netcdf(tmp_path / "nowhere.nc")
    nowhere = open_cube(tmp_path / "nowhere.nc")
    assert nowhere.crs == NOWHERE
    with pytest.raises(DataError, match="the cube says no CRS"):
        read_forest(far, nowhere)


def test_oblong_pixels_from_the_command(tmp_path: Path) -> None:
    forest = build_forest(Emulator.shipped(), 1_000_004, 48)
    numbers = np.nan_to_num(forest.bands * 10_000).round().astype(np.int16)
    axes = ("time", "lat", "lon")
    days = forest.day.astype("M8[D]").astype("M8[ns]")
    xr.Dataset(
        {
            band: (axes, numbers[:, at].reshape(-1, *SHAPE))
            for at, band in enumerate(BANDS)
        },
        coords={"time": days, "lat": NORTH, "lon": EAST},
    ).to_netcdf(tmp_path / "c.nc")
    finer = np.kron(WOOD, np.ones((2, 2))).astype(np.uint8)
    mask = write(tmp_path / "m.tif", finer, PLACE @ Affine.scale(0.5))
    until = str(np.datetime64(forest.history, "D"))
    command = ["monitor", str(tmp_path / "c.nc"), "--forest", str(mask)]
    out = tmp_path / "out"
    done = CliRunner().invoke(
        app, [*command, "--train-until", until, "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    with rasterio.open(out / "probability.tif") as raster:
        assert raster.transform.almost_equals(PLACE)
        assert raster.crs.to_epsg() == 4326
        judged = np.isfinite(raster.read(1))
    assert judged[WOOD].mean() > 0.8
    assert not judged[~WOOD].any()
