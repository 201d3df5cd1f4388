"""A scene's reflectance and usable mask on a grid."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import rioxarray  # noqa: F401  registers the `rio` accessor for callers
import xarray as xr
from numpy.typing import NDArray
from pyproj import CRS

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.core.scene import Granule, Scene
from agroforest.cube.align import read_flags, read_reflectance
from agroforest.cube.mask import CLEAR_CLASSES, MaskFlag, dilate, judge_mask
from agroforest.cube.source import Source, opened

_Floats = NDArray[np.float32]
_Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Layer:
    """One granule: bands on one grid, mask flags on that grid and its margin."""

    bands: dict[str, _Floats]
    blocked: _Bools
    growing: _Bools


def read(
    scene: Scene,
    grid: Grid,
    bands: Sequence[str],
    *,
    scl_classes: Collection[int] = CLEAR_CLASSES,
    dilate_m: float = 40.0,
) -> xr.Dataset:
    """Reflectance and usable mask of one scene on a grid, eagerly.

    Memory is bounded by the grid: read a large one by `Grid.blocks`. Blocks give
    exactly what the whole grid gives.

    Parameters
    ----------
    scene
        Its granules in order of precedence. Each band takes, at each pixel, the
        first granule with a valid number.
    grid
        Where to; another CRS or resolution than the files' is allowed, see
        `agroforest.cube.align`.
    bands
        Sentinel-2 band names. A band that only some granules have comes from
        those.
    scl_classes
        Scene classes taken as clear.
    dilate_m
        Cloud and shadow are grown by a disc of this radius, in units of the
        grid's CRS; see `agroforest.cube.mask` for which classes grow.

    Returns
    -------
    Dataset
        One variable a band, ``(y, x)`` float32, reflectance; NaN where nothing
        was measured (pixels under cloud keep their number). Variable ``usable``,
        ``(y, x)`` bool: valid in every band asked for, and clear in every
        granule that supplied one. Pixel-centre coordinates, ``rio.crs``, and
        attributes ``scene`` and ``date``.

    Raises
    ------
    DataError
        A band that no granule has; a file that is missing, damaged, without CRS
        or at odds with its product.
    SourceError
        A remote file that does not answer.
    """
    bands = tuple(dict.fromkeys(bands))
    _refuse_missing(scene, bands)
    radius = dilate_m / grid.resolution
    margin = int(radius) + 1 if radius >= 1 else 0
    wide = grid.pad(margin)
    inner = (slice(margin, margin + grid.height), slice(margin, margin + grid.width))
    # With several granules, which of them supplied a pixel matters in the margin
    # as well: its clouds reach into the grid.
    several = len(scene.granules) > 1
    layers = [
        _read_granule(
            granule, wide if several else grid, wide, bands, scl_classes=scl_classes
        )
        for granule in scene.granules
    ]
    layer = _merge(layers, bands) if several else layers[0]
    values = {b: v[inner] if several else v for b, v in layer.bands.items()}
    usable = ~layer.blocked[inner] & ~dilate(layer.growing, radius)[inner]
    for value in values.values():
        usable &= ~np.isnan(value)
    return _build_dataset(scene, grid, values, usable)


def _refuse_missing(scene: Scene, bands: tuple[str, ...]) -> None:
    missing = [b for b in bands if b not in scene.band_names]
    if missing:
        raise DataError(
            scene.id,
            f"has no band {' '.join(missing)}, only "
            f"{' '.join(sorted(scene.band_names)) or 'its mask'}",
            "use other indices or another collection",
        )


def _read_granule(
    granule: Granule,
    grid: Grid,
    wide: Grid,
    bands: tuple[str, ...],
    *,
    scl_classes: Collection[int],
) -> _Layer:
    judge = partial(
        judge_mask,
        kind=granule.mask_kind,
        nodata=granule.mask.nodata,
        scl_classes=scl_classes,
    )
    values: dict[str, _Floats] = {}
    with ExitStack() as files:
        mask = files.enter_context(opened(granule.mask, crs=granule.crs, is_mask=True))
        flags = read_flags(mask, wide, judge)
        for band in bands:
            if band not in granule.bands:
                values[band] = np.full(grid.shape, np.nan, np.float32)
                continue
            with opened(granule.bands[band], crs=granule.crs) as source:
                _refuse_other_extent(source, mask)
                values[band] = read_reflectance(source, grid)
    blocked = (flags & (MaskFlag.KNOWN | MaskFlag.BLOCKED)) != MaskFlag.KNOWN
    return _Layer(
        bands=values, blocked=blocked, growing=(flags & MaskFlag.GROWING) != 0
    )


def _refuse_other_extent(source: Source, mask: Source) -> None:
    pixel = max(source.pixel, mask.pixel)
    apart = max(abs(a - b) for a, b in zip(source.bounds, mask.bounds, strict=True))
    if not apart <= pixel:
        raise DataError(
            source.asset.href,
            f"covers {_spell(source.bounds)}, the mask of its product "
            f"{_spell(mask.bounds)}",
            "fetch the product again",
        )


def _spell(bounds: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{b:.10g}" for b in bounds) + ")"


def _merge(layers: list[_Layer], bands: tuple[str, ...]) -> _Layer:
    """Granules of one grid, the first valid number of each band winning."""
    values = {b: layers[0].bands[b].copy() for b in bands}
    blocked = np.zeros(layers[0].blocked.shape, bool)
    growing = np.zeros_like(blocked)
    growing_anywhere = np.zeros_like(blocked)
    supplied = np.zeros_like(blocked)
    for number, layer in enumerate(layers):
        taken = np.zeros_like(blocked)
        for band in bands:
            offered = ~np.isnan(layer.bands[band])
            if number:
                offered &= np.isnan(values[band])
                np.copyto(values[band], layer.bands[band], where=offered)
            taken |= offered
        blocked |= taken & layer.blocked
        growing |= taken & layer.growing
        growing_anywhere |= layer.growing
        supplied |= taken
    # Where no granule has a number (saturated, say), any cloud counts.
    growing |= growing_anywhere & ~supplied
    return _Layer(bands=values, blocked=blocked, growing=growing)


def _build_dataset(
    scene: Scene, grid: Grid, values: dict[str, _Floats], usable: _Bools
) -> xr.Dataset:
    variables: dict[str, Any] = {
        band: (
            ("y", "x"),
            value,
            {
                "long_name": f"surface reflectance {band}",
                "units": "1",
                "_FillValue": np.float32(np.nan),
            },
        )
        for band, value in values.items()
    }
    variables["usable"] = (("y", "x"), usable, {"long_name": "valid and clear"})
    dataset = xr.Dataset(
        variables,
        coords={
            "y": ("y", grid.y_centres(), _axis("y")),
            "x": ("x", grid.x_centres(), _axis("x")),
            "spatial_ref": ((), 0, _grid_mapping(grid)),
        },
        attrs={"scene": scene.id, "date": scene.date.isoformat()},
    )
    for name in variables:
        dataset[name].encoding["grid_mapping"] = "spatial_ref"
    return dataset


def _axis(name: str) -> dict[str, str]:
    return {"axis": name.upper(), "standard_name": f"projection_{name}_coordinate"}


def _grid_mapping(grid: Grid) -> dict[str, Any]:
    # What `Dataset.rio.write_crs` would write. The accessor itself is not used:
    # it and its dataset hold each other, and so a block's memory would last
    # until the garbage collector's next round.
    t = grid.transform
    corners = (t.c, t.a, t.b, t.f, t.d, t.e)
    return {
        **_crs_attributes(grid.crs),
        "GeoTransform": " ".join(repr(float(c)) for c in corners),
    }


@lru_cache(maxsize=16)
def _crs_attributes(code: str) -> Mapping[str, Any]:
    crs = CRS.from_user_input(code)
    return {**crs.to_cf(), "spatial_ref": crs.to_wkt()}
