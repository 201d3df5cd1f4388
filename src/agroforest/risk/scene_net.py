"""The spatial member of the network family: scenes in, one answer a pixel out."""

# mypy: disable-error-code="no-any-return"
# (torch's modules return Any when called)

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from agroforest.risk.card import Learner

# Numbers further than this from the mean, in spreads, are glints and shadows that
# say no more for being further. Arbitrary.
_FURTHEST = 5.0
# Dilations of the blocks at the coarsest level. Arbitrary.
_DILATIONS = (1, 2)


class _Block(nn.Module):
    """A convolution over neighbours and one over channels, around a residual."""

    def __init__(self, width: int, kernel: int, dilation: int = 1) -> None:
        super().__init__()
        reach = kernel // 2 * dilation
        self.norm = nn.BatchNorm2d(width)
        self.look = nn.Conv2d(width, width, kernel, padding=reach, dilation=dilation)
        self.mix = nn.Conv2d(width, width, 1)

    def forward(self, hidden: Tensor) -> Tensor:
        found = functional.relu(self.look(self.norm(hidden)))
        return hidden + self.mix(found)


class SceneNet(nn.Module):
    """A small U-Net of residual blocks.

    Level 0 has the pixels of the scene and `width` channels; each further level
    half as many pixels a side and `width` more channels. What comes up from a
    coarser level is added to what the finer level had seen.

    Parameters
    ----------
    spec
        `width`; `blocks`, the levels below the first; `kernel`, odd.
    channels
        Of the scene.
    outputs
        Numbers of the answer.

    Notes
    -----
    After Ronneberger, Fischer & Brox (2015), *U-Net*, arXiv:1505.04597, figure 1,
    with sums instead of concatenation and one block instead of two a level.
    """

    def __init__(self, spec: Learner, channels: int, outputs: int) -> None:
        super().__init__()
        widths = [spec.width * (level + 1) for level in range(spec.blocks + 1)]
        fine = widths[:-1]
        self.enter = nn.Conv2d(channels, spec.width, 1)
        self.seen = nn.ModuleList(_Block(w, spec.kernel) for w in fine)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, 2) for a, b in pairwise(widths))
        self.deep = nn.Sequential(
            *(_Block(widths[-1], spec.kernel, d) for d in _DILATIONS)
        )
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths))
        self.merge = nn.ModuleList(_Block(w, spec.kernel) for w in fine)
        self.norm = nn.BatchNorm2d(spec.width)
        self.leave = nn.Conv2d(spec.width, outputs, 1)

    def forward(self, scene: Tensor) -> Tensor:
        """Logits or values of every pixel.

        Parameters
        ----------
        scene
            ``(batch, channel, y, x)`` float32, finite; both sides a multiple of
            `stride`.

        Returns
        -------
        Tensor
            ``(batch, output, y, x)`` float32.
        """
        hidden = self.enter(scene)
        levels = []
        for block, down in zip(self.seen, self.down, strict=True):
            hidden = block(hidden)
            levels.append(hidden)
            hidden = down(hidden)
        hidden = self.deep(hidden)
        for up, merge, level in zip(
            reversed(self.up), reversed(self.merge), reversed(levels), strict=True
        ):
            coarse = functional.interpolate(
                up(hidden), scale_factor=2, mode="bilinear", align_corners=False
            )
            hidden = merge(level + coarse)
        return self.leave(functional.relu(self.norm(hidden)))


def stride(spec: Learner) -> int:
    """Pixels of the scene along a side of one pixel of the coarsest level."""
    return int(2**spec.blocks)


def reach(spec: Learner) -> int:
    """Pixels around a pixel that its answer depends on, at most; whole strides.

    Every level looks around once on the way down and once on the way up, where
    interpolation adds a coarse pixel.
    """
    side, half = stride(spec), spec.kernel // 2
    levels = sum(2**level * 2 * half + 2 ** (level + 1) for level in range(spec.blocks))
    total = levels + side * half * sum(_DILATIONS) + side
    return -(-total // side) * side


class Prepared(nn.Module):
    """A network behind centre and scale, which are kept with its weights.

    Missing numbers, NaN, become the mean; a plane for each source, such as a date,
    tells where it is known.

    Parameters
    ----------
    network
        Takes all channels and then one plane a source.
    centre, scale
        ``(channel,)``.
    sources
        Channels of every source, which lie behind one another.
    """

    centre: Tensor
    scale: Tensor

    def __init__(
        self, network: nn.Module, centre: Tensor, scale: Tensor, sources: Sequence[int]
    ) -> None:
        super().__init__()
        self.network = network
        self.sources = tuple(sources)
        self.register_buffer("centre", centre)
        self.register_buffer("scale", scale)

    def forward(self, scene: Tensor) -> Tensor:
        """``(batch, channel, y, x)``, NaN where missing, to what the network says."""
        shape = (1, -1, 1, 1)
        values = (scene - self.centre.view(shape)) / self.scale.view(shape)
        known = [
            torch.isfinite(part).all(dim=1, keepdim=True).to(values.dtype)
            for part in torch.split(values, list(self.sources), dim=1)
        ]
        values = torch.nan_to_num(values).clamp(-_FURTHEST, _FURTHEST)
        return self.network(torch.cat([values, *known], dim=1))
