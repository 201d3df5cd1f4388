"""Stacks of int16 bands as signals of sixteen pixels at a time: compiled kernels."""
# mypy: disable-error-code="untyped-decorator"
# (numba has no types)

import math
import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from agroforest.indices import lanes, regression
from agroforest.indices.lanes import (
    WIDTH,
    Lanes,
    Rows,
    any_less,
    fma,
    load,
    load_at,
    lowest,
    maximum,
    minimum,
    splat,
    store,
    store_at,
    where_less,
)
from agroforest.indices.regression import HARMONICS, compiled, entry, new_rows
from agroforest.indices.season import (
    BANDS,
    COEFFICIENTS,
    NODATA,
    SCALE,
    SIGNALS,
)

_BANDS, _SIGNALS = len(BANDS), len(SIGNALS)
_B8A, _B11, _B12, _CRSWIR = 3, 4, 5, 6
# Central wavelengths in nm of B8A, B11 and B12 (Sentinel-2A) in CRSWIR.
_SHARE = (1610.4 - 864.0) / (2185.7 - 864.0)
# Vegetation and soil lie in 0.3..1.6; beyond this is an artefact. Arbitrary.
_CRSWIR_MAX = 3.0
#: What a kernel knows of a day: regressors but the first, scene medians.
FACTS = HARMONICS + _SIGNALS
# Pixels whose coefficients stay in a processor's cache from date to date.
_CHUNK = 512


@compiled
def _read_signals(stack: NDArray[np.int16], at: int, step: int, signals: Rows) -> Lanes:
    """Turn six bands into seven signals; 1 where any band is known, else 0."""
    nothing, nodata = splat(math.nan), splat(NODATA + 0.5)
    best = nodata
    for band in range(_BANDS):
        number = load_at(stack, at + band * step)
        best = maximum(best, number)
        value = where_less(nodata, number, number * splat(1.0 / SCALE), nothing)
        store(signals, band, value)
    b8a, b11, b12 = load(signals, _B8A), load(signals, _B11), load(signals, _B12)
    continuum = b8a + (b12 - b8a) * splat(_SHARE)
    ratio = b11 / continuum
    limited = minimum(maximum(ratio, splat(0.0)), splat(_CRSWIR_MAX))
    known = where_less(ratio, splat(math.inf), limited, nothing)  # not of a NaN
    store(signals, _CRSWIR, where_less(splat(0.0), continuum, known, nothing))
    return where_less(nodata, best, splat(1.0), splat(0.0))


@compiled
def _read_facts(
    day: NDArray[np.int32],
    at: int,
    seen: Lanes,
    start: int,
    calendar: NDArray[np.float32],
    facts: Rows,
) -> Lanes:
    """Look up the days of sixteen pixels where they are seen; the days themselves.

    `facts` has one more row, for the days.
    """
    days = load_at(day, at)
    first = lowest(where_less(splat(0.0), seen, days, splat(math.inf)))
    if any_less(splat(first), where_less(splat(0.0), seen, days, splat(0.0))):
        store(facts, FACTS, where_less(splat(0.0), seen, days, splat(first)))
        for lane in range(WIDTH):
            row = int(facts[FACTS, lane]) - start
            for fact in range(FACTS):
                facts[fact, lane] = calendar[row, fact]
    else:
        for fact in range(FACTS):
            store(facts, fact, splat(calendar[int(first) - start, fact]))
    return days


@compiled
def _place(
    here: Lanes,
    row: int,
    signals: Rows,
    facts: Rows,
    basis: Rows,
    value: Rows,
    clear: Rows,
) -> None:
    """Write a date to a row, in some lanes (1, else 0)."""
    zero, room = splat(0.0), clear.shape[0]
    for i in range(HARMONICS):
        to = HARMONICS * row + i
        store(basis, to, where_less(zero, here, load(facts, i), load(basis, to)))
    for s in range(_SIGNALS):
        signal, to = load(signals, s) - load(facts, HARMONICS + s), room * s + row
        store(value, to, where_less(zero, here, signal, load(value, to)))
    store(clear, row, maximum(here, load(clear, row)))


@compiled
def _pack_group(
    stack: NDArray[np.int16],
    day: NDArray[np.int32],
    start: int,
    calendar: NDArray[np.float32],
    at: int,
    basis: Rows,
    value: Rows,
    clear: Rows,
) -> tuple[Lanes, Lanes]:
    """Move the dates on which a pixel is clear to the front, each lane for itself.

    Returns how many there are and the days from the first to the last.
    """
    dates, bands, pixels = stack.shape
    signals, facts = new_rows(_SIGNALS), new_rows(FACTS + 1)
    basis[:], value[:], clear[:] = 0.0, math.nan, 0.0
    count = first = last = zero = splat(0.0)
    for d in range(dates):
        seen = _read_signals(stack, d * bands * pixels + at, pixels, signals)
        if not any_less(zero, seen):
            continue
        days = _read_facts(day, d * pixels + at, seen, start, calendar, facts)
        first = where_less(zero, where_less(zero, count, zero, seen), days, first)
        last = where_less(zero, seen, days, last)
        waiting = seen
        while any_less(zero, waiting):  # those with the fewest dates so far
            row = lowest(where_less(zero, waiting, count, splat(math.inf)))
            here = where_less(splat(row), count, zero, waiting)
            _place(here, int(row), signals, facts, basis, value, clear)
            waiting = waiting - here
        count = count + seen
    return count, last - first


@compiled
def _empty(value: Rows, clear: Rows, kept: Lanes, n: int) -> None:
    """Take all dates from the lanes that are not kept."""
    zero, room = splat(0.0), clear.shape[0]
    for d in range(n):
        store(clear, d, where_less(zero, kept, load(clear, d), zero))
        for row in range(d, room * _SIGNALS, room):
            store(value, row, where_less(zero, kept, load(value, row), splat(math.nan)))


def _build_pack(sources: str) -> Callable[..., None]:
    @entry
    def pack(
        stack: NDArray[np.int16],
        day: NDArray[np.int32],
        start: int,
        calendar: NDArray[np.float32],
        least: int,
        min_span: int,
        basis: NDArray[np.float32],
        value: NDArray[np.float32],
        clear: NDArray[np.float32],
        dates: NDArray[np.int64],
        count: NDArray[np.int16],
    ) -> None:
        """Pack the clear dates of the pixels that have enough.

        Parameters
        ----------
        stack
            ``(date, 6, pixel)`` int16, `NODATA` where not clear.
        day
            ``(date, pixel)`` int32, rising where clear.
        start, calendar
            First day and ``(day, 11)`` float32 `FACTS` of the days from it on.
        least, min_span
            Clear dates, and days between the first and last of them, to have.
        basis, value, clear, dates
            Overwritten; see `robust.fit_groups`.
        count
            ``(pixel,)`` int16, overwritten: clear dates, 0 where not enough.
        """
        _ = sources  # see `lanes.digest`
        zero, counts = splat(0.0), new_rows(1)
        for g in range(dates.size):
            found, span = _pack_group(
                stack, day, start, calendar, WIDTH * g, basis[g], value[g], clear[g]
            )
            found = where_less(found, splat(least), zero, found)
            found = where_less(span, splat(min_span), zero, found)
            store(counts, 0, found)
            dates[g] = int(counts.max())
            for lane in range(WIDTH):
                count[WIDTH * g + lane] = int(counts[0, lane])
            _empty(value[g], clear[g], found, dates[g])

    return pack


@compiled
def _season(
    coef: NDArray[np.int16], signal: int, pixels: int, at: int, facts: Rows
) -> Lanes:
    """Fitted signal, NaN without a model."""
    first = signal * COEFFICIENTS * pixels + at
    level = load_at(coef, first)
    fitted = level
    for i in range(HARMONICS):
        fitted = fma(load_at(coef, first + (i + 1) * pixels), load(facts, i), fitted)
    known = where_less(splat(NODATA + 0.5), level, fitted, splat(math.nan))
    return known * splat(1.0 / SCALE)


def _build_subtract(sources: str) -> Callable[..., None]:
    @entry
    def subtract(
        stack: NDArray[np.int16],
        day: NDArray[np.int32],
        start: int,
        calendar: NDArray[np.float32],
        coef: NDArray[np.int16],
        value: NDArray[np.float32],
    ) -> None:
        """Subtract seasons and scene medians from what was observed.

        Parameters
        ----------
        stack, day, start, calendar
            As for `pack`; at least sixteen pixels.
        coef
            ``(7, 5, pixel)`` int16, `NODATA` without a model.
        value
            ``(date, 7, pixel)`` float32, overwritten; NaN where something is missing.
        """
        _ = sources  # see `lanes.digest`
        dates, bands, pixels = stack.shape
        signals, facts = new_rows(_SIGNALS), new_rows(FACTS + 1)
        for chunk in range(0, pixels, _CHUNK):
            for d in range(dates):
                for group in range(chunk, min(chunk + _CHUNK, pixels), WIDTH):
                    at = min(group, pixels - WIDTH)  # the last one may overlap
                    from_ = d * bands * pixels + at
                    seen = _read_signals(stack, from_, pixels, signals)
                    if any_less(splat(0.0), seen):
                        _read_facts(day, d * pixels + at, seen, start, calendar, facts)
                    for s in range(_SIGNALS):
                        rest = load(signals, s) - load(facts, HARMONICS + s)
                        rest = rest - _season(coef, s, pixels, at, facts)
                        store_at(value, (d * _SIGNALS + s) * pixels + at, rest)

    return subtract


_SOURCES = lanes.digest(lanes, regression, sys.modules[__name__])
pack, subtract = _build_pack(_SOURCES), _build_subtract(_SOURCES)
