"""What a model is beside: plain trees on the same folds, and its learners alone."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Generic, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.risk.calibrate import fit_temperature
from agroforest.risk.card import Calibration, Model
from agroforest.risk.ensemble import (
    out_of_fold,
    rows_of,
    threshold_of,
)
from agroforest.risk.measure import over_places
from agroforest.risk.metrics import middle, resample
from agroforest.risk.mixing import find_threshold, finish
from agroforest.risk.prior import describe_prior, promise
from agroforest.risk.task import Answers, S, Statistic, Student, Task
from agroforest.risk.train import Progress, silent


@dataclass(frozen=True, kw_only=True, slots=True)
class Baseline(Generic[S]):
    """What a user would take instead of a model.

    Attributes
    ----------
    name
        What it is and what it sees, for tables.
    student
        Who learns, from the same places as the model's own.
    """

    name: str
    student: Student[S]


class Beside(NamedTuple):
    """Something that the model is measured against, on the same answers.

    Attributes
    ----------
    name
        What it is.
    metric
        Which metric of the task.
    value, low, high
        Its own, with the 95 % interval.
    gain, gain_low, gain_high
        How much more the model's is; whole places resampled, the same for both.
    """

    name: str
    metric: str
    value: float
    low: float
    high: float
    gain: float
    gain_low: float
    gain_high: float


def set_beside(
    task: Task[S],
    model: Model,
    samples: S,
    answers: Answers,
    baseline: Baseline[S],
    *,
    progress: Progress,
) -> tuple[Beside, ...]:
    """Measure a model beside a baseline and beside each of its learners alone.

    All are judged on the same answers, by copies that have not seen the place, and
    each gets a temperature and a threshold of its own from them.

    Parameters
    ----------
    task, model
        The model must be the task's.
    samples
        What it was trained on, with a target.
    answers
        The model's, by copies that had not seen the place.
    baseline
        Grown anew on the model's folds, without `Task.finish` and without adapting
        to a place.
    progress
        Told what is being done.

    Returns
    -------
    tuple of Beside
        Metrics of the baseline first, then of the learners if there are several.

    Raises
    ------
    DataError
        The samples hold places that the model was not trained on: of those there
        are no folds.
    """
    part = parts_of(model, samples.place)
    plain = replace(task, finish=None, prior_weight=None)
    grown = learn_apart(
        baseline.student, samples, part, name=baseline.name, progress=progress
    )
    found = [(baseline.name, plain, grown)]
    for number, student in enumerate(task.students if len(task.students) > 1 else ()):
        name = f"{student.spec.family} {student.spec.variant}".strip()
        said = out_of_fold(task, number, model.tensors, samples, part)
        found.append((f"{name}, alone", task, said))
    silence = ~np.isfinite(answers.value).all(axis=1)
    ours = _draw(task.measures(samples, answers, threshold_of(task, model)), samples)
    rows = []
    for name, judged, said in found:
        said[silence] = np.nan  # where the model says nothing, nobody is judged
        theirs = _draw(_measure(judged, samples, said), samples)
        rows += [
            _compare(name, metric, ours[metric], theirs[metric]) for metric in ours
        ]
    return tuple(rows)


def learn_apart(
    student: Student[S],
    samples: S,
    part: NDArray[np.int64],
    *,
    name: str,
    seed: int = 0,
    progress: Progress = silent,
) -> NDArray[np.float32]:
    """Let copies of a student learn, and ask each about the part it has not seen.

    Parameters
    ----------
    student
        Who learns.
    samples
        With a target.
    part
        ``(item,)``, the copy that judges it and does not learn from it.
    name
        Of the student, for `progress`.
    seed
        Of the copy of part 0; the next ones count on.
    progress
        Told what is being done.

    Returns
    -------
    ndarray
        ``(answer, output)`` float32, as `agroforest.risk.task.Student.say`.
    """
    said: NDArray[np.float32] | None = None
    folds = np.unique(part).tolist()
    for done, fold in enumerate(folds):
        progress(done / len(folds), f"{name} {done + 1}/{len(folds)}")
        learned = student.fit(
            samples.take(np.flatnonzero(part != fold)),
            seed=seed + fold,
            progress=silent,
        )
        items = np.flatnonzero(part == fold)
        found = student.say(learned, samples.take(items))
        if said is None:
            shape = (int(samples.sizes.sum()), found.shape[1])
            said = np.full(shape, np.nan, np.float32)
        said[rows_of(samples, items)] = found
    if said is None:
        raise ValueError("no items to learn from")
    progress(1.0, name)
    return said


def _measure(
    task: Task[S], samples: S, said: NDArray[np.float32]
) -> Mapping[str, Statistic]:
    target = samples.target
    if target is None:
        raise ValueError("no target to measure against")
    calibration = Calibration(
        temperature=fit_temperature(said, target, task.answer, samples.weight),
        **describe_prior(target, task),
    )
    chance = finish(task, samples, promise(said, samples, task.answer, calibration))
    threshold = float("nan")
    if task.threshold:
        threshold = find_threshold(chance[:, 0], samples, target)
    answers = Answers(value=chance, spread=np.zeros(len(chance), np.float32))
    return task.measures(samples, answers, threshold)


class _Drawn(NamedTuple):
    """A statistic as it is, and of resampled places, ``(200,)``."""

    value: float
    again: NDArray[np.float64]


def _draw(statistics: Mapping[str, Statistic], samples: S) -> Mapping[str, _Drawn]:
    places = len(np.unique(samples.place))
    found = {}
    for name, statistic in statistics.items():
        counted = over_places(statistic, samples)
        found[name] = _Drawn(counted(np.ones(places)), resample(places, counted))
    return found


def _compare(name: str, metric: str, ours: _Drawn, theirs: _Drawn) -> Beside:
    own = theirs.value, *middle(theirs.again)
    gain = ours.value - theirs.value, *middle(ours.again - theirs.again)
    return Beside(name, metric, *(round(number, 4) for number in (*own, *gain)))


def parts_of(model: Model, place: NDArray[np.str_]) -> NDArray[np.int64]:
    """Fold that every item was held out with."""
    held_out = model.card.ensemble.held_out if model.card.ensemble else {}
    strange = sorted({str(p) for p in place} - held_out.keys())
    if strange:
        raise DataError(
            model.card.title,
            f"was not trained on {strange[0]} and {len(strange) - 1} more places",
            "give the data that it was trained on, or ask for no baseline",
        )
    return np.array([held_out[str(p)] for p in place])
