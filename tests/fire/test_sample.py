"""Which days are learned from, and the way back to the chance on the ground."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agroforest.fire.sample import LEAST, draw, part
from agroforest.risk.datasets.fire_days import correct_prior


def _world(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    noise = np.random.default_rng(seed)
    near = noise.gamma(1.0, 12.0, (300, 40))
    months = (np.arange(300) // 25) % 12 + 1
    truth = noise.random(near.shape) < 0.02 * np.exp(-near / 10)
    return truth, months, near


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 99))
def test_shares_are_those_that_were_drawn(seed: int) -> None:
    truth, months, near = _world(seed)
    day, cell, shares = draw(truth, months, near, seed=seed)
    drawn = np.zeros_like(truth)
    drawn[day, cell] = True
    assert drawn[truth].all()
    assert len(day) == drawn.sum()  # none twice
    kind = (months[:, None] - 1) * 4 + part(near)
    others = np.bincount(kind[~truth], minlength=48)
    taken = np.bincount(kind[drawn & ~truth], minlength=48)
    there = others > 0
    share = np.exp(shares.log_share.ravel())
    assert share[there] == pytest.approx((taken / np.maximum(others, 1))[there])
    assert (taken >= np.minimum(others, LEAST)).all()
    assert share[~there] == pytest.approx(1.0)


def test_more_are_drawn_where_and_when_it_burns() -> None:
    truth, months, near = _world(1)
    _, _, shares = draw(truth, months, near, seed=1, ratio=5)
    share = np.exp(shares.log_share)
    assert share[:, 0].mean() > 2 * share[:, 2].mean()


def test_frequencies_of_the_sample_come_back_to_the_ground() -> None:
    """A model that knows the sample's frequencies knows the ground's after this."""
    truth, months, near = _world(3)
    day, cell, shares = draw(truth, months, near, seed=3, ratio=4)
    kind = ((months[:, None] - 1) * 4 + part(near))[day, cell]
    label = truth[day, cell]
    hits = np.bincount(kind[label], minlength=48)
    every = np.bincount(kind, minlength=48)
    chance = np.divide(hits, every, out=np.zeros(48), where=every > 0)
    said = correct_prior(chance, shares.log_share.ravel())
    full = (months[:, None] - 1) * 4 + part(near)
    real = np.bincount(full[truth], minlength=48) / np.maximum(
        np.bincount(full.ravel(), minlength=48), 1
    )
    assert said[every > 0] == pytest.approx(real[every > 0], abs=1e-5)


def test_nothing_left_out_changes_nothing() -> None:
    chance = np.array([0.0, 0.2, 0.999, np.nan])
    back = correct_prior(chance, np.zeros(4))
    assert back[:3] == pytest.approx(chance[:3], abs=1e-6)
    assert np.isnan(back[3])
