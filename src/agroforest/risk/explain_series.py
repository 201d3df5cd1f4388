"""Which bands and dates drove what ``canopy-stress`` says of a pixel."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from agroforest.core.risk import EPOCH
from agroforest.features.series import FeatureBlock
from agroforest.indices.season import SIGNALS
from agroforest.risk.card import DISTURBED, Model
from agroforest.risk.explanation import Explanation
from agroforest.risk.infer import classify

_HEALTHY = 0


def explain_series(model: Model, block: FeatureBlock) -> Explanation:
    """Explain why a pixel was called not healthy, or what came nearest to it.

    Parameters
    ----------
    model
        A canopy-stress model.
    block
        Series of one pixel.

    Returns
    -------
    Explanation
        Of the date on which a disturbance was first confirmed, else of the judged
        date with the highest probability; its columns are the dates that the
        network looked back on. Every signal of every date is taken away in turn, as
        if a cloud had hidden it; see `agroforest.risk.explain`.
    """
    chance = classify(model, block)[..., 0]
    unwell = np.where(block.judged[:, 0], 1 - chance[:, _HEALTHY], -1.0)
    at = _choose(unwell, model)
    (spec,) = model.card.learners
    back = (spec.kernel - 1) * (2**spec.blocks - 1)
    seen_from = max(0, at - back)
    dates = np.arange(seen_from, at + 1)
    dates = dates[block.mask[dates, 0]]
    tried = _without(block, dates)
    said = 1 - classify(model, tried)[at, _HEALTHY]
    change = (said[0] - said[1:]).reshape(len(SIGNALS), dates.size)
    seen = block.values[dates][:, len(SIGNALS) : 2 * len(SIGNALS), 0].T > 0
    likeliest = 1 + int(chance[at, 1:].argmax())
    return Explanation(
        output=model.card.answer.outputs[likeliest],
        value=float(said[0]),
        spread=float("nan"),
        features=SIGNALS,
        steps=tuple(_name(day) for day in block.day[dates, 0]),
        change=np.where(seen, change, np.nan).astype(np.float32),
    )


def _choose(unwell: NDArray[np.floating], model: Model) -> int:
    """Date to explain."""
    needed = model.card.calibration.confirmations
    judged = np.flatnonzero(unwell >= 0)
    high = unwell[judged] >= model.card.calibration.thresholds[DISTURBED]
    run = np.convolve(high, np.ones(needed, int))[: high.size]
    confirmed = np.flatnonzero(run == needed)
    return int(judged[confirmed[0]] if confirmed.size else unwell.argmax())


def _without(block: FeatureBlock, dates: NDArray[np.intp]) -> FeatureBlock:
    """Copy a pixel: as it is, then without each signal of each date."""
    count = 1 + len(SIGNALS) * dates.size
    values = np.repeat(block.values, count, axis=2)
    for number, (signal, date) in enumerate(
        (s, d) for s in range(len(SIGNALS)) for d in dates
    ):
        values[date, [signal, len(SIGNALS) + signal], 1 + number] = 0
    return replace(
        block,
        values=values,
        mask=np.repeat(block.mask, count, axis=1),
        judged=np.repeat(block.judged, count, axis=1),
        day=np.repeat(block.day, count, axis=1),
    )


def _name(day: np.int32) -> str:
    return f"{EPOCH + np.timedelta64(int(day), 'D').astype(object):%y-%m-%d}"
