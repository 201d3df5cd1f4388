"""From raw answers to probabilities that mean what they say, and to decisions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit, log_softmax, softmax

from agroforest.risk.card import Answer

_COOLEST, _HOTTEST = 0.2, 5.0
# Thresholds that are tried.
_EDGES = np.arange(0.0, 1.0001, 0.001)
_RESAMPLES = 200


def probabilities(
    logits: NDArray[np.float32], answer: Answer, temperature: float
) -> NDArray[np.float32]:
    """Turn logits into what the head promises; values stay as they are.

    Parameters
    ----------
    logits
        ``(answer, output)``.
    answer
        Whose head.
    temperature
        Divides the logits.
    """
    if answer.head == "value":
        return logits
    scaled = logits / np.float32(temperature)
    if answer.head == "probability":
        return np.asarray(expit(scaled), np.float32)
    return np.asarray(softmax(scaled, axis=1), np.float32)


def fit_temperature(
    logits: NDArray[np.float32],
    target: NDArray[Any],
    answer: Answer,
    weight: NDArray[np.float64] | None = None,
) -> float:
    """Temperature that makes the truth most likely; 1 for values.

    Guo et al. (2017), *On calibration of modern neural networks*,
    arXiv:1706.04599, section 4.2.

    Parameters
    ----------
    logits
        ``(answer, output)``, of places not learned from.
    target
        ``(answer,)``, as in `agroforest.risk.task.Samples`.
    answer
        Whose head.
    weight
        ``(answer,)``, how much each counts; all the same unless given.
    """
    if answer.head == "value":
        return 1.0
    known = is_known(target) & np.isfinite(logits).all(axis=1)
    counts = None if weight is None else weight[known]
    found, truth = logits[known].astype(np.float64), np.asarray(target[known])

    def mean(each: NDArray[np.float64]) -> float:
        return float(each.mean() if counts is None else np.average(each, None, counts))

    def surprise(temperature: float) -> float:
        scaled = found / temperature
        if answer.head == "probability":
            sign = np.where(truth > 0, 1.0, -1.0)
            return mean(-log_expit(sign * scaled[:, 0]))
        said = log_softmax(scaled, axis=1)
        return mean(-said[np.arange(truth.size), truth])

    best = minimize_scalar(surprise, bounds=(_COOLEST, _HOTTEST), method="bounded")
    return round(float(best.x), 3)


def is_known(target: NDArray[Any]) -> NDArray[np.bool_]:
    """Where somebody knows the truth."""
    if np.issubdtype(target.dtype, np.floating):
        return np.asarray(~np.isnan(target))
    return np.asarray(target >= 0)


def choose_threshold(
    truth: NDArray[np.bool_],
    chance: NDArray[np.float32],
    weight: NDArray[np.float64] | None = None,
) -> tuple[float, float]:
    """Threshold with the highest F1, and that F1.

    Parameters
    ----------
    truth
        ``(n,)``.
    chance
        ``(n,)``; those that reach the threshold count as detected.
    weight
        ``(n,)``, how much each counts; all the same unless given.

    Returns
    -------
    tuple of float
        Threshold, rounded to three digits, and F1; 0.5 and NaN if nothing is true.
    """
    every = np.ones(truth.size) if weight is None else weight
    place = _grade(chance)
    f1 = _f1_of_thresholds(
        np.bincount(place, every * truth, _EDGES.size),
        np.bincount(place, every, _EDGES.size),
    )
    if not truth.any():
        return 0.5, float("nan")
    best = int(f1.argmax())
    return round(float(_EDGES[best]), 3), float(f1[best])


def keep_threshold(
    usual: float,
    truth: NDArray[np.bool_],
    chance: NDArray[np.float32],
    weight: NDArray[np.float64],
    block: NDArray[np.intp],
) -> float:
    """Threshold nearest to the usual one that is not clearly worse than the best.

    Few labels say little about a threshold: the one with the highest F1 on them is
    mostly chance. As in the rule of one standard error (Breiman et al. 1984,
    *Classification and regression trees*, section 3.4.3), all thresholds count as
    good whose F1 is lower than the highest by no more than the standard error of
    that difference, from resampling whole blocks.

    Parameters
    ----------
    usual
        The threshold to keep if nothing speaks against it.
    truth, chance, weight
        ``(n,)``, as in `choose_threshold`.
    block
        ``(n,)``, block of ground, numbered from 0 on.

    Returns
    -------
    float
        Rounded to three digits; `usual` if nothing is true.
    """
    if not truth.any():
        return usual
    blocks = int(block.max()) + 1
    cell = block * _EDGES.size + _grade(chance)
    shape, size = (blocks, _EDGES.size), blocks * _EDGES.size
    true = np.bincount(cell, weight * truth, size).reshape(shape)
    said = np.bincount(cell, weight, size).reshape(shape)
    f1 = _f1_of_thresholds(true.sum(axis=0), said.sum(axis=0))
    best = int(f1.argmax())
    rng = np.random.default_rng(0)
    counts = rng.multinomial(blocks, np.full(blocks, 1 / blocks), _RESAMPLES)
    drawn = _f1_of_thresholds(counts @ true, counts @ said)
    error = np.nanstd(drawn[:, [best]] - drawn, axis=0)
    good = np.flatnonzero(f1[best] - f1 <= error)
    nearest = good[np.abs(_EDGES[good] - usual).argmin()]
    return round(float(_EDGES[nearest]), 3)


def _grade(chance: NDArray[np.float32]) -> NDArray[np.intp]:
    """Place in `_EDGES` of the highest threshold that is reached."""
    return np.searchsorted(_EDGES, chance, side="right") - 1


def _f1_of_thresholds(true: NDArray[Any], every: NDArray[Any]) -> NDArray[np.float64]:
    """F1 of every threshold, from ``(..., threshold)`` counts of what reaches it last.

    NaN where nothing is true.
    """
    hits = true[..., ::-1].cumsum(axis=-1)[..., ::-1]
    said = every[..., ::-1].cumsum(axis=-1)[..., ::-1]
    both = said + hits[..., :1]
    f1 = np.full(both.shape, np.nan)
    np.divide(2 * hits, both, out=f1, where=hits[..., :1] > 0)
    return f1
