"""Small rasters and parcels whose figures can be worked out by hand."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike

from agroforest.core.grid import Grid
from agroforest.cube import write_cog
from agroforest.products.zonal import ZonalReport, ZonalRequest, write_zonal

CRS = "EPSG:32649"
LEFT, TOP = 500_000.0, 2_500_000.0  # on the central meridian of the zone


def grid_of(height: int, width: int, resolution: float = 10.0) -> Grid:
    return Grid(
        crs=CRS,
        left=LEFT,
        top=TOP,
        resolution=resolution,
        width=width,
        height=height,
    )


def raster(path: Path, numbers: ArrayLike, **options: Any) -> Path:
    """Write numbers as int16 with four decimals, pixels of 10 m, nodata -32768."""
    array = np.asarray(numbers)
    if array.dtype.kind == "i" and "dtype" not in options:
        array = array.astype(np.int16)
    resolution = options.pop("resolution", 10.0)
    height, width = array.shape
    write_cog(path, array, grid_of(height, width, resolution), **options)
    return path


def box(left: float, top: float, right: float, bottom: float) -> shapely.Polygon:
    """Rectangle in metres from the raster's upper left corner, y downwards."""
    return shapely.box(LEFT + left, TOP - bottom, LEFT + right, TOP - top)


def parcels(
    path: Path, outlines: Sequence[Any], *, crs: str = CRS, **fields: Any
) -> Path:
    frame = geopandas.GeoDataFrame(
        fields or {"name": [f"地块{n}" for n in range(len(outlines))]},
        geometry=list(outlines),
        crs=CRS,
    )
    if crs != CRS:
        frame = frame.to_crs(crs)
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        # An index would reorder the features, and takes none without geometry.
        plain = {"SPATIAL_INDEX": "NO"} if path.suffix == ".fgb" else {}
        frame.to_file(path, engine="pyogrio", **plain)
    return path


def summarise(
    rasters: Path | Sequence[Path], outlines: Path, out: Path, **options: Any
) -> tuple[Any, ZonalReport]:
    """Write statistics and read the parcels' table back."""
    files = (rasters,) if isinstance(rasters, Path) else tuple(rasters)
    report = write_zonal(
        ZonalRequest(rasters=files, parcels=outlines, out=out, **options)
    )
    return read(out), report


def read(path: Path, layer: str = "parcels") -> Any:
    """Table as a data frame, with geometry where the file has any."""
    if path.suffix == ".csv":
        return pd.read_csv(path)
    if path.suffix == ".gpkg":
        return geopandas.read_file(path, layer=layer)
    return (geopandas if layer == "parcels" else pd).read_parquet(path)
