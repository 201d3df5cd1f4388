"""What statistics by parcel cost, beside what one would run instead.

    python benchmarks/zonal.py [--side N] [--parcels N] [--runs N] [--json FILE]

Makes an index map (int16 COG, a fifth of it cloud) and polygons of twelve corners
in no order, then runs every contender in a process of its own, in turn, and prints
the median wall time, processor time and peak memory. Every contender reads the
parcels and gives count, mean, standard deviation, minimum and maximum of each;
only ours measures areas and writes a table.

The plain loop (window, rasterised outline, numpy) runs over a tenth of the
parcels; its time is multiplied by ten. It counts whole pixels by their centres,
so its figures are not the same.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import geopandas
import numpy as np
import rasterio
import shapely
from exactextract import exact_extract
from numpy.typing import NDArray
from rasterio.features import geometry_mask
from rasterio.windows import from_bounds
from scipy.ndimage import zoom

from agroforest.core.grid import Grid
from agroforest.cube import CogWriter
from agroforest.products.zonal import ZonalRequest, write_zonal

_SIDE, _PARCELS = 10_980, 20_000
_STATISTICS = ("count", "mean", "stdev", "min", "max")
_NODATA = -32768
_TENTH = 10


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--side", type=int, default=_SIDE, help="pixels")
    options.add_argument("--parcels", type=int, default=_PARCELS)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--json", type=Path)
    options.add_argument("--work", type=Path, help="folder to keep the inputs in")
    options.add_argument("--part", nargs=2, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.part:
        name, folder = chosen.part
        print(json.dumps(_cost(_PARTS[name], Path(folder))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.work or Path(scratch)
        _make(folder, side=chosen.side, parcels=chosen.parcels)
        costs = {name: _median(name, folder, chosen.runs) for name in _PARTS}
    print(f"{chosen.parcels} parcels on {chosen.side} x {chosen.side} pixels")
    print(f"{'':<44} {'wall s':>8} {'cpu s':>8} {'peak MB':>8}")
    for name, (wall, cpu, peak) in costs.items():
        print(f"{name:<44} {wall:>8.2f} {cpu:>8.2f} {peak:>8.0f}")
    if chosen.json:
        names = ("wall_s", "cpu_s", "peak_mb")
        figures = {
            name: dict(zip(names, cost, strict=True)) for name, cost in costs.items()
        }
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n")


def _median(name: str, folder: Path, runs: int) -> list[float]:
    command = [sys.executable, __file__, "--part", name, str(folder)]
    costs = []
    for _ in range(runs):
        ended = subprocess.run(  # noqa: S603  ourselves
            command, check=True, capture_output=True, text=True
        )
        costs.append(json.loads(ended.stdout))
    return [median(column) for column in zip(*costs, strict=True)]


def _cost(work: Callable[[Path], float], folder: Path) -> tuple[float, float, float]:
    """Wall and processor seconds and peak megabytes of this process."""
    started, before = time.perf_counter(), time.process_time()
    factor = work(folder)
    wall, cpu = time.perf_counter() - started, time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return factor * wall, factor * cpu, peak


# ------------------------------------------------------------------------ contenders


def _ours(folder: Path, *more: str) -> float:
    write_zonal(
        ZonalRequest(
            rasters=(folder / "ndvi.tif",),
            parcels=folder / "parcels.gpkg",
            out=folder / "out.parquet",
            statistics=(*_STATISTICS, "valid", *more),
        )
    )
    return 1.0


def _ours_with_median(folder: Path) -> float:
    return _ours(folder, "median")


def _whole(folder: Path, strategy: str) -> float:
    frame = geopandas.read_file(folder / "parcels.gpkg")
    with rasterio.open(folder / "ndvi.tif") as data:
        exact_extract(
            data,
            frame,
            list(_STATISTICS),
            strategy=strategy,
            output="pandas",
            include_cols=["name"],
        )
    return 1.0


def _by_feature(folder: Path) -> float:
    return _whole(folder, "feature-sequential")


def _by_raster(folder: Path) -> float:
    return _whole(folder, "raster-sequential")


def _loop(folder: Path) -> float:
    frame = geopandas.read_file(folder / "parcels.gpkg")
    with rasterio.open(folder / "ndvi.tif") as data:
        for outline in frame.geometry[::_TENTH]:
            _masked(data, outline)
    return float(_TENTH)


def _masked(
    data: rasterio.DatasetReader, outline: shapely.Polygon
) -> Sequence[float] | None:
    window = from_bounds(*outline.bounds, data.transform)
    window = window.round_offsets().round_lengths(op="ceil")
    numbers = data.read(1, window=window)
    place = data.window_transform(window)
    inside = geometry_mask([outline], numbers.shape, place, invert=True)
    values = numbers[inside & (numbers != _NODATA)] * 1e-4
    if not values.size:
        return None
    return values.size, values.mean(), values.std(), values.min(), values.max()


_PARTS: dict[str, Callable[[Path], float]] = {
    "agroforest zonal": _ours,
    "agroforest zonal, with the median": _ours_with_median,
    "exactextract by raster, geopandas whole": _by_raster,
    "exactextract by feature, geopandas whole": _by_feature,
    "loop: rasterio window, mask, numpy": _loop,
}


# ---------------------------------------------------------------------------- inputs


def _make(folder: Path, *, side: int, parcels: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    grid = Grid(
        crs="EPSG:32649",
        left=300_000,
        top=2_600_040,
        resolution=10,
        width=side,
        height=side,
    )
    rng = np.random.default_rng(7)
    _make_map(folder / "ndvi.tif", grid, rng)
    _make_parcels(folder / "parcels.gpkg", grid, parcels, rng)


def _make_map(path: Path, grid: Grid, rng: np.random.Generator) -> None:
    coarse = -(-grid.height // 60) + 1
    ground = rng.normal(0.5, 0.2, (coarse, coarse))
    cloudy = rng.random((coarse, coarse)) < 0.2
    with CogWriter(path, grid) as writer:
        for block in grid.blocks(writer.block):
            writer.write(block, _numbers(block.window, ground, cloudy, rng))


def _numbers(
    window: tuple[slice, slice],
    ground: NDArray[np.float64],
    cloudy: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.int16]:
    rows, columns = window
    part = tuple(slice(s.start // 60, -(-s.stop // 60) + 1) for s in window)
    cut = (
        slice(rows.start % 60, rows.start % 60 + rows.stop - rows.start),
        slice(columns.start % 60, columns.start % 60 + columns.stop - columns.start),
    )
    smooth = zoom(ground[part], 60, order=1)[cut]
    noisy = smooth + rng.normal(0, 0.02, smooth.shape)
    numbers: NDArray[np.int16] = (noisy * 10_000).clip(-10_000, 10_000).astype("i2")
    numbers[np.kron(cloudy[part], np.ones((60, 60), bool))[cut]] = _NODATA
    return numbers


def _make_parcels(path: Path, grid: Grid, n: int, rng: np.random.Generator) -> None:
    left, bottom, right, top = grid.bounds
    x = rng.uniform(left + 250, right - 250, n)
    y = rng.uniform(bottom + 250, top - 250, n)
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    radius = rng.uniform(20, 250, (n, 1)) * rng.uniform(0.7, 1, (n, 12))
    corners = np.stack(
        [x[:, None] + radius * np.cos(angle), y[:, None] + radius * np.sin(angle)], -1
    )
    frame = geopandas.GeoDataFrame(
        {"name": [f"地块{i}" for i in range(n)]},
        geometry=shapely.polygons(corners),
        crs=grid.crs,
    )
    frame.to_file(path)


if __name__ == "__main__":
    main()
