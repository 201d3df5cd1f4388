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
``NONE``     nothing                     nothing
===========  ==========================  =====================================

Snow, water, dark ground and the edge of the swath do not grow: what lies beside
them is itself.
"""
# mypy: disable-error-code="untyped-decorator"
# (numba has no types)

from collections.abc import Collection
from enum import IntFlag
from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit
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

_SHORT = (np.dtype(np.uint8), np.dtype(np.uint16))
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
    arguments = kind, tuple(sorted(nodata)), tuple(sorted(scl_classes))
    if numbers.dtype in _SHORT:  # so few numbers that each is judged once
        return np.take(_table(numbers.dtype.name, *arguments), numbers)
    return _judge(numbers, *arguments)


@lru_cache(maxsize=32)
def _table(
    dtype: str, kind: MaskKind, nodata: tuple[int, ...], scl_classes: tuple[int, ...]
) -> NDArray[np.uint8]:
    every = np.arange(np.iinfo(dtype).max + 1, dtype=dtype)
    return _judge(every, kind, nodata, scl_classes)


def _judge(
    numbers: NDArray[Any],
    kind: MaskKind,
    nodata: tuple[int, ...],
    scl_classes: tuple[int, ...],
) -> NDArray[np.uint8]:
    known = ~np.isin(numbers, nodata)
    if kind is MaskKind.SCL:
        known &= numbers != _SCL_NO_DATA
        blocked = ~np.isin(numbers, scl_classes)
        growing = np.isin(numbers, tuple(set(_SCL_GROWING) - set(scl_classes)))
    elif kind is MaskKind.CLM:
        blocked = growing = numbers != 0
    elif kind is MaskKind.NONE:
        blocked = growing = np.zeros(numbers.shape, np.bool_)
    else:
        known &= (numbers & _QA_FILL) == 0
        blocked = (numbers & _qa_blocking(scl_classes)) != 0
        growing = (numbers & _QA_GROWING) != 0
    flags = MaskFlag.KNOWN + MaskFlag.BLOCKED * blocked + MaskFlag.GROWING * growing
    return np.where(known, flags, 0).astype(np.uint8)


def is_clear(flags: NDArray[np.uint8]) -> _Bools:
    """Whether a mask knows pixels and does not block them.

    Parameters
    ----------
    flags
        Any shape, uint8, `MaskFlag` flags.

    Returns
    -------
    ndarray
        Same shape, bool.
    """
    clear: _Bools = np.equal(flags & _KNOWN_OR_BLOCKED, _KNOWN)
    return clear


def is_growing(flags: NDArray[np.uint8]) -> _Bools:
    """Whether pixels are cloud or cloud shadow; as `is_clear`."""
    growing: _Bools = np.not_equal(flags & _GROWING, 0)
    return growing


# As NumPy's own uint8: with Python's flags the arrays would become int64.
_KNOWN = np.uint8(MaskFlag.KNOWN)
_GROWING = np.uint8(MaskFlag.GROWING)
_KNOWN_OR_BLOCKED = np.uint8(MaskFlag.KNOWN | MaskFlag.BLOCKED)


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
    if reach < 1 or not flags.any():
        return flags.copy()
    halves = [int((radius**2 - row**2 + _ROUNDING) ** 0.5) for row in range(reach + 1)]
    distance = np.empty(flags.shape, np.uint16)
    grown = np.zeros(flags.shape, np.bool_)
    _spread(flags, np.array(halves, np.uint16), distance, grown)
    return grown


@njit(nogil=True, cache=True)
def _spread(
    flags: _Bools,
    halves: NDArray[np.uint16],
    distance: NDArray[np.uint16],
    grown: _Bools,
) -> None:
    """Reach along rows first, then up and down: `halves` are the disc's rows."""
    height, width = flags.shape
    far = halves[0] + 1
    for y in range(height):
        since = far
        for x in range(width):
            since = 0 if flags[y, x] else min(since + 1, far)
            distance[y, x] = since
        since = far
        for x in range(width - 1, -1, -1):
            since = 0 if flags[y, x] else min(since + 1, far)
            distance[y, x] = min(since, distance[y, x])
    for y in range(height):
        for row in range(1 - halves.size, halves.size):
            if 0 <= y + row < height:
                half = halves[abs(row)]
                for x in range(width):
                    grown[y, x] |= distance[y + row, x] <= half


# 40 m / 10 m must be 4 pixels, whatever the last bit of the division.
_ROUNDING = 1e-9


def _qa_blocking(scl_classes: Collection[int]) -> int:
    bits = _QA_FILL | _QA_DILATED | _QA_GROWING
    if _SCL_SNOW not in scl_classes:
        bits |= _QA_SNOW
    if _SCL_WATER not in scl_classes:
        bits |= _QA_WATER
    return bits
