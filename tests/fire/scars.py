"""Images of a made-up forest with a burn, a clear-cut, a lake and a cloud."""

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray

BANDS = ("B02", "B03", "B04", "B08", "B12")
SIDE, PIXEL = 160, 20.0
LEFT, TOP = 500_000.0, 2_500_000.0
CRS = "EPSG:32649"
#: Rows and columns.
BURN = slice(30, 70), slice(40, 90)
CUT = slice(110, 130), slice(100, 130)
LAKE = slice(20, 50), slice(115, 145)
CLOUD = slice(140, 160), slice(0, 40)
# Reflectance of the bands: typical numbers of Sentinel-2, made up.
_FOREST = (0.03, 0.05, 0.035, 0.34, 0.09)
_CHAR = (0.045, 0.055, 0.06, 0.10, 0.21)
_BARE = (0.10, 0.14, 0.19, 0.27, 0.36)
_WATER = (0.06, 0.05, 0.03, 0.015, 0.01)
_WHITE = (0.55, 0.55, 0.55, 0.6, 0.4)


def draw(*, burned: bool, cut: bool = True) -> NDArray[np.float32]:
    """Reflectance, ``(5, y, x)``, with a little noise that is always the same."""
    rng = np.random.default_rng(7)
    scene = np.empty((5, SIDE, SIDE), np.float32)
    scene[:] = np.array(_FOREST)[:, None, None]
    patches = [(LAKE, _WATER), (CLOUD, _WHITE)]
    if burned:
        patches.append((BURN, _CHAR))
    if cut:
        patches.append((CUT, _BARE))
    for place, numbers in patches:
        scene[:, *place] = np.array(numbers)[:, None, None]
    return np.asarray(scene * rng.normal(1, 0.05, scene.shape), np.float32)


def write(path: Path, scene: NDArray[np.float32], *, named: bool = True) -> Path:
    """One GeoTIFF, reflectance times 10,000."""
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=scene.shape[2],
        height=scene.shape[1],
        count=len(scene),
        dtype="uint16",
        crs=CRS,
        transform=Affine(PIXEL, 0, LEFT, 0, -PIXEL, TOP),
    ) as data:
        data.write(np.clip(scene * 10_000, 1, 65_535).astype(np.uint16))
        for number, name in enumerate(BANDS if named else (), start=1):
            data.set_band_description(number, name)
    return path


def write_folder(folder: Path, scene: NDArray[np.float32], scl: int = 4) -> Path:
    """Write the same as a folder of GeoTIFFs named by band, with a classification."""
    folder.mkdir()
    for name, band in (*zip(BANDS, scene * 10_000, strict=True), ("SCL", None)):
        numbers = np.full((SIDE, SIDE), scl, np.uint8) if band is None else band
        if band is None:
            numbers[CLOUD] = 9
            numbers[BURN] = 2  # what the classification makes of fresh char
        with rasterio.open(
            folder / f"{name}.tif",
            "w",
            driver="GTiff",
            width=SIDE,
            height=SIDE,
            count=1,
            dtype="uint8" if band is None else "uint16",
            crs=CRS,
            transform=Affine(PIXEL, 0, LEFT, 0, -PIXEL, TOP),
        ) as data:
            data.write(numbers.astype(data.dtypes[0]), 1)
    return folder
