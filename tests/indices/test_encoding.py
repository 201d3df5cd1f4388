"""Floats to int16 and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agroforest.indices import INDICES, decode, encode
from agroforest.indices.encoding import LIMIT, NODATA


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0.0, 0),
        (1.0, 10000),
        (-1.0, -10000),
        (0.12344, 1234),
        (0.00005, 0),  # half to even
        (0.00025, 2),
        (0.00035, 4),
        (-0.00025, -2),
        (3.2767, 32767),
        (3.3, 32767),
        (-3.2768, -32767),  # -32768 would be nodata
        (np.inf, 32767),
        (-np.inf, -32767),
        (np.nan, -32768),
    ],
)
def test_encode(value: float, number: int) -> None:
    found = encode(np.array([[value]]))
    assert found.dtype == np.int16
    assert found.tolist() == [[number]]


@settings(deadline=None)
@given(
    numbers=arrays(np.int16, st.integers(0, 50), elements=st.integers(-32768, 32767))
)
def test_decode_then_encode_is_the_identity(numbers: np.ndarray) -> None:
    decoded = decode(numbers)
    assert decoded.dtype == np.float32
    expected = np.where(numbers == NODATA, np.nan, numbers / 10000)
    np.testing.assert_allclose(decoded, expected, rtol=1e-7)
    np.testing.assert_array_equal(encode(decoded), numbers)


@settings(deadline=None)
@given(
    values=arrays(
        np.float32,
        st.integers(0, 50),
        elements=st.floats(-3.25, 3.25, width=32) | st.just(np.nan),
    )
)
def test_encode_then_decode_is_within_half_a_step(values: np.ndarray) -> None:
    found = decode(encode(values))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(values))
    np.testing.assert_allclose(found, values, atol=0.50001e-4)


@settings(deadline=None)
@given(
    values=arrays(np.float32, st.integers(0, 50), elements=st.floats(width=32))
    | arrays(np.float64, st.integers(0, 50), elements=st.floats())
    | arrays(
        np.float64, 9, elements=st.integers(-70_000, 70_000).map(lambda n: n / 2e4)
    )
)
def test_rounding_is_that_of_numpy(values: np.ndarray) -> None:
    with np.errstate(over="ignore"):
        steps = np.rint(values.astype(np.float64) * 10_000)
    expected = np.where(np.isnan(steps), NODATA, np.clip(steps, -32767, 32767))
    np.testing.assert_array_equal(encode(values), expected)


def test_any_shape_and_layout() -> None:
    values = np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 3, 4)
    found = encode(values)
    for view in (values[:, ::-1], values.T, values[:, :, 1], values[0, 0, 0]):
        assert encode(view).shape == view.shape
    np.testing.assert_array_equal(encode(values.T), found.T)
    np.testing.assert_array_equal(encode(values[:, :, 1]), found[:, :, 1])


def test_every_index_fits() -> None:
    for index in INDICES.values():
        assert max(map(abs, index.valid_range)) <= LIMIT
