"""Robust seasonal regression of many short, gappy series.

Some hundred pixels at a time, which then stay in a processor's cache, are packed
(`packing`): the clear dates of sixteen neighbours side by side. Then they are fitted
together (`robust`). Everything releases the GIL; callers share pixels out over
threads. (numba's own thread layer must not be entered by two threads at once, as
Dask workers would.)
"""

import math
from typing import NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from agroforest.indices import packing, regression, robust
from agroforest.indices.lanes import WIDTH
from agroforest.indices.regression import HARMONICS
from agroforest.indices.season import (
    BANDS,
    COEFFICIENTS,
    NODATA,
    SIGNALS,
    Calendar,
    seasonal_basis,
)

_BANDS, _SIGNALS = len(BANDS), len(SIGNALS)
# Pixels packed at once: a megabyte with 40 dates.
_CHUNK = 512

_F32 = NDArray[np.float32]
_Number = TypeVar("_Number", bound=np.generic)


class Seasons(NamedTuple):
    """Fitted seasons.

    Attributes
    ----------
    coef
        ``(7, 5, ...)`` float32, NaN where there is none.
    spread
        ``(7, ...)`` float32, residual spread, NaN where there is none.
    clear_count
        ``(...)`` int16, clear dates, 0 where there is no season.
    """

    coef: NDArray[np.float32]
    spread: NDArray[np.float32]
    clear_count: NDArray[np.int16]


def fit_stack(
    stack: NDArray[np.int16],
    day: NDArray[np.int32],
    calendar: Calendar,
    least: int,
    min_span: int,
) -> Seasons:
    """Fit every pixel of a stack robustly: iterated reweighted least squares.

    Parameters
    ----------
    stack
        ``(date, 6, y, x)`` int16, `NODATA` where not clear.
    day
        ``(date, y, x)`` int32, rising where clear.
    calendar
        Covers every day; its offsets are subtracted from the signals.
    least, min_span
        Clear dates, and days between the first and last of them, that a model
        needs; a signal with fewer values has none.

    Returns
    -------
    Seasons
        Of shape ``(y, x)``; a pixel's does not depend on its neighbours.
    """
    stack, day, shape = _flat(stack, day)
    pixels = stack.shape[-1]
    room = _Room.of(min(-(-pixels // WIDTH), _CHUNK // WIDTH), len(day))
    coef = np.empty((_SIGNALS * COEFFICIENTS, pixels), np.float32)
    spread = np.empty((_SIGNALS, pixels), np.float32)
    count = np.empty(pixels, np.int16)
    facts = _facts(calendar)
    for first in range(0, pixels, _CHUNK):
        part = slice(first, min(first + _CHUNK, pixels))
        room.take(stack[..., part], day[..., part])
        room.pack(calendar.start, facts, least, min_span)
        room.fit(least)
        width = part.stop - first
        coef[:, part] = _by_pixel(room.coef)[:, :width]
        spread[:, part] = _by_pixel(room.spread)[:, :width]
        count[part] = room.clear_count[:width]
    return Seasons(
        coef.reshape(_SIGNALS, COEFFICIENTS, *shape),
        spread.reshape(_SIGNALS, *shape),
        count.reshape(shape),
    )


def fit_series(
    basis: NDArray[np.float64], values: NDArray[np.floating], least: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fit the signals of one pixel as `fit_stack` does.

    Parameters
    ----------
    basis
        ``(date, 5)`` float64; see `seasonal_basis`.
    values
        ``(date, 7)``, NaN missing.
    least
        A signal with fewer values gets NaN.

    Returns
    -------
    coef, spread
        ``(7, 5)`` and ``(7,)`` float32.
    """
    room = _Room.of(1, len(basis))
    room.basis[0, :, 0] = basis[:, 1:].ravel()
    room.value[0, :, 0] = values.T.ravel()
    room.clear[0, :, 0] = 1.0
    for others in room.basis, room.value, room.clear:
        others[..., 1:] = 0.0
    room.dates[:] = len(basis)
    room.fit(least)
    coef = room.coef[0, :, 0].reshape(_SIGNALS, COEFFICIENTS)
    return coef.copy(), room.spread[0, :, 0].copy()


def fit_plain(
    numbers: NDArray[np.int16], day: NDArray[np.int32], least: int
) -> NDArray[np.float32]:
    """Fit one signal by plain least squares: one pass of what `fit_stack` repeats.

    Parameters
    ----------
    numbers
        ``(date, y, x)`` int16, ten thousand steps a unit, `NODATA` missing.
    day
        ``(date,)`` int32, days since 1970-01-01.
    least
        Values that a pixel needs.

    Returns
    -------
    ndarray
        ``(5, y, x)`` float32, NaN where there are too few values. Shrunk as in
        `regression` where the dates leave part of the year open.
    """
    dates, *shape = numbers.shape
    pixels = math.prod(shape)
    coef = np.empty((COEFFICIENTS, max(pixels, WIDTH)), np.float32)
    harmonics = np.ascontiguousarray(seasonal_basis(day)[:, 1:], np.float32)
    regression.fit_signal(
        _solid(numbers.reshape(dates, pixels)), harmonics, least, coef
    )
    return coef[:, :pixels].reshape(COEFFICIENTS, *shape)


def residual_stack(
    stack: NDArray[np.int16],
    day: NDArray[np.int32],
    calendar: Calendar,
    coef: NDArray[np.int16],
) -> NDArray[np.float32]:
    """Observed minus fitted signals.

    Parameters
    ----------
    stack, day, calendar
        As in `fit_stack`.
    coef
        ``(7, 5, y, x)`` int16, `NODATA` without a model.

    Returns
    -------
    ndarray
        ``(date, 7, y, x)`` float32; NaN where nothing was observed or fitted.
    """
    stack, day, shape = _flat(stack, day)
    coef = coef.reshape(_SIGNALS, COEFFICIENTS, stack.shape[-1])
    pixels = max(stack.shape[-1], WIDTH)
    value = np.empty((len(day), _SIGNALS, pixels), np.float32)
    packing.subtract(
        _solid(stack),
        _solid(day),
        calendar.start,
        _facts(calendar),
        _solid(coef),
        value,
    )
    return value[..., : stack.shape[-1]].reshape(len(day), _SIGNALS, *shape)


class _Room(NamedTuple):
    """Room for pixels of one chunk, in groups of sixteen.

    Attributes
    ----------
    numbers, day, clear_count
        ``(date, 6, pixel)`` int16, ``(date, pixel)`` int32, ``(pixel,)`` int16.
    basis, value, clear, dates, coef, spread
        See `robust.fit_groups`.
    """

    numbers: NDArray[np.int16]
    day: NDArray[np.int32]
    clear_count: NDArray[np.int16]
    basis: _F32
    value: _F32
    clear: _F32
    dates: NDArray[np.int64]
    coef: _F32
    spread: _F32

    @classmethod
    def of(cls, groups: int, dates: int) -> Self:
        def rows(count: int) -> _F32:
            return np.empty((groups, count, WIDTH), np.float32)

        return cls(
            numbers=np.empty((dates, _BANDS, groups * WIDTH), np.int16),
            day=np.zeros((dates, groups * WIDTH), np.int32),
            clear_count=np.empty(groups * WIDTH, np.int16),
            basis=rows(HARMONICS * dates),
            value=rows(_SIGNALS * dates),
            clear=rows(dates),
            dates=np.empty(groups, np.int64),
            coef=rows(_SIGNALS * COEFFICIENTS),
            spread=rows(_SIGNALS),
        )

    def take(self, stack: NDArray[np.int16], day: NDArray[np.int32]) -> None:
        """Copy some pixels in; nothing is clear beyond them."""
        width = stack.shape[-1]
        self.numbers[..., :width], self.numbers[..., width:] = stack, NODATA
        self.day[..., :width] = day

    def pack(self, start: int, facts: _F32, least: int, min_span: int) -> None:
        """See `packing.pack`."""
        packing.pack(
            self.numbers,
            self.day,
            start,
            facts,
            least,
            min_span,
            self.basis,
            self.value,
            self.clear,
            self.dates,
            self.clear_count,
        )

    def fit(self, least: int) -> None:
        """See `robust.fit_groups`."""
        robust.fit_groups(
            self.basis,
            self.value,
            self.clear,
            self.dates,
            least,
            self.coef,
            self.spread,
        )


def _flat(
    stack: NDArray[np.int16], day: NDArray[np.int32]
) -> tuple[NDArray[np.int16], NDArray[np.int32], list[int]]:
    """Pixels of a stack in one row; the shape they had."""
    dates, bands, *shape = stack.shape
    pixels = math.prod(shape)
    return stack.reshape(dates, bands, pixels), day.reshape(dates, pixels), shape


def _facts(calendar: Calendar) -> _F32:
    """Give kernels what they know of each day; see `packing.FACTS`."""
    return np.hstack([calendar.basis[:, 1:], calendar.offset]).astype(np.float32)


def _by_pixel(rows: _F32) -> _F32:
    """``(row, pixel)`` of ``(group, row, 16)``."""
    return rows.swapaxes(0, 1).reshape(rows.shape[1], -1)


def _solid(array: NDArray[_Number]) -> NDArray[_Number]:
    """Bring an array into the one form for which kernels are compiled.

    In one piece, writable, and at least sixteen pixels wide.
    """
    missing = WIDTH - array.shape[-1]
    if missing > 0:
        before = [(0, 0)] * (array.ndim - 1)
        array = np.pad(array, [*before, (0, missing)], constant_values=NODATA)
    return np.require(array, requirements=["C", "W"])
