"""Students of items: what was learned is what is said."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from agroforest.risk.card import Answer, Learner
from agroforest.risk.metrics import auroc
from agroforest.risk.net import DenseNet
from agroforest.risk.rows import Items, NetworkStudent
from agroforest.risk.train import Batch, Recipe


def loss(network: nn.Module, batch: Batch) -> Tensor:
    logits = network(batch["values"])[:, 0]
    return functional.binary_cross_entropy_with_logits(logits, batch["target"])


def test_inputs_are_centred_and_scaled_as_they_were_learned() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random(400) < 0.5).astype(np.float32)
    # Far from zero and narrow: nothing is left of it if centre and scale are mixed up.
    values = (300 + truth + 0.3 * rng.normal(size=400)).astype(np.float32)
    items = Items(
        values=values[:, None],
        place=np.full(400, "p"),
        name=np.arange(400),
        truth=truth,
    )
    student = NetworkStudent(
        spec=Learner(family="dense", width=8, blocks=1),
        answer=Answer(head="probability", outputs=("wet",)),
        build=DenseNet,
        recipe=Recipe(epochs=20, batch=32, rate=1e-2),
        loss=loss,
    )
    tensors = student.fit(items, seed=0, progress=lambda _share, _note: None)
    said = student.say(tensors, items)[:, 0]
    assert auroc(truth > 0, said) > 0.95
    surprise = functional.binary_cross_entropy_with_logits(
        torch.from_numpy(said), torch.from_numpy(truth)
    )
    assert surprise < 0.3
