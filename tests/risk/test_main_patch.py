"""The patch in the middle stays, whatever else is in a scene."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from agroforest.core.grid import Grid
from agroforest.risk.main_patch import keep_main_patch
from agroforest.risk.scenes import Scenes
from agroforest.risk.tasks.burned_area import find_one_fire

SIDE = 80
MIDDLE = np.s_[30:50, 30:50]
ASIDE = np.s_[2:12, 2:22]


def draw(side: int = SIDE) -> NDArray[np.float32]:
    """A fire in the middle, and half as large a one in the corner."""
    chance = np.full((side, side), 0.1, np.float32)
    chance[MIDDLE] = 0.8
    chance[ASIDE] = 0.9
    return chance


def keep(chance: NDArray[np.float32], least: float = 0.5) -> NDArray[np.float32]:
    return keep_main_patch(chance, reach=0.25, least=least)


def test_what_lies_aside_falls_to_the_ground() -> None:
    kept = keep(draw())
    assert (kept[MIDDLE] == np.float32(0.8)).all()
    assert (kept[ASIDE] == np.float32(0.1)).all()


def test_what_hangs_together_with_the_middle_stays() -> None:
    chance = draw()
    chance[12:30, 20:31] = 0.5  # between both
    kept = keep(chance)
    assert (kept[MIDDLE] == np.float32(0.8)).all()
    assert (kept[ASIDE] == np.float32(0.5)).all()


def test_a_patch_that_counts_as_much_is_kept_too() -> None:
    chance = np.full((SIDE, SIDE), 0.1, np.float32)
    chance[20:36, 30:50] = chance[44:60, 30:50] = 0.8
    assert (keep(chance) == chance).all()


def test_what_stands_out_aside_is_not_the_main_patch() -> None:
    """Though it is the only one where nothing else is as probable."""
    chance = draw()
    chance[ASIDE] = 0.99
    chance[4:6, 4:6] = 1.0
    assert (keep(chance)[ASIDE] == np.float32(0.1)).all()


def test_what_is_not_known_stays_so_and_parts() -> None:
    chance = draw()
    chance[:, 25] = np.nan
    kept = keep(chance)
    assert (np.isnan(kept) == np.isnan(chance)).all()
    assert (kept[MIDDLE] == np.float32(0.8)).all()
    assert np.isnan(keep(np.full((3, 4), np.nan, np.float32))).all()


def test_an_even_scene_is_left_alone() -> None:
    even = np.full((5, 7), 0.3, np.float32)
    assert (keep(even) == even).all()


@given(
    arrays.arrays(
        np.float32, (6, 5), elements=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
    ),
    st.sampled_from([0.1, 0.5, 1.0]),
)
def test_nothing_rises_nor_falls_below_the_ground_and_order_is_all_that_counts(
    chance: NDArray[np.float32], least: float
) -> None:
    # So often that each value is a level, whatever lies between two.
    chance = np.repeat(np.repeat(chance, 4, axis=0), 4, axis=1)
    kept = keep(chance, least)
    assert (kept <= chance).all()
    assert kept.min() == chance.min()
    squared = keep(chance**2, least)
    np.testing.assert_allclose(squared, kept**2, atol=1e-7)


@pytest.mark.parametrize(("side", "is_kept"), [(80, False), (513, True)])
def test_a_wide_scene_holds_several_fires(side: int, is_kept: bool) -> None:
    chance = draw(side)
    scenes = Scenes(
        values=(np.zeros((6, side, side), np.float32),) * 2,
        place=np.array(["a", "b"]),
        name=("a", "b"),
        grid=(
            Grid(
                crs="EPSG:32610", left=0, top=0, resolution=20, width=side, height=side
            ),
        )
        * 2,
    )
    both = np.concatenate([chance.ravel(), chance.ravel()])[:, None]
    found = find_one_fire(scenes, both)
    assert found.shape == both.shape
    for one in scenes.split(found[:, 0]):
        assert (one[ASIDE] == chance[ASIDE]).all() == is_kept
        assert (one[MIDDLE] == chance[MIDDLE]).all()
