"""COGs: valid, whole, the same bytes for the same pixels."""

import resource
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate

from agroforest.core.errors import DataError
from agroforest.core.grid import Block, Grid
from agroforest.cube import CogWriter, read_cog, write_cog
from agroforest.cube.compression import Codec


def grid_of(height: int, width: int, resolution: float = 10.0) -> Grid:
    return Grid(
        crs="EPSG:32649",
        left=500_000.0,
        top=2_500_000.0,
        resolution=resolution,
        width=width,
        height=height,
    )


def pixels(grid: Grid, dtype: str = "int16") -> np.ndarray:
    rng = np.random.default_rng(7)
    return rng.integers(0, 200, grid.shape).astype(dtype)


@pytest.mark.parametrize(
    "shape", [(1, 1), (40, 40), (512, 512), (513, 300), (700, 1500), (2048, 1100)]
)
def test_every_size_is_a_strictly_valid_cog(
    tmp_path: Path, shape: tuple[int, int]
) -> None:
    path = tmp_path / "a.tif"
    grid = grid_of(*shape)
    write_cog(path, pixels(grid), grid)
    valid, errors, warnings = cog_validate(str(path), strict=True)
    assert (valid, errors, warnings) == (True, [], [])
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]


@pytest.mark.parametrize(
    ("dtype", "nodata", "predictor"),
    [
        ("uint8", 255, "2"),
        ("int16", -32768, "2"),
        ("uint16", 0, "2"),
        ("int32", 0, "2"),
        ("uint32", None, "2"),
        ("float32", np.nan, "3"),
    ],
)
def test_what_is_written_is_read_back(
    tmp_path: Path, dtype: str, nodata: float | None, predictor: str
) -> None:
    path = tmp_path / "a.tif"
    grid = grid_of(600, 520, 20.0)
    array = pixels(grid, dtype)
    if nodata is not None:
        array[:7, :9] = nodata
    write_cog(path, array, grid, nodata=nodata, scale=0.5, offset=-3.0)
    found = read_cog(path)
    np.testing.assert_array_equal(found.array, array)
    assert found.array.dtype == dtype
    assert found.grid == grid
    np.testing.assert_equal(found.nodata, nodata)
    assert (found.scale, found.offset) == (0.5, -3.0)
    with rasterio.open(path) as data:
        structure = data.tags(ns="IMAGE_STRUCTURE")
    assert structure["COMPRESSION"] == "ZSTD"
    assert structure["PREDICTOR"] == predictor
    assert structure["LAYOUT"] == "COG"


def test_metadata_say_what_the_numbers_are(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    grid = grid_of(40, 40)
    tags = {"INDEX": "ndvi", "TITLE": "归一化植被指数"}
    write_cog(path, pixels(grid), grid, tags=tags, description="NDVI")
    with rasterio.open(path) as data:
        assert tags.items() <= data.tags().items()
        assert data.descriptions == ("NDVI",)
        assert (data.scales, data.offsets, data.nodata) == ((1e-4,), (0.0,), -32768)


def test_overviews_average_the_valid_pixels(tmp_path: Path) -> None:
    grid = grid_of(1024, 1024)
    array = np.full(grid.shape, -32768, np.int16)
    array[0, 0], array[0, 1] = 100, 300  # two of four
    array[0:2, 2:4] = 8000
    path = tmp_path / "a.tif"
    write_cog(path, array, grid)
    with rasterio.open(path, overview_level=0) as data:
        found = data.read(1)
    assert found.shape == (512, 512)
    assert found[0, :3].tolist() == [200, 8000, -32768]
    assert (found == -32768).sum() == found.size - 2


def test_the_same_pixels_are_the_same_bytes(tmp_path: Path) -> None:
    """Written twice, under another name, in blocks of any order, on threads."""
    grid = grid_of(1300, 900)
    array = pixels(grid)
    array[40:400] = -32768
    tags = {"b": "2", "a": "1"}
    first, second = tmp_path / "1.tif", tmp_path / "other" / "2.tif"
    with CogWriter(first, grid, tags=tags, description="x", tile=64) as writer:
        writer.write(Block(row=0, column=0, grid=grid), array)
    blocks = list(grid.blocks(256))
    rng = np.random.default_rng(5)
    for _ in range(4):
        blocks = [blocks[n] for n in rng.permutation(len(blocks))]
        with (
            CogWriter(
                second, grid, tags={"a": "1", "b": "2"}, description="x", tile=64
            ) as writer,
            ThreadPoolExecutor(4) as pool,
        ):
            list(pool.map(writer.write, blocks, [array[b.window] for b in blocks]))
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("codec", ["zstd", "deflate"])
def test_workers_change_nothing(tmp_path: Path, codec: Codec) -> None:
    grid = grid_of(2100, 2600)
    array = pixels(grid)
    one, two = tmp_path / "1.tif", tmp_path / "2.tif"
    write_cog(one, array, grid, codec=codec)
    write_cog(two, array, grid, codec=codec, workers=2)
    assert one.read_bytes() == two.read_bytes()
    np.testing.assert_array_equal(read_cog(two).array, array)


@pytest.mark.parametrize("nodata", [255, None])
def test_blocks_never_written_are_nodata(tmp_path: Path, nodata: int | None) -> None:
    """And the file is the one that would be there had they been written so."""
    grid = grid_of(600, 600)
    first, *others = grid.blocks(256)
    empty = nodata or 0
    sparse, full = tmp_path / "sparse.tif", tmp_path / "full.tif"
    for path, written in ((sparse, []), (full, others)):
        with CogWriter(path, grid, "uint8", nodata, scale=1.0, tile=64) as writer:
            writer.write(first, np.full((256, 256), 3, np.uint8))
            for block in written:
                writer.write(block, np.full(block.grid.shape, empty, np.uint8))
    assert sparse.read_bytes() == full.read_bytes()
    found = read_cog(sparse).array
    assert (found[:256, :256] == 3).all()
    assert (found == empty).sum() == 600 * 600 - 256 * 256
    assert cog_validate(str(sparse), strict=True) == (True, [], [])


def test_nothing_written_is_a_raster_of_nodata(tmp_path: Path) -> None:
    with CogWriter(tmp_path / "a.tif", grid_of(2100, 700)):
        pass
    assert (read_cog(tmp_path / "a.tif").array == -32768).all()
    assert cog_validate(str(tmp_path / "a.tif"), strict=True) == (True, [], [])


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(b"yesterday")
    grid = grid_of(600, 600)

    def fail() -> None:
        with CogWriter(path, grid) as writer:
            writer.write(next(grid.blocks(2048)), np.zeros((600, 600), np.int16))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_bytes() == b"yesterday"
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]


@pytest.mark.parametrize("limit", [40_000, 100_000])
def test_a_full_disk_is_an_error_that_leaves_nothing(
    tmp_path: Path, limit: int
) -> None:
    """While tiles are collected, or when the file is put together."""
    grid = grid_of(256, 256)
    array = np.random.default_rng(7).integers(-10_000, 10_000, grid.shape)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            write_cog(tmp_path / "a.tif", array.astype(np.int16), grid)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_visible_before_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    grid = grid_of(40, 40)
    with CogWriter(path, grid) as writer:
        writer.write(next(grid.blocks(40)), np.zeros((40, 40), np.int16))
        assert not path.exists()
        assert all(p.name.startswith(".") for p in tmp_path.iterdir())
    assert path.exists()


def test_several_files_are_finished_before_one_appears(tmp_path: Path) -> None:
    grid = grid_of(300, 300)
    paths = [tmp_path / f"{n}.tif" for n in range(4)]
    with ExitStack() as stack:
        writers = [stack.enter_context(CogWriter(path, grid)) for path in paths]
        for number, writer in enumerate(writers):
            writer.write(next(grid.blocks(2048)), np.full(grid.shape, number, np.int16))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(CogWriter.finish, writers))
        assert not any(path.exists() for path in paths)
    for number, path in enumerate(paths):
        assert (read_cog(path).array == number).all()
    assert sorted(tmp_path.iterdir()) == paths


def test_pixels_of_another_kind_are_refused(tmp_path: Path) -> None:
    grid = grid_of(40, 40)
    block = next(grid.blocks(40))
    with CogWriter(tmp_path / "a.tif", grid) as writer:
        with pytest.raises(ValueError, match=r"float32 \(40, 40\), the block is int16"):
            writer.write(block, np.zeros((40, 40), np.float32))
        with pytest.raises(ValueError, match=r"\(40, 39\)"):
            writer.write(block, np.zeros((40, 39), np.int16))
    with pytest.raises(ValueError, match="dtype complex64"):
        CogWriter(tmp_path / "b.tif", grid, "complex64")


@pytest.mark.parametrize(
    ("row", "column", "height", "width"),
    [
        (32, 0, 64, 64),  # begins inside a block
        (0, 32, 64, 64),
        (0, 0, 32, 64),  # ends inside a block
        (64, 64, 64, 32),
        (128, 0, 64, 64),  # passes the edge
        (192, 0, 64, 64),  # lies beyond it
    ],
)
def test_blocks_off_the_lattice_are_refused(
    tmp_path: Path, row: int, column: int, height: int, width: int
) -> None:
    grid = grid_of(150, 150)
    block = Block(row=row, column=column, grid=grid_of(height, width))
    with CogWriter(tmp_path / "a.tif", grid, tile=16) as writer:
        assert writer.block == 64
        with pytest.raises(ValueError, match="not at multiples of 64"):
            writer.write(block, np.zeros((height, width), np.int16))


def test_a_block_is_written_once(tmp_path: Path) -> None:
    grid = grid_of(100, 100)
    with CogWriter(tmp_path / "a.tif", grid, tile=16) as writer:
        _, block, *_ = grid.blocks(64)
        writer.write(block, np.zeros(block.grid.shape, np.int16))
        whole = Block(row=0, column=0, grid=grid)
        with pytest.raises(ValueError, match=r"\(0, 64\) is written twice"):
            writer.write(whole, np.zeros(grid.shape, np.int16))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"codec": "lzw"}, "codec 'lzw', not one of zstd, deflate"),
        ({"tile": 100}, "tiles of 100 pixels"),
        ({"dtype": "uint8"}, "-32768"),
    ],
)
def test_what_cannot_be_written_is_refused_at_once(
    tmp_path: Path, arguments: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        CogWriter(tmp_path / "a.tif", grid_of(4, 4), **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_a_truncated_cog_is_named(tmp_path: Path, share: float) -> None:
    path = tmp_path / "a.tif"
    grid = grid_of(600, 600)
    write_cog(path, pixels(grid), grid)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match=r"a\.tif: cannot be read as GeoTIFF"):
        read_cog(path)


def test_rasters_off_the_grid_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    profile = {"driver": "GTiff", "dtype": "int16", "width": 4, "height": 4, "count": 1}
    oblong = rasterio.Affine(10, 0, 0, 0, -20, 0)
    for fields, message in (
        ({"transform": oblong, "crs": "EPSG:32649"}, "square north-up"),
        ({"transform": rasterio.Affine(10, 0, 0, 0, -10, 0)}, "has CRS None"),
    ):
        with rasterio.open(path, "w", **profile, **fields) as data:
            data.write(np.zeros((1, 4, 4), np.int16))
        with pytest.raises(DataError, match=message):
            read_cog(path)
