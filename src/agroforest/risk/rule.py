"""The rule of fordead, the French national method for bark-beetle dieback.

Dutrieux, R., Feret, J.-B., Ose, K. & De Boissieu, F. (2021), *Package fordead*,
doi:10.15454/4TEO6H: a pixel is in anomaly on a date when CRSWIR exceeds its
predicted season by more than 0.16; three successive anomalies confirm a
dieback, three successive dates without one end it. Bare ground is
(B11 > 0.125) & (B02 < 0.06) & (B03 + B04 > 0.08).

Two things differ from the original here: the prediction is corrected by what
the whole forest shared on that date, and only the clear dates in the pixel's
ring are looked at.
"""

import numpy as np

from agroforest.indices.baseline import SIGNALS, BaselineState, residuals
from agroforest.risk.evidence import Finding, follow_votes, latest

#: Excess of CRSWIR over its season that is an anomaly (fordead's default).
CRSWIR_EXCESS = 0.16
#: Successive dates that confirm or end a dieback (fordead's default).
SUCCESSIVE = 3
_CRSWIR = SIGNALS.index("CRSWIR")


def judge(state: BaselineState, night: int) -> Finding:
    """Apply the three-date rule to the ring of every pixel.

    Parameters
    ----------
    state
        Seasons and rings of ``n`` pixels.
    night
        Epoch day; newer observations are ignored.

    Returns
    -------
    Finding
        The score is the share of anomalies among the last three judged dates
        (fewer if fewer were judged): 1 is what confirms, but a confirmed
        dieback lasts until the share was 0.
    """
    rest = residuals(state)
    day = rest.day.reshape(rest.day.shape[0], -1)
    excess = rest.value[:, _CRSWIR].reshape(day.shape)
    judged = rest.judged.reshape(day.shape) & np.isfinite(excess) & (day <= night)
    vote = judged & (excess > CRSWIR_EXCESS)
    newest_first = judged[::-1].cumsum(axis=0)[::-1]
    recent = judged & (newest_first <= SUCCESSIVE)
    asked = recent.sum(axis=0)
    score = np.full(asked.shape, np.nan, dtype=np.float32)
    np.divide((vote & recent).sum(axis=0), asked, out=score, where=asked > 0)
    return Finding(
        score=score,
        since=follow_votes(vote, judged, day, enter=SUCCESSIVE, leave=SUCCESSIVE),
        evidence=latest(day, judged),
    )


def find_bare(state: BaselineState, night: int) -> Finding:
    """Pixels whose canopy is gone by fordead's soil test.

    The baseline keeps the first of three successive bare dates as ``cut_day``.

    Parameters
    ----------
    state
        Seasons and rings of ``n`` pixels.
    night
        Epoch day; newer observations are ignored.

    Returns
    -------
    Finding
        The score is 1 where cut and 0 elsewhere, NaN without any judged date.
    """
    day = state.ring_day.reshape(state.ring_day.shape[0], -1)
    cut_day = state.cut_day.ravel()
    model_from = state.model_from.ravel()
    judged = (day > 0) & (day <= night) & (day >= model_from) & (model_from > 0)
    # The cut is known once the third of its dates has been seen; where the ring
    # has moved past its first date, that is long ago.
    seen = (judged & (day >= cut_day)).sum(axis=0) >= SUCCESSIVE
    seen |= (day[0] > cut_day) & (cut_day <= night)
    relearned = (model_from > cut_day) & (model_from <= night)
    cut = (cut_day > 0) & (cut_day <= night) & seen & ~relearned
    evidence = latest(day, (day > 0) & (day <= night))
    known = judged.any(axis=0) | cut
    return Finding(
        score=np.where(known, cut, np.nan).astype(np.float32),
        since=np.where(cut, cut_day, 0).astype(np.int32),
        evidence=np.where(known, evidence, 0).astype(np.int32),
    )
