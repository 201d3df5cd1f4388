"""Temperatures and thresholds, with weights and with few labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.risk.calibrate import (
    choose_threshold,
    fit_temperature,
    keep_threshold,
)
from agroforest.risk.card import Answer
from agroforest.risk.metrics import f1

ANSWER = Answer(head="probability", outputs=("x",))


def draw(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    chance = rng.random(n).astype(np.float32)
    return rng.random(n) < chance, chance


def test_weights_stand_for_repeated_answers() -> None:
    truth, chance = draw(300)
    times = np.random.default_rng(1).integers(1, 5, 300)
    again = np.repeat(np.arange(300), times)
    weight = times.astype(np.float64)
    assert choose_threshold(truth, chance, weight) == choose_threshold(
        truth[again], chance[again]
    )
    logits = np.log(chance / (1 - chance))[:, None] * 3
    target = truth.astype(np.float32)
    assert fit_temperature(logits, target, ANSWER, weight) == pytest.approx(
        fit_temperature(logits[again], target[again], ANSWER), abs=2e-3
    )


@given(st.integers(0, 1000), st.integers(1, 200))
def test_the_threshold_chosen_has_the_highest_f1(seed: int, n: int) -> None:
    truth, chance = draw(n, seed)
    best, reached = choose_threshold(truth, chance)
    if not truth.any():
        assert best == 0.5
        return
    assert reached == pytest.approx(f1(truth, chance >= best))
    assert all(f1(truth, chance >= t) <= reached + 1e-9 for t in np.arange(0, 1, 0.05))


def test_much_evidence_moves_a_threshold_and_little_does_not() -> None:
    truth, chance = draw(6000)
    best, reached = choose_threshold(truth, chance)
    many = np.arange(6000) % 300
    moved = keep_threshold(0.95, truth, chance, np.ones(6000), many)
    assert f1(truth, chance >= moved) > reached - 0.02
    assert abs(moved - best) < abs(0.95 - best)
    off = []
    for first in range(0, 1200, 12):
        few = truth[first : first + 12], chance[first : first + 12]
        kept = keep_threshold(0.4, *few, np.ones(12), np.arange(12))
        off.append((abs(kept - 0.4), abs(choose_threshold(*few)[0] - 0.4)))
    kept_off, best_off = np.mean(off, axis=0)
    assert kept_off < best_off / 2


def test_a_threshold_as_good_as_the_best_is_kept() -> None:
    truth = np.tile([True, False], 50)
    chance = np.where(truth, 0.9, 0.1).astype(np.float32)
    block = np.arange(100) // 5
    for usual in (0.2, 0.5, 0.8):
        assert keep_threshold(usual, truth, chance, np.ones(100), block) == usual
    assert keep_threshold(0.95, truth, chance, np.ones(100), block) == 0.899
    nothing = np.zeros(100, bool)
    assert keep_threshold(0.3, nothing, chance, np.ones(100), block) == 0.3
