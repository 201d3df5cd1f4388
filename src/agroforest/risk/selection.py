"""What a figure is worth when settings are chosen where it is not measured.

Whoever tries many settings and keeps the best has fitted them to the answers on which
they are then judged, and the figure flatters (Cawley & Talbot 2010, *On over-fitting in
model selection and subsequent selection bias in performance evaluation*, JMLR 11,
2079-2107). Here every part of the places is judged with the settings and the threshold
that were best on the other parts. Copies of learners are what they are: those that
speak of the other parts have learned from this one, so the choice is held back from it,
the learning that the choice rests on is not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError
from agroforest.risk.calibrate import is_known
from agroforest.risk.mixing import find_threshold, settle
from agroforest.risk.task import Answers, S, Task

#: Metrics of decisions at a threshold; others judge probabilities or values.
_OF_DECISIONS = ("f1", "iou")
_HALF = 0.5


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Candidate(Generic[S]):
    """Settings that could be shipped.

    Attributes
    ----------
    name
        What they are, for tables.
    task
        With those settings.
    said
        Of every student of the task, ``(answer, output)`` float32, of samples it has
        not learned from.
    """

    name: str
    task: Task[S]
    said: Sequence[NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Elsewhere:
    """What comes out when settings are chosen elsewhere.

    Attributes
    ----------
    answers
        Every part by the candidate that is best on the others. Of a metric of
        decisions, the decisions: 1 or 0.
    threshold
        Of those answers; NaN if the metric is none of decisions.
    chosen
        Name of the candidate, part by part.
    together
        The metric of every candidate, by name, with its threshold chosen on the
        answers on which it is measured: what one believes who does not choose
        elsewhere.
    """

    answers: Answers
    threshold: float
    chosen: tuple[str, ...]
    together: Mapping[str, float]


def choose_elsewhere(
    candidates: Iterable[Candidate[S]],
    samples: S,
    part: NDArray[np.int64],
    metric: str,
) -> Elsewhere:
    """Judge every part with the settings that are best on the others.

    Temperatures, one number of all answers, are fitted on all parts.

    Parameters
    ----------
    candidates
        One at least. Taken one by one and not kept, so a generator may make them.
    samples
        With a target; they count by their weight.
    part
        ``(item,)``, part of every item; a place lies in one.
    metric
        Of the task's measures, more is better.

    Returns
    -------
    Elsewhere
        The first of those that are equally good is chosen.

    Raises
    ------
    ConfigurationError
        No candidates, or fewer than two parts: nothing to choose, or on.
    ValueError
        Samples without a target.
    """
    target = samples.target
    if target is None:
        raise ValueError("no target to choose by")
    row = np.repeat(part, samples.sizes)
    parts = np.unique(part).tolist()
    if len(parts) < 2:
        raise ConfigurationError("parts", f"are {len(parts)}", "give two or more")
    best = dict.fromkeys(parts, -np.inf)
    chosen = dict.fromkeys(parts, "")
    together: dict[str, float] = {}
    value: NDArray[np.float32] | None = None
    decides = False
    for one in candidates:
        decides = bool(one.task.threshold) and metric in _OF_DECISIONS
        said = settle(one.task, one.said, samples, target).answers.value
        if value is None:
            value = np.full_like(said, np.nan)
        together[one.name], _ = _judge(one.task, samples, said, target, metric)
        for number in parts:
            own = row == number
            elsewhere = _forget(target, own)
            score, threshold = _judge(one.task, samples, said, elsewhere, metric)
            if score > best[number]:
                best[number], chosen[number] = score, one.name
                value[own] = said[own]
                if decides:
                    value[own] = _decide(said[own], threshold)
    if value is None:
        raise ConfigurationError("candidates", "are none", "give one or more")
    return Elsewhere(
        answers=Answers(value=value, spread=np.zeros(len(value), np.float32)),
        threshold=_HALF if decides else float("nan"),
        chosen=tuple(chosen[number] for number in parts),
        together=together,
    )


def _judge(
    task: Task[S],
    samples: S,
    said: NDArray[np.float32],
    target: NDArray[Any],
    metric: str,
) -> tuple[float, float]:
    """Metric where the target is known, and the threshold chosen there."""
    threshold = float("nan")
    if task.threshold:
        threshold = find_threshold(said[:, 0], samples, target)
    answers = Answers(value=said, spread=np.zeros(len(said), np.float32))
    weight = np.ones(len(said)) if samples.weight is None else samples.weight
    counts = weight * is_known(target)
    return float(task.measures(samples, answers, threshold)[metric](counts)), threshold


def _decide(said: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    """1 where the threshold is reached, else 0; NaN where nothing is said."""
    return np.where(np.isnan(said), np.nan, said >= threshold).astype(np.float32)


def _forget(target: NDArray[Any], own: NDArray[np.bool_]) -> NDArray[Any]:
    """Target without some of it."""
    missing = np.nan if np.issubdtype(target.dtype, np.floating) else -1
    return np.where(own, np.asarray(missing, target.dtype), target)
