"""What a whole series of judged dates amounts to: how sure it is, not when it began.

The strongest few dates say little by themselves: in a dry summer a healthy canopy
looks unwell for weeks, and a network is as sure of that as of a felled stand. What
lasts, what has not recovered by the last date, and what lost its canopy is surer.
"""

import numpy as np
from numpy.typing import NDArray

# What a date of stress counts beside a date without canopy.
_STRESS = 0.75
# Healthy dates that are counted with every interval, so that one date is not all.
_HEALTHY = 2
# Evidence as a probability: fitted on simulated forests, of which a fifth of the
# pixels were disturbed (benchmarks/evidence.py).
_INTERCEPT, _SLOPE = -3.73, 10.75


def find_probability(
    stressed: NDArray[np.floating],
    gone: NDArray[np.floating],
    judged: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Probability that the canopy was disturbed at any time of a series.

    Parameters
    ----------
    stressed, gone
        ``(date, n)``: probability of either on each date.
    judged
        ``(date, n)`` bool; other dates are passed over.

    Returns
    -------
    ndarray
        ``(n,)`` float32, NaN where nothing was judged. Calibrated on simulated
        forests, so comparable between pixels and no more.
    """
    evidence = find_evidence(stressed, gone, judged)
    return np.asarray(1 / (1 + np.exp(-(_INTERCEPT + _SLOPE * evidence))), np.float32)


def find_evidence(
    stressed: NDArray[np.floating],
    gone: NDArray[np.floating],
    judged: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Evidence of a disturbance, 0 to 1.

    A date's is its probability of loss and three quarters of its probability of
    stress; an interval's is the mean of its dates and of two healthy ones. A
    series' is the mean of two intervals, the one that says most and the one that
    says most of those that last until the end.

    Parameters
    ----------
    stressed, gone, judged
        As in `find_probability`.

    Returns
    -------
    ndarray
        ``(n,)`` float64, NaN where nothing was judged.
    """
    order = np.argsort(judged, axis=0, kind="stable")  # what was not judged first
    dates = np.where(judged, _STRESS * stressed + gone, 0.0)
    total = np.cumsum(np.take_along_axis(dates, order, axis=0), axis=0)
    total = np.concatenate([np.zeros_like(total[:1]), total])
    anywhere = np.zeros(total.shape[1])
    until_the_end = np.zeros(total.shape[1])
    for length in range(1, len(total)):
        sums = total[length:] - total[:-length]
        count = length + _HEALTHY
        anywhere = np.maximum(anywhere, sums.max(axis=0) / count)
        until_the_end = np.maximum(until_the_end, sums[-1] / count)
    evidence = (anywhere + until_the_end) / 2
    return np.where(judged.any(axis=0), evidence, np.nan)
