"""Whole scenes: what burns is found where it lies, and nothing else is."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.products.active_fire.conftest import FIRE, GRID, QUIET, MakeScene

from agroforest.catalog.level1 import BANDS, Level1Scene, find_level1
from agroforest.core.errors import DataError
from agroforest.indices.active_fire import DayImage, Level, find_active_fire
from agroforest.products.active_fire import FirePixels, find_fires
from agroforest.testing.level1 import (
    EMBERS,
    FLAME,
    FOREST,
    Level1,
    paint,
    write_l1c,
)

_NAMES = ("coastal", "blue", "green", "red", "nir", "swir1", "swir2")


def places(fires: FirePixels) -> set[tuple[int, int]]:
    return set(zip(fires.row.tolist(), fires.column.tolist(), strict=True))


def patch_of(row: int, column: int, rows: int, columns: int) -> set[tuple[int, int]]:
    y, x = range(row, row + rows), range(column, column + columns)
    return {(a, b) for a in y for b in x}


def test_a_fire_is_found_among_cloud_roof_sea_and_glint(burning: Level1Scene) -> None:
    fires = find_fires(burning)
    assert places(fires) == patch_of(*FIRE)
    assert set(fires.votes.tolist()) == {3}
    assert fires.grid == GRID
    assert fires.judged == GRID.width * GRID.height


def test_what_only_looks_hot_is_left_alone(make_msi: MakeScene) -> None:
    assert len(find_fires(make_msi(*QUIET)).row) == 0


def test_landsat_gives_the_same_at_any_sun(make_oli: MakeScene) -> None:
    for sun in (25.0, 60.0):
        scene = make_oli((FIRE, FLAME), *QUIET, sun_elevation=sun)
        fires = find_fires(scene)
        assert places(fires) == patch_of(*FIRE)
        assert fires.grid.resolution == 30


@pytest.mark.parametrize("ending", [".jp2", ".tif"])
def test_both_formats_and_old_baselines_give_the_same(
    make_msi: MakeScene, ending: str
) -> None:
    for baseline in ("02.14", "05.10"):
        scene = make_msi((FIRE, FLAME), baseline=baseline, ending=ending)
        assert places(find_fires(scene)) == patch_of(*FIRE)


def test_embers_are_fire_by_two_rules(make_msi: MakeScene) -> None:
    # Schroeder at a sun of 50 degrees: (0.40 - 0.20) * 0.766 = 0.153 < 0.17.
    fires = find_fires(make_msi(((70, 70, 1, 1), EMBERS)))
    assert places(fires) == {(70, 70)}
    assert fires.votes.tolist() == [2]


def test_strips_and_blocks_give_what_the_whole_gives(
    make_msi: MakeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(7)
    bands = paint(GRID.shape, FOREST)
    bands *= 1 + 0.2 * rng.standard_normal(bands.shape).astype(np.float32)
    for _ in range(60):
        y, x = rng.integers(0, 124, 2)
        spectrum = (FLAME, EMBERS)[int(rng.integers(2))]
        bands[:, y : y + 2, x : x + 2] = np.array(spectrum)[:, None, None]
    bands = np.clip(bands, 0.001, None).astype(np.float32)
    scene = make_msi(bands=bands, ending=".jp2")
    whole = find_fires(scene)
    assert 100 < len(whole.row) < 250
    monkeypatch.setattr("agroforest.products.active_fire.find._COLUMNS", 37)
    for strip in (29, 64):
        part = find_fires(scene, strip=strip)
        for name in ("row", "column", "votes"):
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name))
        assert part.judged == whole.judged


def test_pixels_are_those_of_the_rules_themselves(make_msi: MakeScene) -> None:
    bands = paint(GRID.shape, FOREST, (FIRE, FLAME), ((70, 70, 1, 1), EMBERS))
    image = DayImage(
        source="made",
        level=Level.TOP_OF_ATMOSPHERE,
        sun_elevation=50.0,
        **dict(zip(_NAMES, bands, strict=True)),
    )
    y, x = np.nonzero(find_active_fire(image).fire)
    fires = find_fires(make_msi(bands=bands))
    assert places(fires) == set(zip(y.tolist(), x.tolist(), strict=True))


def test_nodata_and_what_lies_beside_it_is_not_judged(make_msi: MakeScene) -> None:
    bands = paint(GRID.shape, FOREST, ((40, 50, 1, 1), FLAME), ((40, 62, 1, 1), FLAME))
    bands[:, :, 63:] = np.nan  # the edge of the swath
    fires = find_fires(make_msi(bands=bands))
    assert places(fires) == {(40, 50)}
    assert fires.judged == GRID.height * 62


def test_a_band_that_ends_sooner_is_no_fire(make_msi: MakeScene) -> None:
    bands = paint(GRID.shape, FLAME)
    bands[BANDS.index("B8A")] = np.nan
    fires = find_fires(make_msi(bands=bands))
    assert (len(fires.row), fires.judged) == (0, 0)


def test_a_full_detector_beside_a_flame_is_fire_by_murphy(make_msi: MakeScene) -> None:
    # Bright at 1.6 um and dim in red: equation 13 of Kumar & Roy holds beside a flame.
    # For Murphy 0.30/0.25 and 0.45 say no, unless the detector was full.
    halo = (0.14, 0.10, 0.10, 0.10, 0.25, 0.45, 0.30)
    patches = (((40, 50, 1, 1), FLAME), ((40, 51, 1, 1), halo))
    assert places(find_fires(make_msi(*patches))) == {(40, 50)}
    saturated = np.zeros(GRID.shape, dtype=bool)
    saturated[40, 51] = saturated[90, 90] = True
    fires = find_fires(make_msi(*patches, saturated=saturated))
    assert places(fires) == {(40, 50), (40, 51)}


def test_lost_data_are_not_judged_nor_what_lies_beside(make_msi: MakeScene) -> None:
    none, lost = np.zeros(GRID.shape, dtype=bool), np.zeros(GRID.shape, dtype=bool)
    lost[40, 53] = True  # beside the last column of the fire
    scene = make_msi((FIRE, FLAME), saturated=none, lost=lost)
    fires = find_fires(scene)
    assert places(fires) == {(40, 50), (40, 51), (41, 50), (41, 51)}
    assert fires.judged == GRID.width * GRID.height - 9


def test_landsats_flags_of_saturation_count(make_oli: MakeScene) -> None:
    halo = (0.14, 0.10, 0.10, 0.10, 0.25, 0.45, 0.30)
    patches = (((40, 50, 1, 1), FLAME), ((40, 51, 1, 1), halo))
    saturated = np.zeros(GRID.shape, dtype=bool)
    saturated[40, 51] = True
    fires = find_fires(make_oli(*patches, saturated=saturated))
    assert places(fires) == {(40, 50), (40, 51)}


def test_the_number_of_a_full_detector_counts_as_such(make_msi: MakeScene) -> None:
    # 1.6 um is written as 65535: no rule of ratios holds, but beside a flame Murphy's
    # does, and equation 13 of Kumar & Roy.
    full = (0.14, 0.10, 0.10, 0.10, 0.25, 9.0, 0.30)
    patches = (((40, 50, 1, 1), FLAME), ((40, 51, 1, 1), full))
    assert places(find_fires(make_msi(*patches))) == {(40, 50), (40, 51)}


def test_progress_counts_rows(burning: Level1Scene) -> None:
    seen: list[tuple[int, int]] = []
    find_fires(burning, strip=50, progress=lambda *at: seen.append(at))
    assert [total for _, total in seen] == [126] * len(seen)
    assert seen[-1][0] == 126
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_bands_of_other_ground_are_refused(
    burning: Level1Scene, tmp_path: Path
) -> None:
    moved = GRID.patch(left=GRID.left + 2_400)
    bands = paint(GRID.shape, FOREST)
    other = write_l1c(tmp_path / "other", Level1(grid=moved, bands=bands))
    (wrong,) = find_level1(other)
    mixed: dict[str, Any] = {**burning.bands, "B04": wrong.bands["B04"]}
    scene = replace_bands(burning, mixed)
    with pytest.raises(DataError, match=r"covers other ground than .*_B12\.tif"):
        find_fires(scene)


def replace_bands(scene: Level1Scene, bands: dict[str, Any]) -> Level1Scene:
    return replace(scene, bands=bands)


def test_a_truncated_file_is_named(burning: Level1Scene) -> None:
    path = Path(burning.bands["B11"].asset.href)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match="damaged") as told:
        find_fires(burning)
    assert told.value.where == str(path)


def test_counts_instead_of_fractions_are_refused(burning: Level1Scene) -> None:
    counts = {
        name: type(band)(asset=band.asset.patch(scale=1.0, offset=0.0))
        for name, band in burning.bands.items()
    }
    with pytest.raises(DataError, match="is no fraction"):
        find_fires(replace_bands(burning, counts))
