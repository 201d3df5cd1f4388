"""The formulas of the indices, compiled, each stated once.

A formula is a function of one pixel. `evaluate` applies one to arrays, as the
functions of `agroforest.indices.spectral` do; `encode_indices` applies several to
a strip of a scene and writes int16, as products do. Both give the same values to
the last bit. Papers, bands and meaning are told in `spectral` and `optram`.

A pixel's numbers are float32 or float64, and so is the result. Constants are
float32, which leaves float32 what it is and float64 exact, because each is a small
whole number or a half. No formula branches: the loops become vector code.

All that numba compiles for the indices lives in this module, because numba's
on-disk cache notices a changed file but not a changed callee in another file.
"""
# mypy: disable-error-code="untyped-decorator"
# (numba has no types)

from collections.abc import Callable
from enum import IntEnum
from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

#: One pixel's number, float32 or float64.
_Number: TypeAlias = Any
_Floats: TypeAlias = NDArray[np.floating[Any]]


class Formula(IntEnum):
    """What `evaluate` computes, and of what.

    ====================== ==========================================
    formula                 arrays
    ====================== ==========================================
    NORMALISED_DIFFERENCE   two bands
    EVI                     near infrared, red, blue
    RATIO                   two bands
    NMDI                    near infrared, two of shortwave infrared
    CRSWIR                  near infrared, two of shortwave infrared
    STR                     shortwave infrared
    WETNESS                 NDVI, STR; and the edges
    OPTRAM                  near infrared, red, shortwave infrared; and the edges
    ====================== ==========================================
    """

    NORMALISED_DIFFERENCE = 0
    EVI = 1
    RATIO = 2
    NMDI = 3
    CRSWIR = 4
    STR = 5
    WETNESS = 6
    OPTRAM = 7


#: Largest magnitude an unbounded ratio may have. Land gives -1..2; int16 at
#: 10000 steps a unit ends at 3.2767. Arbitrary.
RATIO_LIMIT = 3.0
_LIMIT = np.float32(RATIO_LIMIT)

_NAN, _ZERO, _ONE, _TWO = map(np.float32, (np.nan, 0.0, 1.0, 2.0))

# Huete et al. 2002: gain, aerosol coefficients of red and blue, canopy background.
_EVI_GAIN, _EVI_RED, _EVI_BLUE, _EVI_SOIL = map(np.float32, (2.5, 6.0, 7.5, 1.0))

# Central wavelengths of Sentinel-2A in nm; the share of the way from B8A to B12 at
# which B11 lies.
_B8A_NM, _B11_NM, _B12_NM = 864.0, 1610.4, 2185.7
_B11_SHARE = (_B11_NM - _B8A_NM) / (_B12_NM - _B8A_NM)

#: Index values as int16: steps a unit, and the number that means nodata.
STEPS, NODATA = 10_000.0, -32768
# The ends of the scale, and what becomes `NODATA`. Not representable in float32,
# but nearer to it than half a step.
_HIGHEST, _NODATA_VALUE = np.float32(3.2767), np.float32(-3.2768)

# Pixels computed at a time: their values and cells stay in the first-level cache.
_RUN = 1024

#: The plane in which OPTRAM's edges are sought: intervals of NDVI (0..1, from bare
#: ground to closed canopy, so that water takes no part) and of STR (0..20; land at
#: 2190 nm is below 10 but for water and deep shadow), and their widths.
NDVI_BINS, STR_BINS = 50, 2000
NDVI_WIDTH, STR_WIDTH = 1.0 / NDVI_BINS, 20.0 / STR_BINS

_jit = njit(nogil=True, cache=True, error_model="numpy")
# Inlined before types are known, so that a loop takes the formula as an argument
# and still goes into the cache.
_loop = njit(nogil=True, error_model="numpy", inline="always")


# ---------------------------------------------------------------- formulas
@_jit
def _divide(numerator: _Number, denominator: _Number) -> _Number:
    return numerator / denominator if denominator > _ZERO else _NAN


@_jit
def _bounded(value: _Number, lowest: _Number) -> _Number:
    return value if (value >= lowest) & (value <= _LIMIT) else _NAN


@_jit
def _clip(value: _Number, lowest: _Number, highest: _Number) -> _Number:
    return min(max(value, lowest), highest)  # in this order NaN stays NaN


@_jit
def _normalised_difference(first: _Number, second: _Number) -> _Number:
    return _clip(_divide(first - second, first + second), -_ONE, _ONE)


@_jit
def _evi(nir: _Number, red: _Number, blue: _Number) -> _Number:
    denominator = nir + _EVI_RED * red - _EVI_BLUE * blue + _EVI_SOIL
    return _bounded(_divide(_EVI_GAIN * (nir - red), denominator), -_LIMIT)


@_jit
def _ratio(first: _Number, second: _Number) -> _Number:
    return _bounded(_divide(first, second), _ZERO)


@_jit
def _nmdi(nir: _Number, swir1: _Number, swir2: _Number) -> _Number:
    difference = swir1 - swir2
    return _bounded(_divide(nir - difference, nir + difference), -_LIMIT)


@_jit
def _crswir(nir: _Number, swir1: _Number, swir2: _Number) -> _Number:
    share = type(nir)(_B11_SHARE)
    return _ratio(swir1, nir + (swir2 - nir) * share)


@_jit
def _str(swir: _Number) -> _Number:
    value = (_ONE - swir) * (_ONE - swir) / (_TWO * swir)
    return value if (swir > _ZERO) & (swir <= _ONE) else _NAN


@_jit
def _wetness(
    greenness: _Number,
    transformed: _Number,
    dry: tuple[_Number, _Number],
    wet: tuple[_Number, _Number],
) -> _Number:
    lower = dry[0] + dry[1] * greenness
    upper = wet[0] + wet[1] * greenness
    return _clip(_divide(transformed - lower, upper - lower), _ZERO, _ONE)


# ---------------------------------------------------------------- arrays
@_loop
def _each_of_two(
    formula: Callable[..., _Number], a: _Floats, b: _Floats, out: _Floats
) -> None:
    for i in range(out.size):
        out[i] = formula(a[i], b[i])


@_loop
def _each_of_three(
    formula: Callable[..., _Number], a: _Floats, b: _Floats, c: _Floats, out: _Floats
) -> None:
    for i in range(out.size):
        out[i] = formula(a[i], b[i], c[i])


@_jit
def _each_str(swir: _Floats, out: _Floats) -> None:
    for i in range(out.size):
        out[i] = _str(swir[i])


@_jit
def _each_wetness(
    greenness: _Floats, transformed: _Floats, edges: _Floats, out: _Floats
) -> None:
    dry, wet = (edges[0], edges[1]), (edges[2], edges[3])
    for i in range(out.size):
        out[i] = _wetness(greenness[i], transformed[i], dry, wet)


@_jit
def _each_optram(
    nir: _Floats, red: _Floats, swir: _Floats, edges: _Floats, out: _Floats
) -> None:
    dry, wet = (edges[0], edges[1]), (edges[2], edges[3])
    for i in range(out.size):
        greenness = _normalised_difference(nir[i], red[i])
        out[i] = _wetness(greenness, _str(swir[i]), dry, wet)


@_jit
def evaluate(
    formula: int, a: _Floats, b: _Floats, c: _Floats, edges: _Floats, out: _Floats
) -> None:
    """Apply a formula to every pixel.

    Parameters
    ----------
    formula
        A `Formula`, as an int.
    a, b, c
        1-d, contiguous, of one length and dtype (float32 or float64); the bands as
        `Formula` orders them. Those that it does not take may be anything.
    edges
        ``(4,)``: dry intercept and slope, wet intercept and slope.
    out
        Overwritten; NaN is nodata.
    """
    if formula == Formula.NORMALISED_DIFFERENCE:
        _each_of_two(_normalised_difference, a, b, out)
    elif formula == Formula.EVI:
        _each_of_three(_evi, a, b, c, out)
    elif formula == Formula.RATIO:
        _each_of_two(_ratio, a, b, out)
    elif formula == Formula.NMDI:
        _each_of_three(_nmdi, a, b, c, out)
    elif formula == Formula.CRSWIR:
        _each_of_three(_crswir, a, b, c, out)
    elif formula == Formula.STR:
        _each_str(a, out)
    elif formula == Formula.WETNESS:
        _each_wetness(a, b, edges, out)
    elif formula == Formula.OPTRAM:
        _each_optram(a, b, c, edges, out)


# ---------------------------------------------------------------- int16
@_jit
def _encode(value: _Number) -> _Number:
    value = _clip(value, -_HIGHEST, _HIGHEST)
    value = _NODATA_VALUE if np.isnan(value) else value
    # In float64: a half in float32 may not be the half that was meant.
    return np.int16(np.int32(np.rint(np.float64(value) * STEPS)))


@_jit
def encode_values(values: _Floats, out: NDArray[np.int16]) -> None:
    """Floats to int16; see `agroforest.indices.encoding.encode`.

    Parameters
    ----------
    values
        1-d, float32 or float64.
    out
        Of the same length, overwritten.
    """
    for i in range(out.size):
        out[i] = _encode(values[i])


@_jit
def _encode_usable(
    values: NDArray[np.float32], usable: NDArray[np.bool_], out: NDArray[np.int16]
) -> None:
    for i in range(out.size):
        out[i] = _encode(values[i] if usable[i] else _NAN)


@_jit
def encode_indices(
    bands: NDArray[np.float32],
    usable: NDArray[np.bool_],
    out: NDArray[np.int16],
    step: int,
    plan: NDArray[np.int64],
    edges: NDArray[np.float32],
) -> None:
    """Write several indices of some pixels as int16, run by run.

    Parameters
    ----------
    bands
        ``(band, pixel)`` float32, contiguous; NaN is nodata.
    usable
        ``(pixel,)``; where False all indices are nodata.
    out
        1-d, contiguous; an index begins `step` numbers after the one before it.
    plan
        ``(index, 4)``: a `Formula`, and the places of its bands.
    edges
        ``(4,)``, as in `evaluate`.
    """
    values = np.empty(min(_RUN, usable.size), np.float32)
    for x in range(0, usable.size, _RUN):
        end = min(x + _RUN, usable.size)
        run = values[: end - x]
        for k in range(plan.shape[0]):
            a, b, c = bands[plan[k, 1]], bands[plan[k, 2]], bands[plan[k, 3]]
            evaluate(plan[k, 0], a[x:end], b[x:end], c[x:end], edges, run)
            _encode_usable(run, usable[x:end], out[k * step + x : k * step + end])


# ---------------------------------------------------------------- OPTRAM's edges
@_jit
def _interval(value: float, width: float, bins: int) -> _Number:
    """Interval of a number of 0..bins * width; the last one has both its ends."""
    k = np.int32(value / width)
    # The quotient is rounded; the intervals' ends are whole multiples of the width.
    k -= np.int32(value < k * width)
    k += np.int32(value >= (k + 1) * width)
    return min(k, np.int32(bins - 1))


@_jit
def _count_run(
    greenness: _Floats,
    transformed: _Floats,
    usable: NDArray[np.bool_],
    cells: NDArray[np.int32],
    counts: NDArray[np.int64],
) -> None:
    for i in range(greenness.size):
        x, y = np.float64(greenness[i]), np.float64(transformed[i])
        inside = usable[i] & (x >= 0.0) & (x <= NDVI_BINS * NDVI_WIDTH)
        inside = inside & (y >= 0.0) & (y <= STR_BINS * STR_WIDTH)
        row = _interval(x if inside else 0.0, NDVI_WIDTH, NDVI_BINS)
        column = _interval(y if inside else 0.0, STR_WIDTH, STR_BINS)
        cells[i] = row * STR_BINS + column if inside else NDVI_BINS * STR_BINS
    for i in range(greenness.size):
        counts[cells[i]] += 1


@_jit
def count_pixels(
    greenness: _Floats,
    transformed: _Floats,
    usable: NDArray[np.bool_],
    counts: NDArray[np.int64],
) -> None:
    """Count pixels in the plane of NDVI and STR.

    Parameters
    ----------
    greenness, transformed
        NDVI and STR, 1-d, of one length.
    usable
        Of the same length; where False nothing is counted.
    counts
        ``(NDVI_BINS * STR_BINS + 1,)``, to be added to, STR fastest; the last one
        is of the pixels that lie outside or are not usable.
    """
    cells = np.empty(min(_RUN, greenness.size), np.int32)
    for x in range(0, greenness.size, _RUN):
        end = min(x + _RUN, greenness.size)
        _count_run(greenness[x:end], transformed[x:end], usable[x:end], cells, counts)


@_jit
def count_bands(
    nir: _Floats,
    red: _Floats,
    swir: _Floats,
    usable: NDArray[np.bool_],
    counts: NDArray[np.int64],
) -> None:
    """Count pixels by their reflectances; see `count_pixels`."""
    size = min(_RUN, nir.size)
    greenness, transformed = np.empty(size, nir.dtype), np.empty(size, nir.dtype)
    cells = np.empty(size, np.int32)
    for x in range(0, nir.size, _RUN):
        end = min(x + _RUN, nir.size)
        g, t = greenness[: end - x], transformed[: end - x]
        _each_of_two(_normalised_difference, nir[x:end], red[x:end], g)
        _each_str(swir[x:end], t)
        _count_run(g, t, usable[x:end], cells, counts)
