"""Robust seasonal regression of many short, gappy series: compiled kernels.

All functions that numba compiles here live in one module, because numba's
on-disk cache notices a changed file but not a changed callee in another file.
The cache is worth having: compiling takes ten seconds, a tile's update one.

The kernels release the GIL and are not parallel themselves; callers share rows
out over threads. (numba's own thread layer must not be entered by two threads
at once, which is what a Dask worker does.)
"""
# mypy: disable-error-code="untyped-decorator"
# (numba has no type information)

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agroforest.indices.season import (
    COEFFICIENTS,
    NODATA,
    SCALE,
    YEAR_DAYS,
    Calendar,
    seasonal_basis,
)

_Floats = NDArray[np.float64]
_Flags = NDArray[np.bool_]

_B8A, _B11, _B12, _CRSWIR = 3, 4, 5, 6
# Central wavelengths in nm of B8A, B11 and B12 (Sentinel-2A) in CRSWIR.
_SHARE = (1610.4 - 864.0) / (2185.7 - 864.0)
# CRSWIR of vegetation and soil lies in 0.3..1.6; beyond this it is an artefact
# (and the int16 ends at 3.2767). Arbitrary.
_CRSWIR_MAX = 3.0

# Huber's and Tukey's constants give 95 % efficiency on Gaussian residuals
# (Holland & Welsch 1977, table 2). Huber passes come first because they cannot
# lock on to a minority of the dates.
_HUBER = 1.345
_TUKEY = 4.685
_HUBER_PASSES = 4
_TUKEY_PASSES = 3
# 1 / quantile(0.75) of the normal distribution.
_MAD = 1.4826
# Smallest residual spread a pixel may claim. Sensor noise, registration and
# view angle leave about this much in the quietest canopy; without a floor a few
# lucky dates would make ordinary noise look like many sigmas. Arbitrary, near
# the first percentile over a spruce forest in the Ardennes.
_FLOOR = np.array([0.002, 0.002, 0.002, 0.006, 0.004, 0.003, 0.015])
# The variance of the fitted season may nowhere in the year exceed this many
# times the variance of one observation. Arbitrary; 28 dates evenly over the
# year give 0.18, 10 dates 0.5.
_MAX_LEVERAGE = 1.0
_RIDGE_FIRST, _RIDGE_STEP = 0.01, 4.0
_YEAR_NODES = 24
_NODES = seasonal_basis(np.arange(_YEAR_NODES) * (YEAR_DAYS / _YEAR_NODES))

_jit = njit(nogil=True, cache=True, error_model="numpy")


@_jit
def _crswir(b8a: float, b11: float, b12: float) -> float:
    continuum = b8a + (b12 - b8a) * _SHARE
    if not continuum > 0.0:  # also catches NaN: 0/0 is nodata
        return math.nan
    ratio: float = min(max(b11 / continuum, 0.0), _CRSWIR_MAX)
    return ratio


@_jit
def _signals(numbers: NDArray[np.int16], out: _Floats) -> bool:
    """Turn six int16 bands into seven float signals; False when all are missing."""
    seen = False
    for band in range(6):
        if numbers[band] == NODATA:
            out[band] = math.nan
        else:
            out[band] = numbers[band] / SCALE
            seen = True
    out[_CRSWIR] = _crswir(out[_B8A], out[_B11], out[_B12])
    return seen


@_jit
def _median(buffer: _Floats, n: int) -> float:
    """Median of the first `n` numbers; reorders the buffer (Hoare's selection)."""
    low, high, k = 0, n - 1, n // 2
    while low < high:
        pivot = buffer[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while buffer[i] < pivot:
                i += 1
            while buffer[j] > pivot:
                j -= 1
            if i <= j:
                buffer[i], buffer[j] = buffer[j], buffer[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    upper: float = buffer[k]
    if n % 2:
        return upper
    lower: float = buffer[:k].max()
    return 0.5 * (lower + upper)


@_jit
def _normal(basis: _Floats, weight: _Floats, use: _Flags, n: int, a: _Floats) -> None:
    a[:] = 0.0
    for d in range(n):
        for i in range(COEFFICIENTS):
            wb = weight[d] * basis[d, i] if use[d] else 0.0
            for j in range(i + 1):
                a[i, j] += wb * basis[d, j]


@_jit
def _cholesky(a: _Floats, ridge: float, low: _Floats) -> bool:
    for i in range(COEFFICIENTS):
        for j in range(i + 1):
            total = a[i, j]
            if i == j and i > 0:
                total += ridge
            for k in range(j):
                total -= low[i, k] * low[j, k]
            if i == j:
                if not total > 1e-9:
                    return False
                low[i, i] = math.sqrt(total)
            else:
                low[i, j] = total / low[j, j]
    return True


@_jit
def _worst_leverage(low: _Floats) -> float:
    worst = 0.0
    z = np.empty(COEFFICIENTS)
    for node in range(_YEAR_NODES):
        total = 0.0
        for i in range(COEFFICIENTS):
            value = _NODES[node, i]
            for k in range(i):
                value -= low[i, k] * z[k]
            z[i] = value / low[i, i]
            total += z[i] * z[i]
        worst = max(worst, total)
    return worst


@_jit
def _factor(a: _Floats, low: _Floats) -> None:
    """Factor the normal matrix with the least ridge that keeps the season tame.

    No ridge at all where the dates are spread well: then this is least squares.
    """
    if _cholesky(a, 0.0, low) and _worst_leverage(low) <= _MAX_LEVERAGE:
        return
    ridge = _RIDGE_FIRST
    for _ in range(16):  # 0.01 * 4**16 is far beyond any number of dates
        if _cholesky(a, ridge, low) and _worst_leverage(low) <= _MAX_LEVERAGE:
            return
        ridge *= _RIDGE_STEP
    _cholesky(a, ridge, low)


@_jit
def _solve(low: _Floats, b: _Floats) -> None:
    for i in range(COEFFICIENTS):
        for k in range(i):
            b[i] -= low[i, k] * b[k]
        b[i] /= low[i, i]
    for i in range(COEFFICIENTS - 1, -1, -1):
        for k in range(i + 1, COEFFICIENTS):
            b[i] -= low[k, i] * b[k]
        b[i] /= low[i, i]


@_jit
def _regress(
    basis: _Floats,
    values: _Floats,
    weight: _Floats,
    n: int,
    fitted: _Flags,
    coef: _Floats,
    work: _Floats,
) -> None:
    """One weighted fit of all signals; `work` is scratch of shape (2, 5, 5)."""
    a, low = work[0], work[1]
    use = np.empty(n, dtype=np.bool_)
    shared = False  # whether `low` is the factor of all dates
    for s in range(values.shape[0]):
        if not fitted[s]:
            continue
        gapless = True
        for d in range(n):
            use[d] = not math.isnan(values[s, d])
            gapless = gapless and use[d]
        if not (gapless and shared):
            _normal(basis, weight, use, n, a)
            _factor(a, low)
            shared = gapless
        for i in range(COEFFICIENTS):
            coef[s, i] = 0.0
        for d in range(n):
            if use[d]:
                wy = weight[d] * values[s, d]
                for i in range(COEFFICIENTS):
                    coef[s, i] += wy * basis[d, i]
        _solve(low, coef[s])


@_jit
def _spreads(
    basis: _Floats,
    values: _Floats,
    n: int,
    fitted: _Flags,
    coef: _Floats,
    rest: _Floats,
    buffer: _Floats,
    spread: _Floats,
) -> None:
    """Residuals into `rest` and their robust spread, freed of the fit's optimism."""
    for s in range(values.shape[0]):
        if not fitted[s]:
            continue
        m = 0
        for d in range(n):
            value = values[s, d]
            for i in range(COEFFICIENTS):
                value -= coef[s, i] * basis[d, i]
            rest[s, d] = value
            if not math.isnan(value):
                buffer[m] = abs(value)
                m += 1
        # A least-squares residual has the variance (m - p) / m of the noise.
        freedom = max(m - COEFFICIENTS, 1) / m
        size = _MAD * _median(buffer, m) / math.sqrt(freedom)
        spread[s] = max(size, _FLOOR[s])


@_jit
def _reweight(
    rest: _Floats, spread: _Floats, fitted: _Flags, n: int, tukey: bool, weight: _Floats
) -> None:
    """One weight a date from all signals: cloud and damage spare no band."""
    for d in range(n):
        total, m = 0.0, 0
        for s in range(rest.shape[0]):
            if fitted[s] and not math.isnan(rest[s, d]):
                z = rest[s, d] / spread[s]
                total += z * z
                m += 1
        distance = math.sqrt(total / m) if m else math.inf
        if tukey:
            ratio = distance / _TUKEY
            weight[d] = (1.0 - ratio * ratio) ** 2 if ratio < 1.0 else 0.0
        else:
            weight[d] = 1.0 if distance <= _HUBER else _HUBER / distance


@_jit
def fit_series(
    basis: _Floats, values: _Floats, n: int, least: int, coef: _Floats, spread: _Floats
) -> None:
    """Fit one pixel's signals robustly.

    Parameters
    ----------
    basis
        ``(>= n, 5)`` float64.
    values
        ``(7, >= n)`` float64, NaN where missing.
    n
        Dates to use.
    least
        A signal with fewer values keeps NaN coefficients.
    coef, spread
        ``(7, 5)`` and ``(7,)`` float64, overwritten.
    """
    signals = values.shape[0]
    fitted = np.zeros(signals, dtype=np.bool_)
    coef[:] = math.nan
    spread[:] = math.nan
    for s in range(signals):
        m = 0
        for d in range(n):
            if not math.isnan(values[s, d]):
                m += 1
        fitted[s] = m >= least
    weight = np.ones(n)
    rest = np.full((signals, n), math.nan)
    buffer = np.empty(n)
    work = np.empty((2, COEFFICIENTS, COEFFICIENTS))
    for step in range(1 + _HUBER_PASSES + _TUKEY_PASSES):
        if step:
            _reweight(rest, spread, fitted, n, step > _HUBER_PASSES, weight)
        _regress(basis, values, weight, n, fitted, coef, work)
        _spreads(basis, values, n, fitted, coef, rest, buffer, spread)


@_jit
def fit_stack(
    stack: NDArray[np.int16],
    day: NDArray[np.int32],
    calendar: Calendar,
    least: int,
    min_span: int,
    coef: NDArray[np.float32],
    spread: NDArray[np.float32],
    count: NDArray[np.int16],
) -> None:
    """Fit every pixel of a stack.

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
        needs.
    coef, spread, count
        ``(7, 5, y, x)`` and ``(7, y, x)`` float32, ``(y, x)`` int16, overwritten;
        NaN and 0 where no model can be fitted.
    """
    dates, _, height, width = stack.shape
    values = np.empty((7, dates))
    used = np.empty((dates, COEFFICIENTS))
    one = np.empty(7)
    c = np.empty((7, COEFFICIENTS))
    w = np.empty(7)
    for y in range(height):
        for x in range(width):
            n, first, last = 0, 0, 0
            for d in range(dates):
                if _signals(stack[d, :, y, x], one):
                    last = day[d, y, x]
                    if n == 0:
                        first = last
                    values[:, n] = one - calendar.offset[last - calendar.start]
                    used[n] = calendar.basis[last - calendar.start]
                    n += 1
            coef[:, :, y, x] = math.nan
            spread[:, y, x] = math.nan
            count[y, x] = 0
            if n >= least and last - first >= min_span:
                fit_series(used, values, n, least, c, w)
                coef[:, :, y, x] = c
                spread[:, y, x] = w
                count[y, x] = n


@_jit
def residual_stack(
    stack: NDArray[np.int16],
    day: NDArray[np.int32],
    calendar: Calendar,
    coef: NDArray[np.int16],
    value: NDArray[np.float32],
) -> None:
    """Observed minus fitted signals.

    Parameters
    ----------
    stack, day, calendar
        As in `fit_stack`.
    coef
        ``(7, 5, y, x)`` int16, `NODATA` without a model.
    value
        ``(date, 7, y, x)`` float32, overwritten; NaN where nothing was observed
        or fitted.
    """
    dates, _, height, width = stack.shape
    one = np.empty(7)
    for y in range(height):
        for d in range(dates):
            for x in range(width):
                if not _signals(stack[d, :, y, x], one):
                    value[d, :, y, x] = math.nan
                    continue
                row = day[d, y, x] - calendar.start
                for s in range(7):
                    if coef[s, 0, y, x] == NODATA:
                        value[d, s, y, x] = math.nan
                        continue
                    rest = one[s] - calendar.offset[row, s]
                    for i in range(COEFFICIENTS):
                        rest -= calendar.basis[row, i] * coef[s, i, y, x] / SCALE
                    value[d, s, y, x] = rest
