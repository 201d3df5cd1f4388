"""Mask numbers to flags, and the growing of clouds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agroforest.core.scene import MaskKind
from agroforest.cube.mask import MaskFlag, dilate, judge_mask

KNOWN = MaskFlag.KNOWN
BLOCKED = MaskFlag.KNOWN | MaskFlag.BLOCKED
GROWING = BLOCKED | MaskFlag.GROWING
NOTHING = MaskFlag(0)

SCL = {
    0: NOTHING,  # no data
    1: BLOCKED,  # saturated or defective
    2: BLOCKED,  # dark: topographic shadow
    3: GROWING,  # cloud shadow
    4: KNOWN,  # vegetation
    5: KNOWN,  # bare
    6: KNOWN,  # water
    7: KNOWN,  # unclassified
    8: GROWING,  # cloud, medium probability
    9: GROWING,  # cloud, high probability
    10: GROWING,  # thin cirrus
    11: BLOCKED,  # snow
}
# Numbers as Collection 2 products hold them (LSDS-1619, table of QA_PIXEL
# values), then single bits.
QA_PIXEL = {
    1: NOTHING,  # fill
    21824: KNOWN,  # clear, lows set
    21952: KNOWN,  # water, lows set
    22080: GROWING,  # mid confidence cloud, shadow bit set in this product value
    22280: GROWING,  # high confidence cloud
    23888: GROWING,  # high confidence cloud shadow
    30048: BLOCKED,  # high confidence snow
    54596: GROWING,  # high confidence cirrus
    21826: BLOCKED,  # dilated cloud over land
}


@pytest.mark.parametrize(("number", "expected"), SCL.items())
def test_scene_classes(number: int, expected: MaskFlag) -> None:
    assert judge_mask(np.array([number], np.uint8), MaskKind.SCL) == expected


def test_asked_for_classes_neither_block_nor_grow() -> None:
    numbers = np.array([10, 11, 4, 3], np.uint8)
    found = judge_mask(numbers, MaskKind.SCL, scl_classes=(10, 11))
    assert found.tolist() == [KNOWN, KNOWN, BLOCKED, GROWING]


def test_theia_cloud_mask_is_clear_only_at_zero() -> None:
    numbers = np.array([0, 1, 2, 16, 32, 128, 255], np.uint8)
    found = judge_mask(numbers, MaskKind.CLM)
    assert found.tolist() == [KNOWN] + [GROWING] * 6


@pytest.mark.parametrize(
    ("number", "expected"), [(k, v) for k, v in QA_PIXEL.items() if k != 22080]
)
def test_landsat_quality_bits(number: int, expected: MaskFlag) -> None:
    assert judge_mask(np.array([number], np.uint16), MaskKind.QA_PIXEL) == expected


def test_landsat_snow_and_water_follow_the_classes() -> None:
    snow, water = 30048, 21952
    numbers = np.array([snow, water], np.uint16)
    found = judge_mask(numbers, MaskKind.QA_PIXEL, scl_classes=(4, 5, 11))
    assert found.tolist() == [KNOWN, BLOCKED]


def test_declared_nodata_of_a_mask_is_unknown() -> None:
    numbers = np.array([0, 255], np.uint8)
    found = judge_mask(numbers, MaskKind.CLM, nodata=(255,))
    assert found.tolist() == [KNOWN, NOTHING]


def test_four_pixels_are_the_disc_of_forty_metres() -> None:
    flags = np.zeros((11, 11), bool)
    flags[5, 5] = True
    grown = dilate(flags, 40 / 10)
    # x^2 + y^2 <= 16, counted by hand: rows of 1, 5, 7, 7, 9, 7, 7, 5, 1.
    assert grown.sum(axis=1).tolist() == [0, 1, 5, 7, 7, 9, 7, 7, 5, 1, 0]
    assert (grown == grown.T).all()


@settings(deadline=None)
@given(
    flags=arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14))),
    radius=st.floats(0, 9),
)
def test_dilation_reaches_what_lies_within_the_radius(
    flags: np.ndarray, radius: float
) -> None:
    rows, columns = np.nonzero(flags)
    y, x = np.indices(flags.shape)
    expected = np.zeros_like(flags)
    for row, column in zip(rows, columns, strict=True):
        expected |= (y - row) ** 2 + (x - column) ** 2 <= radius**2 + 1e-9
    np.testing.assert_array_equal(dilate(flags, radius), expected)
