"""What a pixel's season, a night's update and the store cost on this machine.

    python benchmarks/series.py [--json FILE]

Each figure is the median of three runs. The seasonal fit is compared, in the same
run, with what one would write first: numpy's least squares over all pixels at once,
without robustness, residual spread or scene correction.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from agroforest.core.grid import Grid
from agroforest.core.reading import Reading, Sensor, Variable
from agroforest.indices import baseline
from agroforest.indices.baseline import Take
from agroforest.store import open_store
from agroforest.store.state import load_state, save_state

_DATES, _SIDE, _READINGS = 28, 200, 50_000
_FIRST_DAY = 19_000


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    figures = {**_season(), **_store()}
    for name, value in figures.items():
        print(f"{name:<58} {value:>12.4g}")
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n")


def _season() -> dict[str, float]:
    grid = Grid(
        crs="EPSG:32649",
        left=0,
        top=0,
        resolution=20,
        width=_SIDE,
        height=_SIDE,
    )
    takes = _history(grid)
    forest = np.ones(grid.shape, dtype=bool)
    state = baseline.fit(takes[:3] * 4, grid, forest=forest)  # compiles
    pixels = _SIDE * _SIDE
    ours = _seconds(lambda: baseline.fit(takes, grid, forest=forest))
    plain = _seconds(lambda: _least_squares(takes))
    state = baseline.fit(takes, grid, forest=forest)
    day, bands, usable, _ = takes[-1]

    def update() -> None:
        baseline.update(
            state,
            day=day + 20,
            bands=bands,
            usable=usable,
            scene_id="new",
            forest=forest,
        )

    update()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.zarr"

        def save() -> None:
            save_state(path, f"t{time.perf_counter_ns()}", state.arrays(), {})

        saving = _seconds(save)
        save_state(path, "t", state.arrays(), state.attributes())
        loading = _seconds(lambda: load_state(path, "t"))
    return {
        f"robust fit, {_DATES} dates, 7 signals, microseconds a pixel": 1e6
        * ours
        / pixels,
        "plain least squares of numpy, microseconds a pixel": 1e6 * plain / pixels,
        "robust fit against plain least squares, times": ours / plain,
        "update, nanoseconds a pixel": 1e9 * _seconds(update) / pixels,
        "save a state, nanoseconds a pixel": 1e9 * saving / pixels,
        "load a state, nanoseconds a pixel": 1e9 * loading / pixels,
    }


def _store() -> dict[str, float]:
    noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
    readings = [
        Reading(
            sensor="s",
            time=noon + timedelta(minutes=n),
            variable=Variable.SOIL_MOISTURE,
            depth_m=0.1,
            value=0.2,
        )
        for n in range(_READINGS)
    ]
    with tempfile.TemporaryDirectory() as folder:
        times = []
        for run in range(3):
            path = Path(folder) / f"{run}.db"
            with open_store(path) as store:
                store.add_sensors([Sensor(id="s", name="s")])
                times.append(_seconds(lambda s=store: s.add_readings(readings), 1))  # type: ignore[misc]
        opening = _seconds(lambda: open_store(path).close())
    return {
        "readings stored a second (SQLite)": _READINGS / median(times),
        "open the store, milliseconds": 1e3 * opening,
    }


def _history(grid: Grid) -> list[Take]:
    rng = np.random.default_rng(7)
    level = np.array([0.03, 0.04, 0.35, 0.40, 0.20, 0.10])[:, None, None]
    takes: list[Take] = []
    for n in range(_DATES):
        day = _FIRST_DAY + 26 * n
        season = 1 + 0.1 * np.sin(2 * np.pi * day / 365.2425)
        noise = rng.normal(0, 0.01, (6, *grid.shape))
        bands = (level * season + noise).astype(np.float32)
        takes.append((day, bands, np.ones(grid.shape, dtype=bool), f"s{n}"))
    return takes


def _least_squares(takes: list[Take]) -> NDArray[np.float64]:
    day = np.array([t[0] for t in takes])
    angle = 2 * np.pi * day / 365.2425
    basis = np.stack(
        [
            np.ones_like(angle),
            np.sin(angle),
            np.cos(angle),
            np.sin(2 * angle),
            np.cos(2 * angle),
        ],
        axis=1,
    )
    values = np.stack([t[1] for t in takes]).reshape(len(takes), -1)
    return np.asarray(np.linalg.lstsq(basis, values, rcond=None)[0])


def _seconds(work: Callable[[], object], runs: int = 3) -> float:
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return median(times)


if __name__ == "__main__":
    main()
