"""How good a model is on labelled data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from agroforest.risk.baseline import Baseline, Beside, set_beside
from agroforest.risk.card import Metric, Model
from agroforest.risk.ensemble import (
    ask_unseen,
    require_target,
    rows_of,
    threshold_of,
)
from agroforest.risk.measure import Reliability, measure, reliability
from agroforest.risk.task import Answers, S, Task
from agroforest.risk.train import Progress, silent


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """What was found.

    Attributes
    ----------
    metrics
        Over all places.
    reliability
        Bins; empty for values.
    places
        The first metric of every place; NaN where it has none (nothing true there).
    unseen
        Places that the model was not trained on.
    beside
        Others on the same answers; empty unless asked for.
    """

    metrics: tuple[Metric, ...]
    reliability: tuple[Reliability, ...] = ()
    places: Mapping[str, float] = field(default_factory=dict)
    unseen: int = 0
    beside: tuple[Beside, ...] = ()


def evaluate(
    task: Task[S],
    model: Model,
    data: Path,
    *,
    baseline: Baseline[S] | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate a model on a folder of labelled data.

    Every place is judged only by copies that have not seen it, so the training
    data give the card's own metrics again.

    Parameters
    ----------
    task, model
        The model must be the task's.
    data
        Folder in the layout of the task.
    baseline
        Grown on the same folds and set beside, and so is every learner of the model
        alone. Takes minutes; nothing is set beside unless given.
    progress
        Told how far the baseline is.

    Raises
    ------
    DataError
        Damaged or unlabelled data; for a baseline, places that the model was not
        trained on.
    """
    samples = task.read(data)
    require_target(samples, data)
    answers = ask_unseen(task, model, samples)
    threshold = threshold_of(task, model)
    held_out = model.card.ensemble.held_out if model.card.ensemble else {}
    beside: tuple[Beside, ...] = ()
    if baseline is not None:
        say = progress or silent
        beside = set_beside(task, model, samples, answers, baseline, progress=say)
    return Evaluation(
        metrics=measure(task, samples, answers, threshold),
        reliability=reliability(task, samples, answers),
        places=_by_place(task, samples, answers, threshold),
        unseen=sum(str(p) not in held_out for p in np.unique(samples.place)),
        beside=beside,
    )


def _by_place(
    task: Task[S], samples: S, answers: Answers, threshold: float
) -> dict[str, float]:
    found = {}
    for place in np.unique(samples.place):
        items = np.flatnonzero(samples.place == place)
        rows = rows_of(samples, items)
        own = Answers(value=answers.value[rows], spread=answers.spread[rows])
        statistics = task.measures(samples.take(items), own, threshold)
        first = next(iter(statistics.values()))
        found[str(place)] = round(first(np.ones(rows.size)), 4)
    return found
