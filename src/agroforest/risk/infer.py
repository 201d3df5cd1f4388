"""What a trained network says of a tile's pixels."""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from agroforest.core.errors import ModelError
from agroforest.features import series
from agroforest.features.series import FeatureBlock
from agroforest.indices.baseline import BaselineState
from agroforest.risk.card import Model
from agroforest.risk.datasets.canopy_stress import OUTPUTS
from agroforest.risk.evidence import Finding, last_of, latest, unbroken
from agroforest.risk.net import build_network

# Series that go through the network together; larger leaves the cache. Measured.
_BATCH = 2048
_HEALTHY, _STRESSED, _GONE = range(3)


def judge(
    state: BaselineState, night: int, model: Model, thresholds: tuple[float, float]
) -> tuple[Finding, Finding]:
    """Judge the ring of every pixel.

    Parameters
    ----------
    state
        Seasons and rings of ``n`` pixels.
    night
        Epoch day; newer observations are ignored.
    model
        A model with the outputs healthy, stressed and gone.
    thresholds
        For stress and for loss.

    Returns
    -------
    tuple of Finding
        Stress and loss. The score is the probability at the newest clear date.
        A detection needs the threshold on the last ``confirmations`` clear
        dates. Stress dates from the first of the unbroken run of dates on which
        the canopy was not healthy, loss from that on which it was gone.

    Raises
    ------
    ModelError
        If the model answers another question or cannot be run.
    """
    if model.card.network.outputs != OUTPUTS:
        problem = f"outputs {model.card.network.outputs}, needed {OUTPUTS}"
        raise ModelError(model.folder, problem, "name a canopy-stress model")
    block = series.build(state, night=night)
    if block.digest != model.card.inputs.digest:
        problem = f"features {model.card.inputs.digest}, built {block.digest}"
        raise ModelError(model.folder, problem, "load the model of this release")
    chance = classify(model, block).transpose(1, 0, 2)
    day, judged = block.day.T, block.judged.T
    newest = latest(day, judged)
    stress, loss = thresholds
    needed = model.card.calibration.confirmations
    unwell = 1.0 - chance[..., _HEALTHY]
    stressed = unbroken(
        chance[..., _STRESSED] >= stress, unwell >= stress, judged, day, needed
    )
    gone = unbroken(
        chance[..., _GONE] >= loss, chance[..., _GONE] >= loss, judged, day, needed
    )
    return (
        Finding(last_of(chance[..., _STRESSED], judged), stressed, newest),
        Finding(last_of(chance[..., _GONE], judged), gone, newest),
    )


def classify(model: Model, block: FeatureBlock) -> NDArray[np.float32]:
    """Calibrated probabilities of every date.

    Parameters
    ----------
    model
        A model with a classes head.
    block
        Series of ``n`` pixels.

    Returns
    -------
    ndarray
        ``(n, slot, output)`` float32, adding up to 1; meaningless where the
        block holds no observation.
    """
    network, centre, scale = _ready(model)
    count, slots, _ = block.values.shape
    out = np.empty((count, slots, len(model.card.network.outputs)), dtype=np.float32)
    with torch.inference_mode():
        for first in range(0, count, _BATCH):
            part = slice(first, first + _BATCH)
            values = (torch.from_numpy(block.values[part]) - centre) / scale
            logits = network(values, torch.from_numpy(block.mask[part]))
            logits /= model.card.calibration.temperature
            out[part] = torch.softmax(logits, dim=-1).numpy()
    return out


@lru_cache(maxsize=4)
def _ready(model: Model) -> tuple[torch.nn.Module, torch.Tensor, torch.Tensor]:
    inputs = model.card.inputs
    return (
        build_network(model.card, model.tensors),
        torch.tensor(inputs.centre),
        torch.tensor(inputs.scale),
    )
