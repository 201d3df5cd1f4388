"""How much of the files of scenes is read, and how much is left unread.

Counted where somebody asks for it, in the thread that asks; nobody else pays.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

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
    bytes_skipped
        Of the blocks of bands that lie in a window but were not read, because no
        pixel in them was clear.
    blocks_read, blocks_skipped
        How many of these.
    windows_skipped
        Windows of scenes of which no pixel was clear: their bands were not opened.
    """

    bytes_read: int = 0
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
