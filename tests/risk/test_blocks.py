"""Blocks: they cover a scene once, and what lies around them lies around them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agroforest.risk.blocks import cut_blocks, fill_strides


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    side=st.integers(1, 17),
    margin=st.integers(0, 9),
)
def test_blocks_cover_a_scene_once(
    height: int, width: int, side: int, margin: int
) -> None:
    scene = np.arange(height * width).reshape(height, width)
    covered = np.zeros(scene.shape, int)
    for block in cut_blocks(scene.shape, side, margin):
        covered[block.window] += 1
        around = scene[block.around]
        np.testing.assert_array_equal(around[block.inside], scene[block.window])
        rows, columns = block.window
        wanted = scene[
            max(0, rows.start - margin) : rows.stop + margin,
            max(0, columns.start - margin) : columns.stop + margin,
        ]
        np.testing.assert_array_equal(around, wanted)
    assert (covered == 1).all()


@given(height=st.integers(1, 12), width=st.integers(1, 12), side=st.integers(1, 8))
def test_strides_are_filled_with_missing_pixels(
    height: int, width: int, side: int
) -> None:
    part = np.ones((2, height, width), np.float32)
    filled = fill_strides(part, side)
    assert all(size % side == 0 for size in filled.shape[1:])
    assert filled.shape[1] - height < side
    assert filled.shape[2] - width < side
    assert np.isfinite(filled).sum() == part.size
    assert np.isfinite(filled[:, :height, :width]).all()
