"""Threshold of a task of scenes whose networks are asked without its trees.

Whole tiles are judged by the networks (`agroforest.risk.scene_tile`); the threshold
in a card was chosen for networks and trees together. The card of ``canopy-damage``
holds one for the networks, found here.
"""

import numpy as np
from scipy.special import expit

from agroforest.core.errors import ModelError
from agroforest.risk import ensemble
from agroforest.risk.calibrate import choose_threshold, is_known
from agroforest.risk.card import Model
from agroforest.risk.scenes import Scenes, SceneStudent
from agroforest.risk.task import Task

#: Appended to the name of the decision in the card.
SUFFIX = "-networks"


def choose_networks_threshold(
    task: Task[Scenes], model: Model, samples: Scenes
) -> tuple[float, float]:
    """Choose the threshold with the highest F1 of networks that are asked alone.

    Parameters
    ----------
    task, model
        The model must be the task's.
    samples
        The model's own training data: of every place only the copy is asked that
        has not seen it.

    Returns
    -------
    tuple of float
        Threshold and F1.

    Raises
    ------
    ModelError
        If the task has no network over space, the model is no ensemble, or a place
        is not of its training.
    """
    held_out = model.card.ensemble.held_out if model.card.ensemble else {}
    foreign = sorted({str(p) for p in samples.place} - set(held_out))
    numbers = [n for n, s in enumerate(task.students) if isinstance(s, SceneStudent)]
    if foreign or not numbers or samples.target is None:
        what = f"has not been trained on {foreign[0]}" if foreign else "has no network"
        raise ModelError(model.folder, what, "name its own training data and labels")
    (number, *_) = numbers
    part = np.array([held_out[str(place)] for place in samples.place])
    logits = np.full(int(samples.sizes.sum()), np.nan, np.float32)
    for fold in np.unique(part):
        items = np.flatnonzero(part == fold)
        tensors = ensemble.own_tensors(model.tensors, number, int(fold))
        said = task.students[number].say(tensors, samples.take(items))
        logits[ensemble.rows_of(samples, items)] = said[:, 0]
    chance = expit(logits / np.float32(model.card.learners[number].temperature))
    known = is_known(samples.target) & np.isfinite(chance)
    return choose_threshold(samples.target[known] > 0, chance[known])
