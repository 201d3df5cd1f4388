"""What a baseline remembers: its log of scenes, its parts, its way to the disk."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.indices import baseline
from agroforest.indices.state import (
    BaselineState,
    SceneLog,
    find_days,
    find_part,
    grid_attributes,
    saved_grid,
)

GRID = Grid(
    crs="EPSG:32649",
    left=300_000.0,
    top=2_500_000.0,
    resolution=10.0,
    width=7,
    height=5,
)
EMPTY = SceneLog.of(np.empty(0, dtype=np.int32), {}, ())


def state() -> BaselineState:
    rng = np.random.default_rng(0)
    forest = np.ones(GRID.shape, dtype=bool)
    return baseline.fit(
        [
            (day, rng.random((6, *GRID.shape)), forest, f"s{day}")
            for day in range(18_000, 18_400, 25)
        ],
        GRID,
        forest=forest,
    )


def test_state_survives_its_arrays_and_attributes() -> None:
    one = state()
    text = json.dumps(one.attributes())
    other = BaselineState.from_saved(one.arrays(), json.loads(text))
    assert other.grid == one.grid
    assert other.scenes == one.scenes
    np.testing.assert_array_equal(other.scene_day, one.scene_day)
    np.testing.assert_array_equal(other.scene_median, one.scene_median)
    assert other.scene_median.dtype == np.float32
    for name, array in one.arrays().items():
        assert other.arrays()[name] is array


@pytest.mark.parametrize("missing", ["ring", "scene_median", "crs", "scenes"])
def test_what_is_missing_is_named(missing: str) -> None:
    arrays, attributes = state().arrays(), state().attributes()
    arrays.pop(missing, None)
    attributes.pop(missing, None)
    with pytest.raises(DataError, match=f"no '{missing}'"):
        BaselineState.from_saved(arrays, attributes)


@given(days=st.lists(st.integers(1, 30), max_size=20))
def test_a_log_keeps_each_day_once_in_order_and_the_latest_word_on_it(
    days: list[int],
) -> None:
    log = EMPTY
    for number, day in enumerate(days):
        log = log.add(f"s{number}", day, np.full(7, number, dtype=np.float32))
    last = {day: number for number, day in enumerate(days)}
    assert log.scene_day.tolist() == sorted(last)
    assert log.scene_median[:, 3].tolist() == [last[d] for d in sorted(last)]
    assert log.scenes == tuple(f"s{n}" for n in range(len(days)))
    again = SceneLog.from_attributes(json.loads(json.dumps(log.attributes())))
    np.testing.assert_array_equal(again.scene_median, log.scene_median)
    assert again.scene_day.dtype == log.scene_day.dtype == np.int32


def test_a_scene_that_saw_nothing_leaves_only_its_name() -> None:
    log = EMPTY.add("a", 5, np.ones(7)).pass_over("b")
    assert log.scenes == ("a", "b")
    assert log.scene_day.tolist() == [5]


def test_a_log_of_a_history_shares_nothing_where_no_median_is_known() -> None:
    log = SceneLog.of(np.array([3, 9], dtype=np.int32), {9: [0.5] * 7}, ("a", "b"))
    assert log.scene_median.tolist() == [[0.0] * 7, [0.5] * 7]
    assert EMPTY.scene_median.shape == (0, 7)


def test_days_are_those_there_are() -> None:
    day = np.array([[0, 7, 3], [3, 0, 20_000]], dtype=np.int32)
    assert find_days(day).tolist() == [3, 7, 20_000]
    assert find_days(np.zeros((2, 2), dtype=np.int32)).size == 0


def test_a_part_lies_where_its_pixels_lie() -> None:
    part = find_part(GRID, slice(2, 4), slice(3, None))
    assert part.shape == (2, 4)
    np.testing.assert_array_equal(part.x_centres(), GRID.x_centres()[3:])
    np.testing.assert_array_equal(part.y_centres(), GRID.y_centres()[2:4])
    assert find_part(GRID, slice(None), slice(None)) == GRID
    window = state().window(slice(2, 4), slice(3, None))
    assert window.grid == part
    assert window.ring.shape[-2:] == part.shape


def test_a_grid_survives_its_attributes() -> None:
    assert saved_grid(json.loads(json.dumps(grid_attributes(GRID)))) == GRID
