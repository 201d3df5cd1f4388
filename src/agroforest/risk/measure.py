"""Answers beside the truth: metrics with their intervals, and reliability."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agroforest.risk.calibrate import is_known
from agroforest.risk.card import Metric
from agroforest.risk.metrics import calibration_error, interval
from agroforest.risk.task import Answers, S, Samples, Statistic, Task

_BINS = 10


class Reliability(NamedTuple):
    """One bin of a reliability diagram.

    Attributes
    ----------
    low, high
        Of the probability; of classes, of the likeliest.
    said, was
        Mean probability, and how often it was true.
    answers
        Answers in the bin.
    """

    low: float
    high: float
    said: float
    was: float
    answers: int


def measure(
    task: Task[S],
    samples: S,
    answers: Answers,
    threshold: float,
    *,
    on: str = "places not learned from",
) -> tuple[Metric, ...]:
    """Measure answers; 95 % intervals resample whole places.

    Parameters
    ----------
    task
        Says what counts.
    samples
        With a target; they count by their weight.
    answers
        To them.
    threshold
        Of the task's decision, or NaN.
    on
        Which data, for the card.
    """
    once = np.ones(int(samples.sizes.sum()))
    if samples.weight is not None:
        once = samples.weight
    places = np.unique(samples.place)
    statistics = dict(task.measures(samples, answers, threshold))
    if task.answer.head != "value":
        statistics["ece"] = _calibration(task, samples, answers)
    truth = samples.target
    known = is_known(truth) if truth is not None else np.zeros(once.size, bool)
    prevalence = None
    if task.answer.head == "probability" and truth is not None:
        share = np.average(truth[known] > 0, weights=once[known])
        prevalence = _rounded(float(share))
    metrics = []
    for name, statistic in statistics.items():
        low, high = interval(len(places), over_places(statistic, samples))
        metrics.append(
            Metric(
                name=name,
                on=f"{on} ({len(places)} places, {known.sum()} answers)",
                value=_rounded(statistic(once)),
                low=_rounded(low),
                high=_rounded(high),
                prevalence=prevalence,
            )
        )
    return tuple(metrics)


def reliability(task: Task[S], samples: S, answers: Answers) -> tuple[Reliability, ...]:
    """Bins of a reliability diagram; none for values."""
    if task.answer.head == "value":
        return ()
    true, chance, _ = _judged(task, samples, answers)
    place = np.minimum((chance * _BINS).astype(np.intp), _BINS - 1)
    return tuple(
        Reliability(
            low=n / _BINS,
            high=(n + 1) / _BINS,
            said=float(chance[place == n].mean()),
            was=float(true[place == n].mean()),
            answers=int((place == n).sum()),
        )
        for n in range(_BINS)
        if (place == n).any()
    )


def over_places(statistic: Statistic, samples: Samples) -> Statistic:
    """Make a statistic of how often each place counts, ``(place,)``, sorted by name."""
    _, place = np.unique(samples.place, return_inverse=True)
    every = np.repeat(place, samples.sizes)
    once = np.ones(every.size) if samples.weight is None else samples.weight
    return lambda counts: statistic(counts[every] * once)


def _calibration(task: Task[S], samples: Samples, answers: Answers) -> Statistic:
    true, chance, known = _judged(task, samples, answers)
    return lambda counts: calibration_error(true, chance, counts[known])


def _judged(
    task: Task[S], samples: Samples, answers: Answers
) -> tuple[NDArray[np.bool_], NDArray[np.float32], NDArray[np.bool_]]:
    """Whether each answer was right, its probability, and where both are known."""
    truth = samples.target
    if truth is None:
        raise ValueError("no target to measure against")
    known = is_known(truth) & np.isfinite(answers.value).all(axis=1)
    value = answers.value[known]
    if task.answer.head == "probability":
        return truth[known] > 0, value[:, 0], known
    return value.argmax(axis=1) == truth[known], value.max(axis=1), known


def _rounded(value: float) -> float:
    return round(value, 4)
