"""What a pixel's season, a night's update and the store cost on this machine.

    python benchmarks/series.py [--json FILE]

Each figure is the median of three runs. Two things are called a fit here, and are
measured apart:

- one least-squares regression of five coefficients for one signal, each pixel from
  its own clear dates (`harmonic.fit_plain`): what the robust fit does eight times for
  each of seven signals;
- the robust fit of all seven signals that the nightly uses (`harmonic.fit_stack`),
  and learning a tile's state with it (`baseline.fit`: scene medians and ring too).

They are compared, in the same run, with what one would write first: numpy's least
squares over all pixels at once, which must see every pixel on every date, without
robustness, residual spread or scene correction.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from agroforest.core.grid import Grid
from agroforest.core.reading import Reading, Sensor, Variable
from agroforest.indices import baseline, harmonic
from agroforest.indices.baseline import Take
from agroforest.indices.season import (
    NODATA,
    SCALE,
    SIGNALS,
    Calendar,
    quantise,
    seasonal_basis,
)
from agroforest.store import open_store
from agroforest.store.state import load_state, save_state

_DATES, _SIDE, _READINGS = 28, 200, 50_000
_FIRST_DAY = 19_000


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    figures = {**_season(), **_nights(), **_store()}
    for name, value in figures.items():
        print(f"{name:<86} {value:>12.4g}")
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n")


def _season() -> dict[str, float]:
    """Measure the seasonal fits; the names say which."""
    grid, takes, forest = _landscape()
    days = np.array([t[0] for t in takes], dtype=np.int32)
    stack = quantise(np.stack([t[1] for t in takes]))
    hidden = (
        np.random.default_rng(8).random((_DATES, 1, _SIDE // 10, _SIDE // 10)) < 0.2
    )
    clouds = hidden.repeat(10, axis=2).repeat(10, axis=3)  # 200 m wide
    cloudy = np.where(clouds, NODATA, stack).astype(np.int16)
    signal = np.tile(cloudy[:, 3], (1, 4, 4))
    calendar = Calendar.over(days, days, np.zeros((days.size, len(SIGNALS))))
    day = np.broadcast_to(days[:, None, None], (days.size, *grid.shape))

    def plain(rows: slice) -> object:
        return harmonic.fit_plain(signal[:, rows], days, 10)

    def robust(rows: slice) -> object:
        return harmonic.fit_stack(cloudy[:, :, rows], day[:, rows], calendar, 10, 270)

    pixels = _SIDE * _SIDE
    plain_1, plain_2 = (s / signal[0].size for s in _on_threads(plain, 4 * _SIDE))
    robust_1, robust_2 = (s / pixels for s in _on_threads(robust, _SIDE))
    numpy_1 = _seconds(lambda: _least_squares(days, stack[:, 3])) / pixels
    numpy_6 = _seconds(lambda: _least_squares(days, stack)) / pixels
    whole = _seconds(lambda: baseline.fit(takes, grid, forest=forest)) / pixels
    state = baseline.fit(takes, grid, forest=forest)
    rest = _seconds(lambda: baseline.residuals(state)) / pixels / len(state.ring)
    one = f"one regression of one signal, {_DATES} dates"
    seven = f"robust fit of seven signals, {_DATES} dates"
    return {
        f"{one}: million pixels a second, one thread": 1e-6 / plain_1,
        f"{one}: million pixels a second, two threads": 1e-6 / plain_2,
        f"{one}: numpy's time in ours, one thread": numpy_1 / plain_1,
        f"{seven}: microseconds a pixel, one thread": 1e6 * robust_1,
        f"{seven}: million pixels a second, one thread": 1e-6 / robust_1,
        f"{seven}: million pixels a second, two threads": 1e-6 / robust_2,
        f"{seven}: time in numpy's plain fit of six": robust_1 / numpy_6,
        f"learn a state from {_DATES} scenes: microseconds a pixel": 1e6 * whole,
        "residuals: nanoseconds a pixel and date": 1e9 * rest,
    }


def _on_threads(work: Callable[[slice], object], height: int) -> list[float]:
    """Time all rows, in blocks of 20, on one thread and on two."""
    rows = [slice(top, top + 20) for top in range(0, height, 20)]
    times = []
    for threads in (1, 2):
        with ThreadPoolExecutor(threads) as pool:
            times.append(_seconds(lambda run=pool.map: list(run(work, rows))))  # type: ignore[misc]
    return times


def _nights() -> dict[str, float]:
    """Measure a night's update, and a state on disk."""
    grid, takes, forest = _landscape()
    state = baseline.fit(takes, grid, forest=forest)
    pixels = _SIDE * _SIDE
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
        "update: nanoseconds a pixel": 1e9 * _seconds(update) / pixels,
        "save a state: nanoseconds a pixel": 1e9 * saving / pixels,
        "load a state: nanoseconds a pixel": 1e9 * loading / pixels,
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


def _landscape() -> tuple[Grid, list[Take], NDArray[np.bool_]]:
    grid = Grid(
        crs="EPSG:32649",
        left=0,
        top=0,
        resolution=20,
        width=_SIDE,
        height=_SIDE,
    )
    return grid, _history(grid), np.ones(grid.shape, dtype=bool)


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


def _least_squares(
    days: NDArray[np.int32], numbers: NDArray[np.int16]
) -> NDArray[np.float64]:
    values = numbers.reshape(len(days), -1) / SCALE
    return np.asarray(np.linalg.lstsq(seasonal_basis(days), values, rcond=None)[0])


def _seconds(work: Callable[[], object], runs: int = 3) -> float:
    """Median time; the first run, which compiles, does not count."""
    times = []
    if runs > 1:
        work()
    for _ in range(runs):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return median(times)


if __name__ == "__main__":
    main()
