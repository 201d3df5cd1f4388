"""OPTRAM: soil wetness from the space of NDVI and transformed SWIR reflectance.

In the plane of NDVI and STR, the pixels of a landscape fill a trapezoid: its
lower edge is dry ground, its upper edge saturated ground, and wetness is how far
a pixel lies between them at its own NDVI. The edges belong to a landscape, not
to a date (Sadeghi et al. 2017, section 2), so estimate them once over many dates
and tiles with `EdgeCounts` and pass them on; a wetness whose edges come from one
scene alone says which ground is wetter *in that scene*.

References
----------
Sadeghi, Babaeian, Tuller & Jones 2017, The optical trapezoid model, Remote
Sensing of Environment 198, 52-68.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.indices import formulas
from agroforest.indices.elementwise import (
    Array,
    Floats,
    elementwise,
    evaluate,
    flatten,
    float_of,
)
from agroforest.indices.formulas import (
    NDVI_BINS,
    NDVI_WIDTH,
    STR_BINS,
    STR_WIDTH,
    Formula,
)
from agroforest.indices.spectral import ndvi

if TYPE_CHECKING:
    import xarray as xr

# Share of a bin's pixels left outside each edge, and pixels a bin needs; both as
# in rOPTRAM's default (5 %) or arbitrary (50).
_TAIL = 0.05
_MIN_PIXELS = 50
# Distinct NDVI bins without which a line is a guess. Arbitrary.
_MIN_BINS = 5


@dataclass(frozen=True, slots=True)
class Edges:
    """The dry and the wet edge, each a line ``STR = intercept + slope NDVI``.

    Attributes
    ----------
    dry_intercept, dry_slope
        Lower edge; wetness 0.
    wet_intercept, wet_slope
        Upper edge; wetness 1. Numbers, or 0-d arrays still to be computed.
    """

    dry_intercept: Array
    dry_slope: Array
    wet_intercept: Array
    wet_slope: Array


@elementwise
def transformed_reflectance(swir: Array) -> Array:
    """Shortwave-infrared transformed reflectance, STR = (1 - R)^2 / (2 R).

    Parameters
    ----------
    swir
        B12 (2190 nm) or B11 (1610 nm) as a fraction.

    Returns
    -------
    array
        0 (white) upward, rising with water; NaN is nodata. Reflectances outside
        0 < R <= 1 have no STR (Kubelka & Munk) and are nodata.

    References
    ----------
    Sadeghi et al. 2017, definition of STR.
    """
    return evaluate(Formula.STR, swir)


def wetness(greenness: Array, transformed: Array, *, edges: Edges) -> Array:
    """Relative soil wetness, W = (STR - STR_dry) / (STR_wet - STR_dry).

    Parameters
    ----------
    greenness
        NDVI.
    transformed
        STR of the same pixels.
    edges
        Both edges at every NDVI.

    Returns
    -------
    array
        0 (dry edge and below) to 1 (saturated and above); NaN is nodata, also
        where the edges meet or cross.

    References
    ----------
    Sadeghi et al. 2017, the model equation with edges linear in NDVI.
    """
    return _wetness(
        greenness,
        transformed,
        edges.dry_intercept,
        edges.dry_slope,
        edges.wet_intercept,
        edges.wet_slope,
    )


def optram(nir: Array, red: Array, swir: Array, *, edges: Edges) -> Array:
    """OPTRAM wetness from reflectances.

    Parameters
    ----------
    nir, red
        B08 and B04, for NDVI.
    swir
        B12, for STR; B11 needs edges of its own.
    edges
        From `EdgeCounts`, a calibration or a publication.

    Returns
    -------
    array
        0..1, see `wetness`.
    """
    return wetness(ndvi(nir, red), transformed_reflectance(swir), edges=edges)


@elementwise
def _wetness(
    greenness: Array,
    transformed: Array,
    dry_intercept: Array,
    dry_slope: Array,
    wet_intercept: Array,
    wet_slope: Array,
) -> Array:
    edges = (dry_intercept, dry_slope, wet_intercept, wet_slope)
    return evaluate(Formula.WETNESS, greenness, transformed, edges=edges)


class EdgeCounts:
    """How many pixels lie where in the NDVI-STR plane; edges come from it.

    Counts add up, so blocks, tiles and dates may come in any order and grouping
    and the edges are the same. Not to be shared by threads: give each its own.
    """

    def __init__(self) -> None:
        # And, after the cells of the plane, what lies outside it.
        self._counts = np.zeros(NDVI_BINS * STR_BINS + 1, np.int64)

    def add(
        self,
        greenness: Floats,
        transformed: Floats,
        *,
        usable: NDArray[np.bool_] | None = None,
    ) -> Self:
        """Count pixels by NDVI and STR.

        Parameters
        ----------
        greenness, transformed
            NumPy arrays of one shape; NaN is left out, and so is what lies outside
            NDVI 0..1 and STR 0..20.
        usable
            Bool, of the same shape; pixels where it is False are left out.
        """
        x, y, clear = _pixels((greenness, transformed), usable)
        formulas.count_pixels(x, y, clear, self._counts)
        return self

    def add_bands(
        self,
        nir: Floats,
        red: Floats,
        swir: Floats,
        *,
        usable: NDArray[np.bool_] | None = None,
    ) -> Self:
        """Count pixels by their reflectances, nothing being kept of them.

        Parameters
        ----------
        nir, red, swir
            B08, B04 and B12 as in `optram`, NumPy arrays of one shape and dtype,
            float32 or float64.
        usable
            As in `add`.
        """
        a, b, c, clear = _pixels((nir, red, swir), usable)
        formulas.count_bands(a, b, c, clear, self._counts)
        return self

    def __add__(self, other: "EdgeCounts") -> "EdgeCounts":
        total = EdgeCounts()
        total._counts = self._counts + other._counts
        return total

    def edges(self) -> Edges:
        """Fit both edges.

        In every NDVI bin with at least 50 pixels the 5 % and 95 % quantiles of
        STR are taken; a Theil-Sen line (median of the pairwise slopes, which a
        third of odd bins cannot turn) through each set is an edge.

        Raises
        ------
        DataError
            With fewer than five such bins, or if the fitted edges cross.
        """
        full = np.flatnonzero(self._table.sum(axis=1) >= _MIN_PIXELS)
        rows = [int(i) for i in full]
        if full.size < _MIN_BINS:
            raise DataError(
                "optram edges",
                f"{full.size} NDVI intervals of {_MIN_PIXELS} pixels or more",
                f"add scenes until there are {_MIN_BINS}, or pass edges",
            )
        x = (full.astype(np.float64) + 0.5) * NDVI_WIDTH
        dry = _line(x, np.array([self._quantile(i, _TAIL) for i in rows]))
        wet = _line(x, np.array([self._quantile(i, 1 - _TAIL) for i in rows]))
        found = Edges(
            dry_intercept=dry[0],
            dry_slope=dry[1],
            wet_intercept=wet[0],
            wet_slope=wet[1],
        )
        gap = (wet[0] - dry[0]) + (wet[1] - dry[1]) * x
        if not (gap > 0).all():
            raise DataError(
                "optram edges",
                f"dry and wet edge cross near NDVI {x[np.argmin(gap)]:.2f}",
                "add scenes from wetter and drier days, or pass edges",
            )
        return found

    def edges_or_nan(self) -> Edges:
        """Both edges as float32; all NaN, and all wetness nodata, if `edges` refuses.

        A product of one scene has nowhere else to take its edges from.
        """
        try:
            found = self.edges()
        except DataError:
            found = Edges(np.nan, np.nan, np.nan, np.nan)
        return Edges(*map(np.float32, astuple(found)))

    def _quantile(self, row: int, share: float) -> float:
        cumulated = np.cumsum(self._table[row])
        target = share * cumulated[-1]
        cell = int(np.searchsorted(cumulated, target))
        before = cumulated[cell - 1] if cell else 0
        inside = (target - before) / max(1, cumulated[cell] - before)
        return float((cell + inside) * STR_WIDTH)

    @property
    def _table(self) -> NDArray[np.int64]:
        return self._counts[:-1].reshape(NDVI_BINS, STR_BINS)


def _pixels(
    values: tuple[Floats, ...], usable: NDArray[np.bool_] | None
) -> list[NDArray[Any]]:
    dtype = float_of(values)
    clear = np.asarray(True if usable is None else usable, np.bool_)
    shape = np.broadcast_shapes(*map(np.shape, values), clear.shape)
    arrays: list[NDArray[Any]] = [np.asarray(v, dtype) for v in values]
    return [flatten(array, shape) for array in (*arrays, clear)]


def scene_edges(
    nir: "xr.DataArray",
    red: "xr.DataArray",
    swir: "xr.DataArray",
    *,
    usable: "xr.DataArray | None" = None,
) -> Edges:
    """Edges of one scene or cube from its own pixels, lazily if they are lazy.

    Parameters
    ----------
    nir, red, swir
        B08, B04 and B12 reflectance, one shape.
    usable
        Bool, True where a pixel is clear; others are not counted.

    Returns
    -------
    Edges
        Fields are 0-d arrays, the same for any chunking. All NaN (and so all
        wetness nodata) where `EdgeCounts.edges` would refuse the pixels.
    """
    import xarray as xr  # noqa: PLC0415  a third of a second

    greenness, transformed = ndvi(nir, red), transformed_reflectance(swir)
    if usable is not None:
        transformed = transformed.where(usable)
    greenness, transformed = xr.broadcast(greenness, transformed)
    if greenness.chunks is None and transformed.chunks is None:
        return EdgeCounts().add(greenness.values, transformed.values).edges_or_nan()
    greenness, transformed = xr.unify_chunks(greenness.chunk(), transformed.chunk())
    import dask.array as da  # noqa: PLC0415  a quarter of a second
    from dask.delayed import delayed  # noqa: PLC0415

    counts = [
        delayed(_count)(g, t)
        for g, t in zip(
            greenness.data.to_delayed().ravel(),
            transformed.data.to_delayed().ravel(),
            strict=True,
        )
    ]
    values = da.from_delayed(
        delayed(_edge_values)(counts), shape=(4,), dtype=np.float32
    )
    return Edges(*(xr.DataArray(values[i]) for i in range(4)))


def _count(greenness: Array, transformed: Array) -> "EdgeCounts":
    return EdgeCounts().add(greenness, transformed)


def _edge_values(counts: Iterable["EdgeCounts"]) -> NDArray[np.float32]:
    return np.array(astuple(sum(counts, EdgeCounts()).edges_or_nan()))


def _line(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    first, second = np.triu_indices(x.size, k=1)
    slope = float(np.median((y[second] - y[first]) / (x[second] - x[first])))
    return float(np.median(y - slope * x)), slope
