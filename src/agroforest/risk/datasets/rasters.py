"""Rasters of labelled scenes: bands, masks, and which scenes are one place."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.windows
from numpy.typing import NDArray
from rasterio.errors import RasterioError, RasterioIOError
from scipy.cluster.hierarchy import fcluster, linkage

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.risk.blocks import Window


def read_bands(
    path: Path, count: int, window: Window | None = None
) -> tuple[NDArray[np.float32], Grid]:
    """Read bands of a GeoTIFF as they are stored.

    Parameters
    ----------
    path
        The file.
    count
        Bands it must have.
    window
        Rows and columns to read, inside the file; all of them unless given.

    Returns
    -------
    tuple
        ``(band, y, x)`` float32 and the grid of what was read.

    Raises
    ------
    DataError
        Missing, damaged, other bands, no CRS, or pixels not square and north-up.
    """
    with _opened(path) as data:
        grid = _grid(path, data, count)
        if window is None:
            return data.read(out_dtype="float32"), grid
        rows, columns = window
        numbers = data.read(
            window=rasterio.windows.Window.from_slices(rows, columns),
            out_dtype="float32",
        )
    return numbers, grid.patch(
        left=grid.left + columns.start * grid.resolution,
        top=grid.top - rows.start * grid.resolution,
        width=numbers.shape[2],
        height=numbers.shape[1],
    )


def read_grid(path: Path, count: int) -> Grid:
    """Read where the pixels of a GeoTIFF are, without reading them.

    Raises
    ------
    DataError
        As `read_bands`.
    """
    with _opened(path) as data:
        return _grid(path, data, count)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with rasterio.open(path, driver="GTiff") as data:
            yield data
    except (RasterioError, RasterioIOError) as error:
        reason = " ".join(str(error.__cause__ or error).split())
        raise DataError(
            path, f"cannot be read as GeoTIFF ({reason})", "fetch it again"
        ) from error


def _grid(path: Path, data: Any, count: int) -> Grid:  # noqa: ANN401  rasterio has no types
    t, crs = data.transform, data.crs
    if data.count != count:
        raise DataError(path, f"has {data.count} bands", f"give {count} bands")
    if crs is None or t.b or t.d or t.a <= 0 or abs(t.a + t.e) > 1e-6 * t.a:
        raise DataError(
            path,
            f"has CRS {crs} and pixels {tuple(t)[:6]}",
            "give a CRS and square north-up pixels",
        )
    code = crs.to_epsg()
    return Grid(
        crs=f"EPSG:{code}" if code else crs.to_wkt(),
        left=t.c,
        top=t.f,
        resolution=t.a,
        width=data.width,
        height=data.height,
    )


def read_mask(path: Path, grid: Grid) -> NDArray[np.float32]:
    """Read where something is so: 1, or 0; NaN all over if there is no such file.

    Raises
    ------
    DataError
        As `read_bands`; or another grid.
    """
    if not path.exists():
        return np.full(grid.shape, np.nan, np.float32)
    numbers, own = read_bands(path, 1)
    require_grid(path, own, grid)
    return np.asarray(numbers[0] == 1, np.float32)


def require_grid(path: Path, found: Grid, wanted: Grid) -> None:
    """Refuse a file that lies elsewhere.

    Raises
    ------
    DataError
        If it is not on the grid wanted, to a hundredth of a pixel.
    """
    off = max(abs(found.left - wanted.left), abs(found.top - wanted.top))
    if (
        found.crs != wanted.crs
        or found.shape != wanted.shape
        or off > 0.01 * wanted.resolution
    ):
        raise DataError(
            path,
            f"is {found.shape} pixels at {found.left}, {found.top} ({found.crs})",
            f"warp it to {wanted.shape} at {wanted.left}, {wanted.top} ({wanted.crs})",
        )


def find_places(
    names: Sequence[str], grids: Sequence[Grid], nearer_than: float
) -> NDArray[np.str_]:
    """Tell scenes of one place from scenes of another.

    Parameters
    ----------
    names
        Of the scenes.
    grids
        Of the scenes, in one CRS.
    nearer_than
        Centres that chain together with shorter steps are one place, in units of
        the CRS.

    Returns
    -------
    ndarray
        ``(scene,)``: the first name of the place a scene belongs to.
    """
    if len(names) == 1:
        return np.array(names, np.str_)
    centres = np.array(
        [((b[0] + b[2]) / 2, (b[1] + b[3]) / 2) for b in (g.bounds for g in grids)]
    )
    groups = fcluster(linkage(centres, "single"), nearer_than, "distance")
    first = {g: min(n for n, o in zip(names, groups, strict=True) if o == g)
             for g in np.unique(groups)}  # fmt: skip
    return np.array([first[g] for g in groups], np.str_)
