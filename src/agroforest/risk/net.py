"""The network family: dated observations of a pixel in, one answer a date out.

One shape serves every learned task: ``(batch, time, feature)`` and which dates
are there; gaps, dates and missing bands are features. `SeriesNet` looks back
only (causal), so what it says of a date never changes when later dates come, and
a series may be shorter than those it was trained on. `WindowNet` looks at a whole
series at once and gives one answer. `DenseNet` is the member without time.
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
from agroforest.risk.card import Learner, Tensors


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
        found = functional.relu(self.look(past).transpose(1, 2))
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


class AttentionBlock(nn.Module):
    """Every date looks at every other, then at itself.

    Parameters
    ----------
    width
        Channels; a multiple of `heads`.
    heads
        Ways of looking.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.ask = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.norm_own = nn.LayerNorm(width)
        self.own = nn.Linear(width, 2 * width)
        self.own_mix = nn.Linear(2 * width, width)

    def forward(self, hidden: Tensor) -> Tensor:
        """``(batch, date, width)`` float32 to the same."""
        batch, dates, width = hidden.shape
        parts = self.ask(self.norm(hidden)).view(batch, dates, 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        # Written out: for a dozen dates it is twice as fast as the fused kernel.
        scale = (width // self.heads) ** -0.5
        weight = torch.softmax(query @ key.transpose(-1, -2) * scale, dim=-1)
        found = (weight @ value).transpose(1, 2).reshape(batch, dates, width)
        hidden = hidden + self.mix(found)
        return hidden + self.own_mix(functional.gelu(self.own(self.norm_own(hidden))))


class WindowNet(nn.Module):
    """One answer for a whole series of a fixed number of dates, by attention.

    Parameters
    ----------
    spec
        Width, blocks, and in place of a kernel the heads.
    features
        Numbers a date.
    outputs
        Numbers of the answer.
    dates
        Of every series; gaps are filled.

    Notes
    -----
    After Vaswani et al. (2017), *Attention is all you need*, arXiv:1706.03762,
    section 3, with the norm before each part, a learned place for every date, and
    a head that sees all dates side by side.
    """

    def __init__(self, spec: Learner, features: int, outputs: int, dates: int) -> None:
        super().__init__()
        self.enter = nn.Linear(features, spec.width)
        self.date = nn.Parameter(torch.zeros(1, dates, spec.width))
        self.blocks = nn.ModuleList(
            AttentionBlock(spec.width, spec.kernel) for _ in range(spec.blocks)
        )
        self.norm = nn.LayerNorm(spec.width)
        self.gather = nn.Linear(dates * spec.width, 2 * spec.width)
        self.drop = nn.Dropout(0.2)
        self.leave = nn.Linear(2 * spec.width, outputs)

    def forward(self, values: Tensor) -> Tensor:
        """``(batch, date, feature)`` float32 to ``(batch, output)`` float32."""
        hidden = self.enter(values) + self.date
        for block in self.blocks:
            hidden = block(hidden)
        gathered = functional.gelu(self.gather(self.norm(hidden).flatten(1)))
        return self.leave(self.drop(gathered))


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


def load_weights(
    network: nn.Module, tensors: Tensors, title: str = "the network"
) -> None:
    """Give a network its weights.

    Raises
    ------
    ModelError
        If names or shapes do not fit; `title` says what they do not fit.
    """
    weights = {name: torch.from_numpy(np.array(a)) for name, a in tensors.items()}
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise ModelError(
            "weights", f"do not fit {title} ({reason})", "train the model again"
        ) from None


def weights_of(network: nn.Module) -> dict[str, NDArray[np.float32]]:
    """Weights of a network by name, as `load_weights` takes them."""
    return {
        name: np.ascontiguousarray(t.detach().cpu().numpy(), dtype=np.float32)
        for name, t in network.state_dict().items()
    }
