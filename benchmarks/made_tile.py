"""A made-up Sentinel-2 tile of full size, as public archives serve them.

Reflectance x 10000 as uint16, COG, DEFLATE with predictor, internal tiles of 1024;
20 m bands at 20 m; an SCL with clouds on a tenth of it. Smooth ground, field edges
and sensor noise make it compress as real tiles do (about 1.3 bytes a pixel).
"""

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom

SIDE = 10_980
LEVELS = {
    "B02": 400, "B03": 600, "B04": 500, "B05": 1000, "B08": 3000,
    "B8A": 3200, "B11": 1900, "B12": 1100,
}  # fmt: skip
_TEN = {"B02", "B03", "B04", "B08"}
_NOISE = 25.0


def make_tile(folder: Path, *, side: int = SIDE, seed: int = 1) -> Path:
    """Write ``B02.tif`` … ``SCL.tif`` once; later calls find them."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    ground = _ground(rng, side)
    for name, level in LEVELS.items():
        path = folder / f"{name}.tif"
        if path.exists():
            continue
        step = 10 if name in _TEN else 20
        shape = side * 10 // step
        share = 0.6 + 0.8 * _resized(ground, shape)
        if level < 2000:
            share = 2.0 - share  # red and shortwave fall where leaves are
        values = level * share
        values += _NOISE * rng.standard_normal((shape, shape), dtype=np.float32)
        numbers = np.clip(values, 1, 15_000).astype(np.uint16)
        numbers[:, : shape // 40] = 0  # beside the swath
        _write(path, numbers, step)
    scl = folder / "SCL.tif"
    if not scl.exists():
        cloud = gaussian_filter(rng.standard_normal((side // 20, side // 20)), 12)
        classes = np.where(cloud > np.quantile(cloud, 0.9), 9, 4).astype(np.uint8)
        classes[:, : side // 800] = 0
        _write(
            scl,
            np.kron(classes, np.ones((10, 10), np.uint8))[: side // 2, : side // 2],
            20,
        )
    return folder


def _ground(rng: np.random.Generator, side: int) -> NDArray[np.float32]:
    """0..1 at a tenth of the size: hills and fields."""
    small = side // 10
    hills = gaussian_filter(rng.standard_normal((small, small)), small / 40)
    cell = rng.random((small // 12 + 2, small // 12 + 2))
    fields = np.kron(cell, np.ones((12, 12)))[:small, :small]
    hills = (hills - hills.min()) / np.ptp(hills)
    return np.asarray(0.6 * hills + 0.4 * fields, np.float32)


def _resized(ground: NDArray[np.float32], shape: int) -> NDArray[np.float32]:
    factor = shape / ground.shape[0]
    return np.asarray(zoom(ground, factor, order=1), np.float32)[:shape, :shape]


def _write(
    path: Path, numbers: NDArray[np.uint16] | NDArray[np.uint8], step: int
) -> None:
    with rasterio.open(
        path, "w", driver="COG", dtype=numbers.dtype, count=1,
        height=numbers.shape[0], width=numbers.shape[1], crs="EPSG:32649",
        transform=Affine(step, 0, 300_000, 0, -step, 2_600_040), nodata=0,
        compress="DEFLATE", predictor="YES", blocksize=1024, num_threads=2,
        overview_resampling="nearest",
    ) as data:  # fmt: skip
        data.write(numbers, 1)
