"""Index and risk maps on disk, each with its STAC item."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agroforest.core.grid import Grid
from agroforest.core.identity import digest_file
from agroforest.core.risk import Hazard, RiskMap
from agroforest.cube import read_cog, write_cog, write_item
from agroforest.indices import decode, encode, find_index
from agroforest.nightly.observe import DayImage
from agroforest.nightly.plan import TileTask
from agroforest.nightly.workplace import Workplace

_LAYERS = ("probability", "evidence", "since")


def write_indices(task: TileTask, image: DayImage) -> dict[str, str]:
    """Write the index maps of a day; none when no pixel was usable.

    Returns
    -------
    dict
        SHA-256 by path relative to the work folder, items included.
    """
    if not image.usable.any():
        return {}
    written: dict[str, str] = {}
    for name, numbers in image.indices.items():
        path = task.workplace.index(task.tile.id, image.day, name)
        written |= _write(
            task,
            path,
            numbers,
            moment=image.scenes[0].sensed,
            title=find_index(name).title_en,
            properties={
                "agroforest:index": name,
                "agroforest:scenes": [s.id for s in image.scenes],
            },
        )
    return written


def write_risk(task: TileTask, risk: RiskMap) -> dict[str, str]:
    """Write probability, evidence and since of a risk map; as `write_indices`."""
    layers: Mapping[str, NDArray[np.int16] | NDArray[np.int32]] = {
        "probability": encode(risk.probability),
        "evidence": risk.evidence,
        "since": risk.since,
    }
    written: dict[str, str] = {}
    for layer, array in layers.items():
        written |= _write(
            task,
            task.workplace.risk(task.tile.id, task.night, risk.hazard, layer),
            array,
            moment=datetime.combine(task.night, time(), tzinfo=UTC),
            title=f"{risk.hazard} {layer}",
            properties={
                "agroforest:hazard": str(risk.hazard),
                "agroforest:model": risk.model,
                "agroforest:threshold": risk.threshold,
            },
        )
    return written


def read_risk(
    workplace: Workplace,
    *,
    tile: str,
    night: date,
    hazard: Hazard,
    model: str,
    threshold: float,
) -> RiskMap:
    """Inverse of `write_risk`."""
    rasters = {
        layer: read_cog(workplace.risk(tile, night, hazard, layer)) for layer in _LAYERS
    }
    return RiskMap(
        tile=tile,
        grid=rasters["evidence"].grid,
        night=night,
        hazard=hazard,
        model=model,
        threshold=threshold,
        probability=decode(rasters["probability"].array),
        evidence=rasters["evidence"].array,
        since=rasters["since"].array,
    )


def read_index(
    workplace: Workplace, *, tile: str, day: date, name: str
) -> tuple[Grid, NDArray[np.float32]]:
    """Index values of a day, NaN where not usable, and their grid."""
    raster = read_cog(workplace.index(tile, day, name))
    return raster.grid, decode(raster.array)


def _write(
    task: TileTask,
    path: Path,
    array: NDArray[np.int16] | NDArray[np.int32],
    *,
    moment: datetime,
    title: str,
    properties: Mapping[str, object],
) -> dict[str, str]:
    """Write a raster and its item; days are kept as they are, with 0 as nodata."""
    simulated = task.pipeline.simulated
    days = array.dtype == np.int32
    write_cog(
        path,
        array,
        task.tile.grid,
        nodata=0 if days else -32768,
        scale=1.0 if days else 1e-4,
        description=title,
        tags={"simulated": "yes"} if simulated else {},
        overviews="nearest" if days else "average",
    )
    item = write_item(
        path,
        moment,
        title=title,
        properties={**properties, "agroforest:simulated": simulated},
    )
    root = task.workplace.root
    return {str(p.relative_to(root)): digest_file(p) for p in (path, item)}
