"""Solar radiation from hours of sunshine."""

import numpy as np
from numpy.typing import NDArray

from agroforest.water.reference import find_sky_radiation

Field = NDArray[np.float64]

#: Angström's coefficients where nobody fitted any (FAO-56 Eq. 35 and p. 50).
_CLOUDY, _CLEAR = 0.25, 0.50


def find_radiation(sunshine: Field, *, latitude: float, day_of_year: Field) -> Field:
    """Find solar radiation on the ground (FAO-56 Eqs. 34 and 35).

    Parameters
    ----------
    sunshine
        ``(days,)`` hours; NaN is missing.
    latitude
        Degrees north.
    day_of_year
        ``(days,)`` 1 to 366.

    Returns
    -------
    ndarray
        ``(days,)`` float64, MJ m⁻² d⁻¹; NaN where the sunshine is missing, and where
        the sun does not rise.
    """
    declination = 0.409 * np.sin(2.0 * np.pi / 365.0 * day_of_year - 1.39)  # Eq. 24
    sunset = -np.tan(np.deg2rad(latitude)) * np.tan(declination)  # Eq. 25
    length = 24.0 / np.pi * np.arccos(np.clip(sunset, -1.0, 1.0))  # Eq. 34
    share = np.divide(
        sunshine, length, out=np.full(sunshine.shape, np.nan), where=length > 0
    )
    sky = find_sky_radiation(latitude, day_of_year)
    found: Field = (_CLOUDY + _CLEAR * np.clip(share, 0.0, 1.0)) * sky  # Eq. 35
    return found
