"""The latest clear observations of every pixel, in the order of their dates."""
# mypy: disable-error-code="untyped-decorator"
# (numba has no type information)

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agroforest.indices.season import NODATA

# fordead's soil test (Dutrieux et al. 2021), reflectance x 10000.
_SOIL_B11, _SOIL_B02, _SOIL_GREEN_RED = 1250, 600, 800
# Alone, that test calls most broadleaves in May and any fading spruce soil (85 %
# of a real forest mask one April). Ground without leaves has an NDVI of 0.1-0.3,
# grey standing spruce 0.45. Arbitrary between them.
_SOIL_NDVI = 0.4
#: Successive clear dates of bare soil that make a cut (fordead's number).
CUT_DATES = 3


@njit(nogil=True, cache=True, error_model="numpy")
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
    n_bands, height, width = bands.shape
    for y in range(height):
        for x in range(width):
            if not _any_clear(bands[:, y, x]):
                continue
            place = _place(ring_day[:, y, x], day)
            if place < 0:
                continue
            if ring_day[place, y, x] != day:
                freed = _freed(ring_day[:, y, x], day, thin[y, x], cut_day[y, x])
                while freed < place:  # close the gap from the left
                    _move(ring, ring_day, freed + 1, freed, y, x)
                    freed += 1
                while freed > place + 1:  # or open one to the right
                    _move(ring, ring_day, freed - 1, freed, y, x)
                    freed -= 1
                place = freed
            ring_day[place, y, x] = day
            for b in range(n_bands):
                ring[place, b, y, x] = bands[b, y, x]


@njit(nogil=True, cache=True, error_model="numpy")
def _any_clear(bands: NDArray[np.int16]) -> bool:
    clear = False
    for band in bands:
        clear = clear or band != NODATA
    return clear


@njit(nogil=True, cache=True, error_model="numpy")
def _place(days: NDArray[np.int32], day: int) -> int:
    """Newest slot not after `day`; -1 where a full ring is newer altogether."""
    place = -1
    for k in range(days.size):
        if days[k] <= day:
            place = k
    return place


@njit(nogil=True, cache=True, error_model="numpy")
def _move(
    ring: NDArray[np.int16],
    ring_day: NDArray[np.int32],
    source: int,
    target: int,
    y: int,
    x: int,
) -> None:
    ring_day[target, y, x] = ring_day[source, y, x]
    for b in range(ring.shape[1]):
        ring[target, b, y, x] = ring[source, b, y, x]


@njit(nogil=True, cache=True, error_model="numpy")
def _freed(days: NDArray[np.int32], day: int, thin: bool, cut_day: int) -> int:
    """Slot to give up for a new `day`: an empty one, the oldest, or a redundant one."""
    slots = days.size
    empty = -1
    for k in range(slots):
        if days[k] == 0:
            empty = k
    if empty >= 0:
        return empty
    if not thin or days[0] <= cut_day:
        return 0
    best, narrowest = 0, np.iinfo(np.int64).max
    for k in range(1, slots):
        after = days[k + 1] if k + 1 < slots else day
        gap = after - days[k - 1]
        if k + 1 == slots and day < days[k]:
            continue  # the newest observation always stays
        if gap < narrowest:
            best, narrowest = k, gap
    return best


def is_bare(numbers: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Ground without canopy: fordead's soil test, and hardly any green.

    B11 > 0.125, B02 < 0.06, B03 + B04 > 0.08 and NDVI < 0.4.

    Parameters
    ----------
    numbers
        ``(6, ...)`` int16, reflectance x 10000 of B02, B03, B04, B8A, B11, B12.

    Returns
    -------
    ndarray
        Shape of one band, bool. False where a band is missing.
    """
    b02, b03, b04, b8a, b11 = (numbers[i].astype(np.int32) for i in range(5))
    known = (numbers[:5] != NODATA).all(axis=0)
    soil = (b11 > _SOIL_B11) & (b02 < _SOIL_B02) & (b03 + b04 > _SOIL_GREEN_RED)
    soil &= b8a - b04 < _SOIL_NDVI * (b8a + b04)
    return np.asarray(known & soil)


def find_cuts(bare: NDArray[np.bool_], day: NDArray[np.int32]) -> NDArray[np.int32]:
    """First day of the first run of `CUT_DATES` bare observations.

    Parameters
    ----------
    bare
        ``(slot, n)`` bool, False in empty slots.
    day
        ``(slot, n)`` int32.

    Returns
    -------
    ndarray
        ``(n,)`` int32, 0 where there is no such run.
    """
    runs = bare[: -CUT_DATES + 1].copy()
    for ahead in range(1, CUT_DATES):
        runs &= bare[ahead : bare.shape[0] - CUT_DATES + 1 + ahead]
    first = runs.argmax(axis=0)
    return np.where(runs.any(axis=0), np.take_along_axis(day, first[None], 0)[0], 0)
