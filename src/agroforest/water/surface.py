"""The soil's skin: runoff from it, evaporation out of it, water through it.

FAO-56 chapter 7 (Eqs. 71 to 79); runoff by curve number as in ASCE Manual 70 (2016),
Eqs. 14-12 to 14-20, in which the skin's own dryness chooses the curve.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agroforest.core.crop import Amount
from agroforest.core.soil import Soil

Field = NDArray[np.float64]

#: mm of rain that wet the whole surface again (FAO-56 p. 149, "light" rain below it).
WETTING_RAIN = 3.0
_LEAST_EXPOSED = 0.01


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Skin:
    """The evaporating layer on a day; places' shape, float64.

    Attributes
    ----------
    kr
        Evaporation reduction coefficient, 0 to 1 (Eq. 74).
    ke
        Evaporation coefficient (Eq. 71).
    exposed
        few, share of the ground both bare and wet, 0.01 to 1 (Eq. 75).
    evaporation
        mm (Eq. 69).
    percolation
        mm that pass through it (Eq. 79).
    depletion
        De at the day's end, mm, 0 to TEW (Eqs. 77 and 78).
    """

    kr: Field
    ke: Field
    exposed: Field
    evaporation: Field
    percolation: Field
    depletion: Field


def find_runoff(rain: Amount, *, soil: Soil, depletion: Field) -> Field:
    """Rain that runs off the field, mm.

    Parameters
    ----------
    rain
        mm.
    soil
        Its curve number is that of average wetness.
    depletion
        De of the day before, mm: a wet skin sheds more.
    """
    average = np.asarray(soil.curve_number, dtype=np.float64)
    dry = average / (2.281 - 0.01281 * average)  # ASCE (2016) Eq. 14-14
    wet = average / (0.427 + 0.00573 * average)  # Eq. 14-15
    rew = np.asarray(soil.readily_evaporable, dtype=np.float64)
    start, stop = 0.5 * rew, 0.7 * rew + 0.3 * soil.total_evaporable
    dryness = np.clip((depletion - start) / (stop - start), 0.0, 1.0)  # Eq. 14-20
    number = dryness * dry + (1.0 - dryness) * wet
    storage = 250.0 * (100.0 / number - 1.0)  # Eq. 14-12
    excess = np.maximum(np.asarray(rain) - 0.2 * storage, 0.0)
    whole = np.asarray(rain) + 0.8 * storage
    runs = excess**2 / np.where(whole > 0, whole, 1.0)  # Eq. 14-13
    return np.where(excess > 0, np.minimum(runs, rain), 0.0)


def find_wetted(
    before: Field, *, rain: Amount, irrigation: Amount, wetted: Amount
) -> Field:
    """Share of the ground that the last water wetted (FAO-56 p. 149).

    Parameters
    ----------
    before
        Of the day before.
    rain
        mm.
    irrigation
        mm; an irrigation decides on its day, with or without rain.
    wetted
        Share that it wets; NaN on days without a record.
    """
    kept = np.where(np.isnan(wetted), before, wetted)
    soaked = (np.asarray(irrigation) <= 0) & (np.asarray(rain) >= WETTING_RAIN)
    return np.where(soaked, 1.0, kept)


def evaporate(
    before: Field,
    *,
    soil: Soil,
    eto: Amount,
    kcb: Field,
    kc_max: Field,
    cover: Field,
    wetted: Field,
    rain: Field,
    irrigation: Field,
) -> Skin:
    """One day of the soil's skin.

    Parameters
    ----------
    before
        De of the day before, mm.
    soil
        Gives TEW and REW.
    eto
        Reference evapotranspiration, mm.
    kcb, kc_max, cover, wetted
        Of the day.
    rain, irrigation
        What reaches the soil, mm over the field.
    """
    tew = soil.total_evaporable
    exposed = np.clip(np.minimum(1.0 - cover, wetted), _LEAST_EXPOSED, 1.0)  # Eq. 75
    rew = np.asarray(soil.readily_evaporable, dtype=np.float64)
    kr = np.clip((tew - before) / (tew - rew), 0.0, 1.0)  # Eq. 74
    ke = np.minimum(kr * (kc_max - kcb), exposed * kc_max)  # Eq. 71
    evaporation = ke * eto
    inflow = rain + irrigation / wetted
    percolation = np.maximum(inflow - before, 0.0)  # Eq. 79
    after = before - inflow + evaporation / exposed + percolation  # Eq. 77
    return Skin(
        kr=kr,
        ke=ke,
        exposed=exposed,
        evaporation=evaporation,
        percolation=percolation,
        depletion=np.clip(after, 0.0, tew),  # Eq. 78
    )
