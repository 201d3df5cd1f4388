"""Made-up scenes that stand in for a pipeline's own in a rehearsal.

They cost about what scenes of Sentinel-2 cost: files, blocks, bytes a pixel and
clouds are like those of real ones over forest. Nothing of them is ever shown.
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
# Reflectance of forest x 10000; of bands that are not named, the mean.
_LEVELS = {"B02": 400.0, "B03": 600.0, "B04": 500.0, "B08": 3000.0, "B8A": 3200.0}
_LEVEL = 1500.0
# Of the level: by hills and stands. Of the sensor: reflectance x 10000.
_RELIEF, _NOISE = 0.15, 25.0
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
    relief = _smooth(rng, grid)
    for name in (*bands, "SCL"):
        resolution = 10.0 if name in _FINE else 20.0
        own = Grid.from_bounds(
            crs=grid.crs, bounds=grid.bounds, resolution=resolution, snap=20.0
        )
        is_mask = name == "SCL"
        level = _LEVELS.get(name, _LEVEL)
        numbers = (
            _classes(rng, own) if is_mask else _reflectance(rng, own, level, relief)
        )
        write_cog(folder / f"{name}.tif", numbers, own, nodata=0, scale=1.0)
        assets[name] = Asset(
            href=str(folder / f"{name}.tif"),
            scale=1.0 if is_mask else 1e-4,
            nodata=(0,),
            resolution=resolution,
        )
    return assets


def _reflectance(
    rng: np.random.Generator, grid: Grid, level: float, relief: NDArray[np.float32]
) -> NDArray[np.uint16]:
    rows, columns = (
        np.linspace(0, side - 1, count).astype(np.intp)
        for side, count in zip(relief.shape, grid.shape, strict=True)
    )
    noise = rng.standard_normal(grid.shape, dtype=np.float32)
    values = level * (1.0 + _RELIEF * relief[np.ix_(rows, columns)]) + _NOISE * noise
    numbers: NDArray[np.uint16] = values.clip(1, 10_000).astype(np.uint16)
    return numbers


def _smooth(rng: np.random.Generator, grid: Grid) -> NDArray[np.float32]:
    field = gaussian_filter(rng.standard_normal(grid.shape, dtype=np.float32), 8.0)
    return np.asarray(field / max(float(field.std()), 1e-6), dtype=np.float32)


def _classes(rng: np.random.Generator, grid: Grid) -> NDArray[np.uint8]:
    sky = gaussian_filter(rng.standard_normal(grid.shape, dtype=np.float32), 12.0)
    clear = sky < np.quantile(sky, _CLEAR_SHARE)
    return np.where(clear, _CLEAR, _CLOUD).astype(np.uint8)
