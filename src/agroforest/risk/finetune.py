"""Learning on from a shipped model, with labels that somebody collected.

Every copy of every student goes on from what it knows, without the blocks of one
part of the new labels. What it says of that part is compared with what it said
before: the same copy, the same blocks. So the ensemble is its own validation again,
`agroforest.risk.ensemble`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.risk.calibrate import is_known
from agroforest.risk.card import Model, save_model
from agroforest.risk.collection import Collection
from agroforest.risk.compare import Judged
from agroforest.risk.ensemble import (
    name_copy,
    out_of_fold,
    own_tensors,
    threshold_of,
)
from agroforest.risk.mixing import Settled, mix, settle
from agroforest.risk.prior import promise
from agroforest.risk.task import Refining, S, Task
from agroforest.risk.train import Progress, threads
from agroforest.risk.tuned_card import build_card, describe

#: Answers of each kind, and blocks for every part, below which nothing is learned.
#: Arbitrary: fewer cannot tell a better model from a worse one.
FEWEST_ANSWERS, FEWEST_BLOCKS_A_PART = 30, 2


def finetune(
    task: Task[S],
    base: Model,
    collection: Collection[S],
    out: Path,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Model:
    """Let a model learn on from labels and write it.

    Parameters
    ----------
    task
        Whose model it is, see `agroforest.risk.ensemble.load`.
    base
        Where it starts: a model that learned from scratch.
    collection
        Samples with a target; places are blocks of ground.
    out
        Folder for card and weights.
    seed
        Of everything random.
    progress
        Told what is being done.

    Returns
    -------
    Model
        As `agroforest.risk.ensemble.load` gives it. Its card says what it started
        from, what it learned, and how it does beside the model before.

    Raises
    ------
    ConfigurationError
        A model that learned on already, or whose students cannot.
    DataError
        Too few labels, or too close together.
    """
    students = _require_refining(task, base)
    held_out = share_out_blocks(collection, task.folds)
    samples = collection.samples
    part = np.array([held_out[place] for place in samples.place])
    learned_from = [
        _learned_from(collection, held_out, part, fold) for fold in range(task.folds)
    ]
    say = progress or (lambda _share, _note: None)
    tensors: dict[str, NDArray[Any]] = {}
    for number, student in enumerate(students):
        for fold, items in enumerate(learned_from):
            done = number * task.folds + fold
            label = f"{task.students[number].spec.family} {fold + 1}/{task.folds}"
            learned = student.refine(
                own_tensors(base.tensors, number, fold),
                samples.take(items),
                seed=(seed * len(students) + number) * task.folds + fold,
                progress=_share(say, label, done, len(students) * task.folds),
            )
            tensors |= {name_copy(number, fold, n): a for n, a in learned.items()}
    say(0.95, "comparing")
    target = np.asarray(samples.target)
    with threads(1):  # pieces are small: more threads only wait for each other
        before, after = (
            [out_of_fold(task, n, kept, samples, part) for n in range(len(students))]
            for kept in (base.tensors, tensors)
        )
    usual = base.card.calibration.thresholds
    settled = settle(task, after, samples, target, usual=usual)
    judged = _judge(task, base, collection, part, before, settled)
    possible = [part != fold for fold in range(task.folds)]
    left_out = sum(int(p.sum()) for p in possible) - sum(map(len, learned_from))
    card = build_card(
        task,
        base.card,
        collection,
        settled,
        held_out=held_out,
        tuning=describe(base.card, collection, judged, left_out),
        seed=seed,
    )
    return save_model(out, card, tensors)


def share_out_blocks(collection: Collection[S], folds: int) -> Mapping[str, int]:
    """Share blocks out over parts so that each has labels of both kinds.

    Raises
    ------
    DataError
        If there are too few answers of a kind, or too few blocks.
    """
    damaged, clean = _count_by_place(collection)
    blocks = sorted(damaged.keys() | clean.keys())
    needed = FEWEST_BLOCKS_A_PART * folds
    both = sum(damaged.values()), sum(clean.values())
    spread = min(sum(n > 0 for n in kind.values()) for kind in (damaged, clean))
    if min(both) < FEWEST_ANSWERS or len(blocks) < needed or spread < folds:
        raise DataError(
            collection.source,
            f"gives {both[0]} damaged and {both[1]} clean pixels in {len(blocks)} "
            f"blocks{_list(collection)}",
            f"at least {FEWEST_ANSWERS} of each are needed, in {needed} blocks, each "
            f"kind in {folds} of them: survey more places, or take smaller blocks",
        )
    order = sorted(blocks, key=lambda b: (-damaged[b], -clean[b], b))
    # There and back again, so that no part has the largest of every turn.
    turn = [*range(folds), *reversed(range(folds))]
    return {b: turn[n % len(turn)] for n, b in enumerate(order)}


def _count_by_place(
    collection: Collection[S],
) -> tuple[dict[str, int], dict[str, int]]:
    samples = collection.samples
    target = np.asarray(samples.target)
    every = np.repeat(samples.place, samples.sizes)
    places = np.unique(samples.place)
    found = []
    for kind in (target > 0, target == 0):
        named, count = np.unique(every[kind], return_counts=True)
        own = dict.fromkeys(places.tolist(), 0)
        found.append(own | dict(zip(named.tolist(), count.tolist(), strict=True)))
    return found[0], found[1]


def _list(collection: Collection[S]) -> str:
    """Why labels were set aside, for a message."""
    reasons = ", ".join(f"{n} {reason}" for reason, n in collection.set_aside.items())
    strange = ", ".join(collection.strange)
    more = f" ({strange})" if strange else ""
    return f", after setting aside {reasons}{more}" if reasons else ""


def _require_refining(task: Task[S], base: Model) -> list[Refining[S]]:
    if base.card.fine_tuning is not None:
        raise ConfigurationError(
            base.folder,
            "learned on from a survey already",
            "start from the shipped model, with all labels in one file",
        )
    students: list[Refining[S]] = [s for s in task.students if isinstance(s, Refining)]
    if len(students) < len(task.students) or task.answer.head != "probability":
        raise ConfigurationError(
            task.name, "cannot learn on from labels", "train it from scratch (--data)"
        )
    return students


def _learned_from(
    collection: Collection[S],
    held_out: Mapping[str, int],
    part: NDArray[np.int64],
    fold: int,
) -> NDArray[np.intp]:
    """Items that the copy of a part learns from.

    Of other parts, and without labels of this part inside them.

    Raises
    ------
    DataError
        If no item of a kind is left.
    """
    kept = np.array(
        [
            own != fold and not any(held_out.get(p) == fold for p in touched)
            for own, touched in zip(part, collection.touched, strict=True)
        ]
    )
    items = np.flatnonzero(kept)
    target = np.asarray(collection.samples.take(items).target)
    if not (target > 0).any() or not (target == 0).any():
        raise DataError(
            collection.source,
            "has its labels so close together that nothing is left to learn from "
            "beside what is held out",
            "take smaller or larger blocks, or survey places further apart",
        )
    return items


def _judge(
    task: Task[S],
    base: Model,
    collection: Collection[S],
    part: NDArray[np.int64],
    before: list[NDArray[np.float32]],
    settled: Settled,
) -> Judged:
    samples = collection.samples
    mixed = mix(before, base.card.learners, task)
    old = promise(mixed, samples, task.answer, base.card.calibration)[:, 0]
    new = settled.answers.value[:, 0]
    target = np.asarray(samples.target)
    known = np.flatnonzero(is_known(target) & np.isfinite(old) & np.isfinite(new))
    weight = samples.weight
    _, place = np.unique(
        np.repeat(samples.place, samples.sizes)[known], return_inverse=True
    )
    return Judged(
        truth=target[known] > 0,
        weight=np.ones(known.size) if weight is None else weight[known],
        place=place,
        part=np.repeat(part, samples.sizes)[known],
        before=old[known],
        after=new[known],
        threshold=threshold_of(task, base),
    )


def _share(say: Progress, label: str, done: int, total: int) -> Progress:
    def told(share: float, note: str) -> None:
        say((done + share) / total * 0.95, f"{label} {note}")

    return told
