"""A pixel's latest clear observations as a series of numbers for a model.

Every observation is told by how far it lies from the pixel's own season, in the
pixel's own spreads, by which bands were seen, by the time since the observation
before it, and by the time of year. Nothing in it says where or when a pixel is,
so a model trained on simulated series meets nothing new on real ones.
"""

# mypy: disable-error-code="untyped-decorator"
# (numba has no types)

from dataclasses import dataclass

import numpy as np
from numba import njit
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
    """Series of `n` pixels, which lie side by side for kernels.

    Attributes
    ----------
    values
        ``(slot, feature, n)`` float32, 0 where there is no observation.
    mask
        ``(slot, n)`` bool, True where there is one.
    judged
        ``(slot, n)`` bool, True from the day the pixel's model may judge; the
        observations before it are what the model was fitted on.
    day
        ``(slot, n)`` int32, days since 1970-01-01, oldest first, newest last; 0
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
    day = rest.day.reshape(slots, -1)
    z = rest.z.reshape(slots, len(SIGNALS), -1)
    mask = (day > 0) & (day <= night) & ~np.isnan(z).all(axis=1)
    return FeatureBlock(
        values=assemble(z, mask, day),
        mask=mask,
        judged=mask & rest.judged.reshape(slots, -1),
        day=np.where(mask, day, 0).astype(np.int32),
    )


def assemble(
    z: NDArray[np.floating], mask: NDArray[np.bool_], day: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Put features into their declared order.

    Parameters
    ----------
    z
        ``(slot, 7, n)`` standardised residuals in the order of `SIGNALS`; NaN or
        infinite where a band was not seen.
    mask
        ``(slot, n)`` bool, True where there is an observation.
    day
        ``(slot, n)`` days since 1970-01-01, rising among the observations.

    Returns
    -------
    ndarray
        ``(slot, feature, n)`` float32, finite; 0 outside the mask.
    """
    slots, _, pixels = z.shape
    out = np.empty((slots, len(NAMES), pixels), np.float32)
    mask = np.ascontiguousarray(mask)
    when = np.ascontiguousarray(np.where(mask, day, 0), np.int32)
    known = when[mask]
    start, stop = (int(known.min()), int(known.max())) if known.size else (0, 0)
    # A table of all days between is smaller than one sine a pixel and date.
    season = seasonal_basis(np.arange(start, stop + 1))[:, 1:3].astype(np.float32)
    _assemble(np.ascontiguousarray(z, np.float32), mask, when, start, season, out)
    return out


@njit(nogil=True, error_model="numpy", cache=True)
def _assemble(
    z: NDArray[np.float32],
    mask: NDArray[np.bool_],
    day: NDArray[np.int32],
    start: int,
    season: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    slots, signals, pixels = z.shape
    clip, longest = np.float32(Z_CLIP), np.float32(_GAP_CLIP)
    year, zero = np.float32(YEAR_DAYS), np.float32(0.0)
    before = np.zeros(pixels, np.int32)
    for slot in range(slots):
        there = mask[slot]
        for s in range(signals):
            own, value, seen = z[slot, s], out[slot, s], out[slot, signals + s]
            for p in range(pixels):
                known = there[p] & (abs(own[p]) < np.inf)
                value[p] = min(max(own[p], -clip), clip) if known else zero
                seen[p] = known
        gap, sine, cosine = (
            out[slot, 2 * signals],
            out[slot, 2 * signals + 1],
            out[slot, 2 * signals + 2],
        )
        for p in range(pixels):
            since = np.float32(day[slot, p] - before[p]) / year
            told = there[p] & (before[p] > 0)
            gap[p] = min(since, longest) if told else zero
            row = day[slot, p] - start if there[p] else 0
            sine[p] = season[row, 0] if there[p] else zero
            cosine[p] = season[row, 1] if there[p] else zero
            before[p] = day[slot, p] if there[p] else before[p]
