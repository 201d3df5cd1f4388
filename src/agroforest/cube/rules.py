"""How pixels of one kind are combined to coarser ones, and sampled between them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float32]
_Flags = NDArray[np.uint8]
_Places = NDArray[np.float64]
_N = TypeVar("_N", bound=np.generic)
#: First row, end row, first column, end column (in or outside a file) to pixels.
Pixels = Callable[[int, int, int, int], NDArray[_N]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule(Generic[_N]):
    """How one kind of pixel behaves: outside, made coarser, between pixels."""

    nothing: _N
    combine: Callable[[NDArray[_N], int], NDArray[_N]]
    sample: Callable[[Pixels[_N], _Places, _Places], NDArray[_N]]


# ------------------------------------------------------------ reflectance


def _average(block: _Floats, n: int) -> _Floats:
    total = np.zeros((block.shape[0] // n, block.shape[1] // n), np.float32)
    count = np.zeros(total.shape, np.float32)
    for row in range(n):  # this order for every pixel, so that blocks agree
        for column in range(n):
            part = block[row::n, column::n]
            valid = ~np.isnan(part)
            np.add(total, part, out=total, where=valid)
            count += valid
    return np.divide(
        total, count, out=np.full(total.shape, np.nan, np.float32), where=count > 0
    )


def _bilinear(pixels: Pixels[np.float32], row: _Places, column: _Places) -> _Floats:
    top, left = (
        np.floor(row - 0.5).astype(np.intp),
        np.floor(column - 0.5).astype(np.intp),
    )
    block = pixels(
        int(top.min()), int(top.max()) + 2, int(left.min()), int(left.max()) + 2
    )
    down, across = row - 0.5 - top, column - 0.5 - left
    at_row, at_column = top - top.min(), left - left.min()
    total = np.zeros(row.shape)
    weight = np.zeros(row.shape)
    for r, w_row in ((0, 1.0 - down), (1, down)):
        for c, w_column in ((0, 1.0 - across), (1, across)):
            value = block[at_row + r, at_column + c].astype(np.float64)
            share = np.where(np.isnan(value), 0.0, w_row * w_column)
            total += share * np.where(np.isnan(value), 0.0, value)
            weight += share
    here = _nearest(pixels, row, column)
    known = ~np.isnan(here) & (weight > 0)
    found = np.divide(total, weight, out=np.full(row.shape, np.nan), where=known)
    return np.asarray(found, np.float32)


#: Averaged over the valid, sampled bilinearly among them.
REFLECTANCE = Rule(nothing=np.float32(np.nan), combine=_average, sample=_bilinear)


# ------------------------------------------------------------------- flags


def _any(block: _Flags, n: int) -> _Flags:
    found = np.zeros((block.shape[0] // n, block.shape[1] // n), np.uint8)
    for row in range(n):
        for column in range(n):
            found |= block[row::n, column::n]
    return found


def _nearest(pixels: Pixels[_N], row: _Places, column: _Places) -> NDArray[_N]:
    down, across = np.floor(row).astype(np.intp), np.floor(column).astype(np.intp)
    top, left = int(down.min()), int(across.min())
    block = pixels(top, int(down.max()) + 1, left, int(across.max()) + 1)
    return block[down - top, across - left]


#: Any of them; sampled at the place itself.
FLAGS = Rule(nothing=np.uint8(0), combine=_any, sample=_nearest)
