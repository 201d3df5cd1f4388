"""Two models on the same answers."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agroforest.risk.compare import Judged, compare, judge_differences
from agroforest.risk.metrics import average_precision


def build(
    after: np.ndarray | None = None, *, blocks: int = 12, threshold: float = 0.5
) -> Judged:
    """Ten answers a block, half of them true, one in five wrong before."""
    truth = np.tile([True] * 5 + [False] * 5, blocks)
    before = np.where(truth, 0.8, 0.2).astype(np.float32)
    before[::5] = 1 - before[::5]
    return Judged(
        truth=truth,
        weight=np.ones(truth.size),
        place=np.repeat(np.arange(blocks), 10),
        part=np.repeat(np.arange(blocks) % 3, 10),
        before=before,
        after=before if after is None else after.astype(np.float32),
        threshold=threshold,
    )


def test_the_same_model_twice_has_no_difference() -> None:
    assert judge_differences(compare(build())) == "unsure"
    for row in compare(build()):
        assert (row.difference, row.difference_low, row.difference_high) == (0, 0, 0)
        assert row.before == row.after


def test_better_and_worse_by_hand() -> None:
    plain = build()
    perfect = compare(replace(plain, after=plain.truth.astype(np.float32)))
    first, _, ranking = perfect
    assert (first.before, first.after) == (0.8, 1.0)  # 4 hits, 1 false, 1 missed of 5
    assert ranking.after == 1
    assert ranking.before == pytest.approx(
        average_precision(plain.truth, plain.before), abs=1e-4
    )
    assert judge_differences(perfect) == "better"
    turned = compare(replace(plain, after=1 - plain.truth.astype(np.float32)))
    assert judge_differences(turned) == "worse"


def test_a_threshold_that_fits_badly_is_told_from_a_model_that_does() -> None:
    # As good a ranking as before, but all numbers are low: only the threshold helps.
    plain = build(threshold=0.9)
    rows = used, anew, ranking = compare(plain)
    assert judge_differences(rows) == "unsure"
    assert (used.before, used.after) == (0.0, 0.8)
    assert anew.difference == 0
    assert ranking.difference == 0


def test_thresholds_come_from_other_parts() -> None:
    # Every part has its own scale. With its own labels each could be cut perfectly.
    plain = build()
    scale = np.array([1.0, 0.1, 0.01])[plain.part]
    perfect = np.where(plain.truth, 0.9, 0.5) * scale
    first = compare(replace(plain, after=perfect.astype(np.float32)))[0]
    assert first.after < 1


@settings(max_examples=5)
@given(st.floats(0.1, 10))
def test_weights_count_and_their_unit_does_not(unit: float) -> None:
    plain = build()
    even = compare(plain)
    assert compare(replace(plain, weight=plain.weight * unit)) == even
    heavy = np.where(plain.truth, 1.0, 9.0)
    first = compare(replace(plain, weight=heavy))[0]
    assert first.before == pytest.approx(2 * 4 / (4 + 9 + 5), abs=1e-4)
