"""Ensembles: copies of every student, each without a part of the places.

What a copy says of the part it has not seen is the honest validation: calibration,
threshold and every metric of the card come from there, and `evaluate` finds them
again from the weights alone. Of a new place all copies are asked; how far they
disagree is the spread.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import DataError, ModelError
from agroforest.core.identity import digest, digest_file
from agroforest.risk.calibrate import is_known
from agroforest.risk.card import (
    OPEN,
    Ensemble,
    Inputs,
    Model,
    ModelCard,
    Tensors,
    Training,
    Weights,
    load_model,
    save_model,
    schema_digest,
)
from agroforest.risk.measure import measure
from agroforest.risk.mixing import finish, mix, settle
from agroforest.risk.prior import promise
from agroforest.risk.task import Answers, S, Samples, Task
from agroforest.risk.train import Progress, silent


def train(
    task: Task[S],
    data: Path,
    out: Path,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Model:
    """Train a model from a folder of labelled data and write it.

    Parameters
    ----------
    task
        What to learn.
    data
        Folder in the layout of the task.
    out
        Folder for card and weights.
    seed
        Of everything random.
    progress
        Told what is being done.

    Returns
    -------
    Model
        As `load` gives it.

    Raises
    ------
    DataError
        Damaged or unlabelled data, or fewer places than folds.
    """
    say = progress or silent
    samples = task.read(data)
    target = require_target(samples, data)
    held_out = share_out(samples, task.folds, data)
    part = np.array([held_out[place] for place in samples.place])
    tensors: dict[str, NDArray[Any]] = {}
    said = []
    for number, student in enumerate(task.students):
        for fold in range(task.folds):
            done = number * task.folds + fold
            learned = student.fit(
                samples.take(np.flatnonzero(part != fold)),
                seed=(seed * len(task.students) + number) * task.folds + fold,
                progress=_share(say, task, done),
            )
            tensors |= {name_copy(number, fold, name): a for name, a in learned.items()}
        said.append(out_of_fold(task, number, tensors, samples, part))
    settled = settle(task, said, samples, target)
    threshold = settled.calibration.thresholds.get(task.threshold, float("nan"))
    card = ModelCard(
        name=task.name,
        version=task.version,
        licence="Apache-2.0",
        purpose=task.purpose,
        inputs=Inputs(
            features=task.features,
            digest=schema_digest(task.features),
            steps=task.steps,
        ),
        answer=task.answer,
        learners=settled.learners,
        ensemble=Ensemble(folds=task.folds, held_out=held_out),
        weights=Weights(sha256="0" * 64, parameters=1),
        training=Training(
            data=task.data,
            data_sha256=_digest_folder(data),
            simulated=False,
            split=task.split,
            seed=seed,
            recipe="; ".join(student.describe() for student in task.students),
        ),
        calibration=settled.calibration,
        metrics=measure(task, samples, settled.answers, threshold),
        limits=task.limits,
    )
    say(1.0, "writing")
    return save_model(out, card, tensors)


def load(task: Task[S], folder: Path) -> Model:
    """Load a model of a task.

    Raises
    ------
    ModelError
        As `load_model`; or it was trained as another kind of ensemble.
    """
    model = load_model(folder, schema=schema_digest(task.features))
    card = model.card
    mine = [student.spec for student in task.students]
    theirs = [one.model_copy(update={"temperature": 1.0}) for one in card.learners]
    if (mine, task.answer) != (theirs, card.answer) or card.ensemble is None:
        raise ModelError(
            folder / "card.toml",
            f"is not the {task.name} of this program",
            "use the models of this release, or train it again",
        )
    return model


def ask(
    task: Task[S], model: Model, samples: S, *, progress: Progress | None = None
) -> Answers:
    """Ask all copies.

    Parameters
    ----------
    task, model
        The model must be the task's, see `load`.
    samples
        Of places that the model has never seen.
    progress
        Told what is being done.
    """
    say = progress or silent
    folds = _folds(model)
    said = []
    for fold in range(folds):
        say(fold / folds, f"{task.name} {fold + 1}/{folds}")
        raw = [
            student.say(own_tensors(model.tensors, number, fold), samples)
            for number, student in enumerate(task.students)
        ]
        said.append(mix(raw, model.card.learners, task))
    return _answers(said, samples, task, model)


def ask_unseen(task: Task[S], model: Model, samples: S) -> Answers:
    """Ask of every place only copies that have not seen it.

    Of places the model was trained on that is one copy; of others it is all.
    """
    ensemble = model.card.ensemble
    held_out = ensemble.held_out if ensemble else {}
    everybody = _folds(model)
    part = np.array([held_out.get(str(p), everybody) for p in samples.place])
    value = np.full(
        (int(samples.sizes.sum()), len(task.answer.outputs)), np.nan, np.float32
    )
    spread = np.zeros(len(value), np.float32)
    for fold in np.unique(part):
        items = np.flatnonzero(part == fold)
        some, rows = samples.take(items), rows_of(samples, items)
        if fold == everybody:
            found = ask(task, model, some)
        else:
            raw = [
                student.say(own_tensors(model.tensors, number, int(fold)), some)
                for number, student in enumerate(task.students)
            ]
            mixed = mix(raw, model.card.learners, task)
            found = _answers([mixed], some, task, model)
        value[rows], spread[rows] = found.value, found.spread
    return Answers(value=value, spread=spread)


def predict(
    task: Task[S],
    model: Model,
    data: Path,
    out: Path,
    *,
    progress: Progress | None = None,
) -> Sequence[Path]:
    """Answer for a folder of data, labelled or not, and write files.

    Returns
    -------
    sequence of Path
        The files written.

    Raises
    ------
    DataError
        Damaged data.
    """
    samples = task.read(data)
    answers = ask(task, model, samples, progress=progress)
    return task.write(out, samples, answers, threshold_of(task, model))


def threshold_of(task: Task[S], model: Model) -> float:
    """Threshold of the task's decision; NaN if it has none."""
    return model.card.calibration.thresholds.get(task.threshold, float("nan"))


def open_threshold_of(task: Task[S], model: Model) -> float:
    """Threshold of the decision on answers that were not finished, see `Task.finish`.

    Raises
    ------
    ModelError
        The card has none: the model is older than that.
    """
    found = model.card.calibration.thresholds.get(task.threshold + OPEN)
    if found is None:
        raise ModelError(
            f"the card of {model.card.name} {model.card.version}",
            f"has no threshold {task.threshold + OPEN}",
            "use the models of this release, or train it again",
        )
    return found


def share_out(samples: Samples, folds: int, where: Path) -> dict[str, int]:
    """Share the places out over folds of about equal size; always the same way.

    Raises
    ------
    DataError
        If there are fewer places than folds.
    """
    sizes: dict[str, int] = {}
    for place, size in zip(samples.place, samples.sizes, strict=True):
        sizes[str(place)] = sizes.get(str(place), 0) + int(size)
    if len(sizes) < folds:
        raise DataError(
            where, f"holds {len(sizes)} places", f"give at least {folds} of them"
        )
    load = [0] * folds
    held_out = {}
    for place in sorted(sizes, key=lambda p: (-sizes[p], p)):
        fold = load.index(min(load))
        held_out[place] = fold
        load[fold] += sizes[place]
    return dict(sorted(held_out.items()))


def rows_of(samples: Samples, items: NDArray[np.intp]) -> NDArray[np.intp]:
    """Places of some items' answers among all answers."""
    starts = np.concatenate([[0], np.cumsum(samples.sizes)])
    if (samples.sizes == 1).all():
        return np.asarray(items, np.intp)
    return np.concatenate(
        [np.arange(starts[i], starts[i + 1]) for i in items] or [np.zeros(0, np.intp)]
    )


def require_target(samples: Samples, where: Path) -> NDArray[Any]:
    """Truth of all answers.

    Raises
    ------
    DataError
        If there is none.
    """
    if samples.target is None or not is_known(samples.target).any():
        raise DataError(where, "holds no labels", "name a folder of labelled data")
    return samples.target


def out_of_fold(
    task: Task[S],
    number: int,
    tensors: Tensors,
    samples: S,
    part: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Ask each copy of a student of the items of its part alone.

    Parameters
    ----------
    task, number
        Which student of which task.
    tensors
        Of all copies.
    samples
        What is judged.
    part
        ``(item,)``, the copy that judges it.

    Returns
    -------
    ndarray
        ``(answer, output)`` float32, as `agroforest.risk.task.Student.say`.
    """
    shape = (int(samples.sizes.sum()), len(task.answer.outputs))
    said = np.full(shape, np.nan, np.float32)
    for fold in range(task.folds):
        items = np.flatnonzero(part == fold)
        said[rows_of(samples, items)] = task.students[number].say(
            own_tensors(tensors, number, fold), samples.take(items)
        )
    return said


def _answers(
    said: Sequence[NDArray[np.float32]], samples: S, task: Task[S], model: Model
) -> Answers:
    """Mean of copies as the head promises it, and how far they disagree."""
    calibration = model.card.calibration
    mean = np.asarray(np.mean(said, axis=0, dtype=np.float32))
    value = finish(task, samples, promise(mean, samples, task.answer, calibration))
    if len(said) == 1:
        return Answers(value=value, spread=np.zeros(len(value), np.float32))
    top = value.argmax(axis=1) if task.answer.head == "classes" else 0
    every = [
        promise(one, samples, task.answer, calibration)[np.arange(len(value)), top]
        for one in said
    ]
    return Answers(value=value, spread=np.std(every, axis=0, dtype=np.float32))


def own_tensors(tensors: Tensors, number: int, fold: int) -> Tensors:
    """Tensors of one copy under their own names."""
    prefix = name_copy(number, fold, "")
    own = {
        n.removeprefix(prefix): a for n, a in tensors.items() if n.startswith(prefix)
    }
    if not own:
        raise ModelError("weights", f"no copy {prefix[:-1]}", "train the model again")
    return own


def name_copy(number: int, fold: int, name: str) -> str:
    """Name under which a tensor of one copy of a student is kept."""
    return f"{number}.{fold}.{name}"


def _folds(model: Model) -> int:
    return model.card.ensemble.folds if model.card.ensemble else 1


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _digest_folder(folder: Path) -> str:
    if folder.is_file():
        return digest_file(folder)
    names = {str(f.relative_to(folder)): digest_file(f) for f in _files(folder)}
    return digest(names, length=64)


def _share(say: Progress, task: Task[S], done: int) -> Progress:
    total = len(task.students) * task.folds

    def told(share: float, note: str) -> None:
        family = task.students[done // task.folds].spec.family
        fold = done % task.folds + 1
        say((done + share) / total * 0.95, f"{family} {fold}/{task.folds} {note}")

    return told
