"""Which pixels are clear: from scene classes, cloud masks and quality bits.

A mask number says up to three things about a pixel:

* *missing*: the mask was not made there; the pixel is not usable.
* *blocked*: cloud, shadow, snow, saturation...; not usable.
* *growing*: cloud or cloud shadow, whose rim the detector misses; pixels around
  it are not usable either.

===========  ==========================  =====================================
mask         blocked                     growing
===========  ==========================  =====================================
``SCL``      classes not asked for       3 cloud shadow, 8 9 cloud, 10 cirrus,
                                         unless asked for
``CLM``      every number but 0          every number but 0: all bits are
                                         clouds and their shadows
``QA_PIXEL`` bits 0 fill, 1 dilated      bits 2, 3, 4; bit 1 already is a rim
             cloud, 2 cirrus, 3 cloud,
             4 cloud shadow; 5 snow and
             7 water unless asked for
===========  ==========================  =====================================

Snow, water, dark ground and the edge of the swath do not grow: what lies beside
them is itself.
"""

from collections.abc import Collection
from enum import IntFlag
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agroforest.core.scene import MaskKind

#: Vegetation, bare ground, water and "unclassified", which is mostly clear.
CLEAR_CLASSES = (4, 5, 6, 7)

_SCL_NO_DATA, _SCL_WATER, _SCL_SNOW = 0, 6, 11
# Sentinel-2 Products Specification Document, scene classification: 3 cloud
# shadow, 8 and 9 cloud of medium and high probability, 10 thin cirrus.
_SCL_GROWING = (3, 8, 9, 10)

# Landsat 8-9 Collection 2 Level 2 Science Product Guide (LSDS-1619), QA_PIXEL.
_QA_FILL, _QA_DILATED, _QA_CIRRUS, _QA_CLOUD, _QA_SHADOW = 1, 2, 4, 8, 16
_QA_SNOW, _QA_WATER = 32, 128
_QA_GROWING = _QA_CIRRUS | _QA_CLOUD | _QA_SHADOW

_Bools = NDArray[np.bool_]


class MaskFlag(IntFlag):
    """What a mask says of one pixel; 0 is nothing, as outside the mask.

    ============  =========================================================
    flag          meaning
    ============  =========================================================
    ``KNOWN``     the mask has a number here
    ``BLOCKED``   it is not clear
    ``GROWING``   it is cloud or cloud shadow
    ============  =========================================================
    """

    KNOWN = 1
    BLOCKED = 2
    GROWING = 4


def judge_mask(
    numbers: NDArray[Any],
    kind: MaskKind,
    *,
    nodata: Collection[int] = (),
    scl_classes: Collection[int] = CLEAR_CLASSES,
) -> NDArray[np.uint8]:
    """Translate mask numbers.

    Parameters
    ----------
    numbers
        Any shape, integer.
    kind
        Their convention.
    nodata
        Further numbers that mean "no mask here". The convention's own (SCL 0,
        QA_PIXEL bit 0) are known; a CLM has none, and its swath edge shows in
        the bands.
    scl_classes
        Scene classes taken as clear. Class 11 (snow) and 6 (water) mean the same
        to QA_PIXEL; a CLM knows neither.

    Returns
    -------
    ndarray
        Same shape, uint8, `MaskFlag` flags; 0 where there is no mask.
    """
    known = ~np.isin(numbers, tuple(nodata))
    if kind is MaskKind.SCL:
        known &= numbers != _SCL_NO_DATA
        blocked = ~np.isin(numbers, tuple(scl_classes))
        growing = np.isin(numbers, tuple(set(_SCL_GROWING) - set(scl_classes)))
    elif kind is MaskKind.CLM:
        blocked = growing = numbers != 0
    else:
        known &= (numbers & _QA_FILL) == 0
        blocked = (numbers & _qa_blocking(scl_classes)) != 0
        growing = (numbers & _QA_GROWING) != 0
    flags = MaskFlag.KNOWN + MaskFlag.BLOCKED * blocked + MaskFlag.GROWING * growing
    return np.where(known, flags, 0).astype(np.uint8)


def dilate(flags: _Bools, radius: float) -> _Bools:
    """Grow True pixels by a disc.

    Parameters
    ----------
    flags
        ``(y, x)``, bool.
    radius
        In pixels; a pixel is reached if its centre lies within `radius` of the
        centre of a True one.

    Returns
    -------
    ndarray
        ``(y, x)``, bool; nothing grows in from outside the array.
    """
    reach = int(radius + _ROUNDING)
    grown = flags.copy()
    if reach < 1 or not flags.any():
        return grown
    # The disc row by row, narrow rows first: each row is the one before it,
    # widened, so the cost grows with the radius and not with its square.
    spread, width = flags.copy(), 0
    for row in range(reach, -1, -1):
        half = int((radius**2 - row**2 + _ROUNDING) ** 0.5)
        for step in range(width + 1, half + 1):
            spread[:, step:] |= flags[:, :-step]
            spread[:, :-step] |= flags[:, step:]
        width = half
        if row:
            grown[row:] |= spread[:-row]
            grown[:-row] |= spread[row:]
    return grown | spread


# 40 m / 10 m must be 4 pixels, whatever the last bit of the division.
_ROUNDING = 1e-9


def _qa_blocking(scl_classes: Collection[int]) -> int:
    bits = _QA_FILL | _QA_DILATED | _QA_GROWING
    if _SCL_SNOW not in scl_classes:
        bits |= _QA_SNOW
    if _SCL_WATER not in scl_classes:
        bits |= _QA_WATER
    return bits
