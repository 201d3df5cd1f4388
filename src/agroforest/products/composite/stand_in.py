"""What stands in for the bands of 60 m, where an archive has left them out.

B01 (coastal aerosol) and B09 (water vapour) say little about a canopy that the
other ten bands do not, and many archives hold no more than those ten. A model that
was trained on all twelve needs something in their place: a linear function of the
other ten.

The constants are a least-squares fit to 289,133 pixels (every seventh) of the
September composites of 2019 and 2020 of `canopy-damage`'s training data, Czech
spruce forest. On them B01 is met with an RMSE of .0096 (R² .72) and B09 of .0281
(R² .74). Judged by copies that have not seen a place, `canopy-damage` loses F1 .001
and average precision .003 by it (.6887 to .6877, .7385 to .7354); a line on the
nearest band alone (B02, B8A) would lose F1 .009. Elsewhere the bands may hang
together otherwise: nobody has tested that.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from agroforest.core.scene import BANDS

#: Bands that may be filled.
FILLED = ("B01", "B09")
#: Bands without which there is no composite of all twelve.
NEEDED = tuple(band for band in BANDS if band not in FILLED)

_SCALE = 10_000
# Constant, then one factor for each of NEEDED.
_FIT: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "B01": (
            *(0.0030, 0.9445, 0.1786, -0.4391, 0.1674, -0.0811),
            *(0.0495, -0.0992, 0.1206, -0.2646, 0.3555),
        ),
        "B09": (
            *(0.0555, 0.3901, 0.7718, -0.4012, -0.3692, -0.1447),
            *(0.4485, -0.2239, 0.5160, 0.2318, -0.0485),
        ),
    }
)


def fill(band: str, needed: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Estimate a band from the others.

    Parameters
    ----------
    band
        One of `FILLED`.
    needed
        ``(band, y, x)`` uint16 in the order of `NEEDED`, reflectance x 10000, 0
        where there is none.

    Returns
    -------
    ndarray
        ``(y, x)`` uint16; 0 where there is none, at least 1 elsewhere.
    """
    constant, *factors = _FIT[band]
    known = needed[0] > 0
    total = np.full(needed.shape[1:], constant * _SCALE, np.float32)
    for factor, values in zip(factors, needed, strict=True):
        total += np.float32(factor) * values
    numbers = np.clip(np.rint(total), 1, np.iinfo(np.uint16).max - 1)
    return np.where(known, numbers, 0).astype(np.uint16)
