"""The latest clear observations of every pixel, in the order of their dates.

All kernels that numba compiles here call only each other, because numba's
on-disk cache notices a changed file but not a changed callee in another file.
They go through a tile row by row, and through a row by slot and band: that is
the order of the memory. Pixel by pixel, the hundred places of one pixel lie a
power of two apart in a chunk, and fall on each other in the processor's cache.
"""
# mypy: disable-error-code="untyped-decorator"
# (numba has no type information)

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agroforest.indices.season import NODATA, SCALE

_LIMIT = -NODATA - 1

_jit = njit(nogil=True, cache=True, error_model="numpy")


@_jit
def find_clear(
    bands: NDArray[np.floating], usable: NDArray[np.bool_], clear: NDArray[np.bool_]
) -> int:
    """Find usable pixels that have a finite value in any band.

    Parameters
    ----------
    bands
        ``(6, y, x)`` float reflectance, NaN missing.
    usable
        ``(y, x)`` bool.
    clear
        ``(y, x)`` bool, overwritten.

    Returns
    -------
    int
        How many there are.
    """
    found = 0
    for y in range(usable.shape[0]):
        for x in range(usable.shape[1]):
            clear[y, x] = False
            if usable[y, x]:
                for band in range(bands.shape[0]):
                    if np.isfinite(bands[band, y, x]):
                        clear[y, x] = True
                        found += 1
                        break
    return found


@_jit
def encode(
    bands: NDArray[np.floating],
    clear: NDArray[np.bool_],
    numbers: NDArray[np.int16],
) -> None:
    """Quantise clear pixels as `season.quantise` does; nodata elsewhere.

    Parameters
    ----------
    bands
        ``(6, y, x)`` float reflectance, NaN missing.
    clear
        ``(y, x)`` bool.
    numbers
        ``(6, y, x)`` int16, overwritten.
    """
    scale = np.float32(SCALE)
    for band in range(bands.shape[0]):
        for y in range(clear.shape[0]):
            for x in range(clear.shape[1]):
                value = bands[band, y, x]
                if clear[y, x] and np.isfinite(value):
                    steps = np.rint(value * scale)
                    numbers[band, y, x] = np.int16(min(max(steps, -_LIMIT), _LIMIT))
                else:
                    numbers[band, y, x] = NODATA


@_jit
def insert(
    ring: NDArray[np.int16],
    ring_day: NDArray[np.int32],
    bands: NDArray[np.int16],
    day: int,
    thin: NDArray[np.bool_],
    cut_day: NDArray[np.int32],
) -> None:
    """Put one scene's clear pixels into their slots, in place.

    A date already there is replaced, so the same scene twice is the same as
    once. A full ring gives up its oldest observation; a scene older than all of
    a full ring is dropped. Where `thin` is True the ring must come to span a
    year before a model can be fitted, so it gives up, of the observations since
    the cut, the inner one whose neighbours are closest in time.

    Parameters
    ----------
    ring, ring_day
        ``(slot, 6, y, x)`` int16 and ``(slot, y, x)`` int32; empty slots (day 0)
        come first.
    bands
        ``(6, y, x)`` int16, all nodata where not clear.
    day
        Days since 1970-01-01.
    thin
        ``(y, x)`` bool.
    cut_day
        ``(y, x)`` int32, 0 for none.
    """
    _, height, width = bands.shape
    clear = np.empty(width, dtype=np.bool_)
    freed = np.empty(width, dtype=np.int16)
    place = np.empty(width, dtype=np.int16)
    for y in range(height):
        first, stop = _clear_of_row(bands, y, clear)
        if first == stop:
            continue
        _choose_slots(
            ring_day, y, first, stop, day, clear, thin[y], cut_day[y], freed, place
        )
        x = first
        while x < stop:  # neighbours with the same history move together
            end = x + 1
            if clear[x]:
                while (
                    end < stop
                    and clear[end]
                    and freed[end] == freed[x]
                    and place[end] == place[x]
                ):
                    end += 1
                _shift(ring, ring_day, freed[x], place[x], y, x, end)
                _put(ring, ring_day, bands, day, place[x], y, x, end)
            x = end


@_jit
def _clear_of_row(
    bands: NDArray[np.int16], y: int, clear: NDArray[np.bool_]
) -> tuple[int, int]:
    """Find the clear pixels of a row, and the range they lie in."""
    clear[:] = False
    for band in range(bands.shape[0]):
        for x in range(clear.size):
            clear[x] |= bands[band, y, x] != NODATA
    first, stop = 0, clear.size
    while first < stop and not clear[first]:
        first += 1
    while stop > first and not clear[stop - 1]:
        stop -= 1
    return first, stop


@_jit
def _choose_slots(
    ring_day: NDArray[np.int32],
    y: int,
    first: int,
    stop: int,
    day: int,
    clear: NDArray[np.bool_],
    thin: NDArray[np.bool_],
    cut_day: NDArray[np.int32],
    freed: NDArray[np.int16],
    place: NDArray[np.int16],
) -> None:
    """Say which slot of each pixel is given up, and where its new date goes.

    A pixel whose full ring is newer altogether loses its place in `clear`.
    """
    empty = np.empty(stop, dtype=np.int16)
    _find_places(ring_day, y, first, stop, day, place, empty)
    for x in range(first, stop):
        clear[x] &= place[x] >= 0
        if not clear[x]:
            continue
        if ring_day[place[x], y, x] == day:
            freed[x] = place[x]
        elif empty[x] >= 0:
            freed[x] = empty[x]
        elif thin[x] and ring_day[0, y, x] > cut_day[x]:
            freed[x] = _redundant(ring_day[:, y, x], day)
        else:
            freed[x] = 0
        if freed[x] > place[x]:  # everything between moves to the right
            place[x] += 1


@_jit
def _find_places(
    ring_day: NDArray[np.int32],
    y: int,
    first: int,
    stop: int,
    day: int,
    place: NDArray[np.int16],
    empty: NDArray[np.int16],
) -> None:
    """Find the newest slot not after `day`, and the last empty one; -1 for none."""
    place[first:stop] = -1
    empty[first:stop] = -1
    for k in range(ring_day.shape[0]):
        for x in range(first, stop):
            if ring_day[k, y, x] <= day:
                place[x] = k
            if ring_day[k, y, x] == 0:
                empty[x] = k


@_jit
def _redundant(days: NDArray[np.int32], day: int) -> int:
    """Slot whose neighbours, the new `day` among them, are closest in time."""
    slots = days.size
    best, narrowest = 0, np.iinfo(np.int64).max
    for k in range(1, slots):
        after = days[k + 1] if k + 1 < slots else day
        gap = after - days[k - 1]
        if k + 1 == slots and day < days[k]:
            continue  # the newest observation always stays
        if gap < narrowest:
            best, narrowest = k, gap
    return best


@_jit
def _shift(
    ring: NDArray[np.int16],
    ring_day: NDArray[np.int32],
    freed: int,
    place: int,
    y: int,
    first: int,
    stop: int,
) -> None:
    """Close the gap at `freed` so that one opens at `place`."""
    step = 1 if freed < place else -1
    for k in range(freed, place, step):
        for x in range(first, stop):
            ring_day[k, y, x] = ring_day[k + step, y, x]
        for band in range(ring.shape[1]):
            for x in range(first, stop):
                ring[k, band, y, x] = ring[k + step, band, y, x]


@_jit
def _put(
    ring: NDArray[np.int16],
    ring_day: NDArray[np.int32],
    bands: NDArray[np.int16],
    day: int,
    place: int,
    y: int,
    first: int,
    stop: int,
) -> None:
    ring_day[place, y, first:stop] = day
    for band in range(bands.shape[0]):
        for x in range(first, stop):
            ring[place, band, y, x] = bands[band, y, x]
