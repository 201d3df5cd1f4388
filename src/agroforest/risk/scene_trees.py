"""Boosted trees over the pixels of scenes and what lies around them."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agroforest.risk import trees
from agroforest.risk.boosting import Settings, describe_trees, grow
from agroforest.risk.card import Answer, Learner, Tensors
from agroforest.risk.scenes import Features, Scenes
from agroforest.risk.train import Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class SceneTrees:
    """Boosted trees over pixels and what lies around them; LightGBM grows them.

    Attributes
    ----------
    spec
        What the card says of it: `blocks` rounds of trees of `width` leaves.
    answer
        Of the task.
    settings
        Further settings of LightGBM.
    features
        Makes the planes that the trees see of a scene.
    rows
        Pixels of the training scenes that are drawn at most.
    forget
        Share of the drawn pixels that forget the last `optional` planes.
    optional
        Planes that may be missing of a new scene.
    refining
        Trees that are put on top of those learned before, see `spec`, and the
        settings that differ.
    """

    spec: Learner
    answer: Answer
    settings: Settings = field(default_factory=dict)
    features: Features
    rows: int
    forget: float = 0.0
    optional: int = 0
    refining: tuple[Learner, Settings] | None = None

    def describe(self) -> str:
        """How it learns, one line for the card."""
        return describe_trees(self.spec, self.settings, f"{self.rows} pixels")

    def describe_refining(self) -> str:
        """How it learns on, one line for the card."""
        spec, _, settings = self._refining()
        return f"{describe_trees(spec, settings)}, on top of those before"

    def fit(self, samples: Scenes, *, seed: int, progress: Progress) -> Tensors:
        """Learn; see `agroforest.risk.task.Student`."""
        rows, truth = self._draw(samples, seed, progress)
        weight = _weigh(truth, samples.counts)
        return grow(
            *(rows, truth, self.spec, self.answer, self.settings),
            weight=weight,
            seed=seed,
        )

    def refine(
        self, start: Tensors, samples: Scenes, *, seed: int, progress: Progress
    ) -> Tensors:
        """Learn on; see `agroforest.risk.task.Refining`."""
        rows, truth = self._draw(samples, seed, progress)
        weight = _weigh(truth, samples.counts)
        return grow(
            *(rows, truth, *self._refining()), weight=weight, start=start, seed=seed
        )

    def _refining(self) -> tuple[Learner, Answer, Settings]:
        if self.refining is None:
            raise ValueError("nothing says how to learn on")
        spec, settings = self.refining
        return spec, self.answer, {**self.settings, **settings}

    def _draw(
        self, samples: Scenes, seed: int, progress: Progress
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Rows of pixels whose truth is known, and the truth."""
        if samples.truth is None:
            raise ValueError("nothing to learn from without a target")
        rng = np.random.default_rng(seed)
        truth = np.concatenate([t.ravel() for t in samples.truth])
        starts = np.cumsum(samples.sizes) - samples.sizes
        known = np.flatnonzero(np.isfinite(truth))
        drawn = np.sort(
            rng.choice(known, min(self.rows, known.size), replace=False)
        ).astype(np.intp)
        progress(0.0, f"{drawn.size} pixels")
        seen = []
        for values, start, size in zip(
            samples.values, starts, samples.sizes, strict=True
        ):
            own = drawn[(drawn >= start) & (drawn < start + size)] - start
            seen.append(_rows(self.features(values))[own])
        rows = np.concatenate(seen)
        if self.optional:
            rows[rng.random(len(rows)) < self.forget, -self.optional :] = np.nan
        return rows, truth[drawn]

    def say(self, tensors: Tensors, samples: Scenes) -> NDArray[np.float32]:
        """Answer; see `agroforest.risk.task.Student`."""
        said = [
            trees.predict(tensors, _rows(self.features(values)))
            for values in samples.values
        ]
        return np.concatenate(said or [np.zeros((0, 1))]).astype(np.float32)


def _rows(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(planes.reshape(len(planes), -1).T)


def _weigh(
    truth: NDArray[np.float32], counts: tuple[float, float]
) -> NDArray[np.float32] | None:
    if counts == (1.0, 1.0):
        return None
    return np.where(truth > 0, counts[1], counts[0]).astype(np.float32)
