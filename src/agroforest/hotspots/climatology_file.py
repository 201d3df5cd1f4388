"""A climatology as a file: GeoTIFF of 36 bands, which any GIS opens."""

from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import RasterioError

from agroforest.core.errors import DataError
from agroforest.core.files import replacing
from agroforest.core.grid import WGS84
from agroforest.hotspots.climatology import PERIODS, CellGrid, Climatology

_KIND = "hotspot climatology"
_UNIT = "expected detections per cell and day"


def write_climatology(path: Path, climatology: Climatology, **tags: str) -> None:
    """Write a climatology; `tags` say what it was learned from."""
    grid = climatology.grid
    height, width = grid.inside.shape
    with (
        replacing(path) as scratch,
        rasterio.open(
            scratch,
            "w",
            driver="GTiff",
            height=height,
            width=width,
            count=len(PERIODS),
            dtype="float32",
            crs=WGS84,
            transform=rasterio.Affine(
                grid.step, 0, grid.west, 0, -grid.step, grid.north
            ),
            nodata=np.nan,
            compress="deflate",
            predictor=3,
        ) as raster,
    ):
        raster.write(climatology.rate)
        raster.update_tags(kind=_KIND, unit=_UNIT, **tags)
        for number, middle in enumerate(PERIODS.tolist(), start=1):
            raster.set_band_description(number, f"day {middle:.0f} of the year")


def read_climatology(path: Path) -> Climatology:
    """Read what `write_climatology` wrote.

    Raises
    ------
    DataError
        It is something else, or damaged.
    """
    try:
        with rasterio.open(path, driver="GTiff") as raster:
            kind, corner = raster.tags().get("kind"), raster.transform
            if kind != _KIND or raster.count != len(PERIODS):
                raise DataError(
                    path,
                    "is no hotspot climatology",
                    "make one with agroforest fire climatology",
                )
            rate = raster.read()
    except RasterioError as error:
        raise DataError(path, f"cannot be read ({error})", "make it anew") from error
    grid = CellGrid(
        west=corner.c, north=corner.f, step=corner.a, inside=np.isfinite(rate[0])
    )
    return Climatology(grid=grid, rate=rate)
