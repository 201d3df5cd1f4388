"""Draw the balance towards a measurement, as far as either can be believed.

Optimal interpolation of one number: with the balance's variance P and the
measurement's R, the gain is ``P / (P + R)`` and the variance left ``(1 - gain) P``
(Kalman 1960; Daley 1991, Atmospheric Data Analysis, ch. 4).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agroforest.core.crop import Crop
from agroforest.core.soil import Soil
from agroforest.water.measured import Measured
from agroforest.water.state import RootZone

Field = NDArray[np.float64]

#: Standard deviations beyond which a measurement is not taken: one of the two is wrong,
#: and averaging them helps nobody. One in 370 by chance.
GATE = 3.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Correction:
    """What a measurement did; places' shape.

    Attributes
    ----------
    change
        float64, mm added to the depletion; 0 where nothing was taken.
    gain
        float64, 0 to 1: how far it was drawn towards the measurement.
    surprise
        float64, how many standard deviations apart the two were; NaN without a
        measurement.
    taken
        bool, False beyond `GATE` and without a measurement.
    """

    change: Field
    gain: Field
    surprise: Field
    taken: NDArray[np.bool_]


def assimilate(
    zone: RootZone, measured: Measured, *, crop: Crop, soil: Soil
) -> tuple[RootZone, Correction]:
    """Correct the depletion by a measurement of the same evening.

    Water above field capacity is on its way down and counts as none short.

    Parameters
    ----------
    zone
        Not modified.
    measured
        Of the roots' zone.
    crop, soil
        As for `step`.

    Returns
    -------
    tuple
        Corrected root zone, and what was done.
    """
    available = soil.available(zone.root)
    given = np.asarray(measured.depletion, dtype=np.float64)
    error = np.asarray(measured.variance, dtype=np.float64)
    lack = np.clip(given, 0.0, available)
    spread = zone.variance + error
    apart = lack - zone.depletion
    surprise = np.divide(
        np.abs(apart),
        np.sqrt(spread),
        out=np.zeros(zone.shape),
        where=spread > 0,
    )
    surprise = np.where(np.isnan(apart), np.nan, surprise)
    taken = np.asarray(surprise <= GATE)
    gain = np.divide(
        zone.variance, spread, out=np.zeros(zone.shape), where=taken & (spread > 0)
    )
    depletion = np.where(taken, zone.depletion + gain * apart, zone.depletion)
    depletion = np.clip(depletion, 0.0, available)
    change = depletion - zone.depletion
    profile = zone.profile
    if soil.layered:
        whole = soil.available(crop.root_max)
        profile = np.clip(profile + change, 0.0, whole)
    after = zone.patch(
        depletion=depletion,
        variance=(1.0 - gain) * zone.variance,
        profile=profile,
    )
    return after, Correction(change=change, gain=gain, surprise=surprise, taken=taken)
