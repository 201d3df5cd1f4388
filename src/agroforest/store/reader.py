"""A stored state, read chunk by chunk and checked as it is read."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.storage import LocalStore

from agroforest.core.errors import DataError
from agroforest.store import chunks, redo
from agroforest.store.chunks import Chunk, Layout

#: Attribute that holds, by array and chunk, the digest of the chunk's file.
DIGESTS = "file_digests"
#: Attribute that holds the number of the layout; a state without it has the first.
FORMAT = "state_format"
#: The newest layout that this program knows.
NEWEST_FORMAT = 1
#: What to do about a state that cannot be used.
REMEDY = "delete the tile's state and fit the baseline again"
# What zarr and its codecs raise on damaged files.
_DAMAGE = (OSError, ValueError, TypeError, KeyError, RuntimeError)

Arrays = Mapping[str, NDArray[Any]]
Digests = dict[str, dict[str, str]]


def open_state(path: Path, group: str) -> "StateReader | None":
    """Open the state of a tile, to read some of it or to update it.

    Parameters
    ----------
    path
        Folder of the Zarr store.
    group
        Name of the tile.

    Returns
    -------
    StateReader or None
        ``None`` where nothing was saved yet.

    Raises
    ------
    DataError
        If its metadata are damaged.
    """
    target = redo.locate(path, group)
    redo.settle(target)
    return StateReader(target) if target.exists() else None


class StateReader:
    """A stored state: its attributes at once, its arrays chunk by chunk.

    Attributes
    ----------
    attributes
        As saved.
    layouts
        Of the arrays, by name.
    shape, sides
        Of the tile and of a chunk, rows and columns.
    chunks
        Of the tile, row by row.
    digests
        Of the chunks' files, by array and key.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        with noticing_damage(target):
            stored = zarr.open_group(LocalStore(target, read_only=True), mode="r")
            self.attributes: dict[str, Any] = dict(stored.attrs.asdict())
        number = self.attributes.pop(FORMAT, 1)
        if number != NEWEST_FORMAT:
            raise DataError(
                target,
                f"is a state of format {number!r}, newer than this program knows",
                "install the agroforest that wrote it, or a later one",
            )
        digests = self.attributes.pop(DIGESTS, None)
        if not isinstance(digests, dict) or not digests:
            raise DataError(target, "its attributes name no chunks", REMEDY)
        self.digests: Digests = digests
        with noticing_damage(target):
            self.layouts = {name: _layout(stored[name]) for name in sorted(digests)}
        first = next(iter(self.layouts.values()))
        self.shape, self.sides = first.tile_shape, first.sides
        self.chunks = chunks.cut(self.shape, self.sides)

    def read(
        self, chunk: Chunk, names: Iterable[str] | None = None
    ) -> dict[str, NDArray[Any]]:
        """Read a chunk of some arrays, or of all.

        Returns
        -------
        dict
            ``(..., y, x)`` arrays by name, writable, and the caller's own.

        Raises
        ------
        DataError
            If a file is damaged, missing or changed by another hand.
        """
        return {n: self._read(n, chunk) for n in (names or self.layouts)}

    def _read(self, name: str, chunk: Chunk) -> NDArray[Any]:
        where = self._target / name
        with noticing_damage(where):
            layout = self.layouts[name]
            data = (where / layout.file(chunk)).read_bytes()
            expected = self.digests[name][chunk.key]
        if chunks.find_digest(data) != expected:
            raise DataError(where, "its content is not what was saved", REMEDY)
        with noticing_damage(where):
            return chunks.decode(data, layout, chunk.shape)


@contextmanager
def noticing_damage(target: Path) -> Iterator[None]:
    """Turn what zarr and its codecs raise into a `DataError` about `target`."""
    try:
        yield
    except _DAMAGE as error:
        raise DataError(target, f"unreadable ({error})", REMEDY) from error


def _layout(array: object) -> Layout:
    if not isinstance(array, zarr.Array):
        raise TypeError("a group where an array should be")
    tall, wide = array.chunks[-2:]
    return Layout(shape=array.shape, sides=(tall, wide), dtype=np.dtype(array.dtype))
