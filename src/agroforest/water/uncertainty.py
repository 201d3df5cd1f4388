"""How sure the depletion is: a variance that grows with what was not measured."""

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float64]

#: Relative errors of evapotranspiration, and of rain and irrigation. Arbitrary: the
#: better end of what is said of crop coefficients from tables, and a rain gauge that
#: stands some kilometres away.
ET_ERROR = 0.15
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

    A crop coefficient that is off is off tomorrow, too: errors of evapotranspiration go
    in one direction and add up as they are, those of rain and irrigation as their
    squares. An error shrinks where dry plants drink less the drier they are, and is
    forgotten when the soil has been filled and has drained.

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
    carried = np.sqrt(before) * np.clip(1.0 - response, 0.0, 1.0)
    one_way = np.where(drained > 0, 0.0, carried) + ET_ERROR * eta
    by_chance = np.where(known, WATER_ERROR * water, MISSED_DAY)
    after: Field = one_way**2 + by_chance**2
    return np.where(drained > 0, np.maximum(DRAINED_SPREAD**2, after), after)
