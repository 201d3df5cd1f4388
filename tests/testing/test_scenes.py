"""What goes wrong with simulated deliveries, and that each can be switched off."""

from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.errors import RasterioIOError

from agroforest import catalog, cube
from agroforest.core.aoi import read_aoi
from agroforest.testing.places import world_grid
from agroforest.testing.scenes import Troubles, without
from agroforest.testing.sky import clear_after_mask
from agroforest.testing.world import World, build_world

END = date(2024, 12, 31)
BANDS = ("B02", "B03", "B04", "B8A", "B11", "B12")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build_world(tmp_path_factory.mktemp("world"), size=64, years=1.2)


def _only(world: World, trouble: str) -> list[Path]:
    return [d.folder for d in world.delivered if d.trouble == trouble]


def test_catalogue_takes_all_but_the_truncated_scene(
    world: World, tmp_path: Path
) -> None:
    local = catalog.LocalCatalog(tmp_path)
    report = catalog.add_scenes([world.scenes], local)
    (truncated,) = _only(world, "truncated")
    assert [Path(e.where) for e in report.refused] == [truncated / "B11.tif"]
    assert report.added == len(world.delivered) - 1


def test_older_baseline_does_not_win(world: World, tmp_path: Path) -> None:
    (older,) = _only(world, "reprocessed")
    same = [d for d in world.delivered if d.day == _day(world, older)]
    assert len(same) == 2
    local = catalog.LocalCatalog(tmp_path)
    catalog.add_scenes([d.folder for d in same], local)
    area = read_aoi(world.aoi).area
    (scene,) = catalog.find(local, area, same[0].day, same[0].day)
    assert [g.id for g in scene.granules] == [
        d.folder.name for d in same if d.folder != older
    ]


def test_strips_of_a_pass_make_one_whole_scene(world: World, tmp_path: Path) -> None:
    strips = [d for d in world.delivered if d.trouble == "strip"]
    day = next(d.day for d in strips if d.cloud_cover < 30)
    pair = [d for d in strips if d.day == day]
    local = catalog.LocalCatalog(tmp_path)
    catalog.add_scenes([d.folder for d in pair], local)
    aoi = read_aoi(world.aoi)
    (scene,) = catalog.find(local, aoi.area, day, day)
    assert len(scene.granules) == 2
    with rasterio.open(pair[0].folder / "B04.tif") as source:
        assert (source.read(1)[-10:] == 0).all()
        assert (source.read(1)[:10] > 0).all()


def test_damaged_file_opens_but_cannot_be_read(world: World) -> None:
    (damaged,) = _only(world, "damaged")
    with (
        rasterio.open(damaged / "B11.tif") as source,
        pytest.raises(RasterioIOError),
    ):
        source.read(1)


def test_clear_pixels_are_those_the_cube_calls_usable(
    world: World, tmp_path: Path
) -> None:
    broken = next(
        d for d in world.delivered if 15 < d.cloud_cover < 70 and not d.trouble
    )
    local = catalog.LocalCatalog(tmp_path)
    catalog.add_scenes([broken.folder], local)
    area = read_aoi(world.aoi).area
    (scene,) = catalog.find(local, area, broken.day, broken.day)
    usable = cube.read(scene, world_grid(64), BANDS)["usable"].to_numpy()
    clear = broken.clear.repeat(2, 0).repeat(2, 1)
    assert 0.1 < clear.mean() < 0.9
    # the cube grows clouds in pixels of 10 m, the record in pixels of 20 m
    assert (usable == clear).mean() > 0.95


def test_no_troubles_no_clouds_no_loss(tmp_path: Path) -> None:
    calm = without(
        Troubles(), "clouds", "strips", "reprocessed", "missing", "truncated", "damaged"
    )
    world = build_world(tmp_path, size=40, years=1.2, troubles=calm)
    assert {d.trouble for d in world.delivered} == {""}
    assert max(d.cloud_cover for d in world.delivered) == 0
    days = [d.day for d in world.delivered]
    assert {(b - a).days for a, b in pairwise(days)} == {5}
    assert days[-1] == END
    assert world.usable_days == tuple(days)


def test_mask_grows_by_two_pixels_of_twenty_metres() -> None:
    scl = np.full((9, 9), 4, dtype=np.uint8)
    scl[4, 4] = 9
    clear = clear_after_mask(scl)
    assert (~clear).sum() == 13  # a disk of radius two
    assert not clear[4, 2]
    assert clear[2, 2]


def _day(world: World, folder: Path) -> date:
    return next(d.day for d in world.delivered if d.folder == folder)
