"""Scenes for ``burned-area``: a fire seen once, and where possible before it.

Layout: ``index/<fire>.json`` names the bands and the files of a fire; ``post`` holds
reflectance times 10,000 after it, ``pre`` the same before it, ``dnbr`` the loss of
the normalised burn ratio, ``mask`` 1 inside the perimeter. All but ``post`` may be
missing. The visible bands may be those of the true colour image (``TCI_R``, ...).
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.risk.datasets.rasters import (
    find_places,
    read_bands,
    read_mask,
    require_grid,
)
from agroforest.risk.scenes import Scenes

#: Bands of a scene, in the order they are given to the model.
BANDS = ("B02", "B03", "B04", "B08", "B12")
#: What is read of a pixel.
FEATURES = (*(f"after.{band}" for band in BANDS), "dnbr")
#: Fires whose centres chain together with steps shorter than this are one place.
PLACE_DEGREES = 0.4
#: Channels that the network sees of the scene after the fire, and of dNBR.
AFTER, LOSS = 16, 2

# The true colour image of Sentinel-2 level 2A spreads reflectance 0 to 0.2 over 0 to
# 255 (Sentinel-2 products specification document, TCI).
_TRUE_COLOUR = {"TCI_B": "B02", "TCI_G": "B03", "TCI_R": "B04"}
_TRUE_COLOUR_SCALE = 0.2 / 255
# So the visible bands of all scenes end there.
_BRIGHTEST = 0.2
_SCALE = 1e-4
_NAMES = {"B2": "B02", "B3": "B03", "B4": "B04", "B8": "B08", "B12": "B12"}
# Added before the logarithm, so that the noise of dark pixels does not rule it;
# arbitrary.
_DARK = 0.02
# Of a normal distribution, the standard deviation in median absolute deviations.
_NORMAL_MAD = 1.4826
_LEAST_SPREAD = 0.02
# dNBR beyond this is water or cloud.
_DNBR = (-0.5, 1.2)
_WINDOWS = (3, 9, 21)
_SPREAD = 9


def read_fires(folder: Path) -> Scenes:
    """Read all fires of a folder.

    Parameters
    ----------
    folder
        In the layout of this module.

    Returns
    -------
    Scenes
        Reflectance of the bands in the order of `FEATURES`, the visible ones at most
        0.2, and dNBR (from ``dnbr``, or else from ``pre``); NaN where missing.

    Raises
    ------
    DataError
        No fires, or an index or file that is damaged, of other bands, or on another
        grid.
    """
    indices = sorted(folder.glob("index/*.json"))
    if not indices:
        raise DataError(folder, "holds no index/<fire>.json", "name another folder")
    values, grids, truth = [], [], []
    for path in indices:
        index = _read_index(path)
        after, grid = _read_scene(folder / index["post"], index["bands"], path)
        dnbr = _read_dnbr(folder, index, path, after, grid)
        values.append(limit_bands(after, dnbr))
        grids.append(grid)
        mask = folder / index["mask"] if "mask" in index else None
        truth.append(
            read_mask(mask, grid) if mask else np.full(grid.shape, np.nan, np.float32)
        )
    names = tuple(path.stem for path in indices)
    labelled = any(np.isfinite(mask).any() for mask in truth)
    return Scenes(
        values=tuple(values),
        place=find_places(names, grids, PLACE_DEGREES),
        name=names,
        grid=tuple(grids),
        truth=tuple(truth) if labelled else None,
    )


def norm_bands(
    numbers: NDArray[np.float32], names: Sequence[str], where: Path
) -> NDArray[np.float32]:
    """Bring bands as they are stored to what the model was given.

    Parameters
    ----------
    numbers
        ``(band, y, x)``: reflectance times 10,000, or numbers of the true colour
        image; 0 in all bands where missing. Overwritten.
    names
        Of the bands: ``B02`` or ``B2``, ``TCI_R``.
    where
        The file, for errors.

    Returns
    -------
    ndarray
        Reflectance of `BANDS`, ``(5, y, x)`` float32, NaN where missing.

    Raises
    ------
    DataError
        If one of them is not there.
    """
    numbers[:, (numbers == 0).all(axis=0)] = np.nan
    found = {}
    for name, plane in zip(names, numbers, strict=True):
        band = _TRUE_COLOUR.get(name) or _NAMES.get(name, name)
        scale = _TRUE_COLOUR_SCALE if name in _TRUE_COLOUR else _SCALE
        found[band] = plane * np.float32(scale)
    missing = [band for band in BANDS if band not in found]
    if missing:
        raise DataError(
            where, f"has no {', '.join(missing)} among {names}", "give those bands"
        )
    return np.stack([found[band] for band in BANDS])


def limit_bands(
    after: NDArray[np.float32], dnbr: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Put together what the model is asked of: `FEATURES`, ``(6, y, x)``.

    Parameters
    ----------
    after
        Reflectance of `BANDS`, ``(5, y, x)``; the visible bands are cut at 0.2,
        where the true colour image ends.
    dnbr
        ``(y, x)``, NaN where not known.
    """
    seen = np.concatenate([after, dnbr[None]])
    seen[:3] = np.minimum(seen[:3], np.float32(_BRIGHTEST))
    return seen


def network_planes(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Make what the network sees of a fire.

    Parameters
    ----------
    values
        ``(6, y, x)`` in the order of `FEATURES`, NaN where missing.

    Returns
    -------
    ndarray
        ``(AFTER + LOSS, y, x)`` float32: log reflectance, NBR, NDVI and the slope
        from red to shortwave infrared, as they are and beside the scene's own median
        in its own spreads; dNBR, as it is and beside its median.
    """
    bands, dnbr = values[:-1], values[-1:]
    own = _channels(bands)
    median, spread = _spread_of(own)
    loss = np.clip(dnbr, *_DNBR)
    return np.concatenate(
        [own, (own - median) / spread, loss, loss - _median(loss)]
    ).astype(np.float32)


def tree_planes(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Make what trees see of a fire: the same, and what lies around.

    Parameters
    ----------
    values
        As in `network_planes`.

    Returns
    -------
    ndarray
        ``(plane, y, x)`` float32, NaN where missing; the last `LOSS` + 3 planes are
        NaN where there is no dNBR.
    """
    planes = network_planes(values)
    after, loss = planes[:AFTER], planes[AFTER:]
    relative = np.nan_to_num(after[AFTER // 2 :])
    around = []
    for side in _WINDOWS:
        mean = _filtered(relative, side)
        around.append(mean)
        if side == _SPREAD:
            square = _filtered(relative**2, side)
            around.append(np.sqrt(np.maximum(square - mean**2, 0)))
    known = np.isfinite(loss).any()
    lost = [
        _filtered(np.nan_to_num(loss[1:]), side)
        if known
        else np.full_like(loss[1:], np.nan)
        for side in _WINDOWS
    ]
    return np.concatenate([after, *around, loss, *lost]).astype(np.float32)


def _channels(bands: NDArray[np.float32]) -> NDArray[np.float32]:
    whole = np.isfinite(bands).all(axis=0)
    floor = np.maximum(np.where(whole, bands, np.nan), 0)
    red, near, short = floor[2], floor[3], floor[4]
    logs = np.log(floor + np.float32(_DARK))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.stack(
            [(near - short) / (near + short), (near - red) / (near + red)]
        )
    ratios = np.where(whole & ~np.isfinite(ratios), 0, ratios)
    return np.concatenate([logs, ratios, logs[4:] - logs[2:3]]).astype(np.float32)


def _spread_of(
    channels: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Median and robust standard deviation of each channel of a scene."""
    median = _median(channels)
    spread = _NORMAL_MAD * _median(np.abs(channels - median)) + _LEAST_SPREAD
    return median, spread


def _median(channels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Median of each channel, ``(channel, 1, 1)``; NaN where nothing is known."""
    flat = channels.reshape(len(channels), -1)
    middle = [np.median(c[np.isfinite(c)]) if np.isfinite(c).any() else np.nan
              for c in flat]  # fmt: skip
    return np.array(middle, np.float32)[:, None, None]


def _filtered(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    return np.stack([uniform_filter(v, side, mode="reflect") for v in values])


def _read_index(path: Path) -> Mapping[str, Any]:
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(path, f"not JSON ({error})", "fetch it again") from None
    if not isinstance(index, dict) or not {"bands", "post"} <= index.keys():
        raise DataError(path, "names no bands or no post", "give both")
    return index


def _read_scene(
    path: Path, names: list[str], index: Path
) -> tuple[NDArray[np.float32], Grid]:
    """Reflectance of `BANDS`, ``(5, y, x)``, NaN where missing."""
    numbers, grid = read_bands(path, len(names))
    return norm_bands(numbers, names, index), grid


def _read_dnbr(
    folder: Path,
    index: Mapping[str, Any],
    path: Path,
    after: NDArray[np.float32],
    grid: Grid,
) -> NDArray[np.float32]:
    """Loss of NBR: as given, else from the scene before, else NaN; ``(y, x)``."""
    for key in ("dnbr", "pre"):
        source = folder / index[key] if key in index else None
        if source is None or not source.exists():
            continue
        if key == "dnbr":
            numbers, other = read_bands(source, 1)
            require_grid(source, other, grid)
            return np.asarray(numbers[0])
        before, other = _read_scene(source, index["bands"], path)
        require_grid(source, other, grid)
        return _nbr(before) - _nbr(after)
    return np.full(grid.shape, np.nan, np.float32)


def _nbr(bands: NDArray[np.float32]) -> NDArray[np.float32]:
    near, short = bands[3], bands[4]
    total = near + short
    return np.where(total > 0, (near - short) / np.where(total > 0, total, 1), np.nan)
