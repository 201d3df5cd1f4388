"""Votes and runs, against a plain reading of the rules pixel by pixel."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agroforest.risk.evidence import follow_votes, last_of, latest, lowest_of, unbroken

# An observation: None if it was not judged, otherwise whether it votes.
Ballot = list[bool | None]
ballots = st.lists(st.sampled_from([None, False, True]), min_size=1, max_size=16)


def columns(series: Ballot) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    vote = np.array([[bool(v)] for v in series])
    judged = np.array([[v is not None] for v in series])
    day = np.arange(100, 100 + len(series), dtype=np.int32)[:, None]
    return vote, judged, day


def followed(series: Ballot, enter: int, leave: int) -> int:
    since = first = 0
    run, last = 0, None
    for number, vote in enumerate(series):
        if vote is None:
            continue
        run = run + 1 if vote == last else 1
        last = vote
        if vote:
            first = 100 + number if run == 1 else first
            if since == 0 and run >= enter:
                since = first
        elif run >= leave:
            since = 0
    return since


@given(ballots, st.integers(1, 4), st.integers(1, 4))
def test_votes(series: Ballot, enter: int, leave: int) -> None:
    vote, judged, day = columns(series)
    found = follow_votes(vote, judged, day, enter=enter, leave=leave)
    assert found.tolist() == [followed(series, enter, leave)]


@given(ballots, st.integers(1, 4))
def test_unbroken(series: Ballot, needed: int) -> None:
    vote, judged, day = columns(series)
    said = [(number, v) for number, v in enumerate(series) if v is not None]
    run = 0
    for _, v in reversed(said):
        if not v:
            break
        run += 1
    expected = 100 + said[len(said) - run][0] if run >= needed else 0
    assert unbroken(vote, vote, judged, day, needed).tolist() == [expected]


def test_run_reaches_further_back_than_detection() -> None:
    high = np.array([[False], [False], [True], [True]])
    run = np.array([[False], [True], [True], [True]])
    day = np.array([[1], [2], [3], [4]], dtype=np.int32)
    judged = np.ones((4, 1), dtype=bool)
    assert unbroken(high, run, judged, day, 2).tolist() == [2]
    assert unbroken(high, run, judged, day, 3).tolist() == [0]


def test_newest_and_lowest_pass_over_what_was_not_judged() -> None:
    score = np.array([[0.9, 0.1], [0.2, 0.2], [0.5, 0.3], [0.7, 0.4]])
    judged = np.array([[True, False], [True, False], [True, False], [False, False]])
    day = np.arange(4, dtype=np.int32)[:, None].repeat(2, axis=1) + 7
    newest = last_of(score, judged)
    assert newest[0] == np.float32(0.5)
    assert np.isnan(newest[1])
    assert latest(day, judged).tolist() == [9, 0]
    assert lowest_of(score, judged, 2).tolist() == [np.float32(0.2), -np.inf]
    assert lowest_of(score, judged, 3)[0] == np.float32(0.2)
    assert lowest_of(score, judged, 4)[0] == -np.inf
