"""Blocks of a scene with what lies around them, so that seams cannot be seen."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Rows and columns.
Window = tuple[slice, slice]


class Seen(NamedTuple):
    """A block of a scene.

    Attributes
    ----------
    window
        The block in the scene.
    around
        The block and what lies around it, in the scene.
    inside
        The block in what `around` cuts out.
    """

    window: Window
    around: Window
    inside: Window


def cut_blocks(shape: tuple[int, int], side: int, margin: int) -> Iterator[Seen]:
    """Cut a scene into blocks that cover it once.

    Parameters
    ----------
    shape
        Rows and columns of the scene.
    side
        Pixels along a side of a block; the last ones are smaller.
    margin
        Pixels around a block, where the scene has them. Blocks of a multiple of a
        stride with a margin of whole strides fall on the strides of the scene.
    """
    height, width = shape
    for y in range(0, height, side):
        for x in range(0, width, side):
            spans = [
                _span(first, size, side, margin)
                for first, size in ((y, height), (x, width))
            ]
            windows, around, inside = zip(*spans, strict=True)
            yield Seen(windows, around, inside)


def fill_strides(part: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Add NaN below and on the right up to whole strides.

    Parameters
    ----------
    part
        ``(channel, y, x)``.
    side
        Pixels of a stride.
    """
    missing = [(0, -size % side) for size in part.shape[1:]]
    if any(after for _, after in missing):
        part = np.pad(part, [(0, 0), *missing], constant_values=np.nan)
    return np.ascontiguousarray(part)


def _span(first: int, size: int, side: int, margin: int) -> tuple[slice, slice, slice]:
    """Along one axis: the block, with its surroundings, and where it is in them."""
    last = min(first + side, size)
    begin = max(0, first - margin)
    return (
        slice(first, last),
        slice(begin, min(size, last + margin)),
        slice(first - begin, last - begin),
    )
