"""A simulated Landsat 8 delivery: a level-2 product folder with its MTL file."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray

from agroforest.catalog.landsat import OLI
from agroforest.core.files import write_text
from agroforest.core.grid import WGS84, Grid, reproject
from agroforest.testing.fields import Floats

# Landsat Collection 2 level 2: reflectance = number * 0.0000275 - 0.2.
_SCALE, _OFFSET = 0.0000275, -0.2
# QA_PIXEL: clear, and cloud of high confidence.
_CLEAR, _CLOUD = 21824, 22280
_PATH, _ROW = "125", "044"


def write_landsat(
    grid: Grid,
    folder: Path,
    day: date,
    measured: Mapping[str, Floats],
    *,
    cloud: NDArray[np.bool_] | None = None,
) -> Path:
    """Write one product folder.

    Parameters
    ----------
    grid
        30 m pixels, UTM.
    folder
        Gets a folder named as the product.
    day
        Of the pass.
    measured
        Reflectance by Sentinel-2 band name (see `agroforest.catalog.landsat.OLI`),
        ``(y, x)``.
    cloud
        ``(y, x)`` bool; none unless given.

    Returns
    -------
    Path
        The product folder.
    """
    name = f"LC08_L2SP_{_PATH}{_ROW}_{day:%Y%m%d}_{day:%Y%m%d}_02_T1"
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    numbers = {band: number for number, band in OLI.items() if band in measured}
    for band, number in numbers.items():
        stored = np.rint((measured[band] - _OFFSET) / _SCALE)
        stored = np.broadcast_to(stored.clip(1, 65_535), grid.shape)
        _write(target / f"{name}_SR_B{number}.TIF", stored.astype(np.uint16), grid)
    quality = np.full(grid.shape, _CLEAR, np.uint16)
    if cloud is not None:
        quality[cloud] = _CLOUD
    _write(target / f"{name}_QA_PIXEL.TIF", quality, grid)
    groups = _groups(name, day, grid, sorted(numbers.values()))
    text = json.dumps({"LANDSAT_METADATA_FILE": groups}, indent=1)
    write_text(target / f"{name}_MTL.json", text)
    return target


def _groups(
    name: str, day: date, grid: Grid, numbers: list[int]
) -> dict[str, dict[str, str]]:
    return {
        "PRODUCT_CONTENTS": {
            "LANDSAT_PRODUCT_ID": name,
            "PROCESSING_LEVEL": "L2SP",
            "COLLECTION_NUMBER": "02",
            "FILE_NAME_QUALITY_L1_PIXEL": f"{name}_QA_PIXEL.TIF",
            **{f"FILE_NAME_BAND_{n}": f"{name}_SR_B{n}.TIF" for n in numbers},
        },
        "IMAGE_ATTRIBUTES": {
            "SPACECRAFT_ID": "LANDSAT_8",
            "WRS_PATH": _PATH,
            "WRS_ROW": _ROW,
            "DATE_ACQUIRED": day.isoformat(),
            "SCENE_CENTER_TIME": "03:05:10.1234560Z",
            "CLOUD_COVER": "0.00",
        },
        "PROJECTION_ATTRIBUTES": {
            "MAP_PROJECTION": "UTM",
            "UTM_ZONE": grid.crs[-2:],
            **_corners(grid),
        },
        "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS": {
            key: value
            for n in numbers
            for key, value in (
                (f"REFLECTANCE_MULT_BAND_{n}", str(_SCALE)),
                (f"REFLECTANCE_ADD_BAND_{n}", str(_OFFSET)),
            )
        },
    }


def _corners(grid: Grid) -> dict[str, str]:
    left, bottom, right, top = grid.bounds
    points = {
        "UL": (left, top),
        "UR": (right, top),
        "LR": (right, bottom),
        "LL": (left, bottom),
    }
    found = {}
    for corner, point in points.items():
        lonlat = reproject(shapely.Point(point), grid.crs, WGS84)
        longitude, latitude = shapely.get_coordinates(lonlat)[0]
        found[f"CORNER_{corner}_LON_PRODUCT"] = f"{longitude:.7f}"
        found[f"CORNER_{corner}_LAT_PRODUCT"] = f"{latitude:.7f}"
    return found


def _write(path: Path, values: NDArray[np.uint16], grid: Grid) -> None:
    with rasterio.open(
        path,
        "w",
        driver="COG",
        height=grid.height,
        width=grid.width,
        count=1,
        dtype=values.dtype,
        crs=grid.crs,
        transform=grid.transform,
        nodata=0 if "_SR_" in path.name else 1,
        compress="DEFLATE",
    ) as target:
        target.write(values, 1)
