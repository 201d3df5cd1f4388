"""What lasts and what is gone is surer than a few strong dates."""

import numpy as np
import pytest
from numpy.typing import NDArray

from agroforest.risk.persistence import find_evidence, find_probability


def evidence(stressed: str, gone: str = "", unknown: str = "") -> float:
    """Of one pixel; a digit a date, tenths, ``9`` for certain."""

    def dates(text: str) -> NDArray[np.float64]:
        digits = np.array([int(d) / 9 for d in text.ljust(len(stressed), "0")])
        return digits[:, None]

    judged = np.array([d != "x" for d in unknown.ljust(len(stressed), "0")])[:, None]
    return float(find_evidence(dates(stressed), dates(gone), judged)[0])


def test_by_hand() -> None:
    # Three dates of certain stress and two healthy ones, three quarters each: anywhere
    # 0.45; the best of the intervals that last until the end has all five dates.
    assert evidence("99900") == pytest.approx((0.75 * 3 / 5 + 0.75 * 3 / 7) / 2)
    assert evidence("00999") == pytest.approx(0.75 * 3 / 5)
    assert evidence("000", "999") == pytest.approx(3 / 5)
    assert evidence("000") == 0


def test_order_of_sureness() -> None:
    passed, lasting = evidence("0099990000000000"), evidence("0000000000009999")
    longer = evidence("0000000099999999")
    gone = evidence("0" * 16, "0000000000009999")
    assert 0 < evidence("0000900000000000") < passed < lasting < longer
    assert lasting < gone


def test_dates_that_were_not_judged_count_for_nothing() -> None:
    assert evidence("9990", unknown="xxx0") == evidence("0") == 0
    assert evidence("909090", unknown="0x0x0x") == evidence("999")
    rng = np.random.default_rng(0)
    stressed, gone = rng.random((2, 9, 50)) / 2
    judged = rng.random((9, 50)) < 0.7
    whole = find_evidence(stressed, gone, judged)
    for at in range(50):
        kept = judged[:, at]
        if kept.any():
            alone = find_evidence(
                stressed[kept, at, None],
                gone[kept, at, None],
                np.ones((kept.sum(), 1), bool),
            )
            assert whole[at] == pytest.approx(alone[0])


def test_probability_ranks_as_the_evidence_and_knows_what_it_does_not_know() -> None:
    stressed = np.linspace(0, 1, 8)[None].repeat(12, axis=0)
    judged = np.ones(stressed.shape, bool)
    judged[:, 0] = False
    probability = find_probability(stressed, np.zeros_like(stressed), judged)
    assert probability.dtype == np.float32
    assert np.isnan(probability[0])
    assert (np.diff(probability[1:]) > 0).all()
    assert probability[1] < 0.1 < 0.9 < probability[-1] < 1
