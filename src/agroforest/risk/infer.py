"""What a trained network says of a tile's pixels."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
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
from agroforest.risk.evidence import (
    Finding,
    last_of,
    latest,
    sum_of_newest,
    unbroken,
)
from agroforest.risk.net import build_network

# Series that go through the network together; larger leaves the cache. Measured.
_BATCH = 2048
# Batches are filled up to a multiple of this, because a matrix of one row goes
# through other kernels, and the last digit of a pixel's answer must not depend on
# how many pixels were asked beside it. Arbitrary: more rows than a kernel takes.
_STEP = 64
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
    needed = model.card.calibration.confirmations
    # Nearly all pixels are well, and the newest dates say so: the network looks at
    # all dates only where they do not.
    recent = _newest(block, needed)
    chance = classify(model, block, newest=needed)
    quiet = (1.0 - chance[..., _HEALTHY] < threshold).any(axis=1)
    settled = np.asarray(recent.judged.all(axis=1) & quiet)
    rest = _only(block, ~settled)
    well = _amount_to(chance[settled], _only(recent, settled), needed, threshold)
    unsure = _amount_to(classify(model, rest), rest, needed, threshold)
    return tuple(  # type: ignore[return-value]
        _joined(settled, a, b) for a, b in zip(well, unsure, strict=True)
    )


def _amount_to(
    chance: NDArray[np.float32], block: FeatureBlock, needed: int, threshold: float
) -> tuple[Finding, Finding]:
    """Stress and loss of series of probabilities, ``(n, slot, output)``."""
    chance = chance.transpose(1, 0, 2)
    day, judged = block.day.T, block.judged.T
    newest = latest(day, judged)
    unwell = 1.0 - chance[..., _HEALTHY]
    high = unwell >= threshold
    since = unbroken(high, high, judged, day, needed)
    stressed, gone = (
        sum_of_newest(chance[..., column], judged, needed)
        for column in (_STRESSED, _GONE)
    )
    lost = gone > stressed
    newest_unwell = last_of(unwell, judged)
    return (
        Finding(
            np.where(lost, last_of(chance[..., _STRESSED], judged), newest_unwell),
            np.where(lost, 0, since).astype(np.int32),
            newest,
        ),
        Finding(
            np.where(lost, newest_unwell, last_of(chance[..., _GONE], judged)),
            np.where(lost, since, 0).astype(np.int32),
            newest,
        ),
    )


def _newest(block: FeatureBlock, slots: int) -> FeatureBlock:
    return replace(
        block,
        values=block.values[:, -slots:],
        mask=block.mask[:, -slots:],
        judged=block.judged[:, -slots:],
        day=block.day[:, -slots:],
    )


def _only(block: FeatureBlock, pixels: NDArray[np.bool_]) -> FeatureBlock:
    return replace(
        block,
        values=block.values[pixels],
        mask=block.mask[pixels],
        judged=block.judged[pixels],
        day=block.day[pixels],
    )


def _joined(first: NDArray[np.bool_], one: Finding, other: Finding) -> Finding:
    """Put the findings of some pixels and of the others in the order of all."""
    joined = {}
    for name in ("score", "since", "evidence"):
        part, rest = getattr(one, name), getattr(other, name)
        whole = np.empty(first.size, part.dtype)
        whole[first], whole[~first] = part, rest
        joined[name] = whole
    return Finding(**joined)


def classify(
    model: Model, block: FeatureBlock, *, newest: int | None = None
) -> NDArray[np.float32]:
    """Calibrated probabilities of every date, or of the newest.

    Parameters
    ----------
    model
        A model with a classes head.
    block
        Series of ``n`` pixels.
    newest
        Slots to judge, from the last back; all unless given.

    Returns
    -------
    ndarray
        ``(n, slot, output)`` float32, adding up to 1; meaningless where the
        block holds no observation.
    """
    network, centre, scale = _ready(model)
    count, slots, _ = block.values.shape
    slots = min(newest or slots, slots)
    out = np.empty((count, slots, len(model.card.answer.outputs)), dtype=np.float32)
    with torch.inference_mode(), _one_thread():
        for first in range(0, count, _BATCH):
            part = slice(first, min(first + _BATCH, count))
            empty = (first - part.stop) % _STEP
            values = (_filled(block.values[part], empty) - centre) / scale
            logits = network(values, _filled(block.mask[part], empty), newest)
            logits /= model.card.calibration.temperature
            chance = torch.softmax(logits, dim=-1).numpy()
            out[part] = chance[: part.stop - first]
    return out


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let one thread do it: the batches are too small to be worth sharing out.

    Two threads that wait for each other on a busy machine cost six times the
    processor time. Whole tiles are shared out between processes instead.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _filled(series: NDArray[np.generic], empty: int) -> torch.Tensor:
    """Add series of no observations."""
    widths = [(0, empty), *[(0, 0)] * (series.ndim - 1)]
    return torch.from_numpy(np.pad(series, widths))


@lru_cache(maxsize=4)
def _ready(model: Model) -> tuple[torch.nn.Module, torch.Tensor, torch.Tensor]:
    inputs = model.card.inputs
    return (
        build_network(model.card, model.tensors),
        torch.tensor(inputs.centre),
        torch.tensor(inputs.scale),
    )
