"""Robust seasonal regression of sixteen pixels at a time: compiled kernels.

Iterated reweighted least squares of seven signals that share the weights of their
dates. Each lane is computed as if it were alone: its neighbours decide how long it
takes, never what comes out.
"""
# mypy: disable-error-code="untyped-decorator"
# (numba has no types)

import math
import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from agroforest.indices import lanes, regression
from agroforest.indices.lanes import (
    Lanes,
    Rows,
    absolute,
    any_less,
    fma,
    load,
    maximum,
    minimum,
    sort8,
    sort16,
    sort24,
    sort32,
    splat,
    sqrt,
    store,
    where_less,
)
from agroforest.indices.regression import (
    TRIANGLE,
    build_normal,
    compiled,
    entry,
    find_ridge,
    keep_ridge,
    new_rows,
    solve,
)
from agroforest.indices.season import COEFFICIENTS

#: Signals of a pixel.
SIGNAL_COUNT = 7

# Limits of the weights, in root mean square spreads over the signals of a date
# (steadier than one residual, hence below the textbook's 1.345 and 4.685). First
# almost absolute residuals, then Tukey's weights, which ignore what is far off.
# Chosen on simulated series of 12 to 28 dates with up to 30 % haze or damage.
_HUBER, _HUBER_PASSES = 0.3, 4
_TUKEY, _TUKEY_PASSES = 3.0, 3
_MAD = 1.4826  # 1 / quantile(0.75) of the normal distribution
# Smallest residual spread a pixel may claim, lest a few lucky dates make noise
# look like damage. Arbitrary, near the first percentile over a spruce forest.
_FLOOR = np.array([0.002, 0.002, 0.002, 0.006, 0.004, 0.003, 0.015])


@compiled
def _mark_absent(
    value: Rows, clear: Rows, n: int, least: int, absent: Rows, voices: Rows
) -> tuple[Rows, Rows, Rows, Rows]:
    """Count values; put 0 where one is missing, and mark that in `absent`.

    There, each signal has a block of rows, with 0 where there is a value and else
    infinities, in each lane as many above as below, or one more above. A signal
    with too few values has none. Returned are, a row a signal: the number of
    values; 1 if it is odd; 1 if some of the pixel's dates are missing; the spread of
    noise whose median absolute residual is 1.
    """
    one, zero, inf = splat(1.0), splat(0.0), splat(math.inf)
    known, odd = new_rows(SIGNAL_COUNT), new_rows(SIGNAL_COUNT)
    gap, scale = new_rows(SIGNAL_COUNT), new_rows(SIGNAL_COUNT)
    room, whole = clear.shape[0], absent.shape[0] // SIGNAL_COUNT
    dates = zero
    for d in range(n):
        dates = dates + load(clear, d)
        store(voices, d, zero)
    for s in range(SIGNAL_COUNT):
        m = zero
        for row in range(room * s, room * s + n):
            m = m + where_less(load(value, row), inf, one, zero)
        m = where_less(m, splat(least), zero, m)
        turn, parity = inf, zero
        for d in range(whole):
            seen = zero
            if d < n:
                here = load(value, room * s + d)
                seen = where_less(here, inf, minimum(m, one), zero)
                store(value, room * s + d, where_less(zero, seen, here, zero))
                store(voices, d, load(voices, d) + seen)
            store(absent, whole * s + d, where_less(zero, seen, zero, turn))
            turn = where_less(zero, seen, turn, zero - turn)
            parity = where_less(zero, seen, one - parity, parity)
        # A least-squares residual has the variance (m - p) / m of the noise.
        freedom = maximum(m - splat(COEFFICIENTS), one) / maximum(m, one)
        store(scale, s, splat(_MAD) / sqrt(freedom))
        store(known, s, m)
        store(odd, s, parity)
        store(gap, s, where_less(m, dates, minimum(m, one), zero))
    return known, odd, gap, scale


@compiled
def _reweight(
    rest: Rows, clear: Rows, voices: Rows, spread: Rows, n: int, tukey: bool, out: Rows
) -> None:
    """One weight a date from all signals: cloud and damage spare no band."""
    one, room = splat(1.0), clear.shape[0]
    p0, p1, p2 = one / load(spread, 0), one / load(spread, 1), one / load(spread, 2)
    p3, p4, p5 = one / load(spread, 3), one / load(spread, 4), one / load(spread, 5)
    p6 = one / load(spread, 6)
    sum_of_weights = splat(0.0)
    for d in range(n):
        z0, z1 = load(rest, d) * p0, load(rest, room + d) * p1
        z2, z3 = load(rest, 2 * room + d) * p2, load(rest, 3 * room + d) * p3
        z4, z5 = load(rest, 4 * room + d) * p4, load(rest, 5 * room + d) * p5
        z6 = load(rest, 6 * room + d) * p6
        total = fma(z0, z0, fma(z1, z1, fma(z2, z2, z3 * z3)))
        total = fma(z4, z4, fma(z5, z5, fma(z6, z6, total)))
        square = total / maximum(load(voices, d), one)
        if tukey:
            rise = maximum(one - square * splat(1.0 / _TUKEY**2), splat(0.0))
            weight = rise * rise
        else:
            weight = minimum(splat(_HUBER) / sqrt(square), one)
        weight = weight * load(clear, d)
        sum_of_weights = sum_of_weights + weight
        store(out, d, weight)
    if any_less(sum_of_weights, one):  # no date agrees with the others
        for d in range(n):
            weight = where_less(sum_of_weights, one, load(clear, d), load(out, d))
            store(out, d, weight)


@compiled
def _seen(absent: Rows, row: int) -> Lanes:
    """1 where there is a value, else 0."""
    return where_less(absolute(load(absent, row)), splat(1.0), splat(1.0), splat(0.0))


@compiled
def _regress_gap(
    basis: Rows,
    weight: Rows,
    n: int,
    value: Rows,
    first: int,
    absent: Rows,
    block: int,
    gap: Lanes,
    coef: Rows,
    out: int,
) -> None:
    """Fit again, from its own dates, a signal that misses some of its pixel's."""
    mine, own = new_rows(n), new_rows(COEFFICIENTS)
    normal, factor = new_rows(TRIANGLE), new_rows(TRIANGLE)
    total = splat(0.0)
    for d in range(n):
        store(mine, d, load(weight, d) * _seen(absent, block + d))
        total = total + load(mine, d)
    for d in range(n):  # where no weight is left, all dates alike
        alike = _seen(absent, block + d)
        store(mine, d, where_less(total, splat(1.0), alike, load(mine, d)))
    build_normal(basis, mine, n, normal)
    find_ridge(normal, gap, factor)
    solve(basis, mine, n, value, first, factor, own, 0)
    for i in range(COEFFICIENTS):
        kept = where_less(splat(0.0), gap, load(own, i), load(coef, out + i))
        store(coef, out + i, kept)


@compiled
def _find_rest(
    basis: Rows, n: int, value: Rows, first: int, coef: Rows, of: int, rest: Rows
) -> None:
    c0, c1, c2 = load(coef, of), load(coef, of + 1), load(coef, of + 2)
    c3, c4 = load(coef, of + 3), load(coef, of + 4)
    for d in range(n):
        fitted = fma(c4, load(basis, 4 * d + 3), c0)
        fitted = fma(c3, load(basis, 4 * d + 2), fitted)
        fitted = fma(c2, load(basis, 4 * d + 1), fitted)
        fitted = fma(c1, load(basis, 4 * d), fitted)
        store(rest, first + d, load(value, first + d) - fitted)


@compiled
def _blank_gap(absent: Rows, block: int, n: int, rest: Rows, first: int) -> None:
    """No residual where there is no value."""
    for d in range(n):
        seen = _seen(absent, block + d)
        kept = where_less(splat(0.0), seen, load(rest, first + d), splat(0.0))
        store(rest, first + d, kept)


@compiled
def _sort(rows: Rows, first: int, size: int) -> None:
    """Sort a multiple of eight rows, each lane for itself; see `lanes.exchanges`."""
    tail = first + size // 32 * 32
    for start in range(first, tail, 32):
        sort32(rows, start)
    if size % 32 == 8:
        sort8(rows, tail)
    elif size % 32 == 16:
        sort16(rows, tail)
    elif size % 32 == 24:
        sort24(rows, tail)
    run = 32
    while run < size:
        step = run
        while step:
            for start in range(step % run, size - step, 2 * step):
                for low in range(start, min(start + step, size - step)):
                    if low ^ (low + step) < 2 * run:
                        a, b = load(rows, first + low), load(rows, first + low + step)
                        store(rows, first + low, minimum(a, b))
                        store(rows, first + low + step, maximum(a, b))
            step //= 2
        run *= 2


@compiled
def _middle(
    rest: Rows, first: int, n: int, absent: Rows, block: int, odd: Lanes, sizes: Rows
) -> Lanes:
    """Median absolute residual.

    The infinities of what is missing end up at both ends, so the two in the middle
    of all rows are those in the middle of the values. Of two sorted halves, the
    smaller of the first and the last, of the second and the last but one, and so on
    are the lower half of all.
    """
    whole = sizes.shape[0]
    for d in range(n):
        size = absolute(load(rest, first + d))
        store(sizes, d, size + load(absent, block + d))
    for d in range(n, whole):
        store(sizes, d, load(absent, block + d))
    _sort(sizes, 0, whole // 2)
    _sort(sizes, whole // 2, whole // 2)
    lower, upper = splat(-math.inf), splat(math.inf)
    for d in range(whole // 2):
        a, b = load(sizes, d), load(sizes, whole - 1 - d)
        lower = maximum(lower, minimum(a, b))
        upper = minimum(upper, maximum(a, b))
    even = splat(0.5) * (lower + upper)
    return where_less(splat(0.0), odd, lower, even)


@compiled
def _regress(
    basis: Rows,
    weight: Rows,
    n: int,
    value: Rows,
    absent: Rows,
    gap: Rows,
    factor: Rows,
    coef: Rows,
    rest: Rows,
) -> None:
    """One pass for all signals, whose dates share their weights: fit, residuals."""
    room, whole = value.shape[0] // SIGNAL_COUNT, absent.shape[0] // SIGNAL_COUNT
    for s in range(SIGNAL_COUNT):
        first, block, out = room * s, whole * s, COEFFICIENTS * s
        solve(basis, weight, n, value, first, factor, coef, out)
        mine = load(gap, s)
        has_gap = any_less(splat(0.0), mine)
        if has_gap:
            _regress_gap(basis, weight, n, value, first, absent, block, mine, coef, out)
        _find_rest(basis, n, value, first, coef, out, rest)
        if has_gap:
            _blank_gap(absent, block, n, rest, first)


@compiled
def _find_spread(
    rest: Rows, n: int, absent: Rows, odd: Rows, scale: Rows, sizes: Rows, spread: Rows
) -> None:
    """Robust spread of the residuals, freed of the fit's optimism."""
    room = rest.shape[0] // SIGNAL_COUNT
    for s in range(SIGNAL_COUNT):
        middle = _middle(
            rest, room * s, n, absent, sizes.shape[0] * s, load(odd, s), sizes
        )
        store(spread, s, maximum(middle * load(scale, s), splat(_FLOOR[s])))


@compiled
def _fit_group(
    basis: Rows, value: Rows, clear: Rows, n: int, least: int, coef: Rows, spread: Rows
) -> None:
    whole = (n + 15) // 16 * 16
    absent, voices = new_rows(SIGNAL_COUNT * whole), new_rows(n)
    known, odd, gap, scale = _mark_absent(value, clear, n, least, absent, voices)
    weight, rest, sizes = new_rows(n), new_rows(value.shape[0]), new_rows(whole)
    normal, factor = new_rows(TRIANGLE), new_rows(TRIANGLE)
    zero, one, nothing = splat(0.0), splat(1.0), splat(math.nan)
    ridge, asked = zero, zero
    for s in range(SIGNAL_COUNT):
        asked = maximum(asked, minimum(load(known, s), one))
    for d in range(n):
        store(weight, d, load(clear, d))
    for step in range(1 + _HUBER_PASSES + _TUKEY_PASSES):
        tukey = step > _HUBER_PASSES
        if step:
            _reweight(rest, clear, voices, spread, n, tukey, weight)
        build_normal(basis, weight, n, normal)
        if step and not tukey:
            ridge = keep_ridge(normal, ridge, asked, factor)
        else:
            ridge = find_ridge(normal, asked, factor)
        _regress(basis, weight, n, value, absent, gap, factor, coef, rest)
        if tukey or step % 2 == 0:
            _find_spread(rest, n, absent, odd, scale, sizes, spread)
    for s in range(SIGNAL_COUNT):
        m = load(known, s)
        store(spread, s, where_less(zero, m, load(spread, s), nothing))
        for row in range(COEFFICIENTS * s, COEFFICIENTS * (s + 1)):
            store(coef, row, where_less(zero, m, load(coef, row), nothing))


def _build_fit_groups(sources: str) -> Callable[..., None]:
    @entry
    def fit_groups(
        basis: NDArray[np.float32],
        value: NDArray[np.float32],
        clear: NDArray[np.float32],
        dates: NDArray[np.int64],
        least: int,
        coef: NDArray[np.float32],
        spread: NDArray[np.float32],
    ) -> None:
        """Fit groups of sixteen pixels, whose dates come first, then padding.

        Parameters
        ----------
        basis
            ``(group, 4 * date, 16)`` float32: for each date the regressors after
            the first; 0 in padding.
        value
            ``(group, 7 * date, 16)`` float32: the dates of each signal; NaN missing
            and in padding. Overwritten.
        clear
            ``(group, date, 16)`` float32: 1 for a date of the pixel, 0 for padding.
        dates
            ``(group,)`` int64, the most that a pixel of the group has.
        least
            A signal with fewer values gets NaN.
        coef, spread
            ``(group, 7 * 5, 16)`` and ``(group, 7, 16)`` float32, overwritten.
        """
        _ = sources  # see `lanes.digest`
        for g in range(dates.size):
            _fit_group(
                basis[g], value[g], clear[g], dates[g], least, coef[g], spread[g]
            )

    return fit_groups


fit_groups = _build_fit_groups(lanes.digest(lanes, regression, sys.modules[__name__]))
