"""A pixel's latest clear observations as a series of numbers for a model.

Every observation is told by how far it lies from the pixel's own season, in the
pixel's own spreads, by which bands were seen, by the time since the observation
before it, and by the time of year. Nothing in it says where or when a pixel is,
so a model trained on simulated series meets nothing new on real ones.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agroforest.core.identity import digest
from agroforest.indices.baseline import residuals
from agroforest.indices.season import SIGNALS, YEAR_DAYS, seasonal_basis
from agroforest.indices.state import BaselineState

#: Residuals beyond so many spreads say no more than this many. Arbitrary; a
#: clear-cut reaches it in most bands.
Z_CLIP = 10.0
#: Longest time since the previous observation that is told apart, in years.
_GAP_CLIP = 2.0

#: Features of an observation, in order. The names carry the constants, so that
#: another constant is another schema.
NAMES = (
    *(f"z_{signal}_clip{Z_CLIP:g}" for signal in SIGNALS),
    *(f"seen_{signal}" for signal in SIGNALS),
    f"gap_years_clip{_GAP_CLIP:g}",
    "season_sin",
    "season_cos",
)
#: Digest of the schema.
DIGEST = digest("features", NAMES)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FeatureBlock:
    """Series of `n` pixels.

    Attributes
    ----------
    values
        ``(n, slot, feature)`` float32, 0 where there is no observation.
    mask
        ``(n, slot)`` bool, True where there is one.
    judged
        ``(n, slot)`` bool, True from the day the pixel's model may judge; the
        observations before it are what the model was fitted on.
    day
        ``(n, slot)`` int32, days since 1970-01-01, oldest first, newest last; 0
        in empty slots.
    names
        Of the features.
    digest
        Of the schema.
    """

    values: NDArray[np.float32]
    mask: NDArray[np.bool_]
    judged: NDArray[np.bool_]
    day: NDArray[np.int32]
    names: tuple[str, ...] = NAMES
    digest: str = DIGEST


def build(state: BaselineState, *, night: int) -> FeatureBlock:
    """Series of all pixels of a state, row by row.

    Parameters
    ----------
    state
        Or a window of it: about 3 kB a pixel are needed.
    night
        Days since 1970-01-01; newer observations are left out.

    Returns
    -------
    FeatureBlock
        Pixels without a model have no observations.
    """
    rest = residuals(state)
    slots = rest.day.shape[0]
    day = rest.day.reshape(slots, -1).T
    z = rest.z.reshape(slots, len(SIGNALS), -1).transpose(2, 0, 1)
    mask = (day > 0) & (day <= night) & np.isfinite(z).any(axis=-1)
    return FeatureBlock(
        values=assemble(z, mask, day),
        mask=mask,
        judged=mask & rest.judged.reshape(slots, -1).T,
        day=np.where(mask, day, 0).astype(np.int32),
    )


def assemble(
    z: NDArray[np.floating], mask: NDArray[np.bool_], day: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Put features into their declared order.

    Parameters
    ----------
    z
        ``(n, slot, 7)`` standardised residuals in the order of `SIGNALS`; NaN
        where a band was not seen.
    mask
        ``(n, slot)`` bool, True where there is an observation.
    day
        ``(n, slot)`` days since 1970-01-01, rising among the observations.

    Returns
    -------
    ndarray
        ``(n, slot, feature)`` float32, finite; 0 outside the mask.
    """
    seen = np.isfinite(z) & mask[..., None]
    season = seasonal_basis(day)[..., 1:3]
    values = np.concatenate(
        [
            np.where(seen, z, 0.0).clip(-Z_CLIP, Z_CLIP),
            seen,
            _gap_years(mask, day)[..., None],
            season,
        ],
        axis=-1,
        dtype=np.float32,
    )
    values[~mask] = 0.0
    return values


def _gap_years(
    mask: NDArray[np.bool_], day: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Years since the observation before, 0 for the first."""
    newest = np.maximum.accumulate(np.where(mask, day, -1), axis=1)
    before = np.concatenate([np.full_like(newest[:, :1], -1), newest[:, :-1]], axis=1)
    gap = np.where(before < 0, 0, day - before) / YEAR_DAYS
    return np.asarray(gap.clip(0.0, _GAP_CLIP))
