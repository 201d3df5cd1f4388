"""Composites: the median of what was seen clearly, block by block, once."""

import json
import statistics
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from rio_cogeo.cogeo import cog_validate
from tests.erring import storage

from agroforest.catalog.single import read_scene
from agroforest.core.errors import NoInputError, StorageError
from agroforest.core.grid import Grid
from agroforest.core.scene import BANDS, Scene
from agroforest.cube import read, read_cog
from agroforest.products.composite import (
    FILLED,
    LANDSAT_BANDS,
    NEEDED,
    SeasonScenes,
    build_composite,
)
from agroforest.products.composite.median import UNSEEN, median
from agroforest.products.composite.stand_in import fill
from agroforest.products.compute import MaskRule
from agroforest.testing.landsat import write_landsat
from agroforest.testing.products import FINE, Product, write_product
from agroforest.testing.sky import halve

GRID = Grid(
    crs="EPSG:32649", left=300_000, top=2_500_000, resolution=10, width=72, height=64
)
WINDOW = date(2020, 8, 15), date(2020, 10, 15)
MASK = MaskRule(dilate_m=0.0)
DAYS = [date(2020, 8, 20), date(2020, 9, 1), date(2020, 9, 16), date(2020, 10, 1)]


def deliver(
    folder: Path,
    day: date,
    *,
    bands: tuple[str, ...] = NEEDED,
    grid: Grid = GRID,
    cloudy: bool = True,
) -> Scene:
    """One pass: noise in every band, and clouds on a fifth of the 20 m pixels."""
    rng = np.random.default_rng(day.toordinal())
    measured = {}
    for number, band in enumerate(bands):
        level = 0.03 + 0.02 * number
        values = rng.normal(level, level / 5, grid.shape).clip(0.001, 1)
        values = values.astype(np.float32)
        measured[band] = values if band in FINE else halve(values)
    half = grid.height // 2, grid.width // 2
    scl = np.where(rng.random(half) < 0.2 * cloudy, 9, 4).astype(np.uint8)
    made = write_product(grid, folder, Product(day=day), measured, scl)
    return read_scene(made.folder).scene


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> list[Scene]:
    folder = tmp_path_factory.mktemp("season")
    return [deliver(folder, day) for day in DAYS]


@pytest.fixture(scope="module")
def season(scenes: list[Scene]) -> SeasonScenes:
    return SeasonScenes(scenes=scenes, window=WINDOW, grid=GRID, mask=MASK)


def read_all(path: Path) -> tuple[NDArray[np.uint16], Mapping[str, object]]:
    with rasterio.open(path) as data:
        return data.read(), {
            "names": data.descriptions,
            "nodata": data.nodata,
            "scales": set(data.scales),
        }


@given(
    st.lists(
        st.lists(st.integers(1, 30_000) | st.none(), min_size=3, max_size=3),
        min_size=1,
        max_size=9,
    )
)
def test_the_median_is_that_of_what_was_seen(dates: list[list[int | None]]) -> None:
    numbers = np.array([[v or UNSEEN for v in row] for row in dates], np.uint16)
    count = (numbers != UNSEEN).sum(axis=0, dtype=np.uint16)[None]
    out = np.empty((1, 1, 3), np.uint16)
    median(numbers[:, None, None], count, out)
    for x in range(3):
        seen = [number for row in dates if (number := row[x]) is not None]
        want = int(statistics.median(seen) + 0.5) if seen else 0
        assert out[0, 0, x] == want


def test_bands_are_the_medians_of_clear_observations(
    scenes: list[Scene], season: SeasonScenes, tmp_path: Path
) -> None:
    made = build_composite(season, tmp_path / "2020" / "tile.tif")
    numbers, told = read_all(made.path)
    stack, clear = [], []
    for scene in scenes:
        data = read(scene, GRID, NEEDED, dilate_m=0.0)
        values = np.stack([data[band].values for band in NEEDED])
        stack.append(np.where(data["usable"].values, values, np.nan))
        clear.append(data["usable"].values)
    count = np.sum(clear, axis=0)
    assert 0 < (count == 4).mean() < 1
    assert (count == 0).any(), "a pixel that nobody saw"
    nobody = np.where(count > 0, stack, 0)
    want = np.nanmedian(nobody, axis=0)
    at = [BANDS.index(band) for band in NEEDED]
    # Each date was rounded to 1/10000 before, and their mean once more.
    assert np.abs(numbers[at] - want * 10_000).max() <= 1.01
    np.testing.assert_array_equal(read_cog(made.count).array, count)
    assert told == {"names": BANDS, "nodata": 0, "scales": {1e-4}}
    assert ((numbers == 0).all(axis=0) == (count == 0)).all()
    assert ((numbers == 0).any(axis=0) == (count == 0)).all()
    assert cog_validate(made.path, strict=True)[0]


def test_any_threads_and_blocks_give_the_same_bytes(
    scenes: list[Scene], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    season = SeasonScenes(scenes=scenes, window=WINDOW, grid=GRID, mask=MASK)
    one = build_composite(season, tmp_path / "a" / "t.tif")
    monkeypatch.setattr("agroforest.products.composite.build._SIDES", (32,))
    monkeypatch.setattr("agroforest.products.composite.stack._MOST_FILES", 0)
    shuffled = replace(season, scenes=scenes[::-1])
    two = build_composite(shuffled, tmp_path / "b" / "t.tif", workers=3)
    for name in ("path", "item", "count", "count_item"):
        assert getattr(one, name).read_bytes() == getattr(two, name).read_bytes()


def test_a_large_grid_is_read_in_blocks(scenes: list[Scene], tmp_path: Path) -> None:
    wide = GRID.patch(left=GRID.left - 21_000, width=2_200)
    small = SeasonScenes(scenes=scenes, window=WINDOW, grid=GRID, mask=MASK)
    around = replace(small, grid=wide)
    inner, _ = read_all(build_composite(small, tmp_path / "s.tif").path)
    told: list[tuple[int, int]] = []
    outer, _ = read_all(
        build_composite(
            around,
            tmp_path / "w.tif",
            workers=2,
            progress=lambda done, total: told.append((done, total)),
        ).path
    )
    assert told == [(1, 2), (2, 2)]
    np.testing.assert_array_equal(outer[..., 2_100 : 2_100 + GRID.width], inner)
    assert not outer[..., :2_100].any()


def test_what_is_there_is_not_made_again(season: SeasonScenes, tmp_path: Path) -> None:
    path = tmp_path / "t.tif"
    first = build_composite(season, path)
    before = path.stat().st_mtime_ns
    again = build_composite(season, path)
    assert (first.made, again.made) == (True, False)
    assert path.stat().st_mtime_ns == before
    fewer = build_composite(replace(season, scenes=season.scenes[1:]), path)
    assert fewer.made
    assert fewer.content != first.content


@pytest.mark.parametrize("victim", ["path", "item", "count", "count_item"])
def test_what_a_killed_process_left_is_made_again(
    season: SeasonScenes, tmp_path: Path, victim: str
) -> None:
    first = build_composite(season, tmp_path / "t.tif")
    file: Path = getattr(first, victim)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert build_composite(season, first.path).made
    assert file.read_bytes() == whole


def test_bands_of_60_m_are_filled_and_it_says_so(
    season: SeasonScenes, tmp_path: Path
) -> None:
    made = build_composite(season, tmp_path / "t.tif")
    item = json.loads(made.item.read_text())
    assert made.filled == FILLED == ("B01", "B09")
    assert item["properties"]["agroforest:filled"] == ["B01", "B09"]
    assert len(item["assets"]["data"]["raster:bands"]) == 12
    numbers, _ = read_all(made.path)
    needed = numbers[[BANDS.index(band) for band in NEEDED]]
    np.testing.assert_array_equal(numbers[0], fill("B01", needed))
    y, x = np.argwhere(numbers[0] > 1)[0]
    factors = (
        *(0.9445, 0.1786, -0.4391, 0.1674, -0.0811),
        *(0.0495, -0.0992, 0.1206, -0.2646, 0.3555),
    )
    by_hand = 30 + sum(
        factor * int(value)
        for factor, value in zip(factors, needed[:, y, x], strict=True)
    )
    assert numbers[0, y, x] == pytest.approx(by_hand, abs=0.6)


def test_bands_that_were_delivered_are_kept(tmp_path: Path) -> None:
    whole = deliver(tmp_path, DAYS[0], bands=BANDS, cloudy=False)
    season = SeasonScenes(scenes=[whole], window=WINDOW, grid=GRID, mask=MASK)
    made = build_composite(season, tmp_path / "t.tif")
    assert made.filled == ()
    want = np.rint(read(whole, GRID, ("B09",))["B09"].values * 10_000)
    np.testing.assert_array_equal(read_all(made.path)[0][BANDS.index("B09")], want)


def test_a_scene_without_a_band_is_left_out(
    scenes: list[Scene], tmp_path: Path
) -> None:
    poor = deliver(tmp_path, date(2020, 9, 21), bands=("B02", "B04", "B08", "B11"))
    season = SeasonScenes(scenes=[*scenes, poor], window=WINDOW, grid=GRID, mask=MASK)
    made = build_composite(season, tmp_path / "t.tif")
    assert made.left_out == (poor.id,)
    assert poor.id not in made.scenes
    alone = replace(season, scenes=[poor])
    with pytest.raises(NoInputError, match="missing: B03 B05 B06"):
        build_composite(alone, tmp_path / "u.tif")
    with pytest.raises(NoInputError, match="no scene from 2020-08-15 to 2020-10-15"):
        build_composite(replace(season, scenes=[]), tmp_path / "u.tif")
    assert not (tmp_path / "u.tif").exists()


def test_a_damaged_scene_is_left_out_everywhere(
    scenes: list[Scene], season: SeasonScenes, tmp_path: Path
) -> None:
    bad = deliver(tmp_path, date(2020, 9, 21))
    file = Path(bad.granules[0].bands["B11"].href)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) * 2 // 3])
    both = replace(season, scenes=[*scenes, bad])
    made = build_composite(both, tmp_path / "a" / "t.tif")
    assert [Path(error.where).name for error in made.refused] == ["B11.tif"]
    assert bad.id not in made.scenes
    without = build_composite(season, tmp_path / "b" / "t.tif")
    assert made.path.read_bytes() == without.path.read_bytes()
    assert not build_composite(both, made.path).made
    with pytest.raises(NoInputError, match="can be read"):
        build_composite(replace(season, scenes=[bad]), tmp_path / "u.tif")


def test_a_composite_waits_for_storage(
    scenes: list[Scene], season: SeasonScenes, tmp_path: Path
) -> None:
    """It is kept for good, so it is not made without a scene that comes back."""
    path = tmp_path / "a" / "t.tif"
    with storage(tmp_path / "storage") as disk:
        late = deliver(disk.root, date(2020, 9, 21))
        both = replace(season, scenes=[*scenes, late])
        with disk.erring(), pytest.raises(StorageError, match="Input/output"):
            build_composite(both, path)
        assert not path.exists()
        made = build_composite(both, path)
    assert made.made
    assert late.id in made.scenes


def test_landsat_becomes_a_composite_of_six_bands(tmp_path: Path) -> None:
    grid = GRID.patch(resolution=30, width=24, height=20)
    cloud = np.zeros(grid.shape, np.bool_)
    cloud[:4] = True
    shown = {band: 0.05 * (n + 1) for n, band in enumerate(LANDSAT_BANDS)}
    passes = [
        write_landsat(
            grid,
            tmp_path / "landsat",
            day,
            {b: np.full(grid.shape, v * factor) for b, v in shown.items()},
            cloud=cloud if factor == 2 else None,
        )
        for day, factor in ((DAYS[0], 1.0), (DAYS[1], 1.2), (DAYS[2], 2.0))
    ]
    season = SeasonScenes(
        scenes=[read_scene(folder).scene for folder in passes],
        window=WINDOW,
        grid=grid,
        mask=MASK,
        bands=LANDSAT_BANDS,
    )
    numbers, told = read_all(build_composite(season, tmp_path / "t.tif").path)
    assert told["names"] == LANDSAT_BANDS
    want = np.array(list(shown.values()))[:, None, None] * 10_000
    np.testing.assert_allclose(numbers[:, :4], want * 1.1 * np.ones((6, 4, 24)), atol=2)
    np.testing.assert_allclose(
        numbers[:, 4:], want * 1.2 * np.ones((6, 16, 24)), atol=2
    )
