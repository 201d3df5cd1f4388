"""Samples with an answer for every pixel, and networks that learn from them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from agroforest.core.grid import Grid
from agroforest.risk.background import Background
from agroforest.risk.blocks import cut_blocks, fill_strides
from agroforest.risk.card import Answer, Learner, Tensors
from agroforest.risk.crops import Crops
from agroforest.risk.net import load_weights, weights_of
from agroforest.risk.scene_net import Prepared, SceneNet, reach, stride
from agroforest.risk.train import Batch, Progress, Recipe, find_device, fit_network

# Pixels a side that go through a network together; larger leaves the cache.
_BLOCK = 512
# Share of all pixels that centre and scale are taken from: every so many.
_EVERY = 7


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Scenes:
    """Scenes: one answer a pixel, row by row.

    Attributes
    ----------
    values
        ``(feature, y, x)`` float32 of every scene, NaN where missing.
    place
        ``(scene,)``, place of every scene.
    name
        What users call it; for the files that are written.
    grid
        Where its pixels are.
    truth
        ``(y, x)`` float32 of every scene, 0 or 1, NaN where not known; ``None``
        where nobody knows.
    counts
        How much a pixel of truth 0 and one of truth 1 counts: labels that somebody
        went and collected come in other shares than on the ground.
    """

    values: tuple[NDArray[np.float32], ...]
    place: NDArray[np.str_]
    name: tuple[str, ...]
    grid: tuple[Grid, ...]
    truth: tuple[NDArray[np.float32], ...] | None = None
    counts: tuple[float, float] = (1.0, 1.0)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Pixels of every scene, ``(scene,)``."""
        return np.array([v[0].size for v in self.values], np.int64)

    @property
    def target(self) -> NDArray[Any] | None:
        """Truth of every pixel, scene behind scene."""
        if self.truth is None:
            return None
        return np.concatenate(
            [t.ravel() for t in self.truth] or [np.zeros(0, np.float32)]
        )

    @property
    def weight(self) -> NDArray[np.float64] | None:
        """How much every pixel counts, as `target`; all the same if ``None``."""
        truth = self.target
        if truth is None or self.counts == (1.0, 1.0):
            return None
        return np.where(truth > 0, self.counts[1], self.counts[0])

    def take(self, items: NDArray[np.intp]) -> Self:
        """Take some of the scenes."""
        return replace(
            self,
            values=tuple(self.values[i] for i in items),
            place=self.place[items],
            name=tuple(self.name[i] for i in items),
            grid=tuple(self.grid[i] for i in items),
            truth=None if self.truth is None else tuple(self.truth[i] for i in items),
        )

    def split(self, answers: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Give every scene its answers back, ``(y, x)`` each, from ``(answer,)``."""
        ends = np.cumsum(self.sizes)[:-1]
        parts = np.split(answers, ends)
        return [
            part.reshape(v.shape[1:])
            for part, v in zip(parts, self.values, strict=True)
        ]


#: From a scene's values to what a student sees: ``(channel, y, x)``, NaN where missing.
Features = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class _Lesson(NamedTuple):
    """What `SceneStudent` says of its own learning, or of its learning on."""

    recipe: Recipe
    crops: Crops
    overlap: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SceneStudent:
    """A network over space that learns from crops of scenes.

    Attributes
    ----------
    spec
        What the card says of it.
    answer
        Of the task, a probability.
    recipe
        How it learns; its seed is not used, a batch is so many crops.
    crops
        How crops are cut and changed.
    sources
        Channels of each source, such as a date: known together or not at all.
    features
        Makes what the network sees of a scene.
    overlap
        Share of the loss that is not cross-entropy but the soft Jaccard distance
        over the batch.
    background
        How its answers of a scene are levelled; ``None`` leaves them.
    refining
        How it learns on from what it has learned before.
    refining_crops
        How crops are cut and changed then; as `crops` if ``None``.
    kept
        Share that the old weights keep when it has: their mean with the new ones
        forgets less than those, and knows more than either (Wortsman et al. 2022,
        *Robust fine-tuning of zero-shot models*, arXiv:2109.01903, section 4).
    """

    spec: Learner
    answer: Answer
    recipe: Recipe
    crops: Crops
    sources: tuple[int, ...]
    features: Features
    overlap: float = 0.0
    background: Background | None = None
    refining: Recipe | None = None
    refining_crops: Crops | None = None
    kept: float = 0.5

    def describe(self) -> str:
        """How it learns, one line for the card."""
        loss = f", soft Jaccard {self.overlap:g} of the loss" if self.overlap else ""
        how = f"{self.recipe.describe()}, {self.crops.describe()}"
        level = f", {self.background.describe()}" if self.background else ""
        return f"{self.spec.family}: {how}{loss}{level}"

    def describe_refining(self) -> str:
        """How it learns on, one line for the card."""
        recipe = self._refining()
        return (
            f"{self.spec.family}: {recipe.describe()}, {self._met().describe()}, "
            f"{self.kept:g} of the weights before kept"
        )

    def fit(self, samples: Scenes, *, seed: int, progress: Progress) -> Tensors:
        """Learn; see `agroforest.risk.task.Student`."""
        seen = [self.features(values) for values in samples.values]
        centre, scale = _normal(seen)
        return self._learn(
            lambda: self._network(torch.from_numpy(centre), torch.from_numpy(scale)),
            samples,
            seen,
            scale,
            _Lesson(replace(self.recipe, seed=seed), self.crops, self.overlap),
            progress,
        )

    def refine(
        self, start: Tensors, samples: Scenes, *, seed: int, progress: Progress
    ) -> Tensors:
        """Learn on; see `agroforest.risk.task.Refining`."""
        learned = self._learn(
            lambda: self.load(start),
            samples,
            [self.features(values) for values in samples.values],
            start["scale"].astype(np.float32),
            # Few labels, far apart, have no overlap to speak of.
            _Lesson(replace(self._refining(), seed=seed), self._met(), 0.0),
            progress,
        )
        return {name: self._mean(start[name], new) for name, new in learned.items()}

    def _met(self) -> Crops:
        return self.refining_crops or self.crops

    def _mean(self, old: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
        if not np.issubdtype(new.dtype, np.floating):
            return new
        mean = self.kept * old.astype(np.float32) + (1 - self.kept) * new
        return mean.astype(new.dtype)

    def _refining(self) -> Recipe:
        if self.refining is None:
            raise ValueError("nothing says how to learn on")
        return self.refining

    def _learn(
        self,
        build: Callable[[], nn.Module],
        samples: Scenes,
        seen: Sequence[NDArray[np.float32]],
        scale: NDArray[np.float32],
        lesson: _Lesson,
        progress: Progress,
    ) -> Tensors:
        if samples.truth is None:
            raise ValueError("nothing to learn from without a target")
        network = fit_network(
            build,
            lesson.crops.of(
                seen, samples.truth, scale, lesson.recipe.batch, self.sources
            ),
            partial(self._loss, counts=samples.counts, overlap=lesson.overlap),
            lesson.recipe,
            progress=progress,
        )
        # Half as large to keep; what is validated and shipped are these numbers.
        return {n: a.astype(np.float16) for n, a in weights_of(network).items()}

    def say(self, tensors: Tensors, samples: Scenes) -> NDArray[np.float32]:
        """Answer; see `agroforest.risk.task.Student`.

        A pixel without data is judged from its surroundings; a scene without any
        is NaN.
        """
        network, device = self.load(tensors), find_device()
        network.to(device)
        said = [
            self._judge(network, self.features(values), device).ravel()
            for values in samples.values
        ]
        return np.concatenate(said or [np.zeros(0, np.float32)])[:, None]

    def load(self, tensors: Tensors) -> Prepared:
        """Build the network with what it learned, ready to judge.

        It takes ``(batch, channel, y, x)`` of `features`, NaN where missing, both
        sides a multiple of the stride, and gives ``(batch, 1, y, x)`` logits.

        Raises
        ------
        ModelError
            If the tensors do not fit.
        """
        width = tensors["centre"].size
        with torch.random.fork_rng(devices=[]):  # its first weights are thrown away
            network = self._network(torch.zeros(width), torch.ones(width))
        load_weights(network, tensors)
        return network.eval()

    def _judge(
        self, network: nn.Module, seen: NDArray[np.float32], device: torch.device
    ) -> NDArray[np.float32]:
        """Logits of a scene, ``(y, x)``, block by block with what lies around."""
        height, width = seen.shape[1:]
        if not np.isfinite(seen).any():
            return np.full((height, width), np.nan, np.float32)
        out = np.empty((height, width), np.float32)
        side = stride(self.spec)
        with torch.inference_mode():
            for block in cut_blocks((height, width), _BLOCK, reach(self.spec)):
                part = fill_strides(seen[:, *block.around], side)
                tensor = torch.from_numpy(part)[None].to(device)
                tensor = tensor.contiguous(memory_format=torch.channels_last)
                logits = network(tensor)[0, 0].float().cpu().numpy()
                out[block.window] = logits[block.inside]
        if self.background is None:
            return out
        return self.background.level(out, np.asarray(np.isfinite(seen).any(axis=0)))

    def _loss(
        self,
        network: nn.Module,
        batch: Batch,
        counts: tuple[float, float],
        overlap: float,
    ) -> Tensor:
        values = batch["values"].contiguous(memory_format=torch.channels_last)
        # Numbers of 16 bits: three times as fast, and noise is added anyway.
        with torch.autocast(values.device.type, torch.bfloat16):
            logits = network(values)[:, 0].float()
        known = torch.isfinite(batch["target"])
        target = torch.nan_to_num(batch["target"])
        weight = known * (counts[0] + (counts[1] - counts[0]) * target)
        surprise = functional.binary_cross_entropy_with_logits(
            logits, target, weight, reduction="sum"
        ) / weight.sum().clamp_min(1)
        if not overlap:
            return surprise
        chance = torch.sigmoid(logits) * weight
        both = (chance * target).sum()
        either = chance.sum() + (target * weight).sum() - both
        return (1 - overlap) * surprise + overlap * (1 - both / either)

    def _network(self, centre: Tensor, scale: Tensor) -> Prepared:
        channels = centre.numel() + len(self.sources)
        inner = SceneNet(self.spec, channels, len(self.answer.outputs))
        return Prepared(inner, centre, scale, self.sources)


def _normal(
    seen: Sequence[NDArray[np.float32]],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and spread of every channel; 0 and 1 where nothing is known."""
    flat = np.concatenate([s.reshape(len(s), -1)[:, ::_EVERY] for s in seen], axis=1)
    flat = flat.astype(np.float64)
    there = np.isfinite(flat)
    count = np.maximum(there.sum(axis=1), 1)
    centre = np.where(there, flat, 0).sum(axis=1) / count
    off = np.where(there, flat - centre[:, None], 0)
    spread = np.sqrt((off**2).sum(axis=1) / count)
    spread = np.where(spread > 0, spread, 1)
    return centre.astype(np.float32), spread.astype(np.float32)
