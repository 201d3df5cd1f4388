"""What looking for fire in a whole Sentinel-2 L1C tile costs.

    python benchmarks/active_fire.py [--side 5490] [--keep DIR] [--scene SAFE]

Makes a tile of 20 m pixels in JPEG 2000 with some 300 fires of 1 to 16 pixels in noisy
forest and a cloud, then judges it in a process of its own: wall clock, time on the
processor, peak memory, and burning pixels found and missed. With ``--scene`` that
folder is judged alone. Made pixels pack worse than real ones.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from agroforest.catalog.level1 import find_level1
from agroforest.core.grid import Grid
from agroforest.products.active_fire import find_fires
from agroforest.testing.level1 import (
    CLOUD,
    FLAME,
    FOREST,
    Level1,
    paint,
    write_l1c,
)

_FIRES = 300
_TRUTH = "truth.npy"


def main() -> None:
    """Make a tile, judge it, and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--side", type=int, default=5490)
    options.add_argument("--keep", type=Path, help="leave the tile in this folder")
    options.add_argument("--scene", type=Path, help="judge this folder, make none")
    chosen = options.parse_args()
    if chosen.scene is not None:
        judge(chosen.scene)
        return
    with tempfile.TemporaryDirectory() as scratch:
        scene = make_tile(chosen.keep or Path(scratch), chosen.side)
        command = [sys.executable, __file__, "--scene", str(scene)]
        subprocess.run(command, check=True)  # noqa: S603  this file


def make_tile(folder: Path, side: int) -> Path:
    """Write a tile and, beside it, where it burns."""
    rng = np.random.default_rng(1)
    grid = Grid(
        crs="EPSG:32649",
        left=300_000,
        top=2_500_020,
        resolution=20,
        width=side,
        height=side,
    )
    bands = paint(grid.shape, FOREST)
    for n in range(len(bands)):
        bands[n] *= 1 + 0.12 * rng.standard_normal(grid.shape, dtype=np.float32)
    burns = np.zeros(grid.shape, dtype=bool)
    for _ in range(_FIRES):
        y, x = rng.integers(0, side - 4, 2)
        size = int(rng.integers(1, 5))
        burns[y : y + size, x : x + size] = True
    bands[:, burns] = np.array(FLAME, np.float32)[:, None]
    cloud = (slice(side // 5, side // 3), slice(side // 3, side // 2))
    bands[:, *cloud] = np.array(CLOUD, np.float32)[:, None, None]
    burns[cloud] = False
    scene = write_l1c(
        folder,
        Level1(grid=grid, bands=bands, ending=".jp2", saturated=np.zeros_like(burns)),
    )
    np.save(scene / _TRUTH, burns)
    return scene


def judge(folder: Path) -> None:
    """Judge a scene and print what it took."""
    start = time.perf_counter()
    (scene,) = find_level1(folder)
    fires = find_fires(scene)
    said = {
        "pixels": fires.grid.width * fires.grid.height,
        "wall_s": round(time.perf_counter() - start, 1),
        "cpu_s": round(time.process_time(), 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "burning": len(fires.row),
    }
    truth = folder / _TRUTH
    if truth.is_file():
        burns = np.load(truth)
        hit = int(burns[fires.row, fires.column].sum())
        said |= {"missed": int(burns.sum()) - hit, "false": len(fires.row) - hit}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
