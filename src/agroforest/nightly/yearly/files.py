"""Where the files of a yearly comparison are, and how they are written."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError, RasterioIOError
from rasterio.windows import Window

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.core.identity import digest_file
from agroforest.cube import write_cog, write_item
from agroforest.nightly.plan import TileTask
from agroforest.nightly.workplace import Workplace
from agroforest.products.composite import Composite, SeasonScenes, build_composite

DAMAGE, CAUSE = "canopy-damage", "disturbance-cause"


def composite_path(place: Workplace, tile: str, year: int, *, landsat: bool) -> Path:
    """Composite of a year: layout of ``agroforest model predict canopy-damage``."""
    folder = "landsat" if landsat else "composites"
    return place.folder / folder / str(year) / f"{tile}.tif"


def damage_path(place: Workplace, tile: str, year: int) -> Path:
    """Probability that canopy was damaged since the year before."""
    return place.folder / "risk" / DAMAGE / str(year) / f"{tile}.tif"


def cause_path(place: Workplace, tile: str, year: int) -> Path:
    """Likeliest cause of pixels under alerts and damage."""
    return place.folder / "risk" / CAUSE / str(year) / f"{tile}.tif"


def sweep(task: TileTask) -> None:
    """Remove what killed workers left half-written of this tile."""
    folder, tile = task.workplace.folder, task.tile.id
    for kind in ("composites", "landsat", f"risk/{DAMAGE}", f"risk/{CAUSE}"):
        for depth in ("*", "*/count"):
            for scratch in (folder / kind).glob(f"{depth}/.{tile}.*.part*"):
                scratch.unlink(missing_ok=True)


def composite(
    task: TileTask, season: SeasonScenes, year: int, *, landsat: bool
) -> tuple[Composite, dict[str, str]]:
    """Build a composite, unless it is there; with SHA-256 by path."""
    path = composite_path(task.workplace, task.tile.id, year, landsat=landsat)
    made = build_composite(season, path)
    files = (made.path, made.item, made.count, made.count_item)
    return made, checksums(task, files)


def read_numbers(
    path: Path, window: tuple[slice, slice] | None = None
) -> NDArray[np.uint16]:
    """Numbers of a composite, ``(band, y, x)``, in a window or all.

    Raises
    ------
    DataError
        If the file cannot be read.
    """
    part = None if window is None else Window.from_slices(*window)
    try:
        with rasterio.open(path, driver="GTiff") as data:
            return np.asarray(data.read(window=part))
    except (RasterioError, RasterioIOError) as error:
        raise DataError(path, f"cannot be read ({error})", "remove it") from error


def write_map(
    task: TileTask,
    path: Path,
    array: NDArray[Any],
    grid: Grid,
    *,
    nodata: float,
    scale: float,
    title: str,
    properties: Mapping[str, object],
) -> dict[str, str]:
    """Write a raster and its STAC item; SHA-256 by path."""
    simulated = task.pipeline.simulated
    write_cog(
        path,
        array,
        grid,
        nodata=nodata,
        scale=scale,
        description=title,
        tags={"simulated": "yes"} if simulated else {},
        overviews="nearest" if scale == 1.0 else "average",
    )
    item = write_item(
        path,
        datetime.combine(task.night, time(), tzinfo=UTC),
        title=title,
        properties={**properties, "agroforest:simulated": simulated},
    )
    return checksums(task, (path, item))


def checksums(task: TileTask, paths: Sequence[Path]) -> dict[str, str]:
    """SHA-256 by path relative to the work folder."""
    root = task.workplace.root
    return {str(p.relative_to(root)): digest_file(p) for p in paths}
