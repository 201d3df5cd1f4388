"""The three-date rule on seasons and rings made by hand."""

import numpy as np
import pytest

from agroforest.risk import rule

START = 17_000
LATER = START + 1000
# The soil test passes with these: B11 > 0.125 comes from the excess.
SOIL = {"B02": 400, "B03": 500, "B04": 600}


def test_three_successive_dates_confirm(make_state) -> None:
    state = make_state(
        [
            [0, 0, 0.17, 0.17, 0.17],  # confirmed on the last date
            [0, 0, 0, 0.3, 0.3],  # one too few
            [0, 0.3, 0.3, 0, 0.3],  # broken
            [0, 0.15, 0.15, 0.15, 0.15],  # below 0.16
        ]
    )
    stress, loss = rule.judge(state, LATER)
    assert stress.since.tolist() == [START + 20, 0, 0, 0]
    assert stress.score == pytest.approx([1, 2 / 3, 2 / 3, 0])
    assert stress.evidence.tolist() == [START + 40] * 4
    assert not loss.since.any()


def test_three_successive_dates_end_it(make_state) -> None:
    state = make_state([[0.3, 0.3, 0.3, 0, 0], [0.3, 0.3, 0.3, 0, 0, 0]])
    stress, _ = rule.judge(state, LATER)
    assert stress.since.tolist() == [START, 0]
    assert stress.score == pytest.approx([1 / 3, 0])


def test_newer_observations_are_ignored(make_state) -> None:
    state = make_state([[0, 0.3, 0.3, 0.3]])
    stress, _ = rule.judge(state, START + 29)
    assert stress.since.tolist() == [0]
    assert stress.evidence.tolist() == [START + 20]
    assert stress.score == pytest.approx([2 / 3])


def test_history_is_not_judged(make_state) -> None:
    state = make_state([[0.3, 0.3, 0.3]], model_from=START + 5)
    stress, _ = rule.judge(state, LATER)
    assert stress.since.tolist() == [0]
    assert stress.score == pytest.approx([1.0])
    state = make_state([[0.3, 0.3, 0.3]], model_from=START + 500)
    stress, loss = rule.judge(state, LATER)
    assert np.isnan(stress.score).all()
    assert np.isnan(loss.score).all()
    assert stress.evidence.tolist() == loss.evidence.tolist() == [0]


def test_bare_ground_is_loss_and_not_stress(make_state) -> None:
    bare = make_state([[0, 0.3, 0.3, 0.3]], changes=SOIL)
    stress, loss = rule.judge(bare, LATER)
    assert loss.since.tolist() == [START + 10]
    assert loss.score == pytest.approx([1.0])
    assert stress.since.tolist() == [0]
    assert stress.score == pytest.approx([0.0])
    # Two dates of bare ground are not enough, and still count as anomalies.
    stress, loss = rule.judge(bare, START + 20)
    assert loss.since.tolist() == [0]
    assert loss.score == pytest.approx([2 / 3])


def test_cut_of_the_baseline_is_loss_until_relearned(make_state) -> None:
    state = make_state([[0.0] * 6] * 2)
    cut = np.full((1, 2), START + 10, dtype=np.int32)
    stress, loss = rule.judge(state.patch(cut_day=cut), LATER)
    assert loss.since.tolist() == [START + 10] * 2
    assert stress.since.tolist() == [0, 0]
    # On the night of its second date it was not known yet.
    assert not rule.judge(state.patch(cut_day=cut), START + 20)[1].since.any()
    learned = np.array([[START, START + 35]], dtype=np.int32)
    state = state.patch(cut_day=cut, model_from=learned)
    assert rule.judge(state, LATER)[1].since.tolist() == [START + 10, 0]
