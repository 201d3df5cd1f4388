"""A scene in strips, each row of it read once, in bounded memory."""

from collections.abc import Iterator
from typing import Protocol

from agroforest.products.active_fire.files import Rows

#: Rows read at a time: those of one row of JPEG 2000 tiles at 20 m, so that each tile
#: is decoded once.
STRIP = 1024


class ReadsRows(Protocol):
    """Anything that rows can be read of."""

    def read(self, first: int, end: int) -> Rows:
        """Read rows `first` to `end`."""


def strips(
    source: ReadsRows, height: int, *, margin: int, strip: int = STRIP
) -> Iterator[tuple[Rows, int, int]]:
    """Rows to judge, with what lies around them.

    Parameters
    ----------
    source
        Of the rows.
    height
        Rows in all.
    margin
        Rows wanted above and below those that are judged; fewer at the edges.
    strip
        Rows read at a time.

    Yields
    ------
    tuple
        What was read, and the first row to judge and the one after the last. All
        these together are every row once.
    """
    kept: Rows | None = None
    judged = 0
    for first in range(0, height, strip):
        end = min(first + strip, height)
        new = source.read(first, end)
        kept = new if kept is None else kept.join(new)
        ready = height if end == height else end - margin
        if ready > judged:
            yield kept, judged, ready
            judged = ready
            kept = kept.take(max(judged - margin, kept.first), end)
