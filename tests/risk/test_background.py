"""Levelled answers: what moves, how far, and what does not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from agroforest.risk.background import Background

LEVEL = Background(quantile=0.7, usual=-2.0, furthest=3.0)
KNOWN = np.ones((10, 10), bool)


def scene(background: float, fire: float) -> NDArray[np.float32]:
    """A fifth of the scene burned."""
    logits = np.full((10, 10), background, np.float32)
    logits[:2] = fire
    return logits


def test_a_background_that_is_too_high_comes_down_and_the_fire_with_it() -> None:
    found = LEVEL.level(scene(-0.5, 2.0), KNOWN)
    np.testing.assert_allclose(found, scene(-2.0, 0.5), atol=1e-6)


def test_a_usual_scene_stays() -> None:
    usual = scene(-2.0, 1.0)
    np.testing.assert_array_equal(LEVEL.level(usual, KNOWN), usual)


@pytest.mark.parametrize(("off", "moved"), [(9.0, 3.0), (-9.0, 0.0)])
def test_nothing_moves_far(off: float, moved: float) -> None:
    logits = scene(-2.0 + off, 4.0)
    np.testing.assert_allclose(LEVEL.level(logits, KNOWN), logits - moved, atol=1e-5)


def test_what_has_no_data_does_not_count() -> None:
    logits, known = scene(-1.0, 2.0), KNOWN.copy()
    logits[8:] = 8.0
    known[8:] = False
    found = LEVEL.level(logits, known)
    np.testing.assert_allclose(found[:8], scene(-2.0, 1.0)[:8], atol=1e-6)
    np.testing.assert_array_equal(LEVEL.level(logits, ~KNOWN), logits)


@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_the_order_within_a_scene_stays_and_the_error_goes(
    seed: int, error: float
) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(-1, 0.3, (10, 10)).astype(np.float32)
    found = LEVEL.level(logits, KNOWN)
    wrong = LEVEL.level(logits + np.float32(error), KNOWN)
    np.testing.assert_allclose(wrong, found, atol=1e-4)
    np.testing.assert_array_equal(np.argsort(found, None), np.argsort(logits, None))
