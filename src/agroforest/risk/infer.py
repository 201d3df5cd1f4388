"""What a trained network says of a tile's pixels."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import ModelError
from agroforest.features import series
from agroforest.features.series import FeatureBlock
from agroforest.indices.baseline import BaselineState
from agroforest.risk import series_kernel
from agroforest.risk.card import Model
from agroforest.risk.datasets.canopy_stress import OUTPUTS
from agroforest.risk.evidence import (
    Finding,
    last_of,
    latest,
    sum_of_newest,
    unbroken,
)

_HEALTHY, _STRESSED, _GONE = range(3)


def judge(
    state: BaselineState, night: int, model: Model, threshold: float
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
    threshold
        Probability of "not healthy" that counts.

    Returns
    -------
    tuple of Finding
        Stress and loss. A detection needs the threshold on the last
        ``confirmations`` clear dates, and dates from the first of the unbroken
        run of such dates. It is a loss where the canopy was likelier gone than
        stressed on those dates, together: a stand that dies passes from one to
        the other, and must not escape between two thresholds. The score is the
        probability of "not healthy" at the newest clear date under the likelier
        hazard, and the hazard's own probability under the other.

    Raises
    ------
    ModelError
        If the model answers another question or cannot be run.
    """
    if model.card.answer.outputs != OUTPUTS:
        problem = f"outputs {model.card.answer.outputs}, needed {OUTPUTS}"
        raise ModelError(model.folder, problem, "name a canopy-stress model")
    block = series.build(state, night=night)
    if block.digest != model.card.inputs.digest:
        problem = f"features {model.card.inputs.digest}, built {block.digest}"
        raise ModelError(model.folder, problem, "load the model of this release")
    return _amount_to(
        classify(model, block),
        block,
        model.card.calibration.confirmations,
        threshold,
    )


def _amount_to(
    chance: NDArray[np.float32], block: FeatureBlock, needed: int, threshold: float
) -> tuple[Finding, Finding]:
    """Stress and loss of series of probabilities, ``(slot, output, n)``."""
    newest = latest(block.day, block.judged)
    unwell = 1.0 - chance[:, _HEALTHY]
    high = unwell >= threshold
    since = unbroken(high, high, block.judged, block.day, needed)
    stressed, gone = chance[:, _STRESSED], chance[:, _GONE]
    lost = sum_of_newest(gone, block.judged, needed) > sum_of_newest(
        stressed, block.judged, needed
    )
    newest_unwell = last_of(unwell, block.judged)
    return (
        Finding(
            np.where(lost, last_of(stressed, block.judged), newest_unwell),
            np.where(lost, 0, since).astype(np.int32),
            newest,
        ),
        Finding(
            np.where(lost, newest_unwell, last_of(gone, block.judged)),
            np.where(lost, since, 0).astype(np.int32),
            newest,
        ),
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
        ``(slot, output, n)`` float32, adding up to 1; meaningless where the block
        holds no observation.
    """
    outputs = len(model.card.answer.outputs)
    chance = series_kernel.logits(_weights(model), block.values, block.mask, outputs)
    chance /= model.card.calibration.temperature
    chance -= chance.max(axis=1, keepdims=True)
    np.exp(chance, out=chance)
    chance /= chance.sum(axis=1, keepdims=True)
    return chance


@lru_cache(maxsize=4)
def _weights(model: Model) -> series_kernel.Weights:
    return series_kernel.prepare(model.card, model.tensors)
