"""From raw answers to probabilities that mean what they say, and to decisions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit, log_softmax, softmax

from agroforest.risk.card import Answer

_COOLEST, _HOTTEST = 0.2, 5.0


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
    logits: NDArray[np.float32], target: NDArray[Any], answer: Answer
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
    """
    if answer.head == "value":
        return 1.0
    known = is_known(target) & np.isfinite(logits).all(axis=1)
    found, truth = logits[known].astype(np.float64), np.asarray(target[known])

    def surprise(temperature: float) -> float:
        scaled = found / temperature
        if answer.head == "probability":
            sign = np.where(truth > 0, 1.0, -1.0)
            return float(-log_expit(sign * scaled[:, 0]).mean())
        said = log_softmax(scaled, axis=1)
        return float(-said[np.arange(truth.size), truth].mean())

    best = minimize_scalar(surprise, bounds=(_COOLEST, _HOTTEST), method="bounded")
    return round(float(best.x), 3)


def is_known(target: NDArray[Any]) -> NDArray[np.bool_]:
    """Where somebody knows the truth."""
    if np.issubdtype(target.dtype, np.floating):
        return np.asarray(~np.isnan(target))
    return np.asarray(target >= 0)


def choose_threshold(
    truth: NDArray[np.bool_], chance: NDArray[np.float32]
) -> tuple[float, float]:
    """Threshold with the highest F1, and that F1.

    Parameters
    ----------
    truth
        ``(n,)``.
    chance
        ``(n,)``; those that reach the threshold count as detected.

    Returns
    -------
    tuple of float
        Threshold, rounded to three digits, and F1; 0.5 and NaN if nothing is true.
    """
    edges = np.arange(0.0, 1.0001, 0.001)
    place = np.searchsorted(edges, chance, side="right") - 1
    hits = np.bincount(place[truth], minlength=edges.size)[::-1].cumsum()[::-1]
    said = np.bincount(place, minlength=edges.size)[::-1].cumsum()[::-1]
    if not hits[0]:
        return 0.5, float("nan")
    f1 = 2 * hits / np.maximum(said + hits[0], 1)
    best = int(f1.argmax())
    return round(float(edges[best]), 3), float(f1[best])
