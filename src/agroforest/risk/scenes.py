"""Samples with an answer for every pixel, and students of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from agroforest.core.grid import Grid
from agroforest.risk import trees
from agroforest.risk.blocks import cut_blocks, fill_strides
from agroforest.risk.card import Answer, Learner, Tensors
from agroforest.risk.crops import Crops
from agroforest.risk.net import weights_of
from agroforest.risk.rows import grow, load_weights
from agroforest.risk.scene_net import Prepared, SceneNet, reach, stride
from agroforest.risk.train import Batch, Progress, Recipe, find_device, fit_network

# Pixels a side that go through a network together; larger leaves the cache.
_BLOCK = 512
# Rows of a scene that trees see together, so that their features fit in memory.
_STRIP = 128
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
    """

    values: tuple[NDArray[np.float32], ...]
    place: NDArray[np.str_]
    name: tuple[str, ...]
    grid: tuple[Grid, ...]
    truth: tuple[NDArray[np.float32], ...] | None = None

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
    """

    spec: Learner
    answer: Answer
    recipe: Recipe
    crops: Crops
    sources: tuple[int, ...]
    features: Features
    overlap: float = 0.0

    def describe(self) -> str:
        """How it learns, one line for the card."""
        loss = f", soft Jaccard {self.overlap:g} of the loss" if self.overlap else ""
        how = f"{self.recipe.describe()}, {self.crops.describe()}"
        return f"{self.spec.family}: {how}{loss}"

    def fit(self, samples: Scenes, *, seed: int, progress: Progress) -> Tensors:
        """Learn; see `agroforest.risk.task.Student`."""
        if samples.truth is None:
            raise ValueError("nothing to learn from without a target")
        seen = [self.features(values) for values in samples.values]
        centre, scale = _normal(seen)
        source = self.crops.of(
            seen, samples.truth, scale, self.recipe.batch, self.sources
        )
        network = fit_network(
            lambda: self._network(torch.from_numpy(centre), torch.from_numpy(scale)),
            source,
            self._loss,
            replace(self.recipe, seed=seed),
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
        return out

    def _loss(self, network: nn.Module, batch: Batch) -> Tensor:
        values = batch["values"].contiguous(memory_format=torch.channels_last)
        # Numbers of 16 bits: three times as fast, and noise is added anyway.
        with torch.autocast(values.device.type, torch.bfloat16):
            logits = network(values)[:, 0].float()
        known = torch.isfinite(batch["target"])
        weight = known.to(logits.dtype)
        target = torch.nan_to_num(batch["target"])
        surprise = functional.binary_cross_entropy_with_logits(
            logits, target, weight, reduction="sum"
        ) / weight.sum().clamp_min(1)
        if not self.overlap:
            return surprise
        chance = torch.sigmoid(logits) * weight
        both = (chance * target).sum()
        either = chance.sum() + (target * weight).sum() - both
        return (1 - self.overlap) * surprise + self.overlap * (1 - both / either)

    def _network(self, centre: Tensor, scale: Tensor) -> Prepared:
        channels = centre.numel() + len(self.sources)
        inner = SceneNet(self.spec, channels, len(self.answer.outputs))
        return Prepared(inner, centre, scale, self.sources)


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
    """

    spec: Learner
    answer: Answer
    settings: Mapping[str, float | int | str | bool] = field(default_factory=dict)
    features: Features
    rows: int
    forget: float = 0.0
    optional: int = 0

    def describe(self) -> str:
        """How it learns, one line for the card."""
        further = ", ".join(f"{k} {v}" for k, v in sorted(self.settings.items()))
        return (
            f"trees: LightGBM, {self.spec.blocks} rounds of {self.spec.width} leaves "
            f"on {self.rows} pixels, {further}"
        )

    def fit(self, samples: Scenes, *, seed: int, progress: Progress) -> Tensors:
        """Learn; see `agroforest.risk.task.Student`."""
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
        return grow(
            rows, truth[drawn], None, self.spec, self.answer, self.settings, seed
        )

    def say(self, tensors: Tensors, samples: Scenes) -> NDArray[np.float32]:
        """Answer; see `agroforest.risk.task.Student`."""
        said = [
            trees.predict(tensors, _rows(self.features(values)))
            for values in samples.values
        ]
        return np.concatenate(said or [np.zeros((0, 1))]).astype(np.float32)


def _rows(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(planes.reshape(len(planes), -1).T)


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
