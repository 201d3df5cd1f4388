"""The canopy as a satellite sees it: greenness to crop coefficient and cover."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agroforest.core.crop import Amount, Crop

Field = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Greenness:
    """A linear relation of basal crop coefficient and NDVI.

    Attributes
    ----------
    slope, intercept
        ``kcb = slope * ndvi + intercept``.
    source
        Who found it, and on what.
    """

    slope: float
    intercept: float
    source: str


#: Found on irrigated vines and since used for crops at large (Calera et al. 2017,
#: Sensors 17, 1104): near zero on bare soil, 1.2 at full cover.
GRAPES = Greenness(
    slope=1.44,
    intercept=-0.10,
    source="Campos et al. (2010), Agric. Water Manag. 98, 45-54: vineyards",
)
#: NDVI of bare soil and of a closed canopy, for the cover. The form is that of Gutman &
#: Ignatov (1998), Int. J. Remote Sens. 19, 1533-1543; the ends are arbitrary.
BARE_NDVI, CLOSED_NDVI = 0.14, 0.88
_LEAST_KCB = 0.01
_MOST_COVER = 0.99


def find_kcb(ndvi: Amount, *, crop: Crop, relation: Greenness = GRAPES) -> Field:
    """Basal crop coefficient of a canopy that was seen.

    A relation found on other crops knows nothing of this one's largest coefficient,
    so no more than that is believed.

    Parameters
    ----------
    ndvi
        Of the whole parcel, not of its greenest pixels; NaN under cloud.
    crop
        Bounds the coefficient.
    relation
        The line.

    Returns
    -------
    ndarray
        NaN where `ndvi` is; at least 0.01, because 0 means "not seen" to the balance.
    """
    line = relation.slope * np.asarray(ndvi, dtype=np.float64) + relation.intercept
    largest = np.maximum(np.maximum(crop.kcb_ini, crop.kcb_mid), crop.kcb_end)
    return np.clip(line, _LEAST_KCB, largest)


def find_seen_cover(ndvi: Amount) -> Field:
    """Share of the ground under leaves, by NDVI; NaN under cloud."""
    share = (np.asarray(ndvi, dtype=np.float64) - BARE_NDVI) / (CLOSED_NDVI - BARE_NDVI)
    return np.clip(share, 0.0, _MOST_COVER)
