"""Land-cover masks: which share of a pixel is of one kind."""

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.errors import RasterioError, RasterioIOError
from rasterio.warp import Resampling, reproject

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid


def read_cover(path: Path, grid: Grid) -> NDArray[np.float32]:
    """Share of each pixel of a grid that a mask covers; see `warp_cover`."""
    return warp_cover(path, grid.crs, grid.transform, grid.shape)


def warp_cover(
    path: Path, crs: str, transform: Affine, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Share of each pixel that a mask covers.

    Parameters
    ----------
    path
        A one-band GeoTIFF in any CRS; every number above 0 but its nodata counts.
    crs, transform, shape
        Where to bring it.

    Returns
    -------
    ndarray
        ``(y, x)`` float32, 0..1; 0 outside the file.

    Raises
    ------
    DataError
        If the file cannot be read or has no CRS.
    """
    share = np.zeros(shape, dtype=np.float32)
    try:
        with rasterio.open(path, driver="GTiff") as data:
            if data.crs is None:
                raise DataError(path, "has no CRS", "assign its CRS and save it again")
            values = data.read(1)
            covered = values > 0
            if data.nodata is not None:
                covered &= values != data.nodata
            reproject(
                covered.astype(np.float32),
                share,
                src_transform=data.transform,
                src_crs=data.crs,
                dst_transform=transform,
                dst_crs=crs,
                resampling=Resampling.average,
            )
    except (RasterioError, RasterioIOError) as error:
        raise DataError(
            path, f"cannot be read as GeoTIFF ({error})", "make it again"
        ) from error
    return share
