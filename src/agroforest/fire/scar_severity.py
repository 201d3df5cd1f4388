"""How severely it burned: the loss of the normalised burn ratio, and its classes.

Nothing here says *whether* it burned; that is asked of the model. Without an image
from before there is no severity at all.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

# The ring around a scar whose median tells what the season alone did, metres, and
# the least number of pixels for it. Arbitrary; Key & Benson (2006, p. LA-27) take
# the offset from unburned ground nearby.
_RING_M = (100.0, 1000.0)
_LEAST_PIXELS = 200
# RBR = dNBR / (NBR before + 1.001): Parks, Dillon & Miller (2014), equation 4.
_RBR_SHIFT = 1.001
# Below this sum of reflectances the ratio is noise of water and shadow; arbitrary.
_DARK_SUM = 0.02


class Severity(IntEnum):
    """Codes of the rasters; 0 is no scar, or not known."""

    NONE = 0
    REGROWTH = 1
    UNBURNED = 2
    LOW = 3
    MODERATE_LOW = 4
    MODERATE_HIGH = 5
    HIGH = 6


class Words(NamedTuple):
    """Name of a class in both languages."""

    zh: str
    en: str


#: Names of the classes of dNBR.
WORDS = {
    Severity.REGROWTH: Words("植被增长", "regrowth"),
    Severity.UNBURNED: Words("未烧", "unburned"),
    Severity.LOW: Words("轻度", "low"),
    Severity.MODERATE_LOW: Words("中轻度", "moderate-low"),
    Severity.MODERATE_HIGH: Words("中重度", "moderate-high"),
    Severity.HIGH: Words("重度", "high"),
}
# Key & Benson (2006), *Landscape Assessment*, RMRS-GTR-164-CD, table LA-2; the two
# classes of regrowth are one here.
_DNBR_LIMITS = (-0.10, 0.10, 0.27, 0.44, 0.66)
_DNBR_CODES = (1, 2, 3, 4, 5, 6)
# RBR at a composite burn index of 0.1, 1.25 and 2.25 in 18 fires of the western
# United States: Parks, Dillon & Miller (2014), doi 10.3390/rs6031827. Three classes:
# moderate is written as moderate-low. To be verified for subtropical forest.
_RBR_LIMITS = (0.035, 0.131, 0.299)
_RBR_CODES = (2, 3, 4, 6)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Loss:
    """Loss of NBR from before to after.

    Attributes
    ----------
    dnbr, rbr
        ``(y, x)`` float32; NaN where either image does not show the ground.
    """

    dnbr: NDArray[np.float32]
    rbr: NDArray[np.float32]


def burn_ratio(
    near: NDArray[np.float32], short: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Normalised burn ratio, (NIR - SWIR) / (NIR + SWIR).

    Parameters
    ----------
    near, short
        Reflectance of B08 and B12, any one shape.

    Returns
    -------
    ndarray
        float32 -1..1; NaN where missing or too dark.
    """
    total = near + short
    sound = total > _DARK_SUM
    ratio = np.full(near.shape, np.nan, np.float32)
    np.divide(near - short, total, out=ratio, where=sound)
    return np.clip(ratio, -1, 1)


def measure_loss(
    before: NDArray[np.float32], after: NDArray[np.float32], offset: float = 0.0
) -> Loss:
    """Loss of NBR.

    Parameters
    ----------
    before, after
        NBR, ``(y, x)``.
    offset
        dNBR of unburned ground nearby, taken off.
    """
    dnbr = before - after - np.float32(offset)
    rbr = dnbr / (before + np.float32(_RBR_SHIFT))
    return Loss(dnbr=dnbr, rbr=rbr.astype(np.float32))


def find_offset(
    dnbr: NDArray[np.float32],
    scar: NDArray[np.bool_],
    any_scar: NDArray[np.bool_],
    pixel_m: float,
) -> float | None:
    """Find what dNBR is around a scar, where nothing burned.

    Parameters
    ----------
    dnbr
        ``(y, x)`` around the scar, NaN where not known.
    scar
        ``(y, x)`` bool, the scar.
    any_scar
        ``(y, x)`` bool, this and other scars: none of them is unburned ground.
    pixel_m
        Side of a pixel, metres.

    Returns
    -------
    float or None
        Median of a ring from 100 to 1,000 m; None if too little of it is seen.
    """
    if not scar.any():
        return None
    away = distance_transform_edt(~scar) * pixel_m
    ring = (away >= _RING_M[0]) & (away <= _RING_M[1]) & ~any_scar & np.isfinite(dnbr)
    if int(ring.sum()) < _LEAST_PIXELS:
        return None
    return float(np.median(dnbr[ring]))


def ring_pixels(pixel_m: float) -> int:
    """Pixels around a scar that `find_offset` looks at."""
    return int(np.ceil(_RING_M[1] / pixel_m))


def classify_dnbr(dnbr: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Class of each pixel, `Severity`; a limit belongs to the class above it."""
    return _classify(dnbr, _DNBR_LIMITS, _DNBR_CODES)


def classify_rbr(rbr: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Class of each pixel by RBR: unburned, low, moderate (as moderate-low), high."""
    return _classify(rbr, _RBR_LIMITS, _RBR_CODES)


def _classify(
    values: NDArray[np.float32], limits: tuple[float, ...], codes: tuple[int, ...]
) -> NDArray[np.uint8]:
    # In the precision of the values, so that 0.27 is 0.27.
    place = np.searchsorted(np.array(limits, values.dtype), values, side="right")
    found = np.array([*codes, 0], np.uint8)
    return np.where(np.isnan(values), 0, found[place]).astype(np.uint8)
