"""Per-pixel state of a tile in Zarr: fixed grid, changed chunks only, all or nothing.

A state is read and written chunk by chunk, so a night's cost is that of the
chunks it saw, and its memory that of a few. Chunks that changed are staged, and
become the state together, with the attributes (`agroforest.store.redo`). So a
state is always that of some whole night: never half of two, whether or not the
update that led to it could have been repeated.

The files are those that Zarr would write; they are read and written here
because each is checked against its digest in the attributes as it passes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.store.reader import Arrays, StateReader, open_state
from agroforest.store.redo import locate
from agroforest.store.writer import StateUpdate

__all__ = ["StateReader", "StateUpdate", "load_state", "open_state", "save_state"]


def load_state(
    path: Path, group: str
) -> tuple[dict[str, NDArray[Any]], dict[str, object]] | None:
    """Read the whole state of a tile.

    Parameters
    ----------
    path, group
        As saved.

    Returns
    -------
    tuple or None
        Arrays by name and the attributes; ``None`` where nothing was saved yet.

    Raises
    ------
    DataError
        If a file is damaged, missing or changed by another hand.
    """
    stored = open_state(path, group)
    if stored is None:
        return None
    arrays = {
        name: np.empty(layout.shape, dtype=layout.dtype)
        for name, layout in stored.layouts.items()
    }
    for chunk in stored.chunks:
        for name, part in stored.read(chunk).items():
            arrays[name][(..., *chunk.window)] = part
    return arrays, stored.attributes


def save_state(
    path: Path, group: str, arrays: Arrays, attrs: Mapping[str, object]
) -> int:
    """Replace the whole state of a tile in one step.

    Parameters
    ----------
    path
        Folder of the Zarr store; created when missing.
    group
        Name of the tile.
    arrays
        By name; each ends in the same ``(y, x)``.
    attrs
        Plain values, kept as the group's attributes. The entries crs, left, top,
        resolution, width and height, where given, must stay what they were.

    Returns
    -------
    int
        Chunks written; 0 when nothing changed.

    Raises
    ------
    DataError
        If the grid or the shape of an array is not that of the stored state.
    """
    target = locate(path, group)
    shapes = {(array.shape[-2], array.shape[-1]) for array in arrays.values()}
    if len(shapes) != 1:
        raise DataError(target, f"arrays of {sorted(shapes)}", "save one grid a tile")
    with StateUpdate(path, group, shape=shapes.pop()) as update:
        for chunk in update.chunks:
            update.write(chunk, {n: a[(..., *chunk.window)] for n, a in arrays.items()})
        return update.commit(attrs)
