"""One training loop for every network."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

#: What one step learns from, by name.
Batch = Mapping[str, Tensor]
#: A batch in, the loss to reduce out.
Loss = Callable[[nn.Module, Batch], Tensor]
#: Called with the share of the work done and a short note.
Progress = Callable[[float, str], None]


def silent(share: float, note: str) -> None:
    """Tell nobody."""


# Share of the steps in which the rate rises. Arbitrary.
_WARM_UP = 0.1


class Source(Protocol):
    """Gives the batches of an epoch, other ones every time it is asked.

    What is drawn comes from torch's random state, which the loop has seeded.
    """

    def __len__(self) -> int:
        """Batches of an epoch."""

    def __iter__(self) -> Iterator[Batch]:
        """One epoch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """A source of rows in random order.

    Attributes
    ----------
    arrays
        Of equal length, one row a sample, by name.
    batch
        Rows a step.
    change
        Applied to every batch: noise, lost dates.
    """

    arrays: Mapping[str, NDArray[np.generic]]
    batch: int
    change: Callable[[Batch], Batch] | None = None

    def __len__(self) -> int:
        rows = len(next(iter(self.arrays.values())))
        return math.ceil(rows / self.batch)

    def __iter__(self) -> Iterator[Batch]:
        tensors = {name: torch.from_numpy(a) for name, a in self.arrays.items()}
        count = len(next(iter(tensors.values())))
        for chosen in torch.split(torch.randperm(count), self.batch):
            batch = {name: t[chosen] for name, t in tensors.items()}
            yield self.change(batch) if self.change else batch


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How long and how fast to learn.

    Attributes
    ----------
    epochs
        Passes over the samples.
    batch
        Samples a step.
    rate
        Highest learning rate; it rises over the first tenth and falls to zero
        along a cosine (Smith & Topin 2018, arXiv:1708.07120).
    decay
        Weight decay of AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101).
    average
        Share that the running average of the weights keeps at each step; the
        average is the result. 0 takes the last weights.
    seed
        Of initial weights and order.
    threads
        CPU threads. Sums are made in another order with another number, so the
        weights repeat exactly only with the same number on the same processor.
    """

    epochs: int
    batch: int
    rate: float
    decay: float = 1e-4
    average: float = 0.0
    seed: int = 0
    threads: int = 1

    def describe(self) -> str:
        """One line for the card."""
        averaged = f", weights averaged by {self.average:g}" if self.average else ""
        return (
            f"AdamW, one-cycle rate {self.rate:g}, decay {self.decay:g}{averaged}, "
            f"{self.epochs} epochs of batches of {self.batch}, "
            f"{self.threads} thread(s)"
        )


def find_device() -> torch.device:
    """Find where networks are fastest: a graphics processor, or else this one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def fit_network(
    build: Callable[[], nn.Module],
    source: Source,
    loss: Loss,
    recipe: Recipe,
    *,
    progress: Progress | None = None,
) -> nn.Module:
    """Train a new network.

    Parameters
    ----------
    build
        Makes the network, with random weights.
    source
        What to learn from.
    loss
        What to reduce.
    recipe
        How.
    progress
        Told after every epoch.

    Returns
    -------
    Module
        Ready to judge, on the processor. The global random state and thread
        count are as before.
    """
    with threads(recipe.threads), torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        return _fit(build(), source, loss, recipe, progress)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let networks use so many threads, and as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _fit(
    network: nn.Module,
    source: Source,
    loss: Loss,
    recipe: Recipe,
    progress: Progress | None,
) -> nn.Module:
    device = find_device()
    network.to(device)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=recipe.rate, weight_decay=recipe.decay
    )
    steps = len(source) * recipe.epochs
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        recipe.rate,
        total_steps=steps,
        # PyTorch divides by the steps of the warm-up less one.
        pct_start=_WARM_UP if _WARM_UP * steps != 1 else 2 * _WARM_UP,
    )
    mean = deepcopy(network) if recipe.average else None
    network.train()
    step = 0
    for epoch in range(recipe.epochs):
        total = 0.0
        for batch in source:
            value = loss(network, {n: t.to(device) for n, t in batch.items()})
            optimiser.zero_grad()
            value.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            step += 1
            if mean is not None:
                _follow(mean, network, min(recipe.average, step / (step + 9)))
            total += float(value.detach())
        if progress is not None:
            progress((epoch + 1) / recipe.epochs, f"loss {total / len(source):.4f}")
    return (mean or network).cpu().eval()


@torch.no_grad()
def _follow(mean: nn.Module, network: nn.Module, keep: float) -> None:
    """Move the running average of the weights towards them."""
    for old, new in zip(
        mean.state_dict().values(), network.state_dict().values(), strict=True
    ):
        if old.is_floating_point():
            old.lerp_(new, 1 - keep)
        else:
            old.copy_(new)
