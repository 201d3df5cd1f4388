"""Index values as int16: ten thousand steps a unit, one number for nodata."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agroforest.indices import formulas
from agroforest.indices.elementwise import flatten

#: ``value = number * SCALE``.
SCALE = 1 / formulas.STEPS
#: The number that means nodata.
NODATA = formulas.NODATA
#: Largest magnitude that can be written; values beyond it are clipped to it.
LIMIT = 32767 * SCALE


def encode(values: NDArray[np.floating[Any]]) -> NDArray[np.int16]:
    """Floats to int16, ten thousand steps a unit.

    Parameters
    ----------
    values
        Any shape, float32 or float64; NaN is nodata.

    Returns
    -------
    ndarray
        Same shape, int16. Rounded half to even; values beyond ±3.2767, infinite
        ones included, are clipped to ±3.2767; NaN becomes -32768.
    """
    exact = np.asarray(values, None if values.dtype == np.float32 else np.float64)
    numbers = np.empty(exact.shape, np.int16)
    formulas.encode_values(flatten(exact, exact.shape), numbers.reshape(-1))
    return numbers


def decode(numbers: NDArray[np.int16]) -> NDArray[np.float32]:
    """Turn int16 back into float32; -32768 becomes NaN."""
    values = (np.asarray(numbers, np.float64) * SCALE).astype(np.float32)
    values[np.asarray(numbers) == NODATA] = np.nan
    return values
