"""Figures from counts are those from the numbers themselves."""

import numpy as np
import pytest

from agroforest.fire.skill import find_bins, find_reliability, measure
from agroforest.risk.metrics import auroc, average_precision


def _scores(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    noise = np.random.default_rng(2)
    score = noise.gamma(1, 1, n)
    truth = noise.random(n) < 0.02 * score
    return truth, score, np.arange(n) % 12


def test_figures_agree_with_the_exact_ones() -> None:
    truth, score, block = _scores(50_000)
    found = measure(truth, score, block)
    assert found.auroc.value == pytest.approx(auroc(truth, score), abs=2e-4)
    assert found.ap.value == pytest.approx(average_precision(truth, score), rel=0.02)
    top = score >= np.quantile(score, 0.95)
    exact = truth[top].sum() / truth.sum()
    assert found.top_share.value == pytest.approx(exact, abs=2e-3)
    assert found.auroc.low < found.auroc.value < found.auroc.high


def test_a_score_without_skill_is_one() -> None:
    truth, _, block = _scores(20_000)
    found = measure(truth, np.zeros(len(truth)), block)
    assert found.auroc.value == pytest.approx(0.5)
    assert found.ap.value == pytest.approx(truth.mean())
    assert found.top_share.value == pytest.approx(0.05)


def test_what_is_not_known_is_ranked_last() -> None:
    bins = find_bins(np.array([np.nan, 2.0, 5.0, 2.0, np.nan]))
    assert bins[2] == 0
    assert bins[1] == bins[3] > bins[2]
    assert bins[0] == bins[4] > bins[1]


def test_reliability_of_a_true_probability() -> None:
    noise = np.random.default_rng(4)
    chance = noise.beta(0.5, 20, 200_000)
    found = find_reliability(noise.random(chance.size) < chance, chance)
    assert len(found) == 10
    assert sum(b.cell_days for b in found) == chance.size
    for one in found:
        assert one.was == pytest.approx(one.said, rel=0.12)
