"""Bare ground: when the canopy of a pixel is gone, and when one has grown again.

The kernels call only each other; see `agroforest.indices.ring`.
"""
# mypy: disable-error-code="untyped-decorator"
# (numba has no type information)

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agroforest.indices.season import COEFFICIENTS, NODATA, Calendar

# fordead's soil test (Dutrieux et al. 2021), reflectance x 10000.
_SOIL_B11, _SOIL_B02, _SOIL_GREEN_RED = 1250, 600, 800
# Alone, that test calls most broadleaves in May and any fading spruce soil (85 %
# of a real forest mask one April). Ground without leaves has an NDVI of 0.1-0.3,
# grey standing spruce 0.45. Arbitrary between them.
_SOIL_NDVI = 0.4
#: Successive clear dates of bare soil that make a cut (fordead's number).
CUT_DATES = 3
# Bands that the soil test looks at: all but the last.
_SOIL_BANDS = 5

_jit = njit(nogil=True, cache=True, error_model="numpy")


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
    b02, b03, b04, b8a, b11 = (numbers[i].astype(np.int32) for i in range(_SOIL_BANDS))
    known = (numbers[:_SOIL_BANDS] != NODATA).all(axis=0)
    soil = (b11 > _SOIL_B11) & (b02 < _SOIL_B02) & (b03 + b04 > _SOIL_GREEN_RED)
    soil &= b8a - b04 < _SOIL_NDVI * (b8a + b04)
    return np.asarray(known & soil)


@_jit
def _is_bare(b02: int, b03: int, b04: int, b8a: int, b11: int) -> bool:
    """`is_bare` of one observation whose bands are known."""
    soil = b11 > _SOIL_B11 and b02 < _SOIL_B02 and b03 + b04 > _SOIL_GREEN_RED
    return soil and b8a - b04 < _SOIL_NDVI * (b8a + b04)


@_jit
def _is_seen_bare(ring: NDArray[np.int16], slot: int, y: int, x: int) -> bool:
    for band in range(_SOIL_BANDS):
        if ring[slot, band, y, x] == NODATA:
            return False
    return _is_bare(
        ring[slot, 0, y, x],
        ring[slot, 1, y, x],
        ring[slot, 2, y, x],
        ring[slot, 3, y, x],
        ring[slot, 4, y, x],
    )


@_jit
def _is_usually_bare(
    coefficients: NDArray[np.int16], basis: NDArray[np.float64], y: int, x: int
) -> bool:
    season = np.zeros(_SOIL_BANDS, dtype=np.int64)
    for band in range(_SOIL_BANDS):
        if coefficients[band, 0, y, x] == NODATA:
            return False
        value = 0.0
        for i in range(COEFFICIENTS):
            value += basis[i] * coefficients[band, i, y, x]
        season[band] = int(value)
    return _is_bare(season[0], season[1], season[2], season[3], season[4])


@_jit
def find_cuts(
    ring: NDArray[np.int16],
    ring_day: NDArray[np.int32],
    coefficients: NDArray[np.int16],
    model_from: NDArray[np.int32],
    calendar: Calendar,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    first: NDArray[np.int32],
) -> None:
    """Look for `CUT_DATES` successive dates of bare ground, at some pixels.

    A date counts that the pixel's model may judge and on which it is bare though
    its season is not: what is leafless every winter is no cut.

    Parameters
    ----------
    ring, ring_day, coefficients, model_from
        Of a `BaselineState`.
    calendar
        Covers every day in the rings.
    rows, columns
        ``(n,)``, the pixels.
    first
        ``(n,)`` int32, overwritten: day of the first of the first such dates; 0
        where there is none.
    """
    for n in range(rows.size):
        y, x = rows[n], columns[n]
        first[n] = 0
        run, begin = 0, 0
        for slot in range(ring_day.shape[0]):
            day = ring_day[slot, y, x]
            if (
                day <= 0
                or day < model_from[y, x]
                or not _is_seen_bare(ring, slot, y, x)
                or _is_usually_bare(
                    coefficients, calendar.basis[day - calendar.start], y, x
                )
            ):
                run = 0
                continue
            if run == 0:
                begin = day
            run += 1
            if run == CUT_DATES:
                first[n] = begin
                break


@_jit
def find_ready(
    ring: NDArray[np.int16],
    ring_day: NDArray[np.int32],
    cut_day: NDArray[np.int32],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    least: int,
    min_span: int,
    ready: NDArray[np.bool_],
) -> None:
    """Say which pixels have seen enough since their cut for a season of their own.

    Parameters
    ----------
    ring, ring_day, cut_day
        Of a `BaselineState`.
    rows, columns
        ``(n,)``, the pixels.
    least, min_span
        Dates after the cut, on which the pixel was not bare, and days from the
        first of them to the newest observation.
    ready
        ``(n,)`` bool, overwritten.
    """
    slots = ring_day.shape[0]
    for n in range(rows.size):
        y, x = rows[n], columns[n]
        cut, newest = cut_day[y, x], ring_day[slots - 1, y, x]
        grown, first = 0, newest
        for slot in range(slots):
            day = ring_day[slot, y, x]
            if day > cut and not (cut > 0 and _is_seen_bare(ring, slot, y, x)):
                grown += 1
                first = min(first, day)
        ready[n] = grown >= least and newest - first >= min_span
