"""The gate of fire alerts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.alerts.gate import Conditions, judge
from agroforest.core.fire import Gate

_RANKS = st.none() | st.integers(0, 5)
_RAIN = st.none() | st.just(float("nan")) | st.floats(0, 300)


@pytest.mark.parametrize(
    ("rank", "rain", "looks", "gate"),
    [
        (1, 10.0, 1, Gate.HELD),
        (2, 1.5, 1, Gate.HELD),
        (2, 1.5, 2, Gate.PASSED),
        (2, 1.4, 1, Gate.PASSED),  # low, but not wet
        (3, 40.0, 1, Gate.PASSED),  # wet, but not low
        (5, 0.0, 1, Gate.PASSED),
        (None, 10.0, 1, Gate.UNGATED),
        (0, 10.0, 1, Gate.UNGATED),
        (1, None, 1, Gate.UNGATED),
        (1, float("nan"), 1, Gate.UNGATED),
    ],
)
def test_wet_days_of_low_danger_need_another_look(
    rank: int | None, rain: float | None, looks: int, gate: Gate
) -> None:
    verdict = judge(Conditions(rank=rank, rain=rain), looks=looks)
    assert verdict.gate is gate
    assert verdict.lets_through == (gate is not Gate.HELD)


def test_what_is_missing_is_named_in_both_languages() -> None:
    verdict = judge(Conditions(rank=None, rain=None), looks=1)
    assert verdict.reason_en == "ungated: rank, rain not known"
    assert "未经门控" in verdict.reason_zh


@given(rank=_RANKS, rain=_RAIN, looks=st.integers(1, 5))
def test_more_looks_never_hold_and_the_unknown_never_holds(
    rank: int | None, rain: float | None, looks: int
) -> None:
    conditions = Conditions(rank=rank, rain=rain)
    verdict = judge(conditions, looks=looks)
    assert judge(conditions, looks=looks + 1).lets_through >= verdict.lets_through
    if conditions.missing:
        assert verdict.gate is Gate.UNGATED
    assert (looks >= verdict.needed) == verdict.lets_through


def test_impossible_values_are_refused() -> None:
    with pytest.raises(ValueError, match="rank 6"):
        Conditions(rank=6, rain=0.0)
    with pytest.raises(ValueError, match="0 looks"):
        judge(Conditions(rank=1, rain=0.0), looks=0)
