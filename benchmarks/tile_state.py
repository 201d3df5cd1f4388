"""What a night costs a tile's state: reading, updating, judging, saving.

    python benchmarks/tile_state.py [--side PIXELS] [--judge rule|model] [--json FILE]

A made forest of a million pixels, learned from thirty scenes, then nights of which
all, a tenth or a hundredth is clear: scattered between clouds, or in one corner.
Processor seconds of the best of three, and the largest memory of the process.
"""

import argparse
import json
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from agroforest.core.grid import Grid
from agroforest.core.risk import EPOCH
from agroforest.indices.baseline import Take
from agroforest.nightly.history import learn_seasons
from agroforest.nightly.standing import Question
from agroforest.nightly.state import TileState
from agroforest.risk import load_model, models_dir
from agroforest.store.state import StateUpdate

_START, _STEP, _SCENES = 19_000, 25, 30
_MIN_CLEAR, _RING = 10, 16
_LEVEL = np.array([0.03, 0.05, 0.04, 0.32, 0.16, 0.09])
_NOISE = np.array([0.002, 0.003, 0.003, 0.010, 0.006, 0.004])
_RUNS = 3


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--side", type=int, default=1000)
    options.add_argument("--judge", choices=("rule", "model"), default="rule")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = dict(_measure(Path(folder), chosen.side, chosen.judge))
    for name, value in figures.items():
        print(f"{name:<58} {value:>10.3f}")
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n")


def _measure(folder: Path, side: int, judge: str) -> Iterator[tuple[str, float]]:
    grid = Grid(crs="EPSG:32649", left=0, top=0, resolution=10, width=side, height=side)
    model = load_model(models_dir() / "canopy-stress") if judge == "model" else None
    learned = folder / "learned.zarr"
    began = time.process_time()
    _learn(learned, grid)
    yield f"learn {_SCENES} scenes, making them included", time.process_time() - began
    day = _START + _STEP * (_SCENES + 1)
    everywhere = np.ones(grid.shape, dtype=bool)
    question = Question(
        night=EPOCH + timedelta(days=day), tile="t", model=model, threshold=None
    )
    yield "first night", _night(learned, _see(grid, day - 1, everywhere), question)
    for name, clear in _skies(grid.shape, day).items():
        take = _see(grid, day, clear)
        times = []
        for _ in range(_RUNS):
            path = folder / "night.zarr"
            shutil.rmtree(path, ignore_errors=True)
            shutil.copytree(learned, path)
            times.append(_night(path, take, question))
        yield f"night, {name}, {judge}", min(times)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield "largest memory, gigabytes", peak * 1024 / 1e9


def _night(path: Path, take: Take, question: Question) -> float:
    began = time.process_time()
    with StateUpdate(path, "t") as update:
        state = TileState.open(update, min_clear=_MIN_CLEAR)
        state.take(take)
        state.judge(question)
        state.commit()
    return time.process_time() - began


def _learn(path: Path, grid: Grid) -> None:
    forest = np.ones(grid.shape, dtype=bool)
    with StateUpdate(path, "t", shape=grid.shape) as update:
        log = learn_seasons(
            update,
            _history(grid),
            grid=grid,
            forest=forest,
            min_clear=_MIN_CLEAR,
            ring=_RING,
            scratch=path.parent,
        )
        TileState(
            update, grid=grid, log=log, forest=forest, min_clear=_MIN_CLEAR
        ).commit()


def _history(grid: Grid) -> Iterator[Take]:
    for day in range(_START, _START + _STEP * _SCENES, _STEP):
        yield _see(grid, day, _clouds(grid.shape, 0.65, day))


def _skies(shape: tuple[int, int], day: int) -> dict[str, NDArray[np.bool_]]:
    skies = {"all clear": np.ones(shape, dtype=bool)}
    for share in (0.1, 0.01):
        corner = np.zeros(shape, dtype=bool)
        edge = round(shape[0] * share**0.5)
        corner[:edge, :edge] = True
        skies[f"{share:.0%} clear, scattered"] = _clouds(shape, share, day)
        skies[f"{share:.0%} clear, one corner"] = corner
    skies["nothing clear"] = np.zeros(shape, dtype=bool)
    return skies


def _clouds(shape: tuple[int, int], share: float, seed: int) -> NDArray[np.bool_]:
    """Clear where a smooth random field is low: holes of a few hundred metres."""
    noise = np.random.default_rng(seed).normal(size=(shape[0] // 4, shape[1] // 4))
    field = ndimage.gaussian_filter(noise, 10)
    clear = np.kron(field <= np.quantile(field, share), np.ones((4, 4), dtype=bool))
    beyond = [(0, n - m) for n, m in zip(shape, clear.shape, strict=True)]
    return np.pad(clear, beyond, mode="edge")


def _see(grid: Grid, day: int, clear: NDArray[np.bool_]) -> Take:
    angle = 2 * np.pi * day / 365.2425
    season = 1 + 0.10 * np.sin(angle) - 0.08 * np.cos(angle)
    stand = np.random.default_rng(1).normal(1, 0.12, grid.shape)
    rng = np.random.default_rng(day)
    bands = np.empty((6, *grid.shape), dtype=np.float32)
    for band, (level, noise) in enumerate(zip(_LEVEL, _NOISE, strict=True)):
        bands[band] = level * season * stand + rng.normal(0, noise, grid.shape)
    bands[:, ~clear] = np.nan
    return day, bands, clear, f"s{day}"


if __name__ == "__main__":
    main()
