"""Drought by relative soil moisture: how full the roots' zone is."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from agroforest.core.crop import Amount
from agroforest.core.soil import Soil

Field = NDArray[np.float64]

#: Percent of field capacity above which drought is none, light, moderate, severe (below
#: all of them: extreme). As commonly reproduced of GB/T 32136 (verify); the standard
#: speaks of the upper 0.2 or 0.4 m.
LIMITS = (60.0, 50.0, 40.0, 30.0)


class Drought(IntEnum):
    """Class of drought.

    ============  ===========================
    class         relative soil moisture, %
    ============  ===========================
    ``NONE``      above 60
    ``LIGHT``     above 50
    ``MODERATE``  above 40
    ``SEVERE``    above 30
    ``EXTREME``   30 and less
    ============  ===========================
    """

    NONE = 0
    LIGHT = 1
    MODERATE = 2
    SEVERE = 3
    EXTREME = 4

    @property
    def zh(self) -> str:
        """In Chinese."""
        return ("无旱", "轻旱", "中旱", "重旱", "特旱")[self]

    @property
    def en(self) -> str:
        """In English."""
        return (
            "no drought",
            "light drought",
            "moderate drought",
            "severe drought",
            "extreme drought",
        )[self]


def find_relative_moisture(depletion: Amount, *, soil: Soil, root: Amount) -> Field:
    """Mean moisture of the roots' zone as a percentage of field capacity.

    Parameters
    ----------
    depletion
        mm short of field capacity.
    soil
        Gives field capacity.
    root
        Depth of the roots, m.
    """
    full = soil.hold(soil.field_capacity, root)
    share: Field = 100.0 * (full - np.asarray(depletion)) / full
    return share


def classify_drought(relative: Amount) -> NDArray[np.int8]:
    """Class of drought, values of `Drought`; -1 where the moisture is NaN.

    Parameters
    ----------
    relative
        Percent of field capacity; a number on a limit belongs to the drier class.
    """
    share = np.asarray(relative, dtype=np.float64)
    found = np.sum([share <= limit for limit in LIMITS], axis=0)
    return np.where(np.isnan(share), -1, found).astype(np.int8)
