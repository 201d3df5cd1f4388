"""Which pixels of a cube are forest, as a mask beside it says."""

import warnings
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import (
    NotGeoreferencedWarning,
    RasterioError,
    RasterioIOError,
)

from agroforest.core.errors import DataError
from agroforest.cube import warp_cover
from agroforest.monitor.cube import Cube
from agroforest.monitor.layout import NOWHERE


def read_forest(path: Path, cube: Cube) -> NDArray[np.bool_]:
    """Bring a mask to a cube.

    Parameters
    ----------
    path
        A one-band GeoTIFF; every number above 0 but its nodata is forest. With as many
        rows and columns as the cube it is taken pixel for pixel, else it is warped,
        and a pixel is forest where the mask covers half of it.
    cube
        The cube.

    Returns
    -------
    ndarray
        ``(y, x)`` bool.

    Raises
    ------
    DataError
        If it cannot be read, cannot be warped for want of a CRS, or shows no forest
        where the cube lies.
    """
    try:
        with (
            warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning),
            rasterio.open(path, driver="GTiff") as data,
        ):
            # Without a place rows are as they are drawn: from the top.
            down = data.crs is None or data.transform.e < 0
            same = data.shape == cube.shape and down
            covered = data.read(1, masked=True).filled(0) > 0 if same else None
    except (RasterioError, RasterioIOError) as error:
        raise DataError(
            path, f"cannot be read as GeoTIFF ({error})", "make it again"
        ) from error
    if covered is None:
        if cube.crs == NOWHERE:
            raise DataError(
                path,
                f"is not {cube.shape}, and the cube says no CRS",
                "give a mask of the cube's rows and columns, or --crs",
            )
        covered = warp_cover(path, cube.crs, cube.transform, cube.shape) >= 0.5
    if not covered.any():
        raise DataError(path, "shows no forest where the cube lies", "give another")
    return np.asarray(covered, bool)
