"""How much of the files of scenes is read, and how much is left unread.

Counted where somebody asks for it, in the thread that asks; nobody else pays.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from agroforest.catalog.rasterhead import RasterHead
from agroforest.cube.spans import window_spans


@dataclass(kw_only=True, slots=True)
class ReadCount:
    """Bytes of scenes, compressed as they lie in their files.

    Attributes
    ----------
    bytes_read
        Of the blocks that were read. Of JPEG 2000, which has no such blocks, the
        share of the file that the window has of its pixels.
    cpu_seconds
        Processor time of reading and decoding them.
    bytes_skipped
        Of the blocks of bands that lie in a window but were not read, because no
        pixel in them was clear; of bands that were not even opened, the window's
        share of the file, where that lies on this machine.
    blocks_read, blocks_skipped
        How many of these.
    windows_skipped
        Windows of scenes of which no pixel was clear: their bands were not opened.
    """

    bytes_read: int = 0
    cpu_seconds: float = 0.0
    bytes_skipped: int = 0
    blocks_read: int = 0
    blocks_skipped: int = 0
    windows_skipped: int = 0


_current: ContextVar[ReadCount | None] = ContextVar("read_count", default=None)


@contextmanager
def counting() -> Iterator[ReadCount]:
    """Count what this thread reads; the inner count of two nested ones counts."""
    count = ReadCount()
    token = _current.set(count)
    try:
        yield count
    finally:
        _current.reset(token)


def current_count() -> ReadCount | None:
    """Where to count; ``None`` where nobody asked."""
    return _current.get()


def window_bytes(
    head: RasterHead, size: int, rows: slice, columns: slice
) -> tuple[int, int]:
    """Bytes and blocks of a window.

    Parameters
    ----------
    head
        Of the file.
    size
        Of the file, bytes; for formats whose blocks have no address.
    rows, columns
        The window, inside the file.
    """
    if head.tiff is None or head.table is None:
        pixels = (rows.stop - rows.start) * (columns.stop - columns.start)
        return round(size * pixels / (head.width * head.height)), 1
    spans = window_spans(head.tiff, head.table, rows, columns)
    return sum(stop - start for start, stop in spans), len(spans)


def needed_parts(
    head: RasterHead,
    rows: slice,
    columns: slice,
    needed: Callable[[slice, slice], bool],
) -> list[tuple[slice, slice]] | None:
    """Rectangles of a window that hold every block that is needed, and no other.

    Parameters
    ----------
    head
        Of the file.
    rows, columns
        The window.
    needed
        Whether a part of it, of one block, is needed.

    Returns
    -------
    list or None
        Rows and columns, none twice; ``None`` where the whole window is to be read:
        all of it is needed, or the file has no blocks that can be read alone.
    """
    if head.tiff is None or head.table is None:
        return None
    across = _cut(columns, head.block_width)
    wanted = [
        (part, [needed(part, other) for other in across])
        for part in _cut(rows, head.block_height)
    ]
    if all(all(flags) for _, flags in wanted):
        return None
    parts = []
    # Rows of blocks that need the same are read at once: strips are many.
    for flags, group in groupby(wanted, key=lambda pair: pair[1]):
        down = [part for part, _ in group]
        tall = slice(down[0].start, down[-1].stop)
        for yes, run in groupby(zip(flags, across, strict=True), key=itemgetter(0)):
            along = [part for _, part in run]
            if yes:
                parts.append((tall, slice(along[0].start, along[-1].stop)))
    return parts


def _cut(window: slice, block: int) -> list[slice]:
    """Parts of a window, one a block."""
    first = window.start // block * block
    return [
        slice(max(start, window.start), min(start + block, window.stop))
        for start in range(first, window.stop, block)
    ]
