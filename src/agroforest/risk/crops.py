"""Crops of scenes to learn from: cut anywhere, turned, zoomed, made noisy."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from agroforest.risk.train import Batch

# Crops of one scene with another are as likely as its pixels to this power: large
# scenes hold more, but what they hold is alike. Arbitrary.
_EVENLY = 0.75

#: Values ``(crop, channel, y, x)``, NaN where missing, and truth ``(crop, y, x)``, NaN
#: where not known, to changed ones; what is drawn comes from torch's random state.
Change = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class MadeUp(Protocol):
    """Something that is made up in crops, and in their truth."""

    def describe(self) -> str:
        """One line for the card."""

    def learn(
        self,
        scenes: Sequence[NDArray[np.float32]],
        truth: Sequence[NDArray[np.float32]],
    ) -> Change:
        """See what it looks like in scenes that are learned from.

        Parameters
        ----------
        scenes, truth
            As for `Crops.of`.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class Crops:
    """How crops are cut and changed.

    Attributes
    ----------
    side
        Pixels along a side; smaller scenes are surrounded by missing pixels.
    noise
        Of every pixel and channel, in spreads of the channel.
    gain
        Of every crop and channel, shared by its pixels, in spreads.
    zoom
        Crops are up to ``2**zoom`` times smaller or larger than their pixels.
    forget
        Share of the crops that lose each source, such as a date.
    evenly
        Power of a scene's pixels that its share of the crops goes with.
    made_up
        What is made up in them, before noise and gain; ``None`` for nothing.
    """

    side: int
    noise: float = 0.0
    gain: float = 0.0
    zoom: float = 0.0
    forget: tuple[float, ...] = ()
    evenly: float = _EVENLY
    made_up: MadeUp | None = None

    def describe(self) -> str:
        """One line for the card."""
        lost = "/".join(f"{share:g}" for share in self.forget) or "0"
        more = f", {self.made_up.describe()}" if self.made_up else ""
        return (
            f"crops of {self.side} pixels, turned and mirrored, noise {self.noise:g}, "
            f"gain {self.gain:g}, zoom {self.zoom:g}, sources lost {lost}{more}"
        )

    def of(
        self,
        scenes: Sequence[NDArray[np.float32]],
        truth: Sequence[NDArray[np.float32]],
        scale: NDArray[np.float32],
        batch: int,
        sources: Sequence[int],
    ) -> "Cutter":
        """Cut crops of scenes.

        Parameters
        ----------
        scenes
            ``(channel, y, x)`` each, NaN where missing.
        truth
            ``(y, x)`` each, NaN where not known.
        scale
            Spread of every channel.
        batch
            Crops a step.
        sources
            Channels of every source.
        """
        return Cutter(
            how=self,
            scenes=[
                torch.from_numpy(np.concatenate([s, t[None]]))
                for s, t in zip(scenes, truth, strict=True)
            ],
            scale=torch.from_numpy(scale).view(1, -1, 1, 1),
            batch=batch,
            sources=tuple(sources),
            change=self.made_up.learn(scenes, truth) if self.made_up else None,
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Cutter:
    """A source of batches of crops; see `agroforest.risk.train.Source`.

    An epoch has as many crops as there are pixels for, so that on average it sees
    every pixel once. The last channel of its scenes is the truth.
    """

    how: Crops
    scenes: Sequence[Tensor]
    scale: Tensor
    batch: int
    sources: tuple[int, ...]
    change: Change | None = None

    def __len__(self) -> int:
        pixels = sum(s[0].numel() for s in self.scenes)
        return max(1, round(pixels / (self.batch * self.how.side**2)))

    def __iter__(self) -> Iterator[Batch]:
        sizes = torch.tensor([s[0].numel() for s in self.scenes], dtype=torch.float64)
        chances = sizes**self.how.evenly
        for _ in range(len(self)):
            chosen = torch.multinomial(chances, self.batch, replacement=True)
            crops = [self._cut(int(scene)) for scene in chosen]
            values = torch.stack([crop[:-1] for crop in crops])
            target = torch.stack([crop[-1] for crop in crops])
            if self.change is not None:
                values, target = self.change(values, target)
            yield {"values": self._roughen(values), "target": target}

    def _cut(self, scene: int) -> Tensor:
        """Channels and truth of one crop, ``(channel + 1, side, side)``."""
        side = self.how.side
        piece = self.scenes[scene]
        channels = len(piece)
        factor = 2.0 ** ((2 * float(torch.rand(())) - 1) * self.how.zoom)
        for axis in (1, 2):
            wanted = min(round(side / factor), piece.shape[axis])
            first = any_of(piece.shape[axis] - wanted + 1)
            piece = piece.narrow(axis, first, wanted)
        if self.how.zoom:
            # The nearest pixel: nothing is made up between what is and is not known.
            size = [min(side, max(1, round(n * factor))) for n in piece.shape[1:]]
            piece = functional.interpolate(piece[None], size, mode="nearest")[0]
        piece = torch.rot90(piece, any_of(4), (1, 2))
        if any_of(2):
            piece = piece.flip(2)
        out = torch.full((channels, side, side), torch.nan)
        height, width = piece.shape[1:]
        top, left = any_of(side - height + 1), any_of(side - width + 1)
        out[:, top : top + height, left : left + width] = piece
        return out

    def _roughen(self, values: Tensor) -> Tensor:
        """Noise and gain; sources that are lost."""
        how, count = self.how, len(values)
        if how.noise:
            values = values + how.noise * self.scale * torch.randn_like(values)
        if how.gain:
            shift = torch.randn(count, values.shape[1], 1, 1)
            values = values + how.gain * self.scale * shift
        if not any(how.forget):
            return values
        parts = []
        for part, share in zip(
            torch.split(values, list(self.sources), dim=1), how.forget, strict=True
        ):
            lost = torch.rand(count, 1, 1, 1) < share
            parts.append(torch.where(lost, torch.nan, part))
        return torch.cat(parts, dim=1)


def any_of(count: int) -> int:
    """Draw one of so many numbers from 0, from torch's random state."""
    return int(torch.randint(count, ()))
