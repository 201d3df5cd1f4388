"""Labels on scenes: the right pixels, nothing made up, nothing shared."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from tests.risk.datasets.survey.conftest import (
    CRS,
    LEFT,
    TOP,
    lonlat,
    write_composite,
    write_csv,
)

from agroforest.core.errors import DataError
from agroforest.risk.collection import Collection
from agroforest.risk.datasets.canopy_damage import read_composite, read_scenes
from agroforest.risk.datasets.survey import CanopyRequest, collect_canopy
from agroforest.risk.datasets.survey import collect as module
from agroforest.risk.datasets.survey.pixels import MOST_A_LABEL, name_blocks
from agroforest.risk.scenes import Scenes

DAY = "2020-09-01"


def collect(
    scenes: Path, rows: Sequence[Sequence[object]], **more: object
) -> Collection[Scenes]:
    labels = write_csv(scenes.parent / "labels.csv", rows)
    request = CanopyRequest(labels=labels, scenes=scenes, prevalence=0.2)
    return collect_canopy(replace(request, **more))  # type: ignore[arg-type]


def known(collection: Collection[Scenes]) -> dict[tuple[int, int], float]:
    """Truth of every labelled pixel, by row and column in the scene."""
    found = {}
    samples = collection.samples
    for grid, truth in zip(samples.grid, samples.truth or (), strict=True):
        for row, column in np.argwhere(np.isfinite(truth)):
            y = round((TOP - grid.top) / 10) + int(row)
            x = round((grid.left - LEFT) / 10) + int(column)
            assert (y, x) not in found  # every pixel once
            found[y, x] = float(truth[row, column])
    return found


def test_a_point_is_the_pixels_in_its_circle(scenes: Path) -> None:
    collection = collect(scenes, [(*lonlat(40, 50), "dead", DAY)])
    cross = {(40, 50), (39, 50), (41, 50), (40, 49), (40, 51)}
    # Centres of the four neighbours lie exactly on the circle: rounding decides.
    assert {(40, 50)} <= set(known(collection)) <= cross
    wide = collect(scenes, [(*lonlat(40, 50), "dead", DAY)], radius=11.0)
    assert known(wide) == dict.fromkeys(cross, 1.0)
    small = collect(scenes, [(*lonlat(40.3, 50.3), "dead", DAY)], radius=1.0)
    assert set(known(small)) == {(40, 50)}


def test_pieces_are_cut_out_of_the_scene(scenes: Path) -> None:
    rows = [(*lonlat(5, 60), "dead", DAY), (*lonlat(110, 140), "clean", DAY)]
    collection = collect(scenes, rows, radius=1.0)
    whole = np.concatenate(
        [read_composite(scenes / year / "49QCE.tif")[0] for year in ("2019", "2020")]
    )
    samples = collection.samples
    for values, grid in zip(samples.values, samples.grid, strict=True):
        top, left = round((TOP - grid.top) / 10), round((grid.left - LEFT) / 10)
        height, width = values.shape[1:]
        np.testing.assert_array_equal(
            values, whole[:, top : top + height, left : left + width]
        )
    assert [v.shape[1:] for v in samples.values] == [(38, 38), (34, 57)]
    assert known(collection) == {(5, 60): 1.0, (110, 140): 0.0}
    assert collection.answers == {"damaged": 1, "clean": 1}


def test_unlabelled_ground_is_not_known(scenes: Path) -> None:
    collection = collect(scenes, [(*lonlat(40, 50), "dead", DAY)])
    target = collection.samples.target
    assert target is not None
    assert set(target[np.isfinite(target)]) == {1.0}
    assert np.isnan(target).mean() > 0.99


def test_polygons_are_their_pixels(scenes: Path, tmp_path: Path) -> None:
    x, y = LEFT + 200, TOP - 300  # column 20, row 30
    stand = shapely.box(x, y - 50, x + 80, y)
    large = shapely.box(LEFT + 500, TOP - 900, LEFT + 1100, TOP - 300)
    tiny = shapely.box(x + 401, y - 1, x + 402, y)
    path = tmp_path / "stands.gpkg"
    geopandas.GeoDataFrame(
        {"status": ["clean", "clean", "damaged"], "date": [DAY] * 3},
        geometry=[stand, large, tiny],
        crs=CRS,
    ).to_file(path)
    collection = collect(scenes, [], labels=path)
    found = known(collection)
    own = {(r, c) for r in range(30, 35) for c in range(20, 28)}
    assert own <= set(found)
    assert len(found) == len(own) + MOST_A_LABEL
    assert all(30 <= r < 90 and 50 <= c < 110 for r, c in set(found) - own)
    assert collection.set_aside == {"smaller than a pixel": 1}
    assert collection.labels == {"damaged": 0, "clean": 2}


def test_what_cannot_be_used_is_counted(scenes: Path) -> None:
    a, b, c = lonlat(40, 50), lonlat(60, 90), lonlat(110, 10)
    collection = collect(
        scenes,
        [
            (*a, "dead", DAY),
            (*a, "clean", DAY),
            (*b, "clean", DAY),
            (*b, "healthy", "2020-09-02"),
            (*b, "dead", "2021-09-02"),
            (*c, "dead", DAY),
            (*lonlat(40, 50, left=LEFT + 90_000), "dead", DAY),
        ],
        radius=1.0,
    )
    assert known(collection) == {(60, 90): 0.0}
    assert collection.set_aside == {
        "contradicted by another label": 2,
        "no composites for its date": 1,
        "no data in a composite": 1,
        "outside the scenes": 1,
    }


def test_nothing_usable_is_no_error_yet(scenes: Path) -> None:
    for rows in ([], [(1.0, 1.0, "dead", DAY)], [(1.0, 1.0, "what", DAY)]):
        collection = collect(scenes, rows)
        assert len(collection.samples.values) == 0
        assert sum(collection.set_aside.values()) == len(rows)
        assert collection.seen is None


def test_one_pixel_may_differ_from_year_to_year(scenes: Path) -> None:
    numbers = np.full((12, 120, 150), 900, np.uint16)
    write_composite(scenes / "2021" / "49QCE.tif", numbers)
    rows = [(*lonlat(40, 50), "clean", DAY), (*lonlat(40, 50), "dead", "2021-09-01")]
    collection = collect(scenes, rows, radius=1.0)
    samples = collection.samples
    assert [name[:4] for name in samples.name] == ["2020", "2021"]
    assert len(set(samples.place)) == 1  # the same ground is never split
    assert collection.answers == {"damaged": 1, "clean": 1}


def test_a_label_belongs_to_the_scene_that_surrounds_it(scenes: Path) -> None:
    for year in ("2019", "2020"):
        numbers = np.full((12, 120, 150), 700, np.uint16)
        write_composite(scenes / year / "49QCF.tif", numbers, left=LEFT + 1200)
    collection = collect(scenes, [(*lonlat(60, 140), "dead", DAY)], radius=1.0)
    assert collection.samples.name[0].split("/")[1] == "49QCF"


def test_labels_are_weighed_to_the_share_on_the_ground(scenes: Path) -> None:
    rows = [(*lonlat(20, 8 * n + 4), "dead", DAY) for n in range(9)]
    rows += [(*lonlat(60, 60), "clean", DAY)]
    samples = collect(scenes, rows, radius=1.0).samples
    assert samples.target is not None
    assert samples.weight is not None
    true, counts = samples.target == 1, samples.weight
    false = samples.target == 0
    share = counts[true].sum() / (counts[true].sum() + counts[false].sum())
    assert share == pytest.approx(0.2)
    assert counts[true].sum() + counts[false].sum() == pytest.approx(10)


def test_pieces_know_whose_labels_lie_inside(scenes: Path) -> None:
    # Two labels 20 pixels apart, in blocks of 100 m; and one far away.
    rows = [(*lonlat(60, c), "dead", DAY) for c in (30, 50, 130)]
    collection = collect(scenes, rows, radius=1.0, block=100.0)
    places = collection.samples.place.tolist()
    assert len(set(places)) == 3
    far = places[-1]
    near = {p: t for p, t in zip(places, collection.touched, strict=True) if p != far}
    one, other = near
    assert near == {one: {other}, other: {one}}
    assert collection.touched[-1] == frozenset()


def test_too_much_is_drawn_from(scenes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(*lonlat(60, c), "dead", DAY) for c in (10, 60, 130)]
    monkeypatch.setattr(module, "_MOST_PIXELS", 7000)
    collection = collect(scenes, rows, radius=1.0)
    left = sum(collection.labels.values())
    assert 0 < left < 3
    assert collection.set_aside == {"more than are learned from at once": 3 - left}
    assert collection.samples.sizes.sum() <= 7000


def test_masks_of_the_folder_are_not_looked_at(scenes: Path) -> None:
    row = [(*lonlat(40, 50), "dead", DAY)]
    one = collect(scenes, row)
    write_composite(scenes / "mask" / "49QCE.tif", np.ones((1, 120, 150), np.uint16))
    two = collect(scenes, row)
    assert read_scenes(scenes).truth is not None
    assert known(one) == known(two)


def test_folders_that_are_none(scenes: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="of two years"):
        collect(tmp_path / "nothing", [(1, 1, "dead", DAY)])
    numbers = np.ones((11, 120, 150), np.uint16)
    write_composite(scenes / "2020" / "49QCE.tif", numbers)
    with pytest.raises(DataError, match="11 bands"):
        collect(scenes, [(1, 1, "dead", DAY)])


@given(
    st.floats(-179, 179), st.floats(-70, 70), st.sampled_from([250.0, 1000.0, 5000.0])
)
def test_blocks_are_as_large_as_they_say(lon: float, lat: float, side: float) -> None:
    geod = pyproj.Geod(ellps="WGS84")
    # Twice the diagonal of a block away is another block; the same point the same.
    away = geod.fwd(lon, lat, 45.0, 3 * side)[:2]
    here, again, there = name_blocks(np.array([(lon, lat), (lon, lat), away]), side)
    assert here == again != there
