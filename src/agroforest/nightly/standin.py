"""Made-up scenes that stand in for a pipeline's own in a rehearsal.

They cost what scenes of Sentinel-2 cost: their files, blocks, bytes a pixel and
clouds are like those of real ones (about 1.3 bytes a pixel, two fifths of the
pixels clear). Nothing of them is ever shown.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from agroforest.core.config import Pipeline
from agroforest.core.grid import Grid, Tile
from agroforest.core.scene import Asset, Granule, MaskKind, Scene, build_scene
from agroforest.cube import write_cog
from agroforest.indices import find_index
from agroforest.indices.season import BANDS

# Different images; more scenes than these share their files.
_IMAGES = 12
_FINE = ("B02", "B03", "B04", "B08")
_LEVEL = 1500.0
_RELIEF, _NOISE = 300.0, 25.0
_CLEAR, _CLOUD = 4, 9  # classes of the SCL
_CLEAR_SHARE = 0.4


def make_scenes(
    pipeline: Pipeline, tile: Tile, folder: Path, count: int
) -> list[Scene]:
    """Write a history of scenes over a tile.

    Parameters
    ----------
    pipeline
        Its indices say which bands there are, its baseline when they were seen.
    tile
        Where.
    folder
        For the files.
    count
        How many scenes.
    """
    bands = sorted(
        {*BANDS, *(b for n in pipeline.indices for b in find_index(n).bands)}
    )
    rng = np.random.default_rng(1)
    images = [
        _write_image(rng, tile.grid, bands, folder / str(n))
        for n in range(min(_IMAGES, count))
    ]
    settings = pipeline.baseline
    step = (settings.end - settings.start) / count
    start = datetime(
        settings.start.year, settings.start.month, settings.start.day, 3, tzinfo=UTC
    )
    return [
        _scene(tile, images[n % len(images)], start + n * step, n) for n in range(count)
    ]


def _scene(
    tile: Tile, assets: dict[str, Asset], sensed: datetime, number: int
) -> Scene:
    return build_scene(
        (
            Granule(
                id=f"made-up-{number}",
                collection="made-up",
                platform="made-up",
                place=tile.id,
                sensed=sensed,
                baseline="00.00",
                crs=tile.grid.crs,
                footprint=tile.footprint(),
                bands={name: a for name, a in assets.items() if name != "SCL"},
                mask=assets["SCL"],
                mask_kind=MaskKind.SCL,
            ),
        )
    )


def _write_image(
    rng: np.random.Generator, grid: Grid, bands: Sequence[str], folder: Path
) -> dict[str, Asset]:
    assets = {}
    for name in (*bands, "SCL"):
        resolution = 10.0 if name in _FINE else 20.0
        own = Grid.from_bounds(
            crs=grid.crs, bounds=grid.bounds, resolution=resolution, snap=20.0
        )
        is_mask = name == "SCL"
        numbers = _classes(rng, own) if is_mask else _reflectance(rng, own)
        write_cog(folder / f"{name}.tif", numbers, own, nodata=0, scale=1.0)
        assets[name] = Asset(
            href=str(folder / f"{name}.tif"),
            scale=1.0 if is_mask else 1e-4,
            nodata=(0,),
            resolution=resolution,
        )
    return assets


def _reflectance(rng: np.random.Generator, grid: Grid) -> NDArray[np.uint16]:
    noise = rng.standard_normal(grid.shape, dtype=np.float32)
    relief = gaussian_filter(noise, 8.0)
    relief /= max(float(relief.std()), 1e-6)
    fine = rng.standard_normal(grid.shape, dtype=np.float32)
    values = _LEVEL + _RELIEF * relief + _NOISE * fine
    numbers: NDArray[np.uint16] = values.clip(1, 10_000).astype(np.uint16)
    return numbers


def _classes(rng: np.random.Generator, grid: Grid) -> NDArray[np.uint8]:
    sky = gaussian_filter(rng.standard_normal(grid.shape, dtype=np.float32), 12.0)
    clear = sky < np.quantile(sky, _CLEAR_SHARE)
    return np.where(clear, _CLEAR, _CLOUD).astype(np.uint8)
