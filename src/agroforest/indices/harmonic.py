"""Robust seasonal regression of many short, gappy series: compiled kernels.

All functions that numba compiles here live in one module, because numba's
on-disk cache notices a changed file but not a changed callee in another file.
The cache is worth having: compiling takes ten seconds, a tile's update one.

The kernels release the GIL; callers share rows out over threads. (numba's own
thread layer must not be entered by two threads at once, as Dask workers would.)
"""
# mypy: disable-error-code="untyped-decorator"
# (numba has no types)

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

_F = NDArray[np.float64]
_B8A, _B11, _B12, _CRSWIR = 3, 4, 5, 6
_SIGNALS, _LANES = 7, 8  # padded to what vector registers hold
# Central wavelengths in nm of B8A, B11 and B12 (Sentinel-2A) in CRSWIR.
_SHARE = (1610.4 - 864.0) / (2185.7 - 864.0)
# Vegetation and soil lie in 0.3..1.6; beyond this is an artefact. Arbitrary.
_CRSWIR_MAX = 3.0

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
# Where the variance of the fitted season exceeds that of one observation at some
# time of the year (n even dates give 5 / n), the harmonics are shrunk, a little.
# The limits gave the least error on simulated series.
_MAX_LEVERAGE = 1.0
_RIDGE_MIN, _RIDGE_STEP, _RIDGE_MAX = 0.03, 3.0, 0.81
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
def _signals(numbers: NDArray[np.int16], out: _F) -> bool:
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
def _median(buffer: _F, n: int) -> float:
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
    return upper if n % 2 else 0.5 * (upper + buffer[:k].max())


@_jit
def _normal(basis: _F, weight: _F, n: int, a: _F) -> None:
    a[:] = 0.0
    for d in range(n):
        for i in range(COEFFICIENTS):
            wb = weight[d] * basis[d, i]
            for j in range(i + 1):
                a[i, j] += wb * basis[d, j]


@_jit
def _cholesky(a: _F, ridge: float, low: _F) -> bool:
    """Lower factor, with the reciprocal of its diagonal on the diagonal."""
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
                low[i, i] = 1.0 / math.sqrt(total)
            else:
                low[i, j] = total * low[j, j]
    return True


@_jit
def _worst_leverage(low: _F) -> float:
    worst = 0.0
    z = np.empty(COEFFICIENTS)
    for node in range(_YEAR_NODES):
        total = 0.0
        for i in range(COEFFICIENTS):
            value = _NODES[node, i]
            for k in range(i):
                value -= low[i, k] * z[k]
            z[i] = value * low[i, i]
            total += z[i] * z[i]
        worst = max(worst, total)
    return worst


@_jit
def _find_ridge(a: _F, low: _F) -> float:
    """Least ridge (0 for well spread dates) that keeps the season tame; factors."""
    ridge = 0.0
    while not (_cholesky(a, ridge, low) and _worst_leverage(low) <= _MAX_LEVERAGE):
        if ridge >= _RIDGE_MAX:
            break
        ridge = max(_RIDGE_MIN, ridge * _RIDGE_STEP)
    return ridge


@_jit
def _substitute(low: _F, coef: _F) -> None:
    for i in range(COEFFICIENTS):
        for k in range(i):
            for s in range(_LANES):
                coef[i, s] -= low[i, k] * coef[k, s]
        coef[i] *= low[i, i]
    for i in range(COEFFICIENTS - 1, -1, -1):
        for k in range(i + 1, COEFFICIENTS):
            for s in range(_LANES):
                coef[i, s] -= low[k, i] * coef[k, s]
        coef[i] *= low[i, i]


@_jit
def _regress(
    basis: _F, values: _F, weight: _F, n: int, ridge: float, coef: _F
) -> float:
    """Weighted fit of all signals at once; a negative `ridge` is looked for."""
    a = np.empty((COEFFICIENTS, COEFFICIENTS))
    low = np.empty((COEFFICIENTS, COEFFICIENTS))
    _normal(basis, weight, n, a)
    if ridge < 0.0 or not _cholesky(a, ridge, low):
        ridge = _find_ridge(a, low)
    coef[:] = 0.0
    for d in range(n):
        for i in range(COEFFICIENTS):
            wb = weight[d] * basis[d, i]
            for s in range(_LANES):
                coef[i, s] += wb * values[d, s]
    _substitute(low, coef)
    return ridge


@_jit
def _regress_gaps(
    basis: _F, values: _F, seen: _F, weight: _F, n: int, coef: _F
) -> None:
    """Fit again, one by one, the signals that miss some of the dates."""
    own = np.empty((COEFFICIENTS, _LANES))
    for s in range(_SIGNALS):
        if 0.0 < seen[:n, s].sum() < n:
            mine = weight[:n] * seen[:n, s]
            if mine.sum() < 1.0:
                mine = seen[:n, s].copy()
            _regress(basis, values, mine, n, -1.0, own)
            coef[:, s] = own[:, s]


@_jit
def _find_rest(basis: _F, values: _F, seen: _F, n: int, coef: _F, rest: _F) -> None:
    for d in range(n):
        rest[d] = values[d]
        for i in range(COEFFICIENTS):
            for s in range(_LANES):
                rest[d, s] -= basis[d, i] * coef[i, s]
        rest[d] *= seen[d]


@_jit
def _find_spread(rest: _F, seen: _F, n: int, buffer: _F, spread: _F) -> None:
    """Robust spread of the residuals, freed of the fit's optimism."""
    for s in range(_SIGNALS):
        m = 0
        for d in range(n):
            if seen[d, s] > 0.0:
                buffer[m] = abs(rest[d, s])
                m += 1
        if m:
            # A least-squares residual has the variance (m - p) / m of the noise.
            freedom = max(m - COEFFICIENTS, 1) / m
            size = _MAD * _median(buffer, m) / math.sqrt(freedom)
            spread[s] = max(size, _FLOOR[s])


@_jit
def _reweight(rest: _F, seen: _F, spread: _F, n: int, tukey: bool, weight: _F) -> None:
    """One weight a date from all signals: cloud and damage spare no band."""
    precision = 1.0 / (spread * spread)
    for d in range(n):
        total, voices = 0.0, 0.0
        for s in range(_LANES):
            total += rest[d, s] * rest[d, s] * precision[s]
            voices += seen[d, s]
        square = total / max(voices, 1.0)
        if tukey:
            rise = 1.0 - square / (_TUKEY * _TUKEY)
            weight[d] = rise * rise if rise > 0.0 else 0.0
        else:
            weight[d] = min(1.0, _HUBER / math.sqrt(square)) if square > 0.0 else 1.0
    if weight[:n].sum() < 1.0:  # no date agrees with the others
        weight[:n] = 1.0


@_jit
def _fill(values: _F, n: int, least: int, filled: _F, seen: _F) -> bool:
    """Copy the signals that can be fitted; True where one misses dates."""
    gaps = False
    for s in range(_SIGNALS):
        known = ~np.isnan(values[:n, s])
        if known.sum() >= least:
            gaps = gaps or known.sum() < n
            seen[:, s] = known
            filled[:, s] = np.where(known, values[:n, s], 0.0)
    return gaps


@_jit
def fit_series(basis: _F, values: _F, n: int, least: int, coef: _F, spread: _F) -> None:
    """Fit one pixel's signals robustly: iterated reweighted least squares.

    Parameters
    ----------
    basis
        ``(>= n, 5)`` float64.
    values
        ``(>= n, 8)`` float64, the seven signals and a column of NaN; NaN missing.
    n
        Dates to use.
    least
        A signal with fewer values gets NaN coefficients.
    coef, spread
        ``(5, 8)`` and ``(8,)`` float64, overwritten.
    """
    seen = np.zeros((n, _LANES))
    filled = np.zeros((n, _LANES))
    gaps = _fill(values, n, least, filled, seen)
    weight, buffer = np.ones(n), np.empty(n)
    rest = np.empty((n, _LANES))
    spread[:] = 1.0
    ridge = -1.0
    for step in range(1 + _HUBER_PASSES + _TUKEY_PASSES):
        tukey = step > _HUBER_PASSES
        if step:
            _reweight(rest, seen, spread, n, tukey, weight)
        ridge = _regress(basis, filled, weight, n, -1.0 if tukey else ridge, coef)
        if gaps:
            _regress_gaps(basis, filled, seen, weight, n, coef)
        _find_rest(basis, filled, seen, n, coef, rest)
        if tukey or step % 2 == 0:
            _find_spread(rest, seen, n, buffer, spread)
    for s in range(_LANES):
        if seen[:, s].max() == 0.0:
            coef[:, s] = math.nan
            spread[s] = math.nan


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
    values = np.full((dates, _LANES), math.nan)
    used = np.empty((dates, COEFFICIENTS))
    one = np.empty(_SIGNALS)
    c = np.empty((COEFFICIENTS, _LANES))
    w = np.empty(_LANES)
    for y in range(height):
        for x in range(width):
            n, first, last = 0, 0, 0
            for d in range(dates):
                if _signals(stack[d, :, y, x], one):
                    last = day[d, y, x]
                    if n == 0:
                        first = last
                    values[n, :_SIGNALS] = one - calendar.offset[last - calendar.start]
                    used[n] = calendar.basis[last - calendar.start]
                    n += 1
            coef[:, :, y, x] = math.nan
            spread[:, y, x] = math.nan
            count[y, x] = 0
            if n >= least and last - first >= min_span:
                fit_series(used, values, n, least, c, w)
                coef[:, :, y, x] = c[:, :_SIGNALS].T
                spread[:, y, x] = w[:_SIGNALS]
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
                    known = coef[s, 0, y, x] != NODATA
                    rest = one[s] - calendar.offset[row, s] if known else math.nan
                    for i in range(COEFFICIENTS):
                        rest -= calendar.basis[row, i] * coef[s, i, y, x] / SCALE
                    value[d, s, y, x] = rest
