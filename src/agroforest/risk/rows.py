"""Samples with one answer each, and students of them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agroforest.risk import trees
from agroforest.risk.boosting import Settings, describe_trees, grow
from agroforest.risk.calibrate import is_known
from agroforest.risk.card import Answer, Learner, Tensors
from agroforest.risk.net import load_weights, weights_of
from agroforest.risk.train import (
    Batch,
    Loss,
    Progress,
    Recipe,
    Rows,
    find_device,
    fit_network,
)

# Rows that go through a network together.
_CHUNK = 4096


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Items:
    """Series or points: one answer each.

    Attributes
    ----------
    values
        ``(n, ...)`` float32, what is known of every item; NaN where missing. A
        series is ``(n, time, feature)``, a point ``(n, feature)``.
    place
        ``(n,)``, place of every item.
    name
        ``(n,)``, what users call it; for the files that are written.
    truth
        ``(n,)``, see `agroforest.risk.task.Samples`.
    """

    values: NDArray[np.float32]
    place: NDArray[np.str_]
    name: NDArray[Any]
    truth: NDArray[Any] | None = None

    @property
    def sizes(self) -> NDArray[np.int64]:
        """One answer each, ``(n,)``."""
        return np.ones(len(self.values), np.int64)

    @property
    def target(self) -> NDArray[Any] | None:
        """The truth, where it is known."""
        return self.truth

    @property
    def weight(self) -> None:
        """All items count the same."""

    def take(self, items: NDArray[np.intp]) -> Self:
        """Take some of the items."""
        return replace(
            self,
            values=self.values[items],
            place=self.place[items],
            name=self.name[items],
            truth=None if self.truth is None else self.truth[items],
        )


#: From the items' values to the rows a student sees, NaN where missing.
Features = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def _as_they_are(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values


class Standardised(nn.Module):
    """A network behind centre and scale, which are kept with its weights.

    Missing numbers, NaN, become zero, the mean.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, network: nn.Module, centre: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("centre", centre)
        self.register_buffer("scale", scale)

    def forward(self, values: Tensor) -> Any:  # noqa: ANN401  as the network answers
        """``(batch, ..., feature)`` to what the network says of it."""
        return self.network(torch.nan_to_num((values - self.centre) / self.scale))


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkStudent:
    """A network that learns from items.

    Attributes
    ----------
    spec
        What the card says of it.
    answer
        Of the task.
    build
        Makes the network: spec, features, outputs.
    recipe
        How it learns; its seed is not used.
    loss
        Sees ``values``, ``target`` and ``weight`` of a batch.
    features
        Makes what the network sees of the values.
    weigh
        How much every item counts, from the target; all the same unless given.
    change
        Augmentation of a batch, after `features` and before standardisation.
    """

    spec: Learner
    answer: Answer
    build: Callable[[Learner, int, int], nn.Module]
    recipe: Recipe
    loss: Loss
    features: Features = _as_they_are
    weigh: Callable[[NDArray[Any]], NDArray[np.float32]] | None = None
    change: Callable[[Batch], Batch] | None = field(default=None)

    def describe(self) -> str:
        """How it learns, one line for the card."""
        return f"{self.spec.family}: {self.recipe.describe()}"

    def fit(self, samples: Items, *, seed: int, progress: Progress) -> Tensors:
        """Learn; see `agroforest.risk.task.Student`."""
        seen = self.features(samples.values)
        target = samples.target
        if target is None:
            raise ValueError("nothing to learn from without a target")
        centre, scale = _normal(seen)
        weight = self.weigh(target) if self.weigh else np.ones(len(seen), np.float32)
        network = fit_network(
            lambda: self._network(torch.from_numpy(centre), torch.from_numpy(scale)),
            Rows(
                arrays={"values": seen, "target": target, "weight": weight},
                batch=self.recipe.batch,
                change=self.change,
            ),
            self.loss,
            replace(self.recipe, seed=seed),
            progress=progress,
        )
        return weights_of(network)

    def say(self, tensors: Tensors, samples: Items) -> NDArray[np.float32]:
        """Answer; see `agroforest.risk.task.Student`."""
        width = tensors["centre"].size
        with torch.random.fork_rng(devices=[]):  # its first weights are thrown away
            network = self._network(torch.zeros(width), torch.ones(width))
        load_weights(network, tensors)
        device = find_device()
        network.to(device).eval()
        said = []
        with torch.inference_mode():
            for first in range(0, len(samples.values), _CHUNK):
                seen = self.features(samples.values[first : first + _CHUNK])
                values = torch.from_numpy(np.ascontiguousarray(seen)).to(device)
                said.append(network(values).float().cpu().numpy())
        outputs = len(self.answer.outputs)
        return np.concatenate(said or [np.zeros((0, outputs), np.float32)])

    def _network(self, centre: Tensor, scale: Tensor) -> nn.Module:
        inner = self.build(self.spec, centre.numel(), len(self.answer.outputs))
        return Standardised(inner, centre, scale)


@dataclass(frozen=True, kw_only=True, slots=True)
class TreesStudent:
    """Boosted trees that learn from items; LightGBM grows them.

    Attributes
    ----------
    spec
        What the card says of it: `blocks` rounds of trees of `width` leaves.
    answer
        Of the task.
    settings
        Further settings of LightGBM.
    features
        Makes the ``(n, column)`` rows that the trees see.
    weigh
        How much every item counts, from the target; all the same unless given.
    """

    spec: Learner
    answer: Answer
    settings: Settings
    features: Features = _as_they_are
    weigh: Callable[[NDArray[Any]], NDArray[np.float32]] | None = None

    def describe(self) -> str:
        """How it learns, one line for the card."""
        return describe_trees(self.spec, self.settings)

    def fit(self, samples: Items, *, seed: int, progress: Progress) -> Tensors:
        """Learn; see `agroforest.risk.task.Student`."""
        if samples.target is None:
            raise ValueError("nothing to learn from without a target")
        samples = samples.take(np.flatnonzero(is_known(samples.target)))
        target = np.asarray(samples.target)
        progress(0.0, f"{len(target)} items")
        return grow(
            self.features(samples.values),
            target,
            self.spec,
            self.answer,
            self.settings,
            weight=self.weigh(target) if self.weigh else None,
            seed=seed,
        )

    def say(self, tensors: Tensors, samples: Items) -> NDArray[np.float32]:
        """Answer; see `agroforest.risk.task.Student`."""
        return np.asarray(
            trees.predict(tensors, self.features(samples.values)), np.float32
        )


def _normal(
    seen: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and spread of every feature over items and dates; 0 and 1 if constant."""
    flat = seen.reshape(-1, seen.shape[-1]).astype(np.float64)
    there = np.isfinite(flat)
    count = np.maximum(there.sum(axis=0), 1)
    centre = np.where(there, flat, 0).sum(axis=0) / count
    spread = np.sqrt((np.where(there, flat - centre, 0) ** 2).sum(axis=0) / count)
    spread = np.where(spread > 0, spread, 1)
    return centre.astype(np.float32), spread.astype(np.float32)
