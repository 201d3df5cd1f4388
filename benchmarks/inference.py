"""Pixels a second of the models that judge whole tiles, beside LightGBM's.

    python benchmarks/inference.py [--side PIXELS] [--json FILE]

A made-up tile goes through ``canopy-stress`` (the night's judgement, features
included) and through the networks of ``canopy-damage``, on two cores: two processes
for the first, as nights do, two threads for the second. LightGBM predicts from the same
features, 100 trees of 31 leaves, grown on made-up labels: its speed, not its skill, is
measured. Seconds are for a tile of 5490 x 5490 pixels; smaller tiles are scaled up.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import lightgbm
import numpy as np
import torch
from numpy.typing import NDArray

from agroforest.core.risk import EPOCH
from agroforest.features import series
from agroforest.indices.state import BaselineState
from agroforest.risk import ensemble, load_model, models_dir, predict
from agroforest.risk.blocks import Window
from agroforest.risk.datasets.canopy_stress import follow
from agroforest.risk.scene_tile import judge_tile
from agroforest.risk.simulate import Emulator, build_forest
from agroforest.risk.tasks import find_task

_TILE = 5490**2
_CORES = 2
_FOREST = 1_000_003  # seed of a forest that nothing was trained on
_SHARE = 200_000  # pixels of each process


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--side", type=int, default=1536)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    found = {**_stress(), **_damage(chosen.side)}
    for name, value in found.items():
        sys.stdout.write(f"{name:<62}{value:12.4g}\n")
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(json.dumps(found, indent=1) + "\n")


def _stress() -> dict[str, float]:
    context = get_context("spawn")
    with ProcessPoolExecutor(_CORES, mp_context=context) as pool:
        parts = list(pool.map(_stress_part, range(_CORES)))
    rate = sum(rate for rate, *_ in parts)
    state, night = _state(_SHARE // 8)
    block = series.build(state, night=night)
    rows = np.ascontiguousarray(block.values.reshape(-1, block.day.shape[1]).T)
    trees = _rate(_grown(rows), rows)
    return {
        "canopy-stress, two cores, px/s": rate,
        "canopy-stress, a tile of 30 Mpx, s": _TILE / rate,
        "canopy-stress, peak of a process, MB": max(peak for _, peak in parts),
        "LightGBM on the same features, two cores, px/s": trees * _CORES,
        "canopy-stress against LightGBM": rate / (trees * _CORES),
    }


def _stress_part(number: int) -> tuple[float, float]:
    """Pixels a second and peak memory (MB) of one process."""
    del number
    torch.set_num_threads(1)
    state, night = _state(_SHARE)
    model = load_model(models_dir() / "canopy-stress")
    forest = np.ones(state.grid.shape, bool)
    day = EPOCH + (np.timedelta64(night, "D")).astype(object)

    def judge() -> None:
        predict(state, night=day, tile="t", model=model, forest=forest)

    judge()
    return state.grid.width / _best(judge), _peak()


def _state(pixels: int) -> tuple[BaselineState, int]:
    """Pixels of a simulated forest, again and again, after its last scene."""
    *_, (night, state) = follow(build_forest(Emulator.shipped(), _FOREST, 160))
    times = pixels // 160
    arrays = {
        name: np.concatenate([array] * times, axis=-1)
        for name, array in state.arrays().items()
    }
    grid = state.grid.patch(width=160 * times, height=1)
    return state.patch(grid=grid, **arrays), night


def _damage(side: int) -> dict[str, float]:
    task = find_task("canopy-damage")
    model = ensemble.load(task, models_dir() / task.name)
    rng = np.random.default_rng(0)
    scene = rng.random((len(task.features), side, side), np.float32)
    scene *= np.float32(0.4)

    def read(window: Window) -> NDArray[np.float32]:
        rows, columns = window
        return scene[:, rows, columns]

    def judge() -> None:
        for _ in judge_tile(task, model, read, (side, side), workers=_CORES):
            pass

    seconds, peak = _best(judge, runs=1), _peak()
    rate = side * side / seconds
    rows = np.ascontiguousarray(scene.reshape(len(scene), -1).T[: _SHARE // 4])
    trees = _rate(_grown(rows), rows)
    return {
        "canopy-damage, two cores, px/s": rate,
        "canopy-damage, a tile of 30 Mpx, s": _TILE / rate,
        "canopy-damage, peak with the tile's bands, MB": peak,
        "canopy-damage, of it the tile's bands, MB": scene.nbytes / 1e6,
        "LightGBM on the bands of a pixel, two cores, px/s": trees * _CORES,
        "canopy-damage against LightGBM": rate / (trees * _CORES),
    }


def _grown(rows: NDArray[np.float32]) -> lightgbm.Booster:
    rng = np.random.default_rng(0)
    target = (rows[:, 0] + rng.normal(0, 0.1, len(rows)) > np.median(rows[:, 0])) * 1.0
    settings = {"objective": "binary", "num_leaves": 31, "verbosity": -1}
    settings |= {"num_threads": _CORES}
    return lightgbm.train(settings, lightgbm.Dataset(rows, target), 100)


def _rate(booster: lightgbm.Booster, rows: NDArray[np.float32]) -> float:
    """Rows a second of one thread."""
    return len(rows) / _best(lambda: booster.predict(rows, num_threads=1))


def _best(work: Callable[[], object], runs: int = 3) -> float:
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    main()
