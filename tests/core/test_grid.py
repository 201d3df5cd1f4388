import json
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import shape

from agroforest.core.errors import ConfigurationError
from agroforest.core.grid import (
    WGS84,
    Grid,
    find_tiles,
    mgrs_square,
    reproject,
    utm_crs,
)

GRID = Grid(
    crs="EPSG:32649", left=600_000, top=2_500_000, resolution=10, width=25, height=13
)


def test_bounds_snap_outward_and_keep_exact_corners() -> None:
    grid = Grid.from_bounds(
        crs="EPSG:32649", bounds=(1003, 1997, 1041, 2020), resolution=10, snap=20
    )
    assert grid.bounds == (1000.0, 1980.0, 1060.0, 2020.0)
    same = Grid.from_bounds(crs="EPSG:32649", bounds=grid.bounds, resolution=10)
    assert same == grid


def test_centres_and_transform_agree() -> None:
    for column, row in ((0, 0), (24, 12), (3, 7)):
        matrix = GRID.transform
        x = matrix.a * (column + 0.5) + matrix.c
        y = matrix.e * (row + 0.5) + matrix.f
        assert (x, y) == (GRID.x_centres()[column], GRID.y_centres()[row])


@given(st.integers(1, 30))
def test_blocks_cover_every_pixel_once(size: int) -> None:
    seen = np.zeros(GRID.shape, int)
    for block in GRID.blocks(size):
        seen[block.window] += 1
        assert block.grid.left == GRID.x_centres()[block.column] - 5
        assert block.grid.top == GRID.y_centres()[block.row] + 5
    assert (seen == 1).all()


def test_empty_grid_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="0 x 4"):
        GRID.patch(width=0, height=4)


def test_pad_grows_every_side() -> None:
    assert GRID.pad(2).bounds == (599_980, 2_499_850, 600_270, 2_500_020)


# An area across 108° E, where UTM 48N and 49N meet, and across MGRS squares.
CROSSING = shapely.Polygon([(107.7, 22.5), (108.5, 22.4), (108.3, 23.4), (107.9, 23.2)])


@settings(max_examples=200, deadline=None)
@given(st.floats(107.7, 108.5), st.floats(22.4, 23.4))
def test_tiles_cover_an_area_exactly_once(longitude: float, latitude: float) -> None:
    point = shapely.Point(longitude, latitude)
    if not CROSSING.contains(point) or CROSSING.exterior.distance(point) < 1e-4:
        return
    # A zone's edge is a meridian: away from it (11 m) no rounding can decide.
    if abs(longitude - 108) < 1e-4:
        return
    owners = []
    for tile in _TILES:
        here = reproject(point, WGS84, tile.grid.crs)
        if tile.area.distance(here) < 0.01:
            owners.append((tile.id, tile.area.boundary.distance(here)))
    inside = [t for t, edge in owners if edge > 0.01]
    assert len(inside) <= 1
    assert owners


_TILES = find_tiles(CROSSING, resolution=10, size=20_000)


def test_tile_areas_add_up_and_lie_on_their_grids() -> None:
    assert {t.grid.crs for t in _TILES} == {"EPSG:32648", "EPSG:32649"}
    assert len({t.id for t in _TILES}) == len(_TILES)
    for tile in _TILES:
        assert shapely.box(*tile.grid.bounds).buffer(1e-6).covers(tile.area)
        assert tile.grid.left % 20 == 0
    wgs = [reproject(t.area, t.grid.crs, WGS84) for t in _TILES]
    assert sum(g.area for g in wgs) == pytest.approx(CROSSING.area, rel=1e-6)
    overlap = shapely.union_all(wgs).area
    assert overlap == pytest.approx(CROSSING.area, rel=1e-6)


def test_southern_hemisphere_and_equator() -> None:
    tiles = find_tiles(shapely.box(109, -0.01, 109.02, 0.01), resolution=20)
    assert [t.grid.crs for t in tiles] == ["EPSG:32749", "EPSG:32649"]


@pytest.mark.parametrize("size", [0, -5, 30_000, 100_001])
def test_tile_size_must_divide_the_square(size: float) -> None:
    with pytest.raises(ConfigurationError, match=r"grid\.tile_size"):
        find_tiles(CROSSING, resolution=10, size=size)


def test_area_outside_utm_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="outside UTM"):
        find_tiles(shapely.box(10, 85, 11, 86), resolution=10)


@pytest.mark.parametrize(
    ("crs", "easting", "northing", "name"),
    [
        ("EPSG:32631", 670_900, 5_461_000, "31UFQ"),  # north-east France
        ("EPSG:32649", 233_000, 2_540_000, "49QBF"),  # Gaofeng, Guangxi
        ("EPSG:32648", 800_000, 2_500_000, "48QZL"),
        ("EPSG:32633", 420_000, 6_250_000, "33VVC"),
        ("EPSG:32722", 550_000, 6_650_000, "22JEM"),
    ],
)
def test_mgrs_squares(crs: str, easting: float, northing: float, name: str) -> None:
    assert mgrs_square(crs, easting, northing) == name


@pytest.mark.data
def test_mgrs_names_agree_with_the_sentinel2_grid(data_dir: Path) -> None:
    path = data_dir / "guangxi_vectors" / "mgrs_tiles.geojson"
    features = json.loads(path.read_text())["features"]
    assert len(features) == 48
    for feature in features:
        name = feature["properties"]["Name"]
        middle = shape(feature["geometry"]).centroid
        crs = f"EPSG:326{name[:2]}"
        x, y, *_ = reproject(middle, WGS84, crs).bounds
        # A granule reaches 9.8 km beyond its square to the east and south.
        assert mgrs_square(crs, x - 4_900, y + 4_900) == name


def test_utm_zone_of_a_point() -> None:
    assert utm_crs(108.4, 22.9) == "EPSG:32649"
    assert utm_crs(107.99, 22.9) == "EPSG:32648"
    assert utm_crs(180, -10) == "EPSG:32760"
