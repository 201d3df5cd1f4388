"""The vector type: sixteen floats that behave as NumPy's float32."""
# mypy: disable-error-code="untyped-decorator"

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numba import njit

from agroforest.indices import lanes
from agroforest.indices.lanes import WIDTH, load, store

FLOATS = st.floats(width=32, allow_nan=False)
ROW = arrays(np.float32, WIDTH, elements=FLOATS)
ANY_ROW = arrays(np.float32, WIDTH, elements=st.floats(width=32))


@njit
def compute(rows: np.ndarray) -> None:
    """Rows 4 to 15 from the operands in rows 0 to 3."""
    a, b, c, d = load(rows, 0), load(rows, 1), load(rows, 2), load(rows, 3)
    store(rows, 4, a + b)
    store(rows, 5, a - b)
    store(rows, 6, a * b)
    store(rows, 7, a / b)
    store(rows, 8, lanes.fma(a, b, c))
    store(rows, 9, lanes.sqrt(lanes.absolute(a)))
    store(rows, 10, lanes.minimum(a, b))
    store(rows, 11, lanes.maximum(a, b))
    store(rows, 12, lanes.where_less(a, b, c, d))
    store(rows, 13, lanes.splat(0.1))


@given(ROW, ROW, ROW, ROW)
@settings(max_examples=50)
def test_arithmetic_is_numpys(
    a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray
) -> None:
    rows = np.zeros((14, WIDTH), dtype=np.float32)
    rows[:4] = a, b, c, d
    compute(rows)
    with np.errstate(all="ignore"):
        wide = (a.astype(np.float64) * b + c).astype(np.float32)
        exact = [a + b, a - b, a * b, a / b, wide, np.sqrt(np.abs(a))]
        exact += [np.minimum(a, b), np.maximum(a, b), np.where(a < b, c, d)]
    for found, expected in zip(rows[4:13], exact, strict=True):
        # float64 holds the product exactly, but rounds the sum before float32 does.
        np.testing.assert_array_max_ulp(*nan_to_zero(found, expected), maxulp=1)
    np.testing.assert_array_equal(rows[13], np.float32(0.1))


def nan_to_zero(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
    return np.where(np.isnan(a), 0, a), np.where(np.isnan(b), 0, b)


def test_where_one_is_nan_the_last_operand_is_chosen() -> None:
    rows = np.zeros((14, WIDTH), dtype=np.float32)
    rows[:4] = np.array([[np.nan], [2], [3], [4]])
    rows[:2, 8:] = np.array([[1], [np.nan]])
    compute(rows)
    assert rows[10].tolist()[:8] == rows[11].tolist()[:8] == [2] * 8
    assert np.isnan(rows[10:12, 8:]).all()
    assert (rows[12] == 4).all()


@njit
def reduce(rows: np.ndarray) -> tuple[bool, float]:
    a, b = load(rows, 0), load(rows, 1)
    return lanes.any_less(a, b), lanes.lowest(a)


@given(ROW, ROW)
@settings(max_examples=50)
def test_any_and_lowest_see_every_lane(a: np.ndarray, b: np.ndarray) -> None:
    for shift in range(WIDTH):
        rows = np.stack([np.roll(a, shift), np.roll(b, shift)])
        assert reduce(rows) == (bool((a < b).any()), a.min())


@njit
def convert(numbers: np.ndarray, at: int, out: np.ndarray) -> None:
    lanes.store_at(out, at, lanes.load_at(numbers, at))


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32])
def test_arrays_of_any_shape_are_read_from_any_element(dtype: type) -> None:
    numbers: np.ndarray = np.arange(-60, 60).reshape(2, 6, 10).astype(dtype)
    out = np.zeros((2, 6, 10), dtype=np.float32)
    convert(numbers, 37, out)
    assert out.ravel()[37 : 37 + WIDTH].tolist() == list(range(-23, -23 + WIDTH))
    assert not out.ravel()[:37].any()
    assert not out.ravel()[37 + WIDTH :].any()


@pytest.mark.parametrize("size", [8, 16])
def test_exchanges_sort_every_row_of_zeros_and_ones(size: int) -> None:
    # What sorts all zeros and ones sorts everything (Knuth, vol. 3, 5.3.4, theorem Z).
    for bits in product([0, 1], repeat=size):
        row = list(bits)
        exchange(row, size)
        assert row == sorted(bits)


@given(st.integers(1, 130), st.randoms())
def test_exchanges_sort_any_number(size: int, random: Any) -> None:
    row = [random.randrange(20) for _ in range(size)]
    expected = sorted(row)
    exchange(row, size)
    assert row == expected


def exchange(row: list[int], size: int) -> None:
    for low, high in lanes.exchanges(size):
        assert 0 <= low < high < size
        if row[high] < row[low]:
            row[low], row[high] = row[high], row[low]


SORTERS = {8: lanes.sort8, 16: lanes.sort16, 24: lanes.sort24, 32: lanes.sort32}


def compiled_sorter(size: int) -> Any:
    sorter = SORTERS[size]

    @njit
    def apply(rows: np.ndarray, first: int) -> None:
        sorter(rows, first)

    return apply


@pytest.mark.parametrize("size", list(SORTERS))
def test_each_lane_is_sorted_for_itself(size: int) -> None:
    rng = np.random.default_rng(size)
    rows = rng.integers(0, 30, (size + 5, WIDTH)).astype(np.float32)
    rows[3, ::3] = np.inf
    rows[4, ::2] = -np.inf
    expected = rows.copy()
    expected[2 : 2 + size].sort(axis=0)
    compiled_sorter(size)(rows, 2)
    np.testing.assert_array_equal(rows, expected)


def test_digest_knows_the_source() -> None:
    assert lanes.digest(lanes) == lanes.digest(lanes)
    assert lanes.digest(lanes) != lanes.digest(np.linalg)
