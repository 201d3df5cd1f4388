"""Series for ``canopy-stress``: simulated forests seen through the real baseline.

Every forest goes through `indices.baseline` and `features.series` as a real one
would, so what a model trains on and what it later judges are made by the same
code.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agroforest.features import series
from agroforest.indices import baseline
from agroforest.indices.baseline import BaselineState
from agroforest.risk.simulate import Emulator, Forest, build_forest
from agroforest.risk.simulate.events import UNCLEAR

#: Names of what a date can be, in the order of the labels.
OUTPUTS = ("healthy", "stressed", "gone")
#: Seeds of forests from here on are never trained on.
VALIDATION_SEED, TEST_SEED = 1_000_000, 2_000_000


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Series:
    """Labelled series.

    Attributes
    ----------
    values
        ``(n, slot, feature)`` float32.
    mask
        ``(n, slot)`` bool.
    target
        ``(n, slot)`` int64: index into `OUTPUTS`, -1 where not asked.
    place
        ``(n,)`` int64, seed of the forest.
    """

    values: NDArray[np.float32]
    mask: NDArray[np.bool_]
    target: NDArray[np.int64]
    place: NDArray[np.int64]


def follow(forest: Forest) -> Iterator[tuple[int, BaselineState]]:
    """Learn a forest's seasons, then take its later scenes in one by one.

    Yields
    ------
    tuple
        Epoch day of the scene and the state after it.
    """
    everywhere = np.ones(forest.grid.shape, dtype=bool)
    after = int(np.searchsorted(forest.day, forest.history, side="right"))
    takes = [
        (int(d), b, u, str(i))
        for i, (d, b, u) in enumerate(
            zip(forest.day, forest.bands, forest.usable, strict=True)
        )
    ]
    state = baseline.fit(takes[:after], forest.grid, forest=everywhere)
    for day, bands, usable, scene in takes[after:]:
        state = baseline.update(
            state,
            day=day,
            bands=bands,
            usable=usable,
            scene_id=scene,
            forest=everywhere,
        )
        yield day, state


def build_series(
    emulator: Emulator, seeds: range, *, nights: int = 5, pixels: int = 160
) -> Series:
    """Simulate forests and look at each on a few nights.

    Parameters
    ----------
    emulator
        Gives spectra.
    seeds
        One forest each.
    nights
        Nights a forest, evenly over the time after its history.
    pixels
        Pixels a forest.
    """
    parts = [
        part
        for seed in seeds
        for part in _look(build_forest(emulator, seed, pixels), seed, nights)
    ]
    return Series(
        values=np.concatenate([p.values for p in parts]),
        mask=np.concatenate([p.mask for p in parts]),
        target=np.concatenate([p.target for p in parts]),
        place=np.concatenate([p.place for p in parts]),
    )


def _look(forest: Forest, seed: int, nights: int) -> Iterator[Series]:
    scenes = int((forest.day > forest.history).sum())
    chosen = set(np.linspace(scenes - 1, scenes // nights, nights).astype(int))
    for number, (night, state) in enumerate(follow(forest)):
        if number not in chosen:
            continue
        block = series.build(state, night=night)
        target = _labels(forest, block.day.T, block.judged.T)
        asked = (target != UNCLEAR).any(axis=1)
        yield Series(
            values=block.values.transpose(2, 0, 1)[asked],
            mask=block.mask.T[asked],
            target=target[asked],
            place=np.full(int(asked.sum()), seed, dtype=np.int64),
        )


def _labels(
    forest: Forest, day: NDArray[np.int32], judged: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Label of every observation; -1 where the baseline does not judge it."""
    scene = np.searchsorted(forest.day, day).clip(0, forest.day.size - 1)
    pixel = np.arange(day.shape[0])[:, None]
    return np.where(judged, forest.label[scene, pixel], UNCLEAR).astype(np.int64)
