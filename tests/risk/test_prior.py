"""Shares of classes in a place, from what is said of its items."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from agroforest.risk.prior import adapt

EVEN = np.full(3, 1 / 3)


def say(
    shares: list[float], count: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Draw classes by shares, and what a classifier of even shares says of them."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, size=count, p=shares)
    seen = np.eye(3)[truth] * 1.5 + rng.normal(size=(count, 3))
    likelihood = np.exp(1.5 * seen)  # of unit noise around 1.5 of the own class
    chance = likelihood / likelihood.sum(axis=1, keepdims=True)
    return truth, chance.astype(np.float32)


@given(st.integers(0, 50))
def test_more_is_right_where_shares_differ(seed: int) -> None:
    truth, chance = say([0.9, 0.08, 0.02], 800, seed)
    place = np.repeat("a", 800)
    adapted = adapt(chance, place, EVEN, 5.0)
    np.testing.assert_allclose(adapted.sum(axis=1), 1, rtol=1e-5)
    before = (chance.argmax(axis=1) == truth).mean()
    assert (adapted.argmax(axis=1) == truth).mean() > before + 0.02
    # Mean probabilities are the shares.
    shares = np.bincount(truth, minlength=3) / 800
    np.testing.assert_allclose(adapted.mean(axis=0), shares, atol=0.08)


def test_places_are_adapted_apart_and_keep_their_order() -> None:
    _, first = say([0.9, 0.05, 0.05], 300, 1)
    _, second = say([0.05, 0.05, 0.9], 200, 2)
    place = np.array(["a"] * 300 + ["b"] * 200)
    shuffled = np.random.default_rng(0).permutation(500)
    both = np.concatenate([first, second])
    found = adapt(both[shuffled], place[shuffled], EVEN, 10.0)
    alone = [adapt(c, np.repeat("x", len(c)), EVEN, 10.0) for c in (first, second)]
    np.testing.assert_allclose(found, np.concatenate(alone)[shuffled], rtol=1e-4)


def test_few_items_hardly_move() -> None:
    _, chance = say([0.9, 0.05, 0.05], 3, 3)
    found = adapt(chance, np.repeat("a", 3), EVEN, 1000.0)
    np.testing.assert_allclose(found, chance, atol=0.01)


def test_even_shares_change_nothing() -> None:
    chance = np.tile(np.eye(3, dtype=np.float32) * 0.7 + 0.1, (20, 1))
    found = adapt(chance, np.repeat("a", 60), EVEN, 5.0)
    np.testing.assert_allclose(found, chance, rtol=1e-5)


def test_rows_that_say_nothing_stay() -> None:
    _, chance = say([0.9, 0.05, 0.05], 100, 4)
    chance[7] = np.nan
    found = adapt(chance, np.repeat("a", 100), EVEN, 5.0)
    assert np.isnan(found[7]).all()
    assert np.isfinite(np.delete(found, 7, axis=0)).all()


def test_power_says_how_far_shares_are_trusted() -> None:
    _, chance = say([0.9, 0.05, 0.05], 400, 5)
    place = np.repeat("a", 400)
    means = [
        adapt(chance, place, EVEN, 5.0, power)[:, 0].mean() for power in (0, 0.5, 1)
    ]
    assert means == sorted(means)
    untouched = adapt(chance, place, EVEN, 5.0, 0.0)
    np.testing.assert_allclose(untouched, chance, rtol=1e-5)
