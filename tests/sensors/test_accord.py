"""A probe beside the wetness that satellites see."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.sensors.accord import LEAST_DATES, SEEN_DAYS, compare_ranks
from agroforest.sensors.surroundings import Series, Values

DAY = 86_400.0
NOW = 200 * DAY
#: Twelve dates, five days apart, of no order.
WET = np.array([3.0, 9.0, 1.0, 7.0, 2.0, 11.0, 5.0, 8.0, 4.0, 10.0, 6.0, 12.0])
DATES = NOW - DAY * 5.0 * np.arange(12.0, 0.0, -1.0)


def probe(values: Values, dates: Values = DATES) -> Series:
    """Three readings around each date, whose mean is the value."""
    time = (dates[:, None] + 3600.0 * np.array([-6.0, 0.0, 6.0])).ravel()
    value = (values[:, None] + np.array([-0.01, 0.0, 0.01])).ravel()
    return Series(time=time, value=value)


def test_only_the_order_of_the_dates_counts() -> None:
    seen = Series(time=DATES, value=WET)
    same = compare_ranks(probe(0.1 + np.sqrt(WET) / 50), seen, NOW)
    assert same.dates == 12
    assert same.correlation == pytest.approx(1.0)
    against = compare_ranks(probe(0.4 - WET**2 / 1000), seen, NOW)
    assert against.correlation == pytest.approx(-1.0)
    assert against.at_best is not None
    assert against.at_best < -0.9


def test_a_trend_of_both_is_no_agreement_and_no_contradiction() -> None:
    """A canopy grows greener while the soil under it dries."""
    drying = probe(0.4 - 0.01 * np.arange(12.0))
    growing = Series(time=DATES, value=0.1 * np.arange(12.0))
    assert compare_ranks(drying, growing, NOW).correlation is None
    # Both go along beside their trends, though the plain ranks are opposite.
    waves = 2.0 * (np.arange(12.0) % 2)
    up = Series(time=DATES, value=np.arange(12.0) + waves)
    down = probe(0.4 - 0.01 * np.arange(12.0) + 0.01 * waves)
    plain = np.corrcoef(up.value, down.value[1::3])[0, 1]
    found = compare_ranks(down, up, NOW)
    assert plain < 0
    assert found.correlation is not None
    assert found.correlation > 0.5


def test_few_dates_leave_more_to_chance() -> None:
    rng = np.random.default_rng(2)
    dates = NOW - DAY * 2.0 * np.arange(40.0, 0.0, -1.0)
    mine, seen = rng.normal(size=40), rng.normal(size=40)
    spans = []
    for count in (10, 40):
        found = compare_ranks(
            probe(mine[-count:], dates[-count:]),
            Series(time=dates[-count:], value=seen[-count:]),
            NOW,
        )
        assert found.correlation is not None
        assert found.at_best is not None
        spans.append(np.arctanh(found.at_best) - np.arctanh(found.correlation))
    # 1.2816 deviations: sqrt(1.06 / 6) and sqrt(1.06 / 36).
    assert spans == pytest.approx([0.5387, 0.2199], abs=1e-3)


def test_what_is_no_pair() -> None:
    own = probe(WET / 50)
    own.value[:9] = np.nan  # doubtful
    cloudy = np.where(np.arange(12.0) == 5, np.nan, WET)
    assert compare_ranks(own, Series(time=DATES, value=cloudy), NOW).dates == 8
    late = Series(time=DATES + 5 * DAY, value=WET)
    assert compare_ranks(probe(WET / 50), late, NOW - 7 * DAY).dates == 10
    beside = Series(time=DATES + 2.5 * DAY, value=WET)
    assert compare_ranks(probe(WET / 50), beside, NOW).dates == 0
    old = Series(time=DATES - SEEN_DAYS * DAY, value=WET)
    assert compare_ranks(probe(WET / 50), old, NOW).dates == 0
    assert compare_ranks(probe(WET / 50), old, NOW).correlation is None


def test_a_probe_that_never_moves_does_not_go_along() -> None:
    still = probe(np.full(12, 0.25))
    assert compare_ranks(still, Series(time=DATES, value=WET), NOW).correlation == 0.0


@given(
    values=st.lists(st.integers(0, 9), min_size=LEAST_DATES, max_size=20),
    seed=st.integers(0, 99),
)
def test_it_stays_a_correlation_and_turns_with_the_sign(
    values: list[int], seed: int
) -> None:
    count = len(values)
    dates = NOW - DAY * 3.0 * np.arange(float(count), 0.0, -1.0)
    seen = Series(time=dates, value=np.random.default_rng(seed).normal(size=count))
    own = np.array(values, dtype=np.float64)
    one = compare_ranks(probe(own, dates), seen, NOW)
    other = compare_ranks(probe(-own, dates), seen, NOW)
    assert one.dates == other.dates == count
    if one.correlation is None or other.correlation is None:
        assert one.correlation is other.correlation
        return
    assert -1 <= one.correlation <= 1
    assert one.correlation == pytest.approx(-other.correlation, abs=1e-9)
    assert one.at_best is not None
    assert one.at_best >= min(one.correlation, 0.99)
