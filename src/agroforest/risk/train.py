"""One training loop for every model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

#: Arrays of equal length, one row a sample, by name.
Samples = Mapping[str, NDArray[np.generic]]
#: A batch in, the loss to reduce out.
Loss = Callable[[nn.Module, Mapping[str, Tensor]], Tensor]
#: Called with the share of the work done and a short note.
Progress = Callable[[float, str], None]


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
    seed: int = 0
    threads: int = 1

    def describe(self) -> str:
        """One line for the card."""
        return (
            f"AdamW, one-cycle rate {self.rate:g}, decay {self.decay:g}, "
            f"{self.epochs} epochs of batches of {self.batch}, "
            f"{self.threads} thread(s)"
        )


def fit_network(
    build: Callable[[], nn.Module],
    samples: Samples,
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
    samples
        What to learn from.
    loss
        What to reduce; sees batches of `samples` as tensors.
    recipe
        How.
    progress
        Told after every epoch.

    Returns
    -------
    Module
        Ready to judge. The global random state and thread count are as before.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(recipe.threads)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            return _fit(build(), samples, loss, recipe, progress)
    finally:
        torch.set_num_threads(before)


def _fit(
    network: nn.Module,
    samples: Samples,
    loss: Loss,
    recipe: Recipe,
    progress: Progress | None,
) -> nn.Module:
    tensors = {name: torch.from_numpy(a) for name, a in samples.items()}
    count = len(next(iter(tensors.values())))
    steps = -(-count // recipe.batch)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=recipe.rate, weight_decay=recipe.decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.rate, total_steps=steps * recipe.epochs, pct_start=0.1
    )
    network.train()
    for epoch in range(recipe.epochs):
        total = 0.0
        for chosen in torch.split(torch.randperm(count), recipe.batch):
            batch = {name: t[chosen] for name, t in tensors.items()}
            value = loss(network, batch)
            optimiser.zero_grad()
            value.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            total += float(value.detach())
        if progress is not None:
            progress((epoch + 1) / recipe.epochs, f"loss {total / steps:.4f}")
    return network.eval()
