"""From what students say to one answer: shares, temperatures, a threshold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from agroforest.risk.calibrate import (
    choose_threshold,
    fit_temperature,
    is_known,
    keep_threshold,
    probabilities,
)
from agroforest.risk.card import ALONE, OPEN, Calibration, Learner
from agroforest.risk.prior import describe_prior, promise
from agroforest.risk.task import Answers, S, Samples, Task


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Settled:
    """What was found out on samples that nobody learned from.

    Attributes
    ----------
    learners
        Of the card, with their temperatures.
    calibration
        Of the card, with the threshold.
    answers
        To those samples.
    """

    learners: tuple[Learner, ...]
    calibration: Calibration
    answers: Answers


def settle(
    task: Task[S],
    said: Sequence[NDArray[np.float32]],
    samples: S,
    target: NDArray[Any],
    *,
    usual: Mapping[str, float] | None = None,
) -> Settled:
    """Choose temperatures and threshold.

    Parameters
    ----------
    task
        Whose students they are.
    said
        Of every student, ``(answer, output)``, of samples it has not learned from.
    samples
        The samples; they count by their weight.
    target
        Their truth.
    usual
        Thresholds to keep if nothing speaks against them, by the name of their
        decision; where there are few samples.
    """
    weight = samples.weight
    learners = tuple(
        student.spec.model_copy(
            update={"temperature": fit_temperature(found, target, task.answer, weight)}
        )
        for student, found in zip(task.students, said, strict=True)
    )
    mixed = mix(said, learners, task)
    calibration = Calibration(
        temperature=fit_temperature(mixed, target, task.answer, weight),
        **describe_prior(target, task),
    )
    raw = promise(mixed, samples, task.answer, calibration)
    chance = finish(task, samples, raw)
    answers = Answers(value=chance, spread=np.zeros(len(chance), np.float32))
    said_of = {task.threshold: chance[:, 0]} if task.threshold else {}
    if task.threshold and task.finish is not None:
        said_of[task.threshold + OPEN] = raw[:, 0]
    for found, learner in zip(said, learners, strict=True):
        if learner.family == task.alone:
            alone = probabilities(found, task.answer, learner.temperature)
            said_of[task.threshold + ALONE] = alone[:, 0]
    thresholds = {
        name: find_threshold(of, samples, target, (usual or {}).get(name))
        for name, of in said_of.items()
    }
    return Settled(
        learners=learners,
        calibration=calibration.model_copy(update={"thresholds": thresholds}),
        answers=answers,
    )


def mix(
    raw: Sequence[NDArray[np.float32]], learners: Sequence[Learner], task: Task[S]
) -> NDArray[np.float32]:
    """Weighted mean of what students say: of logits, or of values."""
    mixed = np.zeros_like(raw[0])
    for found, learner in zip(raw, learners, strict=True):
        scaled = found
        if task.answer.head != "value":
            scaled = found / np.float32(learner.temperature)
        if task.answer.head == "classes":
            scaled = log_softmax(scaled, axis=1)
        mixed += np.float32(learner.share) * scaled
    return mixed


def finish(
    task: Task[S], samples: S, chance: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Bring probabilities into the form that is told, see `Task.finish`."""
    return chance if task.finish is None else task.finish(samples, chance)


def find_threshold(
    chance: NDArray[np.float32],
    samples: Samples,
    target: NDArray[Any],
    usual: float | None = None,
) -> float:
    """Find the threshold of a decision.

    Parameters
    ----------
    chance
        ``(answer,)``, of samples that nobody learned from.
    samples, target, usual
        As for `settle`.
    """
    known = is_known(target) & np.isfinite(chance)
    truth = target[known] > 0
    every = np.ones(known.size) if samples.weight is None else samples.weight
    if usual is None:
        return choose_threshold(truth, chance[known], every[known])[0]
    _, block = np.unique(samples.place, return_inverse=True)
    block = np.repeat(block, samples.sizes)[known]
    return keep_threshold(usual, truth, chance[known], every[known], block)
