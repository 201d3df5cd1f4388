"""Numbers that say how good a model is, and how sure that is."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]

_BINS = 15
_RESAMPLES = 200


def average_precision(truth: NDArray[np.bool_], score: NDArray[np.floating]) -> float:
    """Area under the precision-recall curve, as a sum over its steps.

    Parameters
    ----------
    truth
        ``(n,)`` bool.
    score
        ``(n,)``, higher for more likely; equal scores make one step.

    Returns
    -------
    float
        0..1; NaN if nothing is true. A score without skill reaches the
        prevalence.
    """
    total = int(truth.sum())
    if total == 0:
        return float("nan")
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(truth[order])
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    recall = hits[ends] / total
    precision = hits[ends] / (ends + 1)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def calibration_error(truth: NDArray[np.bool_], chance: NDArray[np.floating]) -> float:
    """Measure the expected calibration error over 15 bins of equal width.

    Guo et al. (2017), *On calibration of modern neural networks*,
    arXiv:1706.04599, eq. 3: the mean over samples of the distance between a
    bin's mean probability and its observed frequency.
    """
    bins = np.minimum((chance * _BINS).astype(np.intp), _BINS - 1)
    count = np.bincount(bins, minlength=_BINS)
    said = np.bincount(bins, weights=chance, minlength=_BINS)
    was = np.bincount(bins, weights=truth, minlength=_BINS)
    return float(np.abs(said - was).sum() / max(count.sum(), 1))


def interval(
    places: int, statistic: Callable[[NDArray[np.intp]], float], seed: int = 0
) -> tuple[float, float]:
    """95 % bootstrap interval, resampling whole places.

    Parameters
    ----------
    places
        How many independent places there are.
    statistic
        Given numbers of places (some repeated, some absent), the statistic.
    seed
        Of the resampling.

    Returns
    -------
    tuple of float
        2.5th and 97.5th percentile over 200 resamples; NaN results are left out.
    """
    rng = np.random.default_rng(seed)
    drawn = [statistic(rng.integers(0, places, places)) for _ in range(_RESAMPLES)]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return float(low), float(high)
