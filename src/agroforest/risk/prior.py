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
from agroforest.risk.task import Samples, Task

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
    return adapt(
        value,
        place,
        np.array(calibration.prior),
        calibration.prior_weight,
        calibration.prior_power,
    )


def describe_prior(target: NDArray[Any], task: Task[Any]) -> dict[str, Any]:
    """Describe the shares of the classes, for `Calibration`.

    Parameters
    ----------
    target
        ``(answer,)`` int64, -1 where not known.
    task
        Whose classes; nothing is described if it has no `prior_weight`.
    """
    if task.prior_weight is None:
        return {}
    count = np.bincount(target[target >= 0], minlength=len(task.answer.outputs))
    return {
        "prior": tuple((count / count.sum()).round(6).tolist()),
        "prior_weight": task.prior_weight,
        "prior_power": task.prior_power,
    }


def adapt(
    chance: NDArray[np.float32],
    place: NDArray[np.str_],
    prior: NDArray[np.float64],
    weight: float,
    power: float = 1.0,
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
    power
        Exponent of the ratio of the shares. 1 is right where classes look alike in
        both places; less where they do not quite, so that the model is wrong about
        many items of a place in the same way.

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
            adapted[here] = _adapt_one(
                chance[here].astype(np.float64), prior, weight, power
            )
    return adapted


def _adapt_one(
    said: NDArray[np.float64], prior: NDArray[np.float64], weight: float, power: float
) -> NDArray[np.float64]:
    shares = prior.copy()
    for _ in range(_ROUNDS):
        found = _reweigh(said, (shares / prior) ** power)
        shares = (found.sum(axis=0) + weight * prior) / (len(said) + weight)
    return _reweigh(said, (shares / prior) ** power)


def _reweigh(
    said: NDArray[np.float64], ratio: NDArray[np.float64]
) -> NDArray[np.float64]:
    found = said * ratio
    return np.asarray(found / found.sum(axis=1, keepdims=True))
