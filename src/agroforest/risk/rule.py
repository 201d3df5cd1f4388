"""The rule of fordead, the French national method for bark-beetle dieback.

Dutrieux, R., Feret, J.-B., Ose, K. & De Boissieu, F. (2021), *Package fordead*,
doi:10.15454/4TEO6H: a pixel is in anomaly on a date when CRSWIR exceeds its
predicted season by more than 0.16; three successive anomalies confirm a
dieback, three successive dates without one end it. Bare ground is
(B11 > 0.125) & (B02 < 0.06) & (B03 + B04 > 0.08), three dates again.

Three things differ from the original here: the prediction is corrected by what
the whole forest shared on that date; only the clear dates in the pixel's ring
are looked at; and bare ground must be an anomaly too, because a leafless winter
passes the soil test outside conifers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agroforest.indices.baseline import BANDS, SIGNALS, BaselineState, residuals
from agroforest.indices.season import NODATA
from agroforest.risk.evidence import Finding, follow_votes, latest

#: Excess of CRSWIR over its season that is an anomaly (fordead's default).
CRSWIR_EXCESS = 0.16
#: Successive dates that confirm or end a dieback (fordead's default).
SUCCESSIVE = 3
# Reflectance x 10000 of the soil test (fordead's defaults).
_SOIL_B11, _SOIL_B02, _SOIL_B03_B04 = 1250, 600, 800
_CRSWIR = SIGNALS.index("CRSWIR")


def judge(state: BaselineState, night: int) -> tuple[Finding, Finding]:
    """Apply the three-date rule to the ring of every pixel.

    Parameters
    ----------
    state
        Seasons and rings of ``n`` pixels.
    night
        Epoch day; newer observations are ignored.

    Returns
    -------
    tuple of Finding
        Stress and loss. The score is the share of votes among the last three
        judged dates (fewer if fewer were judged): 1 is what confirms, but what
        is confirmed lasts until the share was 0. A canopy that is gone is not
        under stress.
    """
    votes = cast_votes(state, night)
    day, judged = votes.day, votes.judged
    newest = latest(day, judged)
    stress, loss = (
        follow_votes(vote, judged, day, enter=SUCCESSIVE, leave=SUCCESSIVE)
        for vote in (votes.anomaly, votes.bare)
    )
    cut = _known_cut(state, night, judged, day)
    loss = np.where(cut > 0, cut, loss).astype(np.int32)
    bare = np.where(cut > 0, 1.0, _share(votes.bare, judged)).astype(np.float32)
    seen = latest(day, (day > 0) & (day <= night))
    gone = loss > 0
    return (
        Finding(
            np.where(gone, 0.0, _share(votes.anomaly, judged)).astype(np.float32),
            np.where(gone, 0, stress).astype(np.int32),
            np.where(gone, seen, newest).astype(np.int32),
        ),
        Finding(bare, loss, np.where(gone, seen, newest).astype(np.int32)),
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Votes:
    """What each observation in the rings says; all arrays ``(slot, n)``.

    Attributes
    ----------
    day
        int32 epoch days, rising.
    judged
        bool, True where CRSWIR was seen after the history and up to the night.
    excess
        float32, CRSWIR above its season.
    anomaly, bare
        bool, the votes; False where not judged.
    """

    day: NDArray[np.int32]
    judged: NDArray[np.bool_]
    excess: NDArray[np.float32]
    anomaly: NDArray[np.bool_]
    bare: NDArray[np.bool_]


def cast_votes(state: BaselineState, night: int) -> Votes:
    """Vote on every observation in the rings; see `Votes`."""
    rest = residuals(state)
    slots = rest.day.shape[0]
    day = rest.day.reshape(slots, -1)
    excess = rest.value[:, _CRSWIR].reshape(slots, -1)
    judged = rest.judged.reshape(slots, -1) & np.isfinite(excess) & (day <= night)
    anomaly = judged & (excess > CRSWIR_EXCESS)
    ring = state.ring.reshape(slots, len(BANDS), -1).astype(np.int32)
    b02, b03, b04, _, b11, _ = ring.swapaxes(0, 1)
    known = (b02 != NODATA) & (b03 != NODATA) & (b04 != NODATA) & (b11 != NODATA)
    soil = (b11 > _SOIL_B11) & (b02 < _SOIL_B02) & (b03 + b04 > _SOIL_B03_B04)
    return Votes(
        day=day,
        judged=judged,
        excess=excess,
        anomaly=anomaly,
        bare=anomaly & known & soil,
    )


def _share(vote: NDArray[np.bool_], judged: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Share of votes among the last three judged dates; NaN without any."""
    counted_back = judged[::-1].cumsum(axis=0)[::-1]
    recent = judged & (counted_back <= SUCCESSIVE)
    asked = recent.sum(axis=0)
    share = np.full(asked.shape, np.nan, dtype=np.float32)
    np.divide((vote & recent).sum(axis=0), asked, out=share, where=asked > 0)
    return share


def _known_cut(
    state: BaselineState,
    night: int,
    judged: NDArray[np.bool_],
    day: NDArray[np.int32],
) -> NDArray[np.int32]:
    """Day of a cut the baseline keeps, until it has learned the new season."""
    cut_day, model_from = state.cut_day.ravel(), state.model_from.ravel()
    # The cut is known once the third of its dates has been seen; where the ring
    # has moved past its first date, that is long ago.
    seen = (judged & (day >= cut_day)).sum(axis=0) >= SUCCESSIVE
    seen |= (day[0] > cut_day) & (cut_day <= night)
    relearned = (model_from > cut_day) & (model_from <= night)
    cut = (cut_day > 0) & (cut_day <= night) & seen & ~relearned
    return np.where(cut, cut_day, 0).astype(np.int32)
