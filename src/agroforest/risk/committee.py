"""Many small dense networks side by side, for tables of a few hundred rows.

Where rows are few, one network says much that another one would not. A committee's
members begin with other weights and lose other inputs while they learn; the mean of
what they say is the answer.
"""

# mypy: disable-error-code="no-any-return"
# (torch's modules return Any when called)

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from agroforest.risk.card import Learner
from agroforest.risk.train import Batch


class Committee(nn.Module):
    """Dense networks of the same shape that see the same rows.

    Parameters
    ----------
    spec
        `width` and `blocks` of the hidden layers, `kernel` members.
    features
        Numbers a row, standardised.
    outputs
        Must be 1.
    bound
        Inputs further from zero are taken to be this far: a committee does not
        extrapolate.
    lose
        Chance that a member loses a hidden number in a step of learning (Srivastava
        et al. 2014, JMLR 15, 1929-1958).
    lose_input
        Chance that it loses an input.
    noise
        Standard deviation of what is added to inputs while learning.
    """

    def __init__(
        self,
        spec: Learner,
        features: int,
        outputs: int,
        *,
        bound: float = 2.0,
        lose: float = 0.5,
        lose_input: float = 0.3,
        noise: float = 0.1,
    ) -> None:
        super().__init__()
        if outputs != 1:
            raise ValueError(f"a committee has one output, not {outputs}")
        self.bound, self.noise = bound, noise
        self.lose, self.lose_input = lose, lose_input
        members = spec.kernel
        sizes = [features, *[spec.width] * spec.blocks, 1]
        shapes = list(pairwise(sizes))
        self.weight = nn.ParameterList(
            torch.randn(members, a, b) * _spread(a, last=b == 1) for a, b in shapes
        )
        self.bias = nn.ParameterList(torch.zeros(members, 1, b) for _, b in shapes)

    def forward(self, values: Tensor) -> Tensor:
        """Ask the members.

        Parameters
        ----------
        values
            ``(batch, feature)`` float32.

        Returns
        -------
        Tensor
            While learning ``(batch, member)``, for `mean_surprise`; else their mean,
            ``(batch, 1)``.
        """
        seen = values.clamp(-self.bound, self.bound)
        hidden = seen.expand(len(self.weight[0]), *seen.shape)
        if self.training:
            hidden = hidden + self.noise * torch.randn_like(hidden)
        hidden = functional.dropout(hidden, self.lose_input, self.training)
        *inner, last = zip(self.weight, self.bias, strict=True)
        for weight, bias in inner:
            hidden = torch.tanh(torch.baddbmm(bias, hidden, weight))
            hidden = functional.dropout(hidden, self.lose, self.training)
        weight, bias = last
        said = torch.baddbmm(bias, hidden, weight)[..., 0].T
        return said if self.training else said.mean(dim=1, keepdim=True)


def mean_surprise(network: nn.Module, batch: Batch) -> Tensor:
    """Cross-entropy of every member, summed over members and averaged over rows."""
    said = network(batch["values"])
    target = batch["target"].unsqueeze(1).expand_as(said)
    surprise = functional.binary_cross_entropy_with_logits(
        said, target, reduction="none"
    )
    weighted = surprise * batch["weight"].unsqueeze(1)
    return weighted.sum() / len(said)


# What a new member says is near zero: half as likely as not.
_TIMID = 0.3


def _spread(inputs: int, *, last: bool) -> float:
    return (_TIMID if last else 1.0) / inputs**0.5
