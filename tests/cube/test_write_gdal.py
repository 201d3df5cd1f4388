"""COGs as GDAL sees them: every pixel of every level, and what they mean."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.io import MemoryFile
from rio_cogeo.cogeo import cog_validate

from agroforest.core.grid import Grid
from agroforest.cube import CogWriter, read_cog, write_cog
from agroforest.cube import tiff as layout
from agroforest.cube.compression import Codec
from agroforest.cube.overview import Overviews, halve, overview_shapes

_DTYPES = ("uint8", "int16", "uint16", "int32", "uint32", "float32")


def grid_of(shape: tuple[int, int]) -> Grid:
    return Grid(
        crs="EPSG:32649",
        left=500_000.0,
        top=2_500_000.0,
        resolution=10.0,
        width=shape[1],
        height=shape[0],
    )


def noise(shape: tuple[int, int], dtype: str, *, seed: int = 3) -> NDArray[Any]:
    """Every number the dtype has, a patch of one number, and gaps of its least."""
    rng = np.random.default_rng(seed)
    if dtype == "float32":
        array = rng.normal(0, 1000, shape).astype(dtype)
        least = np.float32(-9999)
    else:
        info = np.iinfo(dtype)
        array = rng.integers(info.min, info.max, shape, dtype, endpoint=True)
        least = np.dtype(dtype).type(info.min)
    array[: shape[0] // 3, : shape[1] // 2] = 7
    array[rng.random(shape) < 0.2] = least
    return array


def least_of(dtype: str) -> float:
    return -9999.0 if dtype == "float32" else float(np.iinfo(dtype).min)


def read_levels(path: Path) -> list[NDArray[Any]]:
    with rasterio.open(path) as data:
        levels, count = [data.read(1)], len(data.overviews(1))
    for number in range(count):
        with rasterio.open(path, overview_level=number) as data:
            levels.append(data.read(1))
    return levels


def gdal_overviews(
    array: NDArray[Any], nodata: float, count: int, how: Resampling
) -> list[NDArray[Any]]:
    """Overviews by gdaladdo, of the raster continued with nodata.

    To sizes that halve without remainder: of odd sizes GDAL makes overviews whose
    pixels are a little more than two pixels long.
    """
    step = 2**count
    height, width = array.shape
    even = np.full((-(-height // step) * step, -(-width // step) * step), nodata)
    even = even.astype(array.dtype)
    even[:height, :width] = array
    grid = grid_of(even.shape)
    profile = {"driver": "GTiff", "dtype": array.dtype.name, "count": 1}
    profile |= {"height": grid.height, "width": grid.width, "nodata": nodata}
    found = []
    with MemoryFile() as memory:
        with memory.open(**profile, crs=grid.crs, transform=grid.transform) as data:
            data.write(even, 1)
        with rasterio.open(memory.name, "r+") as data:
            data.build_overviews([2**n for n in range(1, count + 1)], how)
        for number in range(count):
            with rasterio.open(memory.name, overview_level=number) as data:
                found.append(data.read(1))
    return found


@given(
    shape=st.tuples(st.integers(1, 230), st.integers(1, 230)),
    dtype=st.sampled_from(_DTYPES),
    codec=st.sampled_from(["zstd", "deflate"]),
    overviews=st.sampled_from(["average", "nearest"]),
    has_nodata=st.booleans(),
    tile=st.sampled_from([16, 48]),
)
def test_gdal_reads_every_pixel_of_every_level(
    tmp_path_factory: pytest.TempPathFactory,
    shape: tuple[int, int],
    dtype: str,
    codec: Codec,
    overviews: Overviews,
    has_nodata: bool,
    tile: int,
) -> None:
    path = tmp_path_factory.mktemp("cog") / "a.tif"
    grid = grid_of(shape)
    nodata = least_of(dtype) if has_nodata else None
    levels = [noise(shape, dtype)]
    with CogWriter(
        path, grid, dtype, nodata, overviews=overviews, codec=codec, tile=tile
    ) as writer:
        for block in grid.blocks(writer.block):
            writer.write(block, levels[0][block.window])
    while max(levels[-1].shape) > tile:
        levels.append(halve(levels[-1], nodata, overviews))
    found = read_levels(path)
    assert [a.shape for a in found] == overview_shapes(shape, tile)
    for expected, level in zip(levels, found, strict=True):
        np.testing.assert_array_equal(level, expected)
    # GDAL takes the overviews of rasters one pixel wide, its own too, for copies
    # of full size.
    if shape[1] > 1:
        assert cog_validate(str(path), strict=True) == (True, [], [])


@pytest.mark.parametrize("dtype", _DTYPES)
@pytest.mark.parametrize("overviews", ["average", "nearest"])
@pytest.mark.parametrize("shape", [(1500, 1300), (517, 2049)])
def test_overviews_are_those_of_gdal(
    tmp_path: Path, shape: tuple[int, int], overviews: Overviews, dtype: str
) -> None:
    array, nodata = noise(shape, dtype), least_of(dtype)
    path = tmp_path / "a.tif"
    write_cog(path, array, grid_of(shape), nodata=nodata, overviews=overviews)
    found = read_levels(path)[1:]
    expected = gdal_overviews(array, nodata, len(found), Resampling[overviews])
    assert len(found) >= 2
    for ours, larger in zip(found, expected, strict=True):
        theirs = larger[: ours.shape[0], : ours.shape[1]]
        np.testing.assert_array_equal(ours == nodata, theirs == nodata)
        # Floats: GDAL adds in another order.
        tolerance = 1e-3 if dtype == "float32" else 1
        apart = np.abs(ours.astype(np.float64) - theirs)
        assert apart.max() <= tolerance
        assert dtype == "float32" or (apart == 0).mean() > 0.999


_POLAR = CRS.from_proj4("+proj=laea +lat_0=71 +lon_0=12 +datum=WGS84 +units=m")


@pytest.mark.parametrize(
    ("crs", "left", "top", "resolution"),
    [
        ("EPSG:32649", 300_000.0, 2_500_020.0, 10.0),
        ("EPSG:32749", 300_000.0, 9_999_990.0, 20.0),
        ("EPSG:4326", 108.1234567890123, 23.5, 8.983152841195215e-05),
        ("EPSG:3857", -1e7, 2e7, 0.125),
        ("EPSG:4490", 107.0, 25.0, 1 / 3600),
        (_POLAR.to_wkt(), -1234.5, 9876.5, 12.5),
    ],
)
def test_the_georeference_is_that_of_gdal(
    tmp_path: Path, crs: str, left: float, top: float, resolution: float
) -> None:
    grid = Grid(crs=crs, left=left, top=top, resolution=resolution, width=70, height=90)
    array = noise(grid.shape, "int16")
    ours, theirs = tmp_path / "ours.tif", tmp_path / "theirs.tif"
    write_cog(ours, array, grid)
    profile = {"driver": "COG", "dtype": "int16", "count": 1, "nodata": -32768}
    profile |= {"height": grid.height, "width": grid.width}
    with rasterio.open(
        theirs, "w", **profile, crs=grid.crs, transform=grid.transform
    ) as data:
        data.write(array, 1)
    with rasterio.open(ours) as found, rasterio.open(theirs) as expected:
        assert found.crs == expected.crs
        assert found.transform == expected.transform == grid.transform
        assert found.bounds == expected.bounds
        assert found.tags()["AREA_OR_POINT"] == "Area"
    again = read_cog(ours).grid
    assert (again.left, again.top, again.resolution) == (left, top, resolution)
    assert CRS.from_string(again.crs) == CRS.from_string(crs)


def test_metadata_are_read_as_they_were_given(tmp_path: Path) -> None:
    tags = {"TITLE": "归一化植被指数 <&>", "lines": "one\ntwo"}
    path = tmp_path / "a.tif"
    write_cog(
        path,
        noise((600, 600), "uint16"),
        grid_of((600, 600)),
        nodata=65535,
        scale=0.1 + 0.2,
        offset=-1e-9,
        tags=tags,
        description="水分 & more",
    )
    for level in ({}, {"overview_level": 0}):
        with rasterio.open(path, **level) as data:
            assert data.nodata == 65535
    with rasterio.open(path) as data:
        assert tags.items() <= data.tags().items()
        assert data.descriptions == ("水分 & more",)
        assert data.scales == (0.1 + 0.2,)
        assert data.offsets == (-1e-9,)


@pytest.mark.parametrize("codec", ["zstd", "deflate"])
def test_files_that_classic_tiff_cannot_address_are_bigtiff(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codec: Codec
) -> None:
    """With a limit of 40 kB instead of 4 GB."""
    shape = (300, 200)
    array = noise(shape, "int16")
    for limit, version in ((40_000, 43), (400_000, 42)):
        path = tmp_path / f"{version}.tif"
        monkeypatch.setattr(layout, "CLASSIC_LIMIT", limit)
        with CogWriter(path, grid_of(shape), codec=codec, tile=32) as writer:
            for block in grid_of(shape).blocks(writer.block):
                writer.write(block, array[block.window])
        assert path.read_bytes()[2] == version
        assert cog_validate(str(path), strict=True) == (True, [], [])
    np.testing.assert_array_equal(read_cog(tmp_path / "43.tif").array, array)
    big, classic = (read_levels(tmp_path / f"{v}.tif") for v in (43, 42))
    for one, other in zip(big, classic, strict=True):
        np.testing.assert_array_equal(one, other)


def test_gdal_can_edit_what_it_reads(tmp_path: Path) -> None:
    """The note in front must not promise what GDAL cannot keep."""
    path = tmp_path / "a.tif"
    array = noise((700, 700), "int16")
    write_cog(path, array, grid_of((700, 700)))
    with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as data:
        data.write(array[::-1], 1)
    np.testing.assert_array_equal(read_cog(path).array, array[::-1])
