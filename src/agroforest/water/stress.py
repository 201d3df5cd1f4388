"""How thirsty plants are: readily available water and the stress coefficient."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from agroforest.core.crop import Amount

Field = NDArray[np.float64]

#: Bounds of the depletion fraction (FAO-56 p. 162).
FRACTION_BOUNDS = (0.1, 0.8)
#: Curvature of AquaCrop's stress response (Raes et al. 2009, stomatal closure).
_CURVATURE = 1.5


class Stress(StrEnum):
    """How transpiration falls once the readily available water is used up."""

    LINEAR = "linear"  #: FAO-56 Eq. 84
    CONVEX = "convex"  #: the curve of AquaCrop


def find_fraction(table: Amount, etc: Amount) -> Field:
    """Depletion fraction p for a day's evapotranspiration (FAO-56 Table 22, note).

    Parameters
    ----------
    table
        p for 5 mm a day.
    etc
        mm.
    """
    fraction = np.asarray(table) + 0.04 * (5.0 - np.asarray(etc))
    return np.clip(fraction, *FRACTION_BOUNDS)


def find_stress(
    depletion: Field, *, available: Field, fraction: Field, kind: Stress
) -> Field:
    """Stress coefficient Ks: 1 without stress, 0 when plants take nothing.

    Parameters
    ----------
    depletion, available
        Dr and TAW, mm.
    fraction
        p, 0 to 1.
    kind
        The response.
    """
    if kind is Stress.LINEAR:
        ks = (available - depletion) / (available - fraction * available)  # Eq. 84
    else:
        relative = (depletion / available - fraction) / (1.0 - fraction)
        # Beyond the wilting point the curve is cut off anyway; no overflow on the way.
        relative = np.minimum(relative, 1.0)
        ks = 1.0 - np.expm1(_CURVATURE * relative) / np.expm1(_CURVATURE)
    return np.clip(ks, 0.0, 1.0)
