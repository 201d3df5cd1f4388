"""The untrained combination."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agroforest.fire.rank import RULE, combine, find_dryness, find_limits
from agroforest.indices.fire_weather.classes import EUROPEAN

_classes = arrays(np.int8, 12, elements=st.integers(0, 5))
_flags = arrays(np.bool_, 12)


@pytest.mark.parametrize(
    ("weather", "htz", "dry", "rank"),
    [
        (3, None, False, 3),
        (3, None, True, 4),
        (3, 4, False, 4),
        (3, 1, False, 3),
        (0, 4, False, 4),  # HTZ alone
        (1, None, True, 1),  # a wet day stays one
        (5, None, True, 5),
        (0, None, True, 0),  # dry fuel says nothing where the weather is not known
        (0, 0, True, 0),
    ],
)
def test_combination_is_the_stated_one(
    weather: int, htz: int | None, dry: bool, rank: int
) -> None:
    classes = np.array([weather], np.int8)
    chinese = None if htz is None else np.array([htz], np.int8)
    assert combine(classes, chinese, np.array([dry])).tolist() == [rank]


@given(weather=_classes, htz=_classes, dry=_flags)
def test_more_danger_of_any_kind_never_lowers_the_rank(
    weather: np.ndarray, htz: np.ndarray, dry: np.ndarray
) -> None:
    rank = combine(weather, htz, dry)
    assert ((rank >= 0) & (rank <= 5)).all()
    for more in (
        combine(np.minimum(weather + 1, 5).astype(np.int8), htz, dry),
        combine(weather, np.minimum(htz + 1, 5).astype(np.int8), dry),
        combine(weather, htz, np.ones_like(dry)),
    ):
        assert (more >= rank).all()


def test_dry_fuel_is_less_than_eighty_percent_or_a_deviation_below() -> None:
    moisture = np.array([79.9, 80.0, np.nan, 200.0])
    anomaly = np.array([2.0, 2.0, -1.0, np.nan])
    assert find_dryness(moisture, anomaly).tolist() == [True, False, True, False]
    assert not find_dryness(None, None).any()


def test_a_short_history_takes_europes_limits_and_says_so() -> None:
    days = np.arange(17_000, 17_100)
    limits, problem = find_limits(np.ones((100, 1)), days)
    assert "Europe" in problem
    assert limits.limits.tolist() == EUROPEAN.limits[:4].tolist()
    assert limits.classify(np.array([0.0, 60.0, 30.0])).tolist() == [1, 5, 4]


def test_long_history_gives_the_places_own_percentiles() -> None:
    days = np.arange(17_000, 17_000 + 6 * 365)
    values = np.random.default_rng(1).gamma(2, 5, (len(days), 1))
    limits, problem = find_limits(values, days)
    assert not problem
    assert limits.limits[:, 0] == pytest.approx(np.percentile(values, [50, 75, 90, 97]))


def test_every_part_of_the_rule_says_where_it_comes_from() -> None:
    assert all(part.zh and part.en and part.source for part in RULE)
    assert any("our choice" in part.source for part in RULE)
