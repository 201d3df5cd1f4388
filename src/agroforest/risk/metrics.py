"""Numbers that say how good a model is, and how sure that is."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]

_BINS = 15
_RESAMPLES = 200


def average_precision(
    truth: NDArray[np.bool_],
    score: NDArray[np.floating],
    weight: NDArray[np.floating] | None = None,
) -> float:
    """Area under the precision-recall curve, as a sum over its steps.

    Parameters
    ----------
    truth
        ``(n,)`` bool.
    score
        ``(n,)``, higher for more likely; equal scores make one step. Already
        falling scores are not sorted again.
    weight
        ``(n,)``, how often each counts; once unless given.

    Returns
    -------
    float
        0..1; NaN if nothing is true. A score without skill reaches the
        prevalence.
    """
    counts = np.ones(truth.size) if weight is None else weight
    if (score[1:] > score[:-1]).any():
        order = np.argsort(-score, kind="stable")
        truth, score, counts = truth[order], score[order], counts[order]
    ends = np.flatnonzero(np.append(score[1:] != score[:-1], True))
    hits = np.cumsum(truth * counts)[ends]
    said = np.cumsum(counts)[ends]
    if not hits[-1] > 0:
        return float("nan")
    recall = hits / hits[-1]
    precision = np.divide(hits, said, out=np.zeros_like(hits), where=said > 0)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def calibration_error(
    truth: NDArray[np.bool_],
    chance: NDArray[np.floating],
    weight: NDArray[np.floating] | None = None,
) -> float:
    """Measure the expected calibration error over 15 bins of equal width.

    Guo et al. (2017), *On calibration of modern neural networks*,
    arXiv:1706.04599, eq. 3: the mean over samples of the distance between a
    bin's mean probability and its observed frequency.
    """
    counts = np.ones(truth.size) if weight is None else weight
    bins = np.minimum((chance * _BINS).astype(np.intp), _BINS - 1)
    said = np.bincount(bins, weights=chance * counts, minlength=_BINS)
    was = np.bincount(bins, weights=truth * counts, minlength=_BINS)
    return float(np.abs(said - was).sum() / counts.sum())


def auroc(
    truth: NDArray[np.bool_],
    score: NDArray[np.floating],
    weight: NDArray[np.floating] | None = None,
) -> float:
    """Chance that something true scores higher than something false; ties are half.

    NaN unless there are both.
    """
    counts = np.ones(truth.size) if weight is None else weight
    levels, level = np.unique(score, return_inverse=True)
    true = np.bincount(level, weights=counts * truth, minlength=levels.size)
    false = np.bincount(level, weights=counts * ~truth, minlength=levels.size)
    pairs = float(true.sum() * false.sum())
    if not pairs:
        return float("nan")
    below = np.cumsum(false) - false
    return float((true * (below + 0.5 * false)).sum() / pairs)


def f1(
    truth: NDArray[np.bool_],
    said: NDArray[np.bool_],
    weight: NDArray[np.floating] | None = None,
) -> float:
    """Harmonic mean of precision and recall; NaN if nothing is true or said."""
    counts = np.ones(truth.size) if weight is None else weight
    hits = float(counts[truth & said].sum())
    both = float(counts[truth].sum() + counts[said].sum())
    return 2 * hits / both if both else float("nan")


def overlap(
    truth: NDArray[np.bool_],
    said: NDArray[np.bool_],
    weight: NDArray[np.floating] | None = None,
) -> float:
    """Intersection over union; NaN if nothing is true or said."""
    counts = np.ones(truth.size) if weight is None else weight
    union = float(counts[truth | said].sum())
    return float(counts[truth & said].sum()) / union if union else float("nan")


def confusion(
    truth: NDArray[np.integer],
    said: NDArray[np.integer],
    classes: int,
    weight: NDArray[np.floating] | None = None,
) -> NDArray[np.float64]:
    """Count what was called what: ``(true class, said class)``."""
    counts = np.ones(truth.size) if weight is None else weight
    flat = np.bincount(
        truth * classes + said, weights=counts, minlength=classes * classes
    )
    return flat.reshape(classes, classes).astype(np.float64)


def class_f1(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """F1 of every class from `confusion`, ``(class,)``; NaN for classes not there."""
    both = matrix.sum(axis=0) + matrix.sum(axis=1)
    there = both > 0
    hits = 2 * np.diag(matrix)
    f1s: NDArray[np.float64] = np.full(len(matrix), np.nan)
    np.divide(hits, both, out=f1s, where=there)
    return f1s


def root_mean_square_error(
    truth: NDArray[np.floating],
    said: NDArray[np.floating],
    weight: NDArray[np.floating] | None = None,
) -> float:
    """Root of the mean squared error, in the unit of the value."""
    return float(np.sqrt(np.average((said - truth) ** 2, weights=weight)))


def explained(
    truth: NDArray[np.floating],
    said: NDArray[np.floating],
    weight: NDArray[np.floating] | None = None,
) -> float:
    """Coefficient of determination, R²: 1 - squared error / variance."""
    mean = np.average(truth, weights=weight)
    error = np.average((said - truth) ** 2, weights=weight)
    variance = np.average((truth - mean) ** 2, weights=weight)
    return float(1 - error / variance) if variance else float("nan")


def resample(
    places: int, statistic: Callable[[NDArray[np.float64]], float], seed: int = 0
) -> NDArray[np.float64]:
    """Bootstrap a statistic, resampling whole places.

    Parameters
    ----------
    places
        How many independent places there are.
    statistic
        Given how often each place counts, ``(places,)``, the statistic.
    seed
        Of the resampling; the same one draws the same places for any statistic.

    Returns
    -------
    ndarray
        ``(200,)`` float64.
    """
    rng = np.random.default_rng(seed)
    even = np.full(places, 1 / places)
    return np.array(
        [
            statistic(rng.multinomial(places, even).astype(np.float64))
            for _ in range(_RESAMPLES)
        ]
    )


def middle(drawn: NDArray[np.float64]) -> tuple[float, float]:
    """2.5th and 97.5th percentile of what `resample` drew; NaN is left out."""
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def interval(
    places: int, statistic: Callable[[NDArray[np.float64]], float], seed: int = 0
) -> tuple[float, float]:
    """95 % bootstrap interval of a statistic; parameters as for `resample`."""
    return middle(resample(places, statistic, seed))
