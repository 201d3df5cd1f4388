"""Spectra of what grows on a pixel, and how they change with the season.

Endmembers are reflectances of closed canopies and bare surfaces in the bands of
`BANDS`. Canopies lie close to PROSAIL spectra (prospect-D and 4SAIL) of plausible
leaves, darkened for the shadows between crowns that PROSAIL does not know; soils
are red earths of the humid subtropics. Round numbers, arbitrary in the third digit.
"""

import math
from datetime import date

import numpy as np
from numpy.typing import NDArray

from agroforest.testing.fields import Floats
from agroforest.testing.places import Cover

BANDS = ("B02", "B03", "B04", "B05", "B08", "B8A", "B11", "B12")

Spectrum = NDArray[np.float32]


def _spectrum(*values: float) -> Spectrum:
    return np.array(values, dtype=np.float32)


GREEN = {
    Cover.SCRUB: _spectrum(0.027, 0.055, 0.038, 0.098, 0.295, 0.310, 0.180, 0.092),
    Cover.EUCALYPTUS: _spectrum(0.021, 0.043, 0.023, 0.080, 0.300, 0.318, 0.148, 0.066),
    Cover.PINE: _spectrum(0.017, 0.033, 0.020, 0.062, 0.225, 0.240, 0.100, 0.042),
    Cover.SUGARCANE: _spectrum(0.028, 0.068, 0.032, 0.112, 0.400, 0.425, 0.190, 0.085),
    Cover.CITRUS: _spectrum(0.024, 0.050, 0.027, 0.088, 0.320, 0.338, 0.165, 0.077),
}
#: Canopy whose leaves have lost most chlorophyll and water.
DEAD = _spectrum(0.034, 0.054, 0.068, 0.098, 0.178, 0.192, 0.196, 0.124)
SOIL = _spectrum(0.044, 0.074, 0.118, 0.152, 0.208, 0.226, 0.310, 0.262)
STRAW = _spectrum(0.066, 0.098, 0.124, 0.162, 0.242, 0.262, 0.322, 0.236)
ROAD = _spectrum(0.105, 0.130, 0.152, 0.172, 0.206, 0.216, 0.262, 0.232)
STILL = {
    Cover.WATER: _spectrum(0.034, 0.047, 0.032, 0.024, 0.016, 0.014, 0.008, 0.005),
    Cover.BARE: _spectrum(0.056, 0.092, 0.150, 0.186, 0.238, 0.252, 0.336, 0.292),
    Cover.VILLAGE: _spectrum(0.098, 0.112, 0.122, 0.146, 0.196, 0.206, 0.214, 0.184),
}
#: Thinner or drier leaves: what full drought does to a canopy, as a factor.
DRY_FACTOR = _spectrum(1.10, 1.06, 1.28, 1.12, 0.88, 0.88, 1.24, 1.40)
#: How much of it each cover feels; forests root deep.
DROUGHT_SHARE = {
    Cover.SCRUB: 0.35,
    Cover.EUCALYPTUS: 0.10,
    Cover.PINE: 0.08,
    Cover.SUGARCANE: 1.0,
    Cover.CITRUS: 0.55,
}
#: Relative rise of near infrared (and fall of red and short-wave infrared) from the
#: dry, cool season to the end of the monsoon.
_SEASON = {
    Cover.SCRUB: 0.20,
    Cover.EUCALYPTUS: 0.075,
    Cover.PINE: 0.055,
    Cover.SUGARCANE: 0.0,
    Cover.CITRUS: 0.06,
}
_SEASON_SHAPE = _spectrum(-0.5, -0.1, -0.9, -0.1, 1.0, 1.0, -0.7, -1.0)
_PEAK_DAY = 250.0  # early September
_YEAR = 365.25


def season(day: date, *, shift: float, strength: float) -> float:
    """Monsoon season, -1 at its low and 1 at its peak, with a small second wave.

    Parameters
    ----------
    day
        Which day.
    shift
        Days by which this year is late.
    strength
        Factor of this year, near 1.
    """
    angle = 2 * math.pi * (day.timetuple().tm_yday - _PEAK_DAY - shift) / _YEAR
    return strength * (math.cos(angle) + 0.15 * math.cos(2 * angle + 0.8))


def canopy(cover: Cover, *, season_value: float, drought: float) -> Spectrum:
    """Spectrum of a closed green canopy.

    Parameters
    ----------
    cover
        A cover that is green.
    season_value
        Result of `season`.
    drought
        0 to 1, of the weather.
    """
    change: Spectrum = 1.0 + _SEASON[cover] * season_value * _SEASON_SHAPE
    stress = drought * DROUGHT_SHARE[cover]
    spectrum = GREEN[cover] * change * (1.0 + stress * (DRY_FACTOR - 1.0))
    return np.asarray(spectrum, dtype=np.float32)


def cane_fractions(days_since_harvest: Floats) -> tuple[Floats, Floats]:
    """Green cover and straw cover of ratoon cane after its last harvest.

    Parameters
    ----------
    days_since_harvest
        Any shape, float32.

    Returns
    -------
    green, straw
        Fractions 0..1; bare soil is the rest.
    """
    green = 0.95 / (1.0 + np.exp(-(days_since_harvest - 100.0) / 17.0))
    straw = 0.6 * np.exp(-np.clip(days_since_harvest, 0.0, None) / 45.0)
    ripe = np.clip((days_since_harvest - 270.0) / 90.0, 0.0, 1.0)
    green = green * (1.0 - 0.18 * ripe)
    straw = straw + 0.16 * ripe
    straw = np.minimum(straw, 1.0 - green)
    return green.astype(np.float32), straw.astype(np.float32)
