"""Stored numbers become reflectance, a strip at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.cube.plane import Plane, stretch

NAN = np.nan


@pytest.mark.parametrize(
    "dtype", ["uint8", "uint16", "int16", "uint32", "int32", "float32", "float64"]
)
def test_numbers_are_scaled_and_nodata_is_nan(dtype: str) -> None:
    plane = Plane(
        numbers=np.array([[0, 1, 100]], dtype),
        scale=1e-2,
        offset=-0.5,
        nodata=(0.0, 100.0),
    )
    out = np.empty((1, 3), np.float32)
    plane.fill(0, out)
    np.testing.assert_array_equal(out, np.array([[NAN, -0.49, NAN]], np.float32))


def test_what_is_not_finite_is_nodata() -> None:
    out = np.empty((1, 4), np.float32)
    Plane(numbers=np.array([[np.inf, -np.inf, NAN, 1e39]])).fill(0, out)
    assert np.isnan(out).all()


@given(
    repeat=st.integers(1, 6),
    row=st.integers(0, 5),
    column=st.integers(0, 5),
    rows=st.integers(1, 9),
    width=st.integers(1, 17),
    first=st.integers(0, 8),
)
def test_coarse_pixels_are_repeated_from_any_place(
    repeat: int, row: int, column: int, rows: int, width: int, first: int
) -> None:
    row, column = row % repeat, column % repeat
    numbers = np.arange(20 * 20, dtype=np.int16).reshape(20, 20)
    whole = np.repeat(np.repeat(numbers, repeat, axis=0), repeat, axis=1)
    expected = whole[row + first :, column:][:rows, :width]
    out = np.empty(expected.shape, np.float32)
    plane = Plane(numbers=numbers, repeat=repeat, row=row, column=column)
    plane.fill(first, out)
    np.testing.assert_array_equal(out, expected)
    flags = np.empty(expected.shape, np.int16)
    stretch(numbers, repeat, row + first, column, flags)
    np.testing.assert_array_equal(flags, expected)
