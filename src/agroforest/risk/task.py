"""What a learned task is: the same few parts for every model.

    read        a folder in the layout of the task's data  ->  samples
    learners    learn from samples; say something of samples
    measures    what is counted where the truth is known
    write       answers  ->  files

Everything else (folds by place, ensemble, calibration, threshold, card, evaluation,
prediction) is done once for all tasks, by `agroforest.risk.ensemble`.

A task is a module of `agroforest.risk.tasks` with the constant ``TASK``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from agroforest.risk.card import Answer, Learner, Limits, Purpose, Tensors
from agroforest.risk.train import Progress

#: Given how often each answer counts, ``(answer,)`` float64, a number.
Statistic = Callable[[NDArray[np.float64]], float]


class Samples(Protocol):
    """What is judged, item by item: scenes, series, points.

    An item has one answer (a series, a point) or many (the pixels of a scene, row
    by row). Answers of all items lie behind one another.
    """

    @property
    def place(self) -> NDArray[np.str_]:
        """Place of every item, ``(item,)``; a place is never split."""

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Answers of every item, ``(item,)``."""

    @property
    def target(self) -> NDArray[Any] | None:
        """Truth of every answer, ``(answer,)``; ``None`` where nobody knows it.

        float32 for ``probability`` (0 or 1, NaN where not known) and ``value``;
        int64 for ``classes`` (place in the outputs, -1 where not known).
        """

    @property
    def weight(self) -> NDArray[np.float64] | None:
        """How much every answer counts, ``(answer,)``; all the same if ``None``."""

    def take(self, items: NDArray[np.intp]) -> Self:
        """Take some of the items."""


S = TypeVar("S", bound=Samples)
S_contra = TypeVar("S_contra", bound=Samples, contravariant=True)


class Student(Protocol[S_contra]):
    """Something that learns: a network with its recipe, or trees with theirs."""

    @property
    def spec(self) -> Learner:
        """What the card says of it; `share` is its part of the common answer."""

    def describe(self) -> str:
        """How it learns, one line for the card."""

    def fit(self, samples: S_contra, *, seed: int, progress: Progress) -> Tensors:
        """Learn from samples with a target.

        Returns
        -------
        Mapping
            All it learned, statistics of its inputs too. The same samples and seed
            give the same arrays.
        """

    def say(self, tensors: Tensors, samples: S_contra) -> NDArray[np.float32]:
        """Say something of samples.

        Returns
        -------
        ndarray
            ``(answer, output)`` float32: logits of a probability ``(answer, 1)`` or
            of classes, or values. NaN where nothing can be said (no data).

        Raises
        ------
        ModelError
            If the tensors do not fit the network.
        """


@runtime_checkable
class Refining(Protocol[S_contra]):
    """A student that can learn on from what it has learned before."""

    def describe_refining(self) -> str:
        """How it learns on, one line for the card."""

    def refine(
        self, start: Tensors, samples: S_contra, *, seed: int, progress: Progress
    ) -> Tensors:
        """Learn on.

        Parameters
        ----------
        start
            What it has learned, as `Student.fit` gives it; not changed.
        samples
            Fewer than it had then, with a target.
        seed, progress
            As for `Student.fit`.

        Returns
        -------
        Mapping
            As `Student.fit`: whoever judges cannot tell the difference.

        Raises
        ------
        ModelError
            If `start` does not fit the student.
        """


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Answers:
    """What an ensemble says.

    Attributes
    ----------
    value
        ``(answer, output)`` float32: calibrated probability, probabilities of
        classes, or values; NaN where nothing can be said.
    spread
        ``(answer,)`` float32: standard deviation of the value (of classes, of the
        likeliest) between the ensemble's members, a lower bound of what the model
        does not know; 0 where one member answered.
    """

    value: NDArray[np.float32]
    spread: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Task(Generic[S]):
    """A task that is learned from labels.

    Attributes
    ----------
    name, version
        Of the model.
    purpose, limits
        For the card, in both languages.
    answer
        What it says.
    features
        Names of what is read of an item, in order; their digest refuses weights
        that were made for others.
    observed
        Names of the numbers of one date as samples hold them, where `features` are
        made of them and not the same.
    steps
        Dates looked at together.
    data
        What it learns from, for the card.
    split
        How places are told apart, for the card.
    read
        Reads a folder in the layout of the data; the truth too, where it is there.
        Raises `DataError` where files are damaged or missing.
    students
        Who learns; their shares add up to 1.
    folds
        Copies of each student.
    measures
        Samples with a target, the answers and the threshold, to the statistics that
        count; the first one named is the one to improve.
    write
        Writes answers in the layout that users of the task know: folder, samples,
        answers, threshold (NaN if the task has none). Returns the files.
    threshold
        Name of the decision in the card for which a threshold is chosen (the one
        with the highest F1 on places not learned from); empty for none.
    alone
        Family of the student that is asked alone where all would take too long, of
        whole tiles; it gets a threshold of its own, `agroforest.risk.card.ALONE`.
        Empty for none.
    finish
        From samples and probabilities, ``(answer, output)``, to those that are told,
        by what is known of an item as a whole; the threshold is chosen for them. `None`
        tells them as they are. What is asked otherwise, of whole tiles, is not
        finished and has a threshold of its own, `agroforest.risk.card.OPEN`.
    prior_weight
        Of classes: items that the shares of the classes in the training data count
        as when those of a new place are estimated, `agroforest.risk.prior`; `None`
        takes every place as if the shares were the same.
    prior_power
        How far the shares of a place are trusted, 0..1.
    """

    name: str
    version: str
    purpose: Purpose
    limits: Limits
    answer: Answer
    features: tuple[str, ...]
    observed: tuple[str, ...] = ()
    steps: int = 1
    data: str
    split: str
    read: Callable[[Path], S]
    students: Sequence[Student[S]] = field(repr=False)
    folds: int = 5
    measures: Callable[[S, Answers, float], Mapping[str, Statistic]]
    write: Callable[[Path, S, Answers, float], Sequence[Path]]
    threshold: str = ""
    alone: str = ""
    finish: Callable[[S, NDArray[np.float32]], NDArray[np.float32]] | None = None
    prior_weight: float | None = None
    prior_power: float = 1.0
