"""Scenes for ``canopy-damage``: two yearly composites and what was damaged.

Layout: ``<year>/<scene>.tif`` for two years, twelve bands in the order of `BANDS`,
uint16, 10,000 times reflectance, 0 for no data, and ``mask/<scene>.tif``, 1 where the
canopy was damaged in the later year. Masks may be missing, and so may scenes of the
earlier year.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.risk.blocks import Window
from agroforest.risk.datasets.rasters import (
    find_places,
    read_bands,
    read_mask,
    require_grid,
)
from agroforest.risk.scenes import Scenes

#: Bands of a composite, in the order of its file.
BANDS = (
    *("B01", "B02", "B03", "B04", "B05", "B06"),
    *("B07", "B08", "B8A", "B09", "B11", "B12"),
)
#: What is read of a pixel: the earlier year, then the later.
FEATURES = tuple(f"{date}.{band}" for date in ("before", "after") for band in BANDS)
#: Scenes whose centres chain together with steps shorter than this are one place.
PLACE_METRES = 3000.0
#: Channels that the network sees of a date: bands and indices.
CHANNELS = len(BANDS) + 5
#: Added to reflectance before the logarithm, so that the noise of dark pixels does
#: not rule it. Arbitrary.
DARK = 0.01

_SCALE = 1e-4
# Place of B11 between B8A and B12, nm of Sentinel-2A; CRSWIR is B11 over that line
# (Dutrieux et al. 2021, fordead).
_CONTINUUM = (1610.4 - 864.0) / (2185.7 - 864.0)
_BRIGHTEST_RATIO = 2.5
# Pixels along a side that trees look at around a pixel; of one, the spread too.
_WINDOWS = (3, 7, 15)
_SPREAD = 7
# Channels of a date whose surroundings trees look at: B02 B04 B05 B08 B8A B11 and
# the indices.
_LOOKED_AT = (1, 3, 4, 7, 8, 10, 12, 13, 14, 15, 16)


def read_scenes(folder: Path) -> Scenes:
    """Read all scenes of a folder.

    Parameters
    ----------
    folder
        In the layout of this module; of more than two years the last two count.

    Returns
    -------
    Scenes
        Reflectance 0..1 in the order of `FEATURES`, NaN where there is no data.

    Raises
    ------
    DataError
        No scenes, or a file that is damaged, of other bands or on another grid.
    """
    years = sorted(d for d in folder.glob("[0-9]*") if d.is_dir() and d.name.isdigit())
    paths = sorted(years[-1].glob("*.tif")) if years else []
    if not paths:
        raise DataError(folder, "holds no <year>/<scene>.tif", "name another folder")
    values, grids, truth = [], [], []
    for path in paths:
        after, grid = read_composite(path)
        before = np.full_like(after, np.nan)
        earlier = years[-2] / path.name if len(years) > 1 else None
        if earlier is not None and earlier.exists():
            before, other = read_composite(earlier)
            require_grid(earlier, other, grid)
        values.append(np.concatenate([before, after]))
        grids.append(grid)
        truth.append(read_mask(folder / "mask" / path.name, grid))
    names = tuple(path.stem for path in paths)
    labelled = any(np.isfinite(mask).any() for mask in truth)
    return Scenes(
        values=tuple(values),
        place=find_places(names, grids, PLACE_METRES),
        name=names,
        grid=tuple(grids),
        truth=tuple(truth) if labelled else None,
    )


def network_planes(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Make what the network sees: log reflectance and indices of both dates.

    Parameters
    ----------
    values
        ``(24, y, x)`` reflectance in the order of `FEATURES`, NaN where missing.

    Returns
    -------
    ndarray
        ``(2 * CHANNELS, y, x)`` float32; all channels of a date NaN where one of its
        bands is.
    """
    before, after = np.split(values, 2)
    return np.concatenate([date_channels(before), date_channels(after)])


def tree_planes(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Make what trees see: both dates, their difference, and what lies around.

    Parameters
    ----------
    values
        As in `network_planes`.

    Returns
    -------
    ndarray
        ``(plane, y, x)`` float32, NaN where missing.
    """
    before, after = np.split(network_planes(values), 2)
    planes = [before, after, after - before]
    around = [_surroundings(before), _surroundings(after)]
    for own, other in zip(around, (before, after), strict=True):
        looked_at = other[list(_LOOKED_AT)]
        planes += [*own, own[1] - looked_at]
    planes += [b - a for a, b in zip(*around, strict=True)]
    return np.concatenate(planes)


def _surroundings(channels: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Means over `_WINDOWS`, and the spread over one of them; data only."""
    known = np.isfinite(channels[0])
    share = known.astype(np.float32)
    values = np.nan_to_num(channels[list(_LOOKED_AT)])
    found: list[NDArray[np.float32]] = []
    for side in _WINDOWS:
        count = uniform_filter(share, side, mode="reflect")
        there = count > 0.5 / side**2  # sums of a running filter leave dust
        count = np.where(there, count, np.float32("nan"))
        mean = (_filtered(values, side) / count).astype(np.float32)
        found.append(mean)
        if side == _SPREAD:
            square = _filtered(values**2, side) / count
            found.append(np.sqrt(np.maximum(square - mean**2, 0)).astype(np.float32))
    return found


def _filtered(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    return np.stack([uniform_filter(v, side, mode="reflect") for v in values])


def date_channels(bands: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log reflectance of a date and NDVI, NDMI, NBR, NDRE, CRSWIR."""
    whole = np.isfinite(bands).all(axis=0)
    floor = np.maximum(np.where(whole, bands, np.nan), 0)
    by = dict(zip(BANDS, floor, strict=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        line = by["B8A"] + (by["B12"] - by["B8A"]) * np.float32(_CONTINUUM)
        indices = np.stack(
            [
                _ratio(by["B08"], by["B04"]),
                _ratio(by["B8A"], by["B11"]),
                _ratio(by["B8A"], by["B12"]),
                _ratio(by["B8A"], by["B05"]),
                np.clip(by["B11"] / line, 0, _BRIGHTEST_RATIO),
            ]
        )
    # A black pixel has no index; it says so by its logarithms.
    indices = np.where(whole & ~np.isfinite(indices), 0, indices)
    return np.concatenate([np.log(floor + np.float32(DARK)), indices])


def _ratio(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray((a - b) / (a + b), np.float32)


def read_composite(
    path: Path, window: Window | None = None
) -> tuple[NDArray[np.float32], Grid]:
    """Read a composite of a year, or some rows and columns of it.

    Returns
    -------
    tuple
        ``(12, y, x)`` float32 reflectance in the order of `BANDS`, NaN where a band
        has no data, and the grid.

    Raises
    ------
    DataError
        As `agroforest.risk.datasets.rasters.read_bands`.
    """
    numbers, grid = read_bands(path, len(BANDS), window)
    missing = (numbers == 0).any(axis=0)
    return np.where(missing, np.nan, numbers * np.float32(_SCALE)), grid
