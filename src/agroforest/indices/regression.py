"""Seasonal least squares of sixteen pixels at a time: five coefficients a signal.

Compiled kernels on `lanes`. float32 is enough: coefficients, which are kept in
steps of 1e-4, differ from those of float64 by less than a tenth of a step.
"""
# mypy: disable-error-code="untyped-decorator"
# (numba has no types)

import math
import sys
from collections.abc import Callable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agroforest.indices import lanes
from agroforest.indices.lanes import (
    WIDTH,
    Lanes,
    Rows,
    any_less,
    fma,
    load,
    load_at,
    maximum,
    minimum,
    splat,
    sqrt,
    store,
    store_at,
    where_less,
)
from agroforest.indices.season import (
    COEFFICIENTS,
    NODATA,
    SCALE,
    YEAR_DAYS,
    seasonal_basis,
)

#: Regressors that are stored; the first one is 1.
HARMONICS = COEFFICIENTS - 1
#: Rows of a symmetric matrix: its lower triangle, row after row.
TRIANGLE = COEFFICIENTS * (COEFFICIENTS + 1) // 2

# Where the variance of the fitted season exceeds that of one observation at some
# time of the year (n even dates give 5 / n), the harmonics are shrunk, a little:
# by the first of these ridges that is enough, or by the last. The limits gave the
# least error on simulated series.
_MAX_LEVERAGE = 1.0
_RIDGES = np.array([0.0, 0.03, 0.09, 0.27, 0.81])
_MIN_PIVOT = 1e-9
_YEAR_NODES = 24
_NODES = seasonal_basis(np.arange(_YEAR_NODES) * (YEAR_DAYS / _YEAR_NODES))

#: Compiles a kernel that kernels call, and one that Python calls: kept on disk.
compiled = njit(nogil=True, error_model="numpy")
entry = njit(nogil=True, error_model="numpy", cache=True)


@compiled
def new_rows(count: int) -> Rows:
    """Room for lanes, not initialised."""
    return np.empty((count, WIDTH), np.float32)


@compiled
def _store_5(
    rows: Rows, row: int, a: Lanes, b: Lanes, c: Lanes, d: Lanes, e: Lanes
) -> None:
    store(rows, row, a)
    store(rows, row + 1, b)
    store(rows, row + 2, c)
    store(rows, row + 3, d)
    store(rows, row + 4, e)


@compiled
def build_normal(basis: Rows, weight: Rows, n: int, normal: Rows) -> None:
    """Weighted sums of products of regressors, each in a register of its own.

    Parameters
    ----------
    basis
        4 rows a date: the regressors after the first.
    weight
        A row a date.
    n
        Dates.
    normal
        15 rows, overwritten.
    """
    a00 = a10 = a11 = a20 = a21 = a22 = a30 = a31 = splat(0.0)
    a32 = a33 = a40 = a41 = a42 = a43 = a44 = splat(0.0)
    for d in range(n):
        w = load(weight, d)
        b1, b2 = load(basis, 4 * d), load(basis, 4 * d + 1)
        b3, b4 = load(basis, 4 * d + 2), load(basis, 4 * d + 3)
        w1, w2, w3, w4 = w * b1, w * b2, w * b3, w * b4
        a00, a10, a11 = a00 + w, a10 + w1, fma(w1, b1, a11)
        a20, a21, a22 = a20 + w2, fma(w2, b1, a21), fma(w2, b2, a22)
        a30, a31, a32 = a30 + w3, fma(w3, b1, a31), fma(w3, b2, a32)
        a33, a40, a41 = fma(w3, b3, a33), a40 + w4, fma(w4, b1, a41)
        a42, a43, a44 = fma(w4, b2, a42), fma(w4, b3, a43), fma(w4, b4, a44)
    _store_5(normal, 0, a00, a10, a11, a20, a21)
    _store_5(normal, 5, a22, a30, a31, a32, a33)
    _store_5(normal, 10, a40, a41, a42, a43, a44)


@compiled
def _factorise(normal: Rows, ridge: Lanes, factor: Rows) -> Lanes:
    """Cholesky's lower factor; the least pivot (1 at most) tells if there is one.

    On the diagonal stand the reciprocals of the factor's.
    """
    pivot = splat(1.0)
    for i in range(COEFFICIENTS):
        row = i * (i + 1) // 2
        for j in range(i + 1):
            other = j * (j + 1) // 2
            total = load(normal, row + j)
            if i == j and i > 0:
                total = total + ridge
            for k in range(j):
                total = total - load(factor, row + k) * load(factor, other + k)
            if i == j:
                pivot = minimum(total, pivot)
                root = sqrt(maximum(total, splat(_MIN_PIVOT)))
                store(factor, row + i, splat(1.0) / root)
            else:
                store(factor, row + j, total * load(factor, other + j))
    return pivot


@compiled
def _worst_leverage(factor: Rows) -> Lanes:
    """Largest variance of the fitted season over the year, in observations'."""
    z0 = load(factor, 0)
    l10, r1 = load(factor, 1), load(factor, 2)
    l20, l21, r2 = load(factor, 3), load(factor, 4), load(factor, 5)
    l30, l31, l32 = load(factor, 6), load(factor, 7), load(factor, 8)
    r3, l40, l41 = load(factor, 9), load(factor, 10), load(factor, 11)
    l42, l43, r4 = load(factor, 12), load(factor, 13), load(factor, 14)
    worst = splat(0.0)
    for node in range(_YEAR_NODES):
        b1, b2 = splat(_NODES[node, 1]), splat(_NODES[node, 2])
        b3, b4 = splat(_NODES[node, 3]), splat(_NODES[node, 4])
        z1 = (b1 - l10 * z0) * r1
        z2 = (b2 - l20 * z0 - l21 * z1) * r2
        z3 = (b3 - l30 * z0 - l31 * z1 - l32 * z2) * r3
        z4 = (b4 - l40 * z0 - l41 * z1 - l42 * z2 - l43 * z3) * r4
        worst = maximum(worst, z0 * z0 + z1 * z1 + z2 * z2 + z3 * z3 + z4 * z4)
    return worst


@compiled
def find_ridge(normal: Rows, asked: Lanes, factor: Rows) -> Lanes:
    """Least ridge (0 for well spread dates) that keeps the season tame; factors.

    Lanes that are not `asked` (1, else 0) keep 0.
    """
    ridge = splat(0.0)
    for step in range(1, len(_RIDGES)):
        pivot = _factorise(normal, ridge, factor)
        leverage = _worst_leverage(factor)
        leverage = where_less(splat(_MIN_PIVOT), pivot, leverage, splat(math.inf))
        wild = where_less(splat(_MAX_LEVERAGE), leverage, asked, splat(0.0))
        if not any_less(splat(0.0), wild):
            return ridge
        ridge = where_less(splat(0.0), wild, splat(_RIDGES[step]), ridge)
    _factorise(normal, ridge, factor)
    return ridge


@compiled
def keep_ridge(normal: Rows, ridge: Lanes, asked: Lanes, factor: Rows) -> Lanes:
    """Factor with a ridge found before; look for another where that fails."""
    pivot = _factorise(normal, ridge, factor)
    failed = where_less(splat(_MIN_PIVOT), pivot, splat(0.0), asked)
    if any_less(splat(0.0), failed):
        found = find_ridge(normal, failed, factor)
        ridge = where_less(splat(0.0), failed, found, ridge)
        _factorise(normal, ridge, factor)
    return ridge


@compiled
def solve(
    basis: Rows,
    weight: Rows,
    n: int,
    value: Rows,
    first: int,
    factor: Rows,
    coef: Rows,
    out: int,
) -> None:
    """Coefficients of a signal.

    Parameters
    ----------
    basis, weight, n
        As for `build_normal`.
    value
        Observations: a row a date, from `first` on.
    factor
        15 rows, from `find_ridge`.
    coef
        5 rows, from `out` on, overwritten.
    """
    c0 = c1 = c2 = c3 = c4 = splat(0.0)
    for d in range(n):
        v = load(weight, d) * load(value, first + d)
        c0 = c0 + v
        c1 = fma(v, load(basis, 4 * d), c1)
        c2 = fma(v, load(basis, 4 * d + 1), c2)
        c3 = fma(v, load(basis, 4 * d + 2), c3)
        c4 = fma(v, load(basis, 4 * d + 3), c4)
    r0, l10, r1 = load(factor, 0), load(factor, 1), load(factor, 2)
    l20, l21, r2 = load(factor, 3), load(factor, 4), load(factor, 5)
    l30, l31, l32 = load(factor, 6), load(factor, 7), load(factor, 8)
    r3, l40, l41 = load(factor, 9), load(factor, 10), load(factor, 11)
    l42, l43, r4 = load(factor, 12), load(factor, 13), load(factor, 14)
    c0 = c0 * r0
    c1 = (c1 - l10 * c0) * r1
    c2 = (c2 - l20 * c0 - l21 * c1) * r2
    c3 = (c3 - l30 * c0 - l31 * c1 - l32 * c2) * r3
    c4 = (c4 - l40 * c0 - l41 * c1 - l42 * c2 - l43 * c3) * r4
    c4 = c4 * r4
    c3 = (c3 - l43 * c4) * r3
    c2 = (c2 - l42 * c4 - l32 * c3) * r2
    c1 = (c1 - l41 * c4 - l31 * c3 - l21 * c2) * r1
    c0 = (c0 - l40 * c4 - l30 * c3 - l20 * c2 - l10 * c1) * r0
    _store_5(coef, out, c0, c1, c2, c3, c4)


def _build_fit_signal(sources: str) -> Callable[..., None]:
    @entry
    def fit_signal(
        numbers: NDArray[np.int16],
        harmonics: NDArray[np.float32],
        least: int,
        coef: NDArray[np.float32],
    ) -> None:
        """Fit one signal by plain least squares.

        Parameters
        ----------
        numbers
            ``(date, pixel)`` int16, `NODATA` missing; at least sixteen pixels.
        harmonics
            ``(date, 4)`` float32, regressors after the first.
        least
            Values that a pixel needs.
        coef
            ``(5, pixel)`` float32, overwritten; NaN with too few values.
        """
        _ = sources  # see `lanes.digest`
        dates, pixels = numbers.shape
        basis, weight, value = new_rows(4 * dates), new_rows(dates), new_rows(dates)
        normal, factor, own = new_rows(TRIANGLE), new_rows(TRIANGLE), new_rows(5)
        zero, one, nodata = splat(0.0), splat(1.0), splat(NODATA + 0.5)
        for d in range(dates):
            for i in range(HARMONICS):
                store(basis, HARMONICS * d + i, splat(harmonics[d, i]))
        for group in range(0, pixels, WIDTH):
            at = min(group, pixels - WIDTH)  # the last one may overlap its neighbour
            count = zero
            for d in range(dates):
                number = load_at(numbers, d * pixels + at)
                known = where_less(nodata, number, one, zero)
                count = count + known
                store(weight, d, known)
                store(value, d, number * splat(1.0 / SCALE))
            asked = where_less(count, splat(least), zero, one)
            build_normal(basis, weight, dates, normal)
            find_ridge(normal, asked, factor)
            solve(basis, weight, dates, value, 0, factor, own, 0)
            for i in range(COEFFICIENTS):
                found = where_less(zero, asked, load(own, i), splat(math.nan))
                store_at(coef, i * pixels + at, found)

    return fit_signal


fit_signal = _build_fit_signal(lanes.digest(lanes, sys.modules[__name__]))
