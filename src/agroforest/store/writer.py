"""Changed chunks of a state, staged until they become the state together."""

import json
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import zarr
from numpy.typing import NDArray
from zarr.storage import LocalStore

from agroforest.core.errors import DataError, FencedError
from agroforest.core.files import write_text
from agroforest.store import chunks, redo
from agroforest.store.chunks import Chunk, Layout
from agroforest.store.reader import (
    DIGESTS,
    FORMAT,
    NEWEST_FORMAT,
    REMEDY,
    Arrays,
    Digests,
    StateReader,
)

_HEAD = "zarr.json"
# Zarr v3 core specification, "Group metadata".
_EMPTY_GROUP = {"attributes": {}, "zarr_format": 3, "node_type": "group"}
_GRID = ("crs", "left", "top", "resolution", "width", "height")


class StateUpdate:
    """Chunks staged beside a state until `commit` makes them the state.

    A context: left without `commit`, it leaves the old state. One process at a
    time may update a tile.

    Parameters
    ----------
    path
        Folder of the Zarr store; created when missing.
    group
        Name of the tile.
    shape
        ``(y, x)`` of a state that is written anew: what is not written does not
        belong to it. Without it, the stored state is changed.

    Attributes
    ----------
    stored
        The state before; ``None`` where there is none.
    chunks
        Of the tile, row by row.
    digests
        Of the chunks' files as they will be, by array and key.

    Raises
    ------
    DataError
        If there is no state to change, or one that cannot be read.
    """

    def __init__(
        self, path: Path, group: str, *, shape: tuple[int, int] | None = None
    ) -> None:
        self._path = path
        self._target = redo.locate(path, group)
        redo.settle(self._target)
        self._staging = redo.stage(self._target)
        self._found = self._read_head()
        known = (self._target / _HEAD).exists()
        self.stored = StateReader(self._target) if known else None
        self._staged: dict[str, dict[str, Chunk]] = {}
        self._layouts = dict(self.stored.layouts) if self.stored else {}
        self.digests: Digests = {}
        if shape is not None:
            self._shape = shape
            self._sides = chunks.find_sides(self._shape)
        elif self.stored is not None:
            self._shape, self._sides = self.stored.shape, self.stored.sides
            self.digests = {n: dict(d) for n, d in self.stored.digests.items()}
        else:
            raise DataError(
                self._target,
                "the state of the tile is gone",
                "run the night again; it learns the seasons anew",
            )
        self.chunks = chunks.cut(self._shape, self._sides)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Whatever kills the process leaves the folder to the next one; and so is one
        # that is complete, of which some files may have been moved already.
        killed = kind is not None and not issubclass(kind, Exception)
        if not (killed or redo.is_sealed(self._staging)):
            shutil.rmtree(self._staging, ignore_errors=True)

    def read(
        self, chunk: Chunk, names: Iterable[str] | None = None
    ) -> dict[str, NDArray[Any]]:
        """Read a chunk as it will be; see `StateReader.read`."""
        found = {}
        for name in names or self.digests:
            if chunk.key in self._staged.get(name, {}):
                layout = self._layouts[name]
                data = (self._staging / name / layout.file(chunk)).read_bytes()
                found[name] = chunks.decode(data, layout, chunk.shape)
            elif self.stored is not None:
                found |= self.stored.read(chunk, [name])
        return found

    def write(self, chunk: Chunk, arrays: Arrays) -> int:
        """Stage a chunk of some arrays, as far as it changed.

        Parameters
        ----------
        chunk
            One of `chunks`.
        arrays
            By name; each ends in the chunk's ``(y, x)``. A new array must be
            written in all chunks before `commit`.

        Returns
        -------
        int
            Files staged.

        Raises
        ------
        DataError
            If an array is not what is stored under its name.
        """
        return sum(self._write(name, chunk, a) for name, a in arrays.items())

    @property
    def touched(self) -> int:
        """How many of `chunks` something is staged of, also once it is committed."""
        return len({key for staged in self._staged.values() for key in staged})

    def commit(self, attributes: Mapping[str, object]) -> int:
        """Make what is staged the state, in one step.

        Parameters
        ----------
        attributes
            All of them, plain values. The entries crs, left, top, resolution,
            width and height, where given, must stay what they were.

        Returns
        -------
        int
            Chunks written; 0 when nothing changed.

        Raises
        ------
        DataError
            If the grid is another, or a chunk of an array is missing.
        FencedError
            Another has changed the state since this one was opened.
        """
        known = self.stored.attributes if self.stored else {}
        old = self.stored.digests if self.stored else {}
        self._check(known, attributes)
        if self.stored and known == attributes and old == self.digests:
            return 0
        self._write_metadata(
            {**attributes, DIGESTS: self.digests, FORMAT: NEWEST_FORMAT}
        )
        if self._read_head() != self._found:
            raise FencedError(
                self._target,
                "another worker has changed it meanwhile",
                "run the night again",
            )
        redo.seal(self._staging)
        redo.settle(self._target)
        return sum(len(staged) for staged in self._staged.values())

    def _read_head(self) -> bytes:
        """Attributes as they are stored: they hold the digest of every chunk."""
        with suppress(FileNotFoundError):
            return (self._target / _HEAD).read_bytes()
        return b""

    def _write(self, name: str, chunk: Chunk, array: NDArray[Any]) -> bool:
        layout = self._layout(name, chunk, array)
        data = chunks.encode(array, layout)
        digest = chunks.find_digest(data)
        stored = self.stored.digests.get(name, {}) if self.stored else {}
        staged = self._staged.setdefault(name, {})
        file = self._staging / name / layout.file(chunk)
        self.digests.setdefault(name, {})[chunk.key] = digest
        if stored.get(chunk.key) == digest:
            file.unlink(missing_ok=True)
            staged.pop(chunk.key, None)
            return False
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        staged[chunk.key] = chunk
        return True

    def _layout(self, name: str, chunk: Chunk, array: NDArray[Any]) -> Layout:
        shape = (*array.shape[:-2], *self._shape)
        layout = Layout(shape=shape, sides=self._sides, dtype=array.dtype)
        there = self._layouts.setdefault(name, layout)
        if there != layout or array.shape[-2:] != chunk.shape:
            raise DataError(
                self._target / name,
                f"it is {there.dtype}{there.shape} there "
                f"and {layout.dtype}{layout.shape} here",
                REMEDY,
            )
        return layout

    def _check(
        self, known: Mapping[str, object], attributes: Mapping[str, object]
    ) -> None:
        for key in _GRID:
            if self.stored and known.get(key) != attributes.get(key):
                raise DataError(
                    self._target,
                    f"{key} is {known.get(key)!r} there and {attributes.get(key)!r} "
                    "here",
                    f"restore the tile's grid, or {REMEDY}",
                )
        for name, digests in self.digests.items():
            if len(digests) != len(self.chunks):
                raise DataError(
                    self._target / name,
                    f"{len(digests)} of {len(self.chunks)} chunks were written",
                    "write all chunks of a new array",
                )

    def _write_metadata(self, attributes: dict[str, Any]) -> None:
        _ensure_root(self._path)
        staged = zarr.create_group(LocalStore(self._staging), attributes=attributes)
        for name, changed in sorted(self._staged.items()):
            if changed:
                layout = self._layouts[name]
                staged.create_array(
                    name,
                    shape=layout.shape,
                    dtype=layout.dtype,
                    chunks=layout.chunk_shape,
                    compressors=chunks.blosc_codec(),
                    fill_value=0,
                )


def _ensure_root(path: Path) -> None:
    """Make the store a Zarr group.

    Tiles that are learned together begin together, and zarr's own "open or
    create" fails for the second of them. The metadata of an empty group is one
    constant, so whoever comes last writes the same bytes.
    """
    root = path / _HEAD
    if not root.exists():
        write_text(root, json.dumps(_EMPTY_GROUP))
