"""A tile's risk maps for one night, in bounded memory."""

from collections.abc import Iterator
from datetime import date

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.core.risk import Hazard, RiskMap, epoch_day
from agroforest.indices.state import BaselineState, find_days
from agroforest.risk import rule
from agroforest.risk.card import DISTURBED, Model
from agroforest.risk.evidence import Finding

#: What a map says where no model judged it.
RULE = "rule-based: three-date rule (fordead)"
#: The rule confirms when all of its three votes agree.
_RULE_THRESHOLD = 1.0
# Pixels judged together: about 50 MB of residuals and features; twice as many are no
# faster. Arbitrary.
_BATCH = 16_384
#: No date reaches it.
_NEVER = int(np.iinfo(np.int32).max)

_Both = tuple[Finding, Finding]


def predict(
    state: BaselineState,
    *,
    night: date,
    tile: str,
    model: Model | None,
    forest: NDArray[np.bool_],
    threshold: float | None = None,
) -> tuple[RiskMap, RiskMap]:
    """Judge every forest pixel of a tile as of one night.

    Parameters
    ----------
    state
        Seasonal baseline of the tile. It may hold observations newer than
        `night`; they are ignored.
    night
        The night.
    tile
        Id of the tile.
    model
        From `load_model`, or ``None`` for the published three-date rule.
    forest
        ``(y, x)`` bool; only these pixels are judged.
    threshold
        Probability of "not healthy" that counts; the card's unless given.
        The rule has no threshold and ignores it.

    Returns
    -------
    tuple of RiskMap
        ``canopy-stress`` and ``canopy-loss``.

    Raises
    ------
    DataError
        If `forest` is not on the grid of the state.
    ModelError
        If the model cannot run here.
    """
    if forest.shape != state.grid.shape:
        raise DataError(
            tile,
            f"the forest mask is {forest.shape}, the state {state.grid.shape}",
            "read the mask on the grid of the tile",
        )
    maps = blank_maps(
        state.grid, night=night, tile=tile, model=model, threshold=threshold
    )
    for window, part in _blocks(state):
        asked = forest[window] & (part.has_model | (part.cut_day > 0))
        if not asked.any():
            continue
        found = _judge(_only(part, asked), epoch_day(night), model, threshold)
        for target, finding in zip(maps, found, strict=True):
            target.probability[window][asked] = finding.score
            target.since[window][asked] = finding.since
            target.evidence[window][asked] = finding.evidence
    return maps


def blank_maps(
    grid: Grid,
    *,
    night: date,
    tile: str,
    model: Model | None,
    threshold: float | None = None,
) -> tuple[RiskMap, RiskMap]:
    """Make the maps of `predict` that say nothing yet, to be filled in parts."""
    stress, loss = (
        RiskMap(
            tile=tile,
            grid=grid,
            night=night,
            hazard=hazard,
            model=RULE if model is None else model.card.title,
            threshold=_threshold(model, threshold),
            probability=np.full(grid.shape, np.nan, dtype=np.float32),
            evidence=np.zeros(grid.shape, dtype=np.int32),
            since=np.zeros(grid.shape, dtype=np.int32),
        )
        for hazard in (Hazard.CANOPY_STRESS, Hazard.CANOPY_LOSS)
    )
    return stress, loss


def find_standing(state: BaselineState, night: int) -> tuple[int, int]:
    """Find the nights on which `predict` says the same of a state.

    A judgement looks at its night only to leave out what is newer: observations,
    cuts and seasons. (A season learned tonight judges from tomorrow on.)

    Parameters
    ----------
    state
        A tile or a part of it.
    night
        Epoch day.

    Returns
    -------
    tuple of int
        First such epoch day, and the first after them that may differ.
    """
    turns = np.concatenate(
        [
            [0, _NEVER],
            *(find_days(d) for d in (state.ring_day, state.cut_day, state.model_from)),
        ]
    )
    return int(turns[turns <= night].max()), int(turns[turns > night].min())


def _judge(
    part: BaselineState, night: int, model: Model | None, threshold: float | None
) -> _Both:
    if model is None:
        return rule.judge(part, night)
    from agroforest.risk.infer import judge  # noqa: PLC0415  loads the simulator

    return judge(part, night, model, _threshold(model, threshold))


def _threshold(model: Model | None, threshold: float | None) -> float:
    if model is None:
        return _RULE_THRESHOLD
    return threshold or model.card.calibration.thresholds[DISTURBED]


def _blocks(
    state: BaselineState,
) -> Iterator[tuple[tuple[slice, slice], BaselineState]]:
    rows = max(1, _BATCH // state.grid.width)
    for top in range(0, state.grid.height, rows):
        for left in range(0, state.grid.width, _BATCH):
            window = slice(top, top + rows), slice(left, left + _BATCH)
            yield window, state.window(*window)


def _only(part: BaselineState, asked: NDArray[np.bool_]) -> BaselineState:
    """Keep some pixels of a block, laid out as one row."""
    pixels = np.flatnonzero(asked)
    # `take` along one axis is several times as fast as an index of two.
    kept = {
        k: np.take(v.reshape(*v.shape[:-2], -1), pixels, axis=-1)[..., None, :]
        for k, v in part.arrays().items()
    }
    return part.patch(grid=part.grid.patch(width=pixels.size, height=1), **kept)
