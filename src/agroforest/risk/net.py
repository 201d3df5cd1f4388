"""The network family: dated observations of a pixel in, one answer a date out.

One shape serves every learned task: ``(batch, time, feature)`` and which dates
are there; gaps, dates and missing bands are features. `SeriesNet` looks back
only (causal), so what it says of a date never changes when later dates come, and
a series may be shorter than those it was trained on. `DenseNet` is the member
without time.
"""

# mypy: disable-error-code="no-any-return"
# (torch's modules return Any when called)

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from agroforest.core.errors import ModelError
from agroforest.risk.card import Learner, ModelCard, Tensors


class _CausalBlock(nn.Module):
    """Two causal convolutions around a residual connection."""

    def __init__(self, width: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.reach = (kernel - 1) * dilation
        self.norm = nn.LayerNorm(width)
        self.look = nn.Conv1d(width, width, kernel, dilation=dilation)
        self.mix = nn.Linear(width, width)

    def forward(self, hidden: Tensor, present: Tensor) -> Tensor:
        seen = self.norm(hidden) * present
        past = functional.pad(seen.transpose(1, 2), (self.reach, 0))
        found = functional.gelu(self.look(past).transpose(1, 2))
        return hidden + self.mix(found)


class SeriesNet(nn.Module):
    """Dilated causal convolutions over the clear dates of a pixel.

    Parameters
    ----------
    spec
        Width, blocks and kernel.
    features
        Numbers a date.
    outputs
        Numbers of the answer.

    Notes
    -----
    After Bai, Kolter & Koltun (2018), *An empirical evaluation of generic
    convolutional and recurrent networks for sequence modeling*,
    arXiv:1803.01271, section 3; the dilation doubles from block to block.
    """

    def __init__(self, spec: Learner, features: int, outputs: int) -> None:
        super().__init__()
        self.enter = nn.Linear(features, spec.width)
        self.blocks = nn.ModuleList(
            _CausalBlock(spec.width, spec.kernel, 2**i) for i in range(spec.blocks)
        )
        self.norm = nn.LayerNorm(spec.width)
        self.leave = nn.Linear(spec.width, outputs)

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        """Logits or values of every date.

        Parameters
        ----------
        values
            ``(batch, time, feature)`` float32, normalised, finite.
        mask
            ``(batch, time)`` bool, False for an empty place.

        Returns
        -------
        Tensor
            ``(batch, time, output)`` float32; meaningless in empty places.
        """
        present = mask.unsqueeze(-1).to(values.dtype)
        hidden = self.enter(values * present)
        for block in self.blocks:
            hidden = block(hidden, present)
        return self.leave(self.norm(hidden))


class DenseNet(nn.Module):
    """Two hidden layers and no time: one row in, one row out."""

    def __init__(self, spec: Learner, features: int, outputs: int) -> None:
        super().__init__()
        sizes = [features, *[spec.width] * spec.blocks, outputs]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))

    def forward(self, values: Tensor) -> Tensor:
        """``(batch, feature)`` float32 to ``(batch, output)`` float32."""
        *hidden, last = self.layers
        for layer in hidden:
            values = torch.tanh(layer(values))
        return last(values)


def build_network(card: ModelCard, tensors: Tensors) -> nn.Module:
    """Build the network of a card with its weights, ready to judge.

    Raises
    ------
    ModelError
        If names or shapes of the weights do not fit the card.
    """
    (spec,) = card.learners
    kind = DenseNet if spec.family == "dense" else SeriesNet
    network = kind(spec, len(card.inputs.features), len(card.answer.outputs))
    weights = {name: torch.from_numpy(np.array(t)) for name, t in tensors.items()}
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1]
        raise ModelError(
            card.title, f"weights do not fit the card ({reason})", "train it again"
        ) from None
    return network.eval()


def weights_of(network: nn.Module) -> dict[str, NDArray[np.float32]]:
    """Weights of a network by name, as `build_network` takes them."""
    return {
        name: np.ascontiguousarray(t.detach().cpu().numpy(), dtype=np.float32)
        for name, t in network.state_dict().items()
    }
