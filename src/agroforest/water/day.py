"""A day of the water balance: what it brings, and where its water went."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agroforest.core.crop import Amount

Field = NDArray[np.float64]

#: Wind at 2 m and daily minimum humidity of the climate the tables are for (FAO-56
#: p. 121); they stand in where neither was measured.
CALM_WIND = 2.0
MILD_HUMIDITY = 45.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FieldDay:
    """What a day brings to any number of places: numbers, or arrays in their shape.

    Attributes
    ----------
    day
        Days since 1970-01-01.
    eto, rain
        Reference evapotranspiration and rain, mm; NaN is missing.
    wind, humidity
        Wind at 2 m, m/s, and daily minimum relative humidity, %; NaN is missing, and
        then stands for the climate of the tables.
    irrigation
        Water that left the pipe, mm over the field.
    efficiency
        Share of it that reaches the soil, 0 to 1.
    wetted
        Share of the ground that it wets, above 0 to 1; NaN without a record.
    kcb, height, cover
        Of the canopy as it was seen; NaN where it was not.
    """

    day: int
    eto: Amount
    rain: Amount
    wind: Amount = CALM_WIND
    humidity: Amount = MILD_HUMIDITY
    irrigation: Amount = 0.0
    efficiency: Amount = 1.0
    wetted: Amount = np.nan
    kcb: Amount = np.nan
    height: Amount = np.nan
    cover: Amount = np.nan


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WaterDay:
    """Where a day's water went; places' shape, float64, mm where not said otherwise.

    NaN where the day's weather was missing, and in what only the dual coefficient or
    only a layered soil has.

    Attributes
    ----------
    etc, eta
        Crop evapotranspiration without and with water stress.
    evaporation, transpiration
        The two parts of `eta` (dual coefficient).
    kc, kcb, ke
        Coefficients: ``etc = kc * eto``, ``kc = kcb + ke`` (dual coefficient).
    kc_single, etc_single
        The single crop coefficient and what it gives.
    kc_max, kr
        Of FAO-56 Eqs. 72 and 74 (dual coefficient).
    cover, exposed
        Shares of the ground: under leaves; bare and wet (dual coefficient).
    ks, ks_end
        Stress coefficient in the morning and in the evening, 0 to 1.
    fraction
        p: share of `available` that plants take without stress.
    available, readily
        TAW and RAW.
    rain, runoff, irrigation, irrigation_loss
        Of the day.
    percolation
        Lost for good: below the roots (uniform soil) or the deepest roots (layers).
    drained
        Out of the roots' zone downwards; in layers below it water may wait for them.
    found
        Lack of water in the soil that the roots grew into; 0 for a uniform soil.
    unmet
        Evapotranspiration for which the roots' zone had no water left: the equations
        let bare soil evaporate more than there is. Taken off `depletion`, so that
        the balance closes.
    unmet_below
        The same for the whole profile of a layered soil.
    skin_percolation
        Through the evaporating layer (dual coefficient).
    """

    etc: Field
    eta: Field
    evaporation: Field
    transpiration: Field
    kc: Field
    kcb: Field
    ke: Field
    kc_single: Field
    etc_single: Field
    kc_max: Field
    kr: Field
    cover: Field
    exposed: Field
    ks: Field
    ks_end: Field
    fraction: Field
    available: Field
    readily: Field
    rain: Field
    runoff: Field
    irrigation: Field
    irrigation_loss: Field
    percolation: Field
    drained: Field
    found: Field
    unmet: Field
    unmet_below: Field
    skin_percolation: Field
