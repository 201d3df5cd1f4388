"""Index maps of a scene in one pass: each band read once, each block written once.

    blocks of the grid, shared out over threads
        read        the mask; the bands, if anything is clear, as they are stored
        compute     strips that stay in the cache: reflectance, then all indices
        write       compressed tiles and overviews of every index

Nothing is ever held whole, so memory depends on the threads and not on the scene.
"""

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.core.scene import Scene
from agroforest.cube import (
    BLOCK,
    CLEAR_CLASSES,
    Access,
    Codec,
    CogWriter,
    DecodedCache,
    RemoteSession,
    SceneReader,
    write_item,
)
from agroforest.indices.encoding import NODATA, SCALE
from agroforest.indices.fused import Recipe, build_recipe
from agroforest.indices.optram import EdgeCounts, Edges
from agroforest.indices.registry import find_index
from agroforest.products.compute import MaskRule, compute, count_edges, sample_blocks

#: Called with blocks done and blocks in all.
Progress = Callable[[int, int], None]
# Opens some bands of the scene.
_OpenBands = Callable[[Sequence[str]], SceneReader]


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexMap:
    """One index map on disk.

    Attributes
    ----------
    path, item
        The raster and its STAC item.
    sha256
        Of the raster.
    valid
        Pixels with a value.
    """

    path: Path
    item: Path
    sha256: str
    valid: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SceneMaps:
    """Index maps of one scene.

    Attributes
    ----------
    grid
        Of all maps.
    maps
        By index, in the order asked for.
    """

    grid: Grid
    maps: dict[str, IndexMap] = field(default_factory=dict)


def map_scene(
    scene: Scene,
    names: Sequence[str],
    out: Path,
    *,
    name: str,
    grid: Grid | None = None,
    scl_classes: Collection[int] = CLEAR_CLASSES,
    dilate_m: float = 0.0,
    codec: Codec = "zstd",
    workers: int = 1,
    cache: DecodedCache | None = None,
    progress: Progress | None = None,
) -> SceneMaps:
    """Write index maps of a scene and their STAC items.

    Parameters
    ----------
    scene
        What was seen.
    names
        Indices; any number of them costs one read of each band.
    out
        Folder; the maps are called ``<name>_<index>.tif``.
    name
        Of the scene in file names.
    grid
        Of the maps; that of the finest band in use unless given.
    scl_classes, dilate_m
        What counts as clear; see `MaskRule`.
    codec
        Compression.
    workers
        Threads.
    cache
        Where JPEG 2000 files are kept decoded.
    progress
        Called as blocks are done.

    Returns
    -------
    SceneMaps
        The same scene and arguments give the same bytes, with any number of
        threads. No map appears before all are whole.

    Raises
    ------
    ConfigurationError
        An unknown index.
    DataError
        A band that the scene lacks; a damaged file; several granules without a
        grid.
    SourceError
        A remote file that does not answer.
    """
    recipe = build_recipe(names, scene.band_names)
    mask = MaskRule(scl_classes=scl_classes, dilate_m=dilate_m)
    paths = [out / f"{name}_{index}.tif" for index in recipe.names]
    with RemoteSession() as session:
        access = Access(session=session, cache=cache)
        grid = grid or find_grid(scene, recipe.bands, access)
        sums, valid = _write(
            recipe,
            grid,
            paths,
            open_bands=lambda bands: mask.reader(scene, bands, access),
            codec=codec,
            workers=workers,
            progress=progress or _silent,
        )
    made = SceneMaps(grid=grid)
    for index, path, sha256, count in zip(
        recipe.names, paths, sums, valid, strict=True
    ):
        item = write_item(
            path,
            scene.sensed,
            title=find_index(index).title_en,
            properties={
                "agroforest:index": index,
                "agroforest:scenes": [g.id for g in scene.granules],
            },
            sha256=sha256,
        )
        made.maps[index] = IndexMap(path=path, item=item, sha256=sha256, valid=count)
    return made


def find_grid(scene: Scene, bands: Sequence[str], access: Access | None = None) -> Grid:
    """Grid of the finest of some bands, as its file has it.

    Raises
    ------
    DataError
        If the scene has several granules, or the file is not north-up.
    """
    if len(scene.granules) > 1:
        raise DataError(
            scene.id,
            f"is of {len(scene.granules)} granules",
            "name one product, or run a pipeline, which merges them",
        )
    assets = scene.granules[0].bands
    finest = min(bands, key=lambda band: assets[band].resolution)
    with SceneReader(scene, (finest,), access=access) as reader:
        return reader.grid_of(finest)


def _write(
    recipe: Recipe,
    grid: Grid,
    paths: Sequence[Path],
    *,
    open_bands: _OpenBands,
    codec: Codec,
    workers: int,
    progress: Progress,
) -> tuple[list[str], list[int]]:
    """Write the maps; SHA-256 and pixels with a value, by index."""
    edges = _find_edges(recipe, grid, open_bands, workers)
    blocks = list(grid.blocks(BLOCK))
    counts = np.zeros((len(blocks), len(recipe.names)), np.int64)
    queue = _Queue(len(blocks), progress)
    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                CogWriter(
                    path,
                    grid,
                    "int16",
                    NODATA,
                    scale=SCALE,
                    description=find_index(index).title_en,
                    codec=codec,
                )
            )
            for index, path in zip(recipe.names, paths, strict=True)
        ]

        def work() -> None:
            with queue.failing(), open_bands(recipe.bands) as files:
                for number in queue:
                    found = files.read_clear(blocks[number].grid)
                    if found is None:
                        continue  # what is never written is nodata
                    numbers = compute(found, recipe, edges=edges)
                    for n, layer in enumerate(numbers):
                        counts[number, n] = np.count_nonzero(layer != NODATA)
                        writers[n].write(blocks[number], layer)

        with ThreadPoolExecutor(workers) as pool:
            for future in [pool.submit(work) for _ in range(workers)]:
                future.result()
            sums = list(pool.map(CogWriter.finish, writers))
            list(pool.map(CogWriter.publish, writers))
    return sums, [int(n) for n in counts.sum(axis=0)]


def _find_edges(
    recipe: Recipe, grid: Grid, open_bands: _OpenBands, workers: int
) -> Edges | None:
    """As `find_edges`, in threads, and without reading other bands."""
    if not recipe.needs_edges:
        return None
    blocks = list(sample_blocks(grid))
    bands = find_index("optram").resolve(recipe.bands)

    def count(first: int) -> EdgeCounts:
        with open_bands(bands) as files:
            return count_edges(files, blocks[first::workers], recipe)

    with ThreadPoolExecutor(workers) as pool:
        return sum(pool.map(count, range(workers)), EdgeCounts()).edges_or_nan()


class _Queue:
    """Numbers of blocks, each handed out once; empty as soon as a thread fails."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._total = total
        self._next = self._done = 0
        self._progress = progress
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[int]:
        while True:
            with self._lock:
                number = self._next
                if number >= self._total:
                    return
                self._next += 1
            yield number
            with self._lock:
                self._done += 1
                self._progress(self._done, self._total)

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Stop the other threads when this one fails."""
        try:
            yield
        except BaseException:
            with self._lock:
                self._next = self._total
            raise


def _silent(done: int, total: int) -> None:
    """Report nothing."""
