"""Pictures lie where their pixels are, and say what the arrays say."""

import base64
import math
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.io import MemoryFile

from agroforest.core.grid import Grid
from agroforest.core.risk import Hazard, RiskMap, epoch_day
from agroforest.maps.colors import (
    OUTLINE,
    RISK_LEVELS,
    STALE_GROUND,
    STALE_STRIPE,
    index_palette,
    risk_palette,
)
from agroforest.maps.raster import (
    MAX_SIDE,
    Picture,
    choose_pixel,
    draw_index,
    draw_risk,
    draw_strip,
)

# Reading a PNG warns that it has no position; it has none.
pytestmark = pytest.mark.filterwarnings(
    "ignore::rasterio.errors.NotGeoreferencedWarning"
)

NIGHT = date(2025, 6, 9)
TODAY = epoch_day(NIGHT)
# 108.1° E is 2.9° west of the zone's meridian: UTM north leans by a degree there.
TILTED = Grid(
    crs="EPSG:32649", left=200_000, top=2_540_000, resolution=10, width=400, height=300
)


@lru_cache(maxsize=2)
def codes_of(uri: str) -> NDArray[np.uint8]:
    content = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    with MemoryFile(content) as memory, memory.open() as image:
        codes: NDArray[np.uint8] = image.read(1)
    return codes


def colors_of(uri: str) -> dict[int, tuple[int, ...]]:
    content = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    with MemoryFile(content) as memory, memory.open() as image:
        table: dict[int, tuple[int, ...]] = image.colormap(1)
        return table


def seen_at(picture: Picture, lon: float, lat: float) -> int:
    """Code a browser shows at a place: linear in mercator between the corners."""
    codes = codes_of(picture.uri)

    def y(latitude: float) -> float:
        return math.asinh(math.tan(math.radians(latitude)))

    across = (lon - picture.west) / (picture.east - picture.west)
    down = (y(picture.north) - y(lat)) / (y(picture.north) - y(picture.south))
    height, width = codes.shape
    return int(codes[math.floor(down * height), math.floor(across * width)])


def lonlat(grid: Grid, row: float, column: float) -> tuple[float, float]:
    """Place of a fractional pixel position; (0.5, 0.5) is the first centre."""
    to_degrees = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform(
        grid.left + column * grid.resolution, grid.top - row * grid.resolution
    )
    return lon, lat


def risk_map(grid: Grid, **arrays: NDArray[Any]) -> RiskMap:
    shape = grid.shape
    return RiskMap(
        tile="t",
        grid=grid,
        night=NIGHT,
        hazard=Hazard.CANOPY_STRESS,
        model="m",
        threshold=0.5,
        probability=arrays.get("probability", np.zeros(shape)).astype(np.float32),
        evidence=arrays.get("evidence", np.full(shape, TODAY)).astype(np.int32),
        since=arrays.get("since", np.zeros(shape)).astype(np.int32),
    )


@pytest.mark.parametrize("row", [0, 299])
@pytest.mark.parametrize("column", [0, 399])
def test_corner_pixels_are_shown_at_their_place(row: int, column: int) -> None:
    values = np.zeros(TILTED.shape, np.float32)
    values[row, column] = 1.0
    picture = draw_index(
        values, TILTED, palette=index_palette("viridis"), vmin=0, vmax=1
    )
    assert seen_at(picture, *lonlat(TILTED, row + 0.5, column + 0.5)) == 250
    # Two pixels inward, nothing of it is left.
    inner_row, inner_column = abs(row - 2), abs(column - 2)
    place = lonlat(TILTED, inner_row + 0.5, inner_column + 0.5)
    assert seen_at(picture, *place) == 1


@pytest.fixture(scope="module")
def checkerboard() -> tuple[NDArray[np.float32], Picture]:
    """Blocks of 3 x 3 pixels, and their picture."""
    rows, columns = np.indices(TILTED.shape)
    values = ((rows // 3 + columns // 3) % 2).astype(np.float32)
    palette = index_palette("viridis")
    return values, draw_index(values, TILTED, palette=palette, vmin=0, vmax=1)


@settings(max_examples=300, deadline=None)
@given(row=st.integers(0, 99), column=st.integers(0, 132))
def test_any_pixel_is_shown_at_its_place(
    checkerboard: tuple[NDArray[np.float32], Picture], row: int, column: int
) -> None:
    # The centre of a block has one pixel of margin on every side.
    values, picture = checkerboard
    row, column = 3 * row + 1, 3 * column + 1
    shown = seen_at(picture, *lonlat(TILTED, row + 0.5, column + 0.5))
    assert shown == (250 if values[row, column] else 1)


def test_an_unwarped_array_would_be_off_by_many_pixels() -> None:
    # Why pictures are warped: the left edge of the grid does not run north.
    top, bottom = lonlat(TILTED, 0, 0)[0], lonlat(TILTED, TILTED.height, 0)[0]
    width = lonlat(TILTED, 0, TILTED.width)[0] - top
    assert abs(top - bottom) / width * TILTED.width > 3


def test_nothing_is_shown_outside_the_grid() -> None:
    picture = draw_index(
        np.ones(TILTED.shape), TILTED, palette=index_palette("ylgn"), vmin=0, vmax=1
    )
    codes = codes_of(picture.uri)
    # The grid leans: the corners of the picture are outside it.
    assert codes[0, 0] == codes[-1, -1] == 0
    assert 0.9 < (codes == 250).mean() < 1


def test_neighbouring_tiles_meet_without_gap_or_overlap() -> None:
    east = TILTED.patch(left=TILTED.left + 4000, width=380)
    pixel = choose_pixel([TILTED, east])
    palette = index_palette("ylgn")
    pictures = [
        draw_index(np.ones(g.shape), g, palette=palette, vmin=0, vmax=1, pixel=pixel)
        for g in (TILTED, east)
    ]
    west_of = [round(math.radians(p.west) * 6378137 / pixel) for p in pictures]
    north_of = [
        round(math.asinh(math.tan(math.radians(p.north))) * 6378137 / pixel)
        for p in pictures
    ]
    count = np.zeros((900, 1900), int)
    for picture, left, top in zip(pictures, west_of, north_of, strict=True):
        codes = codes_of(picture.uri)
        row, column = max(north_of) - top, left - min(west_of)
        count[row : row + codes.shape[0], column : column + codes.shape[1]] += codes > 0
    assert count.max() == 1
    middle = count[count.shape[0] // 6]  # a row that crosses both tiles
    first, last = np.flatnonzero(middle)[[0, -1]]
    assert last - first > 900
    assert (middle[first : last + 1] == 1).all()


def test_a_large_grid_is_averaged_over_valid_pixels_only() -> None:
    grid = TILTED.patch(width=3000, height=2000)
    values = np.zeros(grid.shape, np.float32)
    values[:, 1::3] = 3.0
    values[:, 2::3] = np.nan
    picture = draw_index(values, grid, palette=index_palette("ylgn"), vmin=0, vmax=3)
    codes = codes_of(picture.uri)
    assert max(codes.shape) <= MAX_SIDE + 1
    assert set(np.unique(codes)) == {0, 125}  # (0 + 3) / 2, the middle of 1 … 250


def test_legend_strip_is_the_palette_of_the_map() -> None:
    palette = index_palette("brbg")
    values = np.linspace(-1, 1, TILTED.width * TILTED.height).reshape(TILTED.shape)
    picture = draw_index(values, TILTED, palette=palette, vmin=-1, vmax=1)
    strip = draw_strip(palette)
    assert codes_of(strip).tolist() == [list(range(1, 251))]
    assert colors_of(strip) == colors_of(picture.uri)
    assert colors_of(strip)[0] == (0, 0, 0, 0)


def test_healthy_stale_and_not_judged_are_three_different_things() -> None:
    shape = TILTED.shape
    probability = np.full(shape, 0.1)
    evidence = np.full(shape, TODAY - 2)
    probability[:, 100:200] = np.nan  # not judged
    evidence[:, 200:300] = TODAY - 31  # judged, but long unseen
    evidence[:, 300:] = 0  # judged, never seen: as unseen as can be
    picture = draw_risk(
        risk_map(TILTED, probability=probability, evidence=evidence), stale_days=30
    )
    healthy = risk_palette().codes(np.array([[0.1]]), vmin=0, vmax=1)[0, 0]
    assert seen_at(picture, *lonlat(TILTED, 150, 50)) == healthy
    assert seen_at(picture, *lonlat(TILTED, 150, 150)) == 0
    for column in (250, 350):
        near = {seen_at(picture, *lonlat(TILTED, 150, column + n)) for n in range(8)}
        assert near == {STALE_STRIPE, STALE_GROUND}


def test_the_limit_of_stale_days_itself_is_still_fresh() -> None:
    evidence = np.full(TILTED.shape, TODAY - 30)
    fresh = draw_risk(risk_map(TILTED, evidence=evidence), stale_days=30)
    stale = draw_risk(risk_map(TILTED, evidence=evidence), stale_days=29)
    assert seen_at(fresh, *lonlat(TILTED, 150, 200)) == 1
    assert seen_at(stale, *lonlat(TILTED, 150, 200)) > RISK_LEVELS


def test_one_detected_pixel_of_a_large_tile_stays_visible() -> None:
    grid = TILTED.patch(width=5000, height=5000)
    probability = np.zeros(grid.shape, np.float32)
    since = np.zeros(grid.shape, np.int32)
    probability[2500, 3500], since[2500, 3500] = 1.0, TODAY - 20
    picture = draw_risk(
        risk_map(grid, probability=probability, since=since), stale_days=30
    )
    codes = codes_of(picture.uri)
    assert 1 <= (codes == OUTLINE).sum() <= 4
    assert seen_at(picture, *lonlat(grid, 2500.5, 3500.5)) == OUTLINE


def test_detected_areas_have_an_edge_and_keep_their_probability_inside() -> None:
    since = np.zeros(TILTED.shape)
    since[100:200, 100:200] = TODAY - 20
    probability = np.where(since > 0, 1.0, 0.0)
    picture = draw_risk(
        risk_map(TILTED, probability=probability, since=since), stale_days=30
    )
    assert seen_at(picture, *lonlat(TILTED, 150, 150)) == RISK_LEVELS
    assert seen_at(picture, *lonlat(TILTED, 100.2, 150)) == OUTLINE
    assert seen_at(picture, *lonlat(TILTED, 98, 150)) == 1


def test_the_same_array_gives_the_same_bytes() -> None:
    values = np.random.default_rng(1).random(TILTED.shape)
    palette = index_palette("cividis")
    twice = [
        draw_index(values, TILTED, palette=palette, vmin=0, vmax=1) for _ in range(2)
    ]
    assert twice[0] == twice[1]
