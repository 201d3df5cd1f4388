"""One formula, three kinds of array: NumPy, Dask and xarray, lazy staying lazy."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from agroforest.indices import formulas
from agroforest.indices.formulas import Formula

#: A NumPy array, a Dask array or an `xarray.DataArray`.
Array: TypeAlias = Any
Floats: TypeAlias = NDArray[np.floating[Any]]

_P = ParamSpec("_P")
_T = TypeVar("_T", bound=np.generic)


def elementwise(kernel: Callable[_P, Array]) -> Callable[_P, Array]:
    """Let a NumPy kernel take Dask and xarray arrays as well.

    Positional arguments are arrays, which reach the kernel as floating-point
    NumPy arrays: float64 if one of them is, otherwise float32. Keyword arguments
    reach it as they are. Dask arrays may be chunked differently from one another;
    nothing is computed until the caller asks for it.
    """

    @wraps(kernel)
    def apply(*arrays: _P.args, **parameters: _P.kwargs) -> Array:
        dtype = float_of(arrays)
        call = partial(_call, kernel=kernel, dtype=dtype, parameters=parameters)
        if any(_is_of(a, "xarray") for a in arrays):
            from xarray import apply_ufunc  # noqa: PLC0415  a third of a second

            return apply_ufunc(
                call, *arrays, dask="parallelized", output_dtypes=[dtype]
            )
        if any(_is_of(a, "dask") for a in arrays):
            # Not map_blocks, which pairs blocks by number and not by place.
            from dask.array.core import elemwise  # noqa: PLC0415  a quarter second

            return elemwise(call, *arrays, dtype=dtype)
        return call(*arrays)

    return apply


def _call(
    *arrays: Array,
    kernel: Callable[..., Array],
    dtype: np.dtype[Any],
    parameters: dict[str, object],
) -> Floats:
    return cast("Floats", kernel(*(np.asarray(a, dtype) for a in arrays), **parameters))


def evaluate(
    formula: Formula, *bands: Floats, edges: tuple[Floats, ...] = ()
) -> Floats:
    """Apply a compiled formula to NumPy arrays.

    Parameters
    ----------
    formula
        Which.
    *bands
        What it takes, float32 or float64, all of one dtype, of shapes that
        broadcast.
    edges
        For those that need them: four arrays of one number each.

    Returns
    -------
    ndarray
        Of that dtype; NaN is nodata.
    """
    shape = np.broadcast_shapes(*(band.shape for band in bands))
    out = np.empty(shape, bands[0].dtype)
    flat = [flatten(band, shape) for band in bands]
    lines = np.array([edge.item() for edge in edges], out.dtype)
    a, b, c = (*flat, flat[0], flat[0])[:3]  # what a formula leaves alone
    formulas.evaluate(int(formula), a, b, c, lines, out.reshape(-1))
    return out


def flatten(array: NDArray[_T], shape: tuple[int, ...]) -> NDArray[_T]:
    """Broadcast an array and lay it out as one line of memory, not to be written."""
    line = np.ascontiguousarray(np.broadcast_to(array, shape)).reshape(-1).view()
    # numba compiles anew for every mixture of read-only and other arrays.
    line.flags.writeable = False
    return line


def float_of(arrays: tuple[object, ...]) -> np.dtype[Any]:
    """Type in which arrays are computed: float64 if one of them is, or float32."""
    wide = any(getattr(a, "dtype", None) == np.float64 for a in arrays)
    return np.dtype(np.float64 if wide else np.float32)


def _is_of(array: object, package: str) -> bool:
    return type(array).__module__.partition(".")[0] == package
