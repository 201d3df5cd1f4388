"""A task carries the forest that its tile touches, and no more."""

import pickle
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry
from tests.nightly.test_plan import NIGHT, Shelf, granule, watch

from agroforest.core.aoi import Aoi, Place, PlaceKind
from agroforest.core.config import RiskSection
from agroforest.core.grid import WGS84, Tile, find_tiles, reproject
from agroforest.nightly.compartments import Compartments
from agroforest.nightly.forest import forest_digest, forest_polygons, read_forest
from agroforest.nightly.plan import Plan, TileTask, Watch, plan_night

# Over the border of two UTM zones, 10 km north to south.
AREA = shapely.box(107.95, 22.85, 108.10, 22.95)
TILES = find_tiles(AREA, resolution=100, size=5_000)
WIDE = shapely.box(100.0, 22.80, 116.0, 22.85001)


def stand(longitude: float, latitude: float, radius: float) -> BaseGeometry:
    """A compartment, radius in degrees."""
    return shapely.Point(longitude, latitude).buffer(radius, quad_segs=3)


def watching(*stands: BaseGeometry) -> Watch:
    """What is watched where these compartments are the forest of the area."""
    settings = watch().pipeline
    pipeline = settings.model_copy(update={"risk": RiskSection(forest="compartments")})
    places = tuple(
        Place(
            id=str(number),
            kind=PlaceKind.COMPARTMENT,
            name_zh="",
            name_en="",
            cover="",
            geometry=geometry,
        )
        for number, geometry in enumerate(stands)
    )
    forest = forest_polygons(
        pipeline, Aoi(source=settings.aoi, area=AREA, places=places)
    )
    return replace(
        watch(),
        pipeline=pipeline,
        tiles=TILES,
        forest=forest,
        ground=forest_digest(pipeline, forest),
    )


def plan(here: Watch) -> Plan:
    shelf = Shelf(
        [granule(day).patch(footprint=AREA) for day in (date(2023, 7, 1), NIGHT)]
    )
    return plan_night(here, shelf, NIGHT, known={}, uses={})


def tasks(planned: Plan) -> list[TileTask]:
    return [*planned.baselines, *planned.tasks]


def test_a_task_carries_only_what_its_tile_touches() -> None:
    middles = [tile.footprint().centroid for tile in TILES]
    stands = [stand(middle.x, middle.y, 0.005) for middle in middles]
    planned = plan(watching(*stands, stand(109.5, 22.9, 0.005)))
    assert len(tasks(planned)) == 2 * len(TILES)
    for task in tasks(planned):
        metric = [reproject(s, WGS84, task.tile.grid.crs) for s in stands]
        outline = shapely.box(*task.tile.grid.bounds)
        expected = [
            s for s, m in zip(stands, metric, strict=True) if m.intersects(outline)
        ]
        assert 0 < len(expected) < len(stands)
        assert task.forest is not None
        assert task.forest.equals(shapely.union_all(expected))


def test_a_task_does_not_grow_with_the_area() -> None:
    middle = TILES[0].footprint().centroid
    near = stand(middle.x, middle.y, 0.005)
    far = [stand(109.0 + n / 50, 22.9, 0.005) for n in range(100)]
    alone, one_of_many = (
        next(t for t in plan(watching(*all_)).tasks if t.tile == TILES[0])
        for all_ in ([near], [near, *far])
    )
    assert len(pickle.dumps(one_of_many)) == pytest.approx(
        len(pickle.dumps(alone)), rel=0.01
    )


def test_ids_follow_the_forest_of_the_whole_area() -> None:
    """They name states on disk, so far compartments count, as they always did."""
    middle = TILES[0].footprint().centroid
    near, far = stand(middle.x, middle.y, 0.005), stand(109.5, 22.9, 0.005)
    one, other = watching(near), watching(near, far)
    own, same = (
        plan(here).tasks[0] for here in (one, replace(other, ground=one.ground))
    )
    assert (own.id, own.state_group) == (same.id, same.state_group)
    changed = plan(other).tasks[0]
    assert changed.forest is not None
    assert changed.forest.equals(own.forest)
    assert changed.id != own.id
    assert changed.state_group != own.state_group


def test_a_tile_without_forest_is_not_forest_everywhere() -> None:
    (task, *_) = plan(watching(stand(109.5, 22.9, 0.005))).tasks
    assert task.forest is not None
    assert task.forest.is_empty
    assert not read_forest(task).any()


def test_without_polygons_none_are_carried() -> None:
    (task, *_) = plan(replace(watch(), tiles=TILES)).tasks
    assert task.forest is None
    assert read_forest(task).any()


_PLACES = st.tuples(
    st.floats(107.9, 108.15), st.floats(22.8, 23.0), st.floats(0.0005, 0.03)
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(_PLACES, min_size=1, max_size=12), st.sampled_from(TILES), st.booleans()
)
def test_the_same_pixels_are_forest(
    places: list[tuple[float, float, float]], tile: Tile, wide: bool
) -> None:
    stands = [stand(*place) for place in places] + [WIDE] * wide
    here = watching(*stands)
    task = next(t for t in plan(here).tasks if t.tile == tile)
    whole = task.patch(forest=here.forest)
    assert np.array_equal(read_forest(task), read_forest(whole))


def test_a_long_straight_edge_bends_on_its_way_to_the_tile() -> None:
    """An edge straight in UTM lies kilometres from one straight in degrees."""
    tile = TILES[0]
    south = tile.footprint().bounds[1]
    below = shapely.box(100.0, south - 1.0, 116.0, south - 0.001)
    drawn = reproject(below, WGS84, tile.grid.crs)
    assert not below.intersects(tile.footprint())
    assert drawn.intersects(shapely.box(*tile.grid.bounds))
    own = Compartments(below).on(tile)
    assert own is not None
    assert own.equals(below)
