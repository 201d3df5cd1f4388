"""How much planned tasks have to do, looked up without reading a pixel.

Bytes are those of the blocks that a tile touches, from each file's own table of
blocks. Where there are many tasks or scenes, some are looked at and speak for the
others.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.errors import RasterBlockError
from rasterio.warp import transform_bounds

from agroforest.catalog.href import is_local
from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.core.scene import Asset, Granule, Scene
from agroforest.cube.source import opened
from agroforest.indices import find_index
from agroforest.indices.season import BANDS
from agroforest.nightly.forest import read_forest
from agroforest.nightly.outlook.figures import Load
from agroforest.nightly.plan import TaskKind, TileTask

#: Tasks and scenes of a task that are looked at. Arbitrary: a thousand files or so.
_TASKS, _SCENES = 40, 12
# GDAL reads so much of a file before it knows what it is.
_HEAD_BYTES = 16_384
# Forest is looked up on pixels so many times coarser.
_COARSE = 8
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Volume:
    """Bytes of files that tasks touch.

    Attributes
    ----------
    masks, bands
        Local bytes. The bands of a scene are read only where its mask shows
        something clear.
    remote
        Files behind a URL: how much of them is read is not known before.
    """

    masks: float = 0.0
    bands: float = 0.0
    remote: float = 0.0

    def __add__(self, other: "Volume") -> "Volume":
        return Volume(
            masks=self.masks + other.masks,
            bands=self.bands + other.bands,
            remote=self.remote + other.remote,
        )

    def times(self, factor: float) -> "Volume":
        """So many times as much."""
        return Volume(
            masks=self.masks * factor,
            bands=self.bands * factor,
            remote=self.remote * factor,
        )

    def expected(self, seen: float) -> float:
        """Local bytes that are read when a share `seen` of scenes shows anything."""
        return self.masks + self.bands * seen


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """What tasks have to do.

    Attributes
    ----------
    loads
        One a task.
    volume
        Of all tasks.
    looked_at
        How many tasks were looked at; they speak for the others.
    """

    loads: tuple[Load, ...]
    volume: Volume
    looked_at: int


def survey(tasks: Sequence[TileTask]) -> Survey:
    """Look up how much tasks have to do.

    Parameters
    ----------
    tasks
        Planned tasks.

    Returns
    -------
    Survey
        A file that cannot be opened counts nothing: the night will put it aside.
    """
    chosen = spread(tasks, _TASKS)
    volume = sum((measure_volume(task) for task in chosen), Volume())
    seen = sum(_scene_mpx(task) for task in chosen)
    shares = [forest_share(task) for task in chosen]
    ground = sum(_mpx(task) for task in chosen)
    mean = (
        sum(s * _mpx(t) for s, t in zip(shares, chosen, strict=True)) / ground
        if ground
        else 0.0
    )
    known = {t.id: s for t, s in zip(chosen, shares, strict=True)}
    total = sum(_scene_mpx(task) for task in tasks)
    return Survey(
        loads=tuple(
            Load(
                scenes=len(task.scenes),
                mpx=_mpx(task),
                forest_mpx=_mpx(task) * known.get(task.id, mean),
            )
            for task in tasks
        ),
        volume=volume.times(total / seen) if seen else volume,
        looked_at=len(chosen),
    )


def measure_volume(task: TileTask) -> Volume:
    """Bytes that a task touches; of many scenes, some speak for the others."""
    chosen = spread(task.scenes, _SCENES)
    volume = sum((_of_scene(task, scene) for scene in chosen), Volume())
    return volume.times(len(task.scenes) / len(chosen)) if chosen else volume


def forest_share(task: TileTask) -> float:
    """Share of a tile's pixels that are forest, from coarser pixels."""
    grid = task.tile.grid
    coarse = grid.at_resolution(grid.resolution * _COARSE)
    share = float(read_forest(task.patch(tile=replace(task.tile, grid=coarse))).mean())
    # The coarse grid may reach over the tile's edge.
    return min(1.0, share * coarse.width * coarse.height * _COARSE**2 / pixels(grid))


def pixels(grid: Grid) -> int:
    """Pixels of a grid."""
    return grid.width * grid.height


def spread(values: Sequence[_T], count: int) -> list[_T]:
    """At most `count` of some values, evenly spread from the first to the last."""
    if len(values) <= count:
        return list(values)
    places = np.linspace(0, len(values) - 1, count).round().astype(int)
    return [values[n] for n in places]


def _mpx(task: TileTask) -> float:
    return pixels(task.tile.grid) / 1e6


def _scene_mpx(task: TileTask) -> float:
    return _mpx(task) * len(task.scenes)


def _of_scene(task: TileTask, scene: Scene) -> Volume:
    names = task.pipeline.indices if task.kind == TaskKind.NIGHT else ()
    wanted = set(BANDS)
    for name in names:
        try:
            wanted.update(find_index(name).resolve(scene.band_names))
        except DataError:
            return Volume()  # the night will refuse it
    volume = Volume()
    for granule in scene.granules:
        bands = [granule.bands[b] for b in sorted(wanted & granule.bands.keys())]
        volume += Volume(
            masks=_touched(granule, [granule.mask], task.tile.grid),
            bands=_touched(granule, bands, task.tile.grid),
            remote=sum(not is_local(a.href) for a in (granule.mask, *bands)),
        )
    return volume


def _touched(granule: Granule, assets: Iterable[Asset], grid: Grid) -> float:
    local = (a for a in assets if is_local(a.href))
    found = (_table(asset, granule.crs) for asset in local)
    return float(sum(table.touched(grid) for table in found if table is not None))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Table:
    """Bytes of a file's blocks, and where they lie.

    Attributes
    ----------
    crs, transform
        Of the file's pixels, which are north-up.
    shape
        Rows and columns.
    block
        Rows and columns of a block.
    lengths
        ``(down, across)`` bytes of each block.
    head
        Bytes read before any block.
    """

    crs: str
    transform: Affine
    shape: tuple[int, int]
    block: tuple[int, int]
    lengths: NDArray[np.float64]
    head: int

    def touched(self, grid: Grid) -> float:
        """Bytes of the blocks that a grid touches, and of the head."""
        bounds = grid.bounds
        if grid.crs != self.crs:
            bounds = transform_bounds(grid.crs, self.crs, *bounds)
        t = ~self.transform
        left, top = t.a * bounds[0] + t.c, t.e * bounds[3] + t.f
        right, bottom = t.a * bounds[2] + t.c, t.e * bounds[1] + t.f
        rows = self._blocks(top, bottom, axis=0)
        columns = self._blocks(left, right, axis=1)
        return self.head + float(self.lengths[rows, columns].sum())

    def _blocks(self, first: float, end: float, *, axis: int) -> slice:
        size, block = self.shape[axis], self.block[axis]
        # A corner a millimetre off is on the pixel's edge.
        start = max(0, int(np.floor(first + 1e-3)))
        stop = min(size, int(np.ceil(end - 1e-3)))
        return slice(start // block, max(start // block, -(-stop // block)))


@lru_cache(maxsize=4096)
def _table(asset: Asset, crs: str) -> _Table | None:
    """Table of a local file's blocks; ``None`` where it cannot be opened."""
    try:
        with opened(asset, crs=crs, is_mask=True) as source:
            size = Path(source.data.name).stat().st_size
            return _Table(
                crs=crs,
                transform=source.transform,
                shape=source.shape,
                block=source.data.block_shapes[0],
                lengths=_lengths(source.data, size),
                head=min(size, _HEAD_BYTES),
            )
    except (DataError, OSError):
        return None


def _lengths(data: Any, size: int) -> NDArray[np.float64]:  # noqa: ANN401  no types
    """Bytes of each block; a JPEG 2000 file says nothing of its own, so all alike."""
    height, width = data.block_shapes[0]
    down, across = -(-data.height // height), -(-data.width // width)
    if data.driver != "GTiff":
        return np.full((down, across), size / (down * across))
    lengths = np.zeros((down, across))
    for row, column in np.ndindex(down, across):
        # A block that is not stored has no size, and rasterio complains.
        with suppress(RasterBlockError):
            lengths[row, column] = data.block_size(1, row, column)
    return lengths
