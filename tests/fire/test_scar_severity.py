"""Severity: the ratios by hand, the limits of the classes, the offset."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.fire.scar_severity import (
    WORDS,
    Severity,
    burn_ratio,
    classify_dnbr,
    classify_rbr,
    find_offset,
    measure_loss,
)


def one(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.array(values, np.float32)


def test_ratios_by_hand() -> None:
    before = burn_ratio(one(0.40), one(0.10))  # 0.3 / 0.5
    after = burn_ratio(one(0.10), one(0.20))  # -0.1 / 0.3
    assert before[0] == pytest.approx(0.6)
    assert after[0] == pytest.approx(-1 / 3)
    loss = measure_loss(before, after, 0.05)
    assert loss.dnbr[0] == pytest.approx(0.6 + 1 / 3 - 0.05)
    assert loss.rbr[0] == pytest.approx((0.6 + 1 / 3 - 0.05) / 1.601)


def test_nothing_is_said_where_nothing_is_seen() -> None:
    ratio = burn_ratio(one(np.nan, 0.3, 0.004), one(0.1, np.nan, 0.004))
    assert np.isnan(ratio).all()
    assert (classify_dnbr(ratio) == Severity.NONE).all()
    assert (classify_rbr(ratio) == Severity.NONE).all()


@pytest.mark.parametrize(
    ("dnbr", "code"),
    [
        (-0.3, Severity.REGROWTH),
        (-0.10, Severity.UNBURNED),
        (0.099, Severity.UNBURNED),
        (0.10, Severity.LOW),
        (0.269, Severity.LOW),
        (0.27, Severity.MODERATE_LOW),
        (0.44, Severity.MODERATE_HIGH),
        (0.66, Severity.HIGH),
        (1.2, Severity.HIGH),
    ],
)
def test_limits_of_key_and_benson(dnbr: float, code: Severity) -> None:
    assert classify_dnbr(one(dnbr))[0] == code


def test_limits_of_rbr() -> None:
    assert classify_rbr(one(0.02, 0.10, 0.20, 0.40)).tolist() == [
        Severity.UNBURNED,
        Severity.LOW,
        Severity.MODERATE_LOW,
        Severity.HIGH,
    ]


@given(st.lists(st.floats(-2, 2, width=32), min_size=2, max_size=30))
def test_more_loss_is_never_a_lower_class(losses: list[float]) -> None:
    rising = np.sort(one(*losses))
    for classify in (classify_dnbr, classify_rbr):
        assert (np.diff(classify(rising).astype(int)) >= 0).all()


def test_every_class_has_a_name_in_both_languages() -> None:
    assert set(WORDS) == set(Severity) - {Severity.NONE}
    assert all(words.zh and words.en for words in WORDS.values())


def test_offset_is_that_of_unburned_ground() -> None:
    dnbr = np.full((120, 120), 0.06, np.float32)
    scar = np.zeros(dnbr.shape, bool)
    scar[50:70, 50:70] = True
    other = scar.copy()
    other[20:40, 20:100] = True
    dnbr[other] = 0.7
    assert find_offset(dnbr, scar, other, 20.0) == pytest.approx(0.06)
    dnbr[~other] = np.nan
    assert find_offset(dnbr, scar, other, 20.0) is None
