"""A scene's reflectance and usable mask on a grid."""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import rioxarray  # noqa: F401  registers the `rio` accessor for callers
import xarray as xr
from numpy.typing import NDArray
from pyproj import CRS

from agroforest.core.grid import Grid
from agroforest.core.scene import Scene
from agroforest.cube.mask import CLEAR_CLASSES
from agroforest.cube.reader import SceneReader

_Floats = NDArray[np.float32]
_Bools = NDArray[np.bool_]


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
    with SceneReader(
        scene, bands, scl_classes=scl_classes, dilate_m=dilate_m
    ) as reader:
        found = reader.read(grid)
    values = found.values(bands)
    usable = found.clear & ~np.isnan(values).any(axis=0)
    return _build_dataset(scene, grid, dict(zip(bands, values, strict=True)), usable)


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
