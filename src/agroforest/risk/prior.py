"""How common every class is in a new place, from what is said of its items.

A model learns what is likely where it learned. Elsewhere other classes are common,
and the unlabelled items of a place tell which: Saerens, Latinne & Decaestecker
(2002), *Adjusting the outputs of a classifier to new a priori probabilities*,
Neural Computation 14(1), 21-41, equations 2.4 and 2.9. It holds where the classes
look alike in both places and only their shares differ.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agroforest.risk.calibrate import probabilities
from agroforest.risk.card import Answer, Calibration
from agroforest.risk.task import Samples

# The shares no longer move after some twenty rounds.
_ROUNDS = 30
_LEAST = 1e-6


def promise(
    logits: NDArray[np.float32],
    samples: Samples,
    answer: Answer,
    calibration: Calibration,
) -> NDArray[np.float32]:
    """Turn logits into what the head promises of these places.

    Parameters
    ----------
    logits
        ``(answer, output)``.
    samples
        What they are said of, with all items of their places.
    answer
        Whose head.
    calibration
        Temperature; and shares of classes, if they are to be adapted.
    """
    value = probabilities(logits, answer, calibration.temperature)
    if not calibration.prior:
        return value
    place = np.repeat(samples.place, samples.sizes)
    prior = np.array(calibration.prior)
    return adapt(value, place, prior, calibration.prior_weight)


def describe_prior(
    target: NDArray[Any], answer: Answer, weight: float | None
) -> dict[str, Any]:
    """Describe the shares of the classes, for `Calibration`; nothing without weight.

    Parameters
    ----------
    target
        ``(answer,)`` int64, -1 where not known.
    answer
        Whose classes.
    weight
        See `agroforest.risk.task.Task`.
    """
    if weight is None:
        return {}
    count = np.bincount(target[target >= 0], minlength=len(answer.outputs))
    shares = (count / count.sum()).round(6).tolist()
    return {"prior": tuple(shares), "prior_weight": weight}


def adapt(
    chance: NDArray[np.float32],
    place: NDArray[np.str_],
    prior: NDArray[np.float64],
    weight: float,
) -> NDArray[np.float32]:
    """Correct probabilities for the shares of the classes in each place.

    Parameters
    ----------
    chance
        ``(item, class)``, calibrated for places where the shares are `prior`.
        Rows with NaN say nothing and stay as they are.
    place
        ``(item,)``.
    prior
        ``(class,)``, shares where the model learned.
    weight
        Items that `prior` counts as beside those of a place: a place of few items
        is hardly corrected.

    Returns
    -------
    ndarray
        ``(item, class)`` float32, rows add up to 1.
    """
    prior = np.maximum(prior, _LEAST)
    adapted = chance.copy()
    for one in np.unique(place):
        here = np.flatnonzero((place == one) & np.isfinite(chance).all(axis=1))
        if here.size:
            adapted[here] = _adapt_one(chance[here].astype(np.float64), prior, weight)
    return adapted


def _adapt_one(
    said: NDArray[np.float64], prior: NDArray[np.float64], weight: float
) -> NDArray[np.float64]:
    shares = prior.copy()
    for _ in range(_ROUNDS):
        found = _reweigh(said, shares / prior)
        shares = (found.sum(axis=0) + weight * prior) / (len(said) + weight)
    return _reweigh(said, shares / prior)


def _reweigh(
    said: NDArray[np.float64], ratio: NDArray[np.float64]
) -> NDArray[np.float64]:
    found = said * ratio
    return np.asarray(found / found.sum(axis=1, keepdims=True))
