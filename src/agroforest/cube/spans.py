"""Parts of a file: which are there, which are missing, which to fetch together."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

import numpy as np

from agroforest.catalog.tiffhead import BlockTable, TiffHead

#: First byte and the one after the last.
Span = tuple[int, int]


def merge(spans: Iterable[Span], gap: int = 0) -> list[Span]:
    """Join spans that overlap, touch, or are at most `gap` bytes apart.

    Returns
    -------
    list of Span
        In order, each more than `gap` from the next; empty ones are left out.
    """
    merged: list[Span] = []
    for start, stop in sorted(spans):
        if start >= stop:
            continue
        if merged and start - merged[-1][1] <= gap:
            merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
        else:
            merged.append((start, stop))
    return merged


class SpanSet:
    """Parts that are there; grows only."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []

    def add(self, span: Span) -> None:
        """Note that a part is there."""
        start, stop = span
        if start >= stop:
            return
        # All that overlap or touch it become one with it.
        first = bisect_left(self._stops, start)
        last = bisect_right(self._starts, stop)
        if first < last:
            start = min(start, self._starts[first])
            stop = max(stop, self._stops[last - 1])
        self._starts[first:last] = [start]
        self._stops[first:last] = [stop]

    def missing(self, span: Span) -> list[Span]:
        """Parts of a span that are not there, in order."""
        start, stop = span
        found: list[Span] = []
        place = bisect_right(self._stops, start)
        while start < stop:
            if place == len(self._starts) or self._starts[place] >= stop:
                found.append((start, stop))
                break
            if self._starts[place] > start:
                found.append((start, self._starts[place]))
            start = self._stops[place]
            place += 1
        return found


def window_spans(
    tiff: TiffHead, table: BlockTable, rows: slice, columns: slice
) -> list[Span]:
    """Where the blocks of a window of a one-band file lie; stored ones only."""
    across = -(-tiff.width // tiff.block_width)
    down = np.arange(
        rows.start // tiff.block_height, -(-rows.stop // tiff.block_height)
    )
    along = np.arange(
        columns.start // tiff.block_width, -(-columns.stop // tiff.block_width)
    )
    index = (down[:, None] * across + along).ravel()
    # As Python's integers: those of a damaged table may be of any size.
    pairs = zip(
        table.offsets[index].tolist(), table.lengths[index].tolist(), strict=True
    )
    return [(start, start + length) for start, length in pairs if start and length]
