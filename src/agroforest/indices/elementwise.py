"""One kernel, three kinds of array: NumPy, Dask and xarray, lazy staying lazy."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, ParamSpec, TypeAlias, cast

import numpy as np
import xarray as xr
from numpy.typing import NDArray

#: A NumPy array, a Dask array or an `xarray.DataArray`.
Array: TypeAlias = Any
Floats: TypeAlias = NDArray[np.floating[Any]]

_P = ParamSpec("_P")


def elementwise(kernel: Callable[_P, Array]) -> Callable[_P, Array]:
    """Let a NumPy kernel take Dask and xarray arrays as well.

    Positional arguments are arrays, which reach the kernel as floating-point
    NumPy arrays: float64 if one of them is, otherwise float32. Keyword arguments
    reach it as they are. Dask arrays may be chunked differently from one another;
    nothing is computed until the caller asks for it.
    """

    @wraps(kernel)
    def apply(*arrays: _P.args, **parameters: _P.kwargs) -> Array:
        dtype = _float_of(arrays)
        call = partial(_call, kernel=kernel, dtype=dtype, parameters=parameters)
        if any(isinstance(a, xr.DataArray) for a in arrays):
            return xr.apply_ufunc(
                call, *arrays, dask="parallelized", output_dtypes=[dtype]
            )
        if any(_is_dask(a) for a in arrays):
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
    with np.errstate(all="ignore"):  # 0/0 and overflow are nodata, not news
        result = kernel(*(np.asarray(a, dtype) for a in arrays), **parameters)
    return cast("Floats", np.asarray(result, dtype))


def _float_of(arrays: tuple[object, ...]) -> np.dtype[Any]:
    wide = any(getattr(a, "dtype", None) == np.float64 for a in arrays)
    return np.dtype(np.float64 if wide else np.float32)


def _is_dask(array: object) -> bool:
    return type(array).__module__.partition(".")[0] == "dask"
