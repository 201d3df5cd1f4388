"""What lies under a tile, against GDAL's own warp of the same raster."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.transform import from_bounds
from rasterio.warp import transform_bounds

from agroforest.core.grid import Grid
from agroforest.cube import write_cog
from agroforest.web.tiles.pixels import SIZE
from agroforest.web.tiles.source import Piece, Sources, read_piece
from agroforest.web.tiles.wmts import find_box

SIDE = 700
GRID = Grid(
    crs="EPSG:32649", left=234740, top=2543240, resolution=10, width=SIDE, height=SIDE
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A raster whose numbers rise from west to east and north to south, with a hole."""
    down, across = np.mgrid[:SIDE, :SIDE]
    values = (10 * across + down).astype(np.int16)
    values[300:360, 200:280] = np.iinfo(np.int16).min
    found: Path = tmp_path_factory.mktemp("source") / "a.tif"
    write_cog(found, values, GRID)
    return found


def warp(
    path: Path, x: int, y: int, z: int
) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """Let GDAL warp the raster to the tile."""
    box = transform_bounds("EPSG:4326", "EPSG:3857", *find_box(x, y, z))
    there = np.zeros((SIZE, SIZE), np.int16)
    with rasterio.open(path) as raster:
        rasterio.warp.reproject(
            raster.read(1),
            there,
            src_transform=raster.transform,
            src_crs=raster.crs,
            src_nodata=raster.nodata,
            dst_transform=from_bounds(*box, SIZE, SIZE),
            dst_crs="EPSG:3857",
            dst_nodata=-1,
            resampling=Resampling.nearest,
            tolerance=0,
        )
    return there, there != -1


def look(piece: Piece) -> tuple[NDArray[np.int_], NDArray[np.bool_]]:
    """Spread all of a piece over its tile, a byte of its numbers at a time."""
    planes = []
    for shift in (0, 8):
        tile = np.zeros((SIZE, SIZE), np.uint8)
        piece.spread((piece.values.astype(int) >> shift & 255).astype(np.uint8), tile)
        planes.append(tile.astype(int) << shift)
    seen = np.zeros((SIZE, SIZE), np.uint8)
    left = piece.spread(piece.valid.astype(np.uint8), seen)
    assert left == (seen == 0).sum()
    return sum(planes).astype(np.int16).astype(int), seen > 0  # type: ignore[union-attr]


def tile_over(path: Path, zoom: int) -> tuple[int, int]:
    """Tile that holds the middle of the raster."""
    with rasterio.open(path) as raster:
        box = transform_bounds(raster.crs, "EPSG:4326", *raster.bounds)
    east, north = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    count = 1 << zoom
    turned = np.arcsinh(np.tan(np.radians(north))) / np.pi
    return int((east + 180) / 360 * count), int((1 - turned) / 2 * count)


@pytest.mark.parametrize("zoom", [15, 14, 13])
@pytest.mark.parametrize("aside", [(0, 0), (1, 0), (0, -1)])
def test_pixels_lie_where_gdal_puts_them(
    path: Path, zoom: int, aside: tuple[int, int]
) -> None:
    x, y = (a + b for a, b in zip(tile_over(path, zoom), aside, strict=True))
    expected, valid = warp(path, x, y, zoom)
    found = Sources().read(path, x, y, zoom)
    if found is None:
        assert not valid.any()
        return
    values, inside = look(found)
    # Between two pixels either is right: the net is exact to a hundredth of one.
    assert (inside == valid).mean() > 0.995
    both = inside & valid
    off = np.abs(values[both] - expected[both])
    assert off.max(initial=0) <= 11  # the next pixel, in both directions
    assert (off == 0).mean() > 0.98


@pytest.mark.parametrize("zoom", [11, 8, 5, 0])
def test_far_out_a_pixel_shows_its_own_ground(path: Path, zoom: int) -> None:
    """Where a tile's pixel holds many, it shows one of those."""
    x, y = tile_over(path, zoom)
    found = Sources().read(path, x, y, zoom)
    expected, valid = warp(path, x, y, zoom)
    assert found is not None
    values, inside = look(found)
    side = 156543.03 / (1 << zoom) * 0.93 / 10  # pixels of the grid under one
    assert abs(int(inside.sum()) - int(valid.sum())) <= 8 * SIDE / side + 4
    both = inside & valid
    off = np.abs(values[both] - expected[both])
    assert off.max(initial=0) <= 11 * (side + 1)


def test_what_is_beside_the_raster_is_nothing(path: Path) -> None:
    sources = Sources()
    x, y = tile_over(path, 14)
    assert sources.read(path, x + 40, y, 14) is None
    assert sources.read(path, 0, 0, 14) is None
    assert sources.read(path.with_name("gone.tif"), x, y, 14) is None


def test_a_raster_that_was_replaced_is_opened_anew(tmp_path: Path) -> None:
    file, sources = tmp_path / "a.tif", Sources()
    for value in (1, 2):
        write_cog(file, np.full((SIDE, SIDE), value, np.int16), GRID)
        x, y = tile_over(file, 15)
        for _ in range(2):
            found = sources.read(file, x, y, 15)
            assert found is not None
            values, inside = look(found)
            assert set(values[inside].tolist()) == {value}


def test_few_rasters_stay_open(path: Path, tmp_path: Path) -> None:
    sources = Sources(room=2)
    x, y = tile_over(path, 15)
    files = [tmp_path / f"{n}.tif" for n in range(4)]
    for file in files:
        file.write_bytes(path.read_bytes())
        assert sources.read(file, x, y, 15) is not None
    assert [stamp[0] for stamp, _ in sources._idle] == files[2:]


def test_masks_and_missing_numbers_are_seen(tmp_path: Path) -> None:
    """Of a raster without a number for nodata, and of one whose number is NaN."""
    values = np.ones((SIDE, SIDE), np.float32)
    profile = {
        "driver": "GTiff",
        "width": SIDE,
        "height": SIDE,
        "count": 1,
        "dtype": "float32",
        "crs": GRID.crs,
        "transform": rasterio.transform.from_origin(GRID.left, GRID.top, 10, 10),
    }
    masked, missing = tmp_path / "masked.tif", tmp_path / "missing.tif"
    with rasterio.open(masked, "w", **profile) as raster:
        raster.write(values, 1)
        raster.write_mask(np.zeros((SIDE, SIDE), bool))
    with rasterio.open(missing, "w", nodata=np.nan, **profile) as raster:
        raster.write(np.full_like(values, np.nan), 1)
    for file in (masked, missing):
        with rasterio.open(file) as raster:
            found = read_piece(raster, *tile_over(file, 15), 15)
        assert found is not None
        assert not found.valid.any()


def test_what_lies_on_top_stays(path: Path) -> None:
    found = Sources().read(path, *tile_over(path, 15), 15)
    assert found is not None
    tile = np.zeros((SIZE, SIZE), np.uint8)
    tile[:100] = 7
    under = np.full(found.values.shape, 9, np.uint8)
    assert found.spread(np.zeros_like(under), tile) == tile.size - 100 * SIZE
    assert found.spread(under, tile) == 0
    assert set(tile[:100].ravel().tolist()) == {7}
    assert set(tile[100:].ravel().tolist()) == {9}
