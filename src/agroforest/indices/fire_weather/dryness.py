"""How much water the air could still take."""

import numpy as np
from numpy.typing import NDArray

from agroforest.core.weather import find_saturation


def find_vpd(
    temperature: NDArray[np.floating], humidity: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Vapour pressure deficit.

    Parameters
    ----------
    temperature
        Any shape, °C; NaN is missing.
    humidity
        Same shape, percent, 0 to 100; NaN is missing.

    Returns
    -------
    ndarray
        Same shape, float64, kPa, from 0; NaN where either is missing or the humidity
        is out of range.
    """
    celsius = np.asarray(temperature, dtype=np.float64)
    relative = np.asarray(humidity, dtype=np.float64)
    deficit = find_saturation(celsius) * (1.0 - relative / 100.0)
    return np.where((relative >= 0.0) & (relative <= 100.0), deficit, np.nan)
