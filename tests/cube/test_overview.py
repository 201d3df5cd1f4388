"""Overviews: the mean of what is valid, and its corners."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from agroforest.cube.overview import halve, overview_shapes


def mean_of_valid(pixels: NDArray[Any], nodata: float | None) -> NDArray[Any]:
    """Mean of every two by two pixels in double precision, NaN where none is valid."""
    height, width = pixels.shape
    padded = np.full((height + height % 2, width + width % 2), np.nan)
    padded[:height, :width] = pixels
    if nodata is not None:
        padded[:height, :width][pixels == pixels.dtype.type(nodata)] = np.nan
    quads = np.stack([padded[y::2, x::2] for y in (0, 1) for x in (0, 1)])
    valid = ~np.isnan(quads)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(valid, quads, 0).sum(0) / valid.sum(0))


@given(
    pixels=st.sampled_from(["u1", "i2", "u2", "i4", "u4"]).flatmap(
        lambda dtype: arrays.arrays(
            dtype,
            arrays.array_shapes(min_dims=2, max_dims=2, max_side=9),
            elements=arrays.from_dtype(np.dtype(dtype)) | st.integers(0, 9),
        )
    ),
    nodata=st.none() | st.integers(0, 9),
)
def test_integers_are_rounded_half_away_from_zero(
    pixels: NDArray[Any], nodata: int | None
) -> None:
    found = halve(pixels, nodata, "average")
    mean = mean_of_valid(pixels, nodata)
    expected = np.trunc(mean + np.copysign(0.5, mean))
    if nodata is not None:
        expected[expected == nodata] = nodata + 1
    expected[np.isnan(mean)] = nodata or 0
    assert found.dtype == pixels.dtype
    np.testing.assert_array_equal(found, expected)


@given(
    pixels=arrays.arrays(
        "f4",
        arrays.array_shapes(min_dims=2, max_dims=2, max_side=9),
        elements=st.floats(-1024, 1024, width=32) | st.sampled_from([np.nan, -1]),
    ),
    nodata=st.sampled_from([None, np.nan, -1.0]),
)
def test_floats_are_averaged_in_double_precision(
    pixels: NDArray[np.float32], nodata: float | None
) -> None:
    found = halve(pixels, nodata, "average")
    mean = mean_of_valid(pixels, nodata)
    expected = np.where(np.isnan(mean), np.nan if nodata is None else nodata, mean)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-30)


def test_a_mean_that_happens_to_be_nodata_stays_valid() -> None:
    for dtype in ("int16", "int32", "float32"):
        pixels = np.array([[-4, 4]], dtype)
        assert halve(pixels, 0, "average")[0, 0] > 0
        assert halve(pixels, None, "average")[0, 0] == 0
    assert halve(np.array([[254, 255]], np.uint8), 255, "average")[0, 0] == 254


def test_large_numbers_do_not_overflow() -> None:
    for dtype in ("int16", "uint16", "int32", "uint32"):
        for number in (np.iinfo(dtype).max, np.iinfo(dtype).min):
            pixels = np.full((2, 2), number, dtype)
            assert halve(pixels, 5, "average")[0, 0] == number
    pixels = np.full((2, 2), np.finfo("f4").max)
    assert halve(pixels, None, "average")[0, 0] == np.finfo("f4").max


def test_nearest_takes_the_upper_left() -> None:
    pixels = np.arange(15, dtype=np.int32).reshape(3, 5)
    found = halve(pixels, 0, "nearest")
    assert found.tolist() == [[0, 2, 4], [10, 12, 14]]
    assert found.flags.c_contiguous


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((512, 512), []),
        ((513, 1), [(257, 1)]),
        ((1024, 1025), [(512, 513), (256, 257)]),
        ((10980, 10980), [(n, n) for n in (5490, 2745, 1373, 687, 344)]),
    ],
)
def test_levels_end_with_the_first_that_fits_a_tile(
    shape: tuple[int, int], expected: list[tuple[int, int]]
) -> None:
    assert overview_shapes(shape, 512) == [shape, *expected]
