"""Metrics against numbers worked out by hand."""

import math

import numpy as np
import pytest

from agroforest.risk.metrics import average_precision, calibration_error, interval


def test_average_precision_by_hand() -> None:
    truth = np.array([True, False, True, False])
    score = np.array([0.9, 0.8, 0.7, 0.1])
    # Recall rises by a half at ranks 1 and 3: (1/1 + 2/3) / 2.
    assert average_precision(truth, score) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision(truth[::-1], score) == pytest.approx((1 / 2 + 2 / 4) / 2)


def test_ties_are_one_step() -> None:
    truth = np.array([True, False, False, False])
    assert average_precision(truth, np.zeros(4)) == pytest.approx(0.25)
    assert math.isnan(average_precision(np.zeros(3, dtype=bool), np.zeros(3)))


def test_calibration_error_by_hand() -> None:
    chance = np.array([0.9, 0.9, 0.9, 0.9, 0.1, 0.1])
    truth = np.array([True, True, True, False, False, False])
    # (4 |0.9 - 0.75| + 2 |0.1 - 0|) / 6
    assert calibration_error(truth, chance) == pytest.approx((0.6 + 0.2) / 6)
    assert calibration_error(np.ones(3, dtype=bool), np.ones(3)) == 0


def test_interval_resamples_places() -> None:
    values = np.arange(40.0)
    low, high = interval(40, lambda counts: float(np.average(values, weights=counts)))
    assert low < values.mean() < high
    # Standard error of the mean of 0..39 is 11.5 / sqrt(40) = 1.8.
    assert high - low == pytest.approx(2 * 1.96 * 1.825, rel=0.2)


def test_weights_count_samples() -> None:
    rng = np.random.default_rng(0)
    truth, score = rng.random(50) < 0.3, rng.random(50).round(1)
    weight = rng.integers(0, 4, 50)
    repeated = np.repeat(truth, weight), np.repeat(score, weight)
    for statistic in (average_precision, calibration_error):
        expected = statistic(*repeated)
        assert statistic(truth, score, weight.astype(float)) == pytest.approx(expected)
