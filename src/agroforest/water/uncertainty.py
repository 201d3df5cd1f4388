"""How sure the depletion is: a variance that grows with what was not measured."""

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float64]

#: Relative errors of a day's evapotranspiration and of its rain and irrigation.
#: Arbitrary: the middle of what is said of crop coefficients, and of a rain gauge that
#: stands some kilometres away.
ET_ERROR = 0.20
WATER_ERROR = 0.20
#: mm: what a day without any weather adds. Arbitrary: a day's evapotranspiration.
MISSED_DAY = 5.0
#: mm: spread of field capacity itself; a soil that has just drained is known no better.
#: Arbitrary.
DRAINED_SPREAD = 5.0


def grow_variance(
    before: Field,
    *,
    eta: Field,
    water: Field,
    response: Field,
    drained: Field,
    known: NDArray[np.bool_],
) -> Field:
    """Variance of the depletion a day later.

    An error shrinks where dry plants drink less the drier they are, and is forgotten
    when the soil has been filled and has drained.

    Parameters
    ----------
    before
        mm².
    eta, water
        Evapotranspiration, and rain and irrigation that sank in, mm.
    response
        By how many mm the evapotranspiration falls for each mm of depletion.
    drained
        mm out of the roots' zone.
    known
        False where the day's weather was missing.

    Returns
    -------
    ndarray
        mm².
    """
    carried = before * np.clip(1.0 - response, 0.0, 1.0) ** 2
    added = (ET_ERROR * eta) ** 2 + (WATER_ERROR * water) ** 2
    after = np.where(drained > 0, 0.0, carried) + np.where(known, added, MISSED_DAY**2)
    return np.where(drained > 0, np.maximum(DRAINED_SPREAD**2, added), after)
