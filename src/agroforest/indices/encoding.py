"""Index values as int16: ten thousand steps a unit, one number for nodata."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: ``value = number * SCALE``.
SCALE = 1e-4
#: The number that means nodata.
NODATA = -32768
#: Largest magnitude that can be written; values beyond it are clipped to it.
LIMIT = 32767 * SCALE
_STEPS = 10_000.0


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
    # float64: a half in float32 may not be the half that was meant
    steps = np.rint(np.asarray(values, np.float64) * _STEPS)
    whole = np.where(np.isnan(steps), NODATA, np.clip(steps, -32767, 32767))
    return whole.astype(np.int16)


def decode(numbers: NDArray[np.int16]) -> NDArray[np.float32]:
    """Turn int16 back into float32; -32768 becomes NaN."""
    values = (np.asarray(numbers, np.float64) * SCALE).astype(np.float32)
    values[np.asarray(numbers) == NODATA] = np.nan
    return values
