"""What a soil holds, from its texture and organic matter.

Saxton & Rawls (2006), Soil water characteristic estimates by texture and organic matter
for hydrologic solutions, Soil Sci. Soc. Am. J. 70, 1569-1578, Table 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agroforest.core.crop import Amount
from agroforest.core.errors import ConfigurationError
from agroforest.core.soil import DEFAULT_CURVE_NUMBER, Soil

Field = NDArray[np.float64]

#: Organic matter is this much of organic carbon (van Bemmelen).
MATTER_OF_CARBON = 1.724
#: What the regressions were made on: the paper excludes more clay and organic matter.
MOST_CLAY = 0.60
MOST_MATTER = 8.0
_DRY_TENSION, _MOIST_TENSION = 1500.0, 33.0  # kPa


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Held:
    """What a soil holds; numbers or places' shape, float64.

    Attributes
    ----------
    wilting_point, field_capacity, saturation
        m³ of water in a m³ of soil, at 1500 kPa, 33 kPa and none.
    conductivity
        Saturated, mm/h (Eq. 16).
    """

    wilting_point: Field
    field_capacity: Field
    saturation: Field
    conductivity: Field


def find_held(sand: Amount, clay: Amount, organic_matter: Amount) -> Held:
    """Find what a soil of a texture holds.

    Parameters
    ----------
    sand, clay
        Shares of the mineral mass, 0 to 1.
    organic_matter
        Percent of mass; 1.724 times organic carbon.

    Raises
    ------
    ConfigurationError
        If the shares cannot be, or lie beyond what the regressions were made on.
    """
    s, c, om = (np.asarray(v, dtype=np.float64) for v in (sand, clay, organic_matter))
    _check(s, c, om)
    sc, som, com = s * c, s * om, c * om
    dry = -0.024 * s + 0.487 * c + 0.006 * om + 0.005 * som - 0.013 * com
    dry = dry + 0.068 * sc + 0.031
    wilting = dry + 0.14 * dry - 0.02  # Eq. 1
    moist = -0.251 * s + 0.195 * c + 0.011 * om + 0.006 * som - 0.027 * com
    moist = moist + 0.452 * sc + 0.299
    capacity = moist + 1.283 * moist**2 - 0.374 * moist - 0.015  # Eq. 2
    pores = 0.278 * s + 0.034 * c + 0.022 * om - 0.018 * som - 0.027 * com
    pores = pores - 0.584 * sc + 0.078
    pores = pores + 0.636 * pores - 0.107  # Eq. 3
    saturation = capacity + pores - 0.097 * s + 0.043  # Eq. 5
    tensions = np.log(_DRY_TENSION) - np.log(_MOIST_TENSION)
    slope = (np.log(capacity) - np.log(wilting)) / tensions  # 1 / Eq. 15
    conductivity = 1930.0 * (saturation - capacity) ** (3.0 - slope)  # Eq. 16
    return Held(
        wilting_point=wilting,
        field_capacity=capacity,
        saturation=saturation,
        conductivity=conductivity,
    )


def find_readily_evaporable(sand: Amount, clay: Amount) -> Field:
    """REW of a texture, mm, within the ranges of FAO-56 Table 19.

    Allen et al. (2005), J. Irrig. Drain. Eng. 131, 2-13, after Ritchie et al. (1989)
    (verify); sand and clay as shares.
    """
    s, c = (100.0 * np.asarray(v, dtype=np.float64) for v in (sand, clay))
    mixed = 8.0 + 0.08 * c
    return np.where(s > 80, 20.0 - 0.15 * s, np.where(c > 50, 11.0 - 0.06 * c, mixed))


def build_soil(
    *,
    sand: Amount,
    clay: Amount,
    organic_matter: Amount,
    evaporation_depth: float = 0.10,
    curve_number: Amount = DEFAULT_CURVE_NUMBER,
) -> Soil:
    """Uniform soil of a texture; parameters as for `find_held` and `Soil`."""
    held = find_held(sand, clay, organic_matter)
    return Soil.uniform(
        field_capacity=held.field_capacity,
        wilting_point=held.wilting_point,
        evaporation_depth=evaporation_depth,
        readily_evaporable=find_readily_evaporable(sand, clay),
        curve_number=curve_number,
    )


def _check(sand: Field, clay: Field, matter: Field) -> None:
    inside = (sand >= 0) & (clay >= 0) & (sand + clay <= 1)
    inside &= (clay <= MOST_CLAY) & (matter >= 0) & (matter <= MOST_MATTER)
    if not np.all(inside):
        raise ConfigurationError(
            "soil texture",
            f"sand {sand}, clay {clay}, organic matter {matter} % is outside the "
            "regressions",
            "give sand and clay as shares, clay to 0.60, organic matter to 8 %, or "
            "measured water contents",
        )
