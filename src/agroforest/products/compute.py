"""From what a scene shows of a grid to index numbers: the one engine.

Whole tiles on disk (`agroforest.products.index_maps`) and the tiles of a night are
computed by the same function from the same reader.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agroforest.core.grid import Block, Grid
from agroforest.core.scene import Scene
from agroforest.cube import CLEAR_CLASSES, Access, Reflectance, SceneReader
from agroforest.indices.fused import Recipe
from agroforest.indices.optram import EdgeCounts, Edges
from agroforest.indices.registry import find_index

# Rows computed together: ten bands of a block's width and their results then fit a
# second-level cache of one megabyte, roughly.
_STRIP = 16
# Blocks in which OPTRAM's edges are looked for: all of a tile of 10 km, a sample
# spread over a larger one. As large as the inner tiles of most archives, of which
# none is then decoded for a corner. Arbitrary.
_SAMPLE_SIDE, _SAMPLE_BLOCKS = 1024, 9


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskRule:
    """What counts as clear.

    Attributes
    ----------
    scl_classes
        Scene classes; see `agroforest.cube.mask`.
    dilate_m
        Metres by which cloud and shadow grow.
    """

    scl_classes: Collection[int] = CLEAR_CLASSES
    dilate_m: float = 0.0

    def reader(
        self, scene: Scene, bands: Sequence[str], access: Access | None = None
    ) -> SceneReader:
        """Reader of a scene under this rule."""
        return SceneReader(
            scene,
            bands,
            scl_classes=self.scl_classes,
            dilate_m=self.dilate_m,
            access=access,
        )


def compute(
    found: Reflectance, recipe: Recipe, *, edges: Edges | None = None
) -> NDArray[np.int16]:
    """All indices of what a reader found.

    Parameters
    ----------
    found
        With all bands of the recipe.
    recipe
        Which indices.
    edges
        Of OPTRAM, where it is one of them.

    Returns
    -------
    ndarray
        ``(index, y, x)`` int16, x 10000; -32768 where not clear or nodata.
    """
    height, width = found.grid.shape
    numbers = np.empty((len(recipe.names), height, width), np.int16)
    strip = np.empty((len(recipe.bands), min(_STRIP, height), width), np.float32)
    for first in range(0, height, _STRIP):
        rows = slice(first, min(first + _STRIP, height))
        bands = strip[:, : rows.stop - first]
        found.fill(recipe.bands, first, bands)
        recipe.compute(bands, found.clear[rows], numbers[:, rows], edges=edges)
    return numbers


def sample_blocks(grid: Grid) -> Iterator[Block]:
    """Blocks spread evenly over a grid, all of a small one."""
    blocks = list(grid.blocks(_SAMPLE_SIDE))
    across = -(-grid.width // _SAMPLE_SIDE)
    step = 1
    while -(-across // step) * -(-(len(blocks) // across) // step) > _SAMPLE_BLOCKS:
        step += 1
    for number, block in enumerate(blocks):
        row, column = divmod(number, across)
        if row % step == 0 and column % step == 0:
            yield block


def find_edges(reader: SceneReader, grid: Grid, recipe: Recipe) -> Edges | None:
    """OPTRAM's edges for a grid; ``None`` where the recipe does not ask for them."""
    if not recipe.needs_edges:
        return None
    return count_edges(reader, sample_blocks(grid), recipe).edges_or_nan()


def count_edges(
    reader: SceneReader, blocks: Iterable[Block], recipe: Recipe
) -> EdgeCounts:
    """Count the clear pixels of some blocks for OPTRAM; counts add up."""
    bands = find_index("optram").resolve(recipe.bands)
    counts = EdgeCounts()
    for block in blocks:
        found = reader.read_clear(block.grid)
        if found is not None:
            nir, red, swir = found.values(bands)
            counts.add_bands(nir, red, swir, usable=found.clear)
    return counts
