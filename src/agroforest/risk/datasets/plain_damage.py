"""Damage that is plain to see, made up where a canopy stands green.

Nearly all damage of the labelled scenes is partial or ragged, and a network that learns
it for long comes to doubt a stand that is dead from edge to edge. So some crops get
such a stand: a rectangle in which all that was green looks, in the later year, as the
plainest of the damaged pixels do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agroforest.risk.crops import Change, any_of
from agroforest.risk.datasets.canopy_damage import (
    BANDS,
    CHANNELS,
    DARK,
    date_channels,
)

# Places of NDVI and NDMI among the channels of a date.
_NDVI, _NDMI = len(BANDS), len(BANDS) + 1
# A canopy is green above this NDVI. Arbitrary, below that of any closed canopy.
_GREEN = 0.6
# Share of the damaged pixels that are plain: those whose NDMI fell furthest. Arbitrary.
_PLAINEST = 0.25
# Spectra of plain damage that are kept at most.
_KEPT = 4096
# Pixels along a side of a rectangle, and green ones without which nothing is made up;
# up to 48 pixels and other spectra besides cost F1 .01 (ADR 10).
_SHORTEST, _LONGEST = 8, 32
_FEWEST = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class PlainDamage:
    """Makes up stands that are dead from edge to edge.

    Attributes
    ----------
    share
        Of the crops.
    """

    share: float

    def describe(self) -> str:
        """One line for the card."""
        return f"plain damage made up in {self.share:g} of them"

    def learn(
        self,
        scenes: Sequence[NDArray[np.float32]],
        truth: Sequence[NDArray[np.float32]],
    ) -> Change:
        """See what plain damage looks like; see `agroforest.risk.crops.MadeUp`."""
        return partial(_make_up, dead=_find_dead(scenes, truth), share=self.share)


def _find_dead(
    scenes: Sequence[NDArray[np.float32]], truth: Sequence[NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Log reflectance of plain damage in the later year, ``(spectrum, band)``."""
    damaged = np.concatenate(
        [s[:, marked == 1] for s, marked in zip(scenes, truth, strict=True)], axis=1
    )
    damaged = damaged[:, np.isfinite(damaged).all(axis=0)]
    if not damaged.size:
        return np.zeros((0, len(BANDS)), np.float32)
    change = damaged[CHANNELS + _NDMI] - damaged[_NDMI]
    plain = change <= np.quantile(change, _PLAINEST)
    found = damaged[CHANNELS : CHANNELS + len(BANDS), plain]
    every = -(-found.shape[1] // _KEPT)
    return np.ascontiguousarray(found[:, ::every].T)


def _make_up(
    values: Tensor, target: Tensor, *, dead: NDArray[np.float32], share: float
) -> tuple[Tensor, Tensor]:
    """Make up damage in some crops; the truth says so."""
    values, target = values.clone(), target.clone()
    for crop, truth in zip(values, target, strict=True):
        if float(torch.rand(())) < share and len(dead):
            window = _draw_window(truth.shape)
            _kill(
                crop[(slice(None), *window)].numpy(),
                truth[window].numpy(),
                dead[any_of(len(dead))],
            )
    return values, target


def _draw_window(shape: Sequence[int]) -> tuple[slice, slice]:
    spans = []
    for size in shape:
        side = min(_SHORTEST + any_of(_LONGEST - _SHORTEST + 1), size)
        first = any_of(size - side + 1)
        spans.append(slice(first, first + side))
    return spans[0], spans[1]


def _kill(
    crop: NDArray[np.float32], truth: NDArray[np.float32], dead: NDArray[np.float32]
) -> None:
    """Let what is green die, in place, to one spectrum and the texture it had."""
    before, after = crop[:CHANNELS], crop[CHANNELS:]
    known = np.isfinite(before[0]) & np.isfinite(after[0])
    green = known & (before[_NDVI] > _GREEN)
    if green.sum() < _FEWEST:
        return
    bands = before[: len(BANDS), green]
    texture = bands - bands.mean(axis=1, keepdims=True)
    after[:, green] = date_channels(np.exp(dead[:, None] + texture) - DARK)
    truth[green] = 1
