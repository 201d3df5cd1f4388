"""Reading a spool from any place on, while another thread or process appends to it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agroforest.listen.arrival import Arrival, Position, decode_arrival
from agroforest.listen.segment import MAGIC, Frame, reaches_beyond, read_frames
from agroforest.listen.spool import find_segments


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One record of the spool.

    Attributes
    ----------
    at
        Where it starts.
    after
        Where the next one starts.
    arrival
        What it holds; ``None`` where the spool is damaged.
    body
        The damaged bytes; empty otherwise.
    """

    at: Position
    after: Position
    arrival: Arrival | None
    body: bytes = b""


def read_entries(
    folder: Path, start: Position, until: Position, *, limit_bytes: int = 1 << 23
) -> Iterator[Entry]:
    """Read records from `start` until before `until`.

    Parameters
    ----------
    folder
        The spool.
    start
        An entry's `at` or `after`; a place that the spool does not have (its
        segment was removed, or is shorter) means the next one that it has.
    until
        As far as records are known to be whole.
    limit_bytes
        So much of a segment is held in memory, or one record if that is more.
    """
    for number, path in find_segments(folder):
        if number < start.segment or number > until.segment:
            continue
        first = start.byte if number == start.segment else 0
        last = until.byte if number == until.segment else path.stat().st_size
        yield from _read_segment(
            path, number, max(first, len(MAGIC)), last, limit_bytes
        )


def _read_segment(
    path: Path, number: int, first: int, last: int, limit_bytes: int
) -> Iterator[Entry]:
    handle = os.open(path, os.O_RDONLY)
    try:
        at, window = first, limit_bytes
        while at < last:
            content = os.pread(handle, min(window, last - at), at)
            if not content:
                return
            is_end = at + len(content) >= last
            done = 0
            for frame in read_frames(content):
                if frame.body is None and not is_end and _is_cut(frame, content):
                    break  # look at it again with more behind it
                yield _build_entry(
                    number, at, frame.start, frame.stop, frame.body, content
                )
                done = frame.stop
            at += done
            window = window * 2 if done == 0 else limit_bytes
    finally:
        os.close(handle)


def _is_cut(frame: Frame, content: bytes) -> bool:
    # What a message says must never be read as a record, though it may look like
    # one: nothing inside of a record that is only cut is taken for the next.
    return frame.stop == len(content) or reaches_beyond(content, frame.start)


def _build_entry(
    number: int, base: int, start: int, stop: int, body: bytes | None, content: bytes
) -> Entry:
    place, after = Position(number, base + start), Position(number, base + stop)
    damaged = content[start:stop] if body is None else body
    if body is not None:
        try:
            return Entry(at=place, after=after, arrival=decode_arrival(body))
        except ValueError:
            pass  # sound, but written by something else
    return Entry(at=place, after=after, arrival=None, body=damaged)
