"""A tile's history, read once scene by scene, and learned from chunk by chunk.

The history of a tile does not fit into memory: a hundred scenes of a million
pixels are a gigabyte. So the clear observations wait in a scratch file, in the
order in which they came, and are read back one chunk at a time.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from agroforest.core.grid import Grid
from agroforest.indices import baseline, reference
from agroforest.indices.baseline import Take
from agroforest.indices.ring import encode
from agroforest.indices.season import BANDS, NODATA, SCALE
from agroforest.indices.state import SceneLog, find_part
from agroforest.indices.update import find_clear
from agroforest.nightly.forest import ARRAY
from agroforest.store import chunks
from agroforest.store.chunks import Chunk, Layout
from agroforest.store.state import StateUpdate


def learn_seasons(
    update: StateUpdate,
    takes: Iterable[Take],
    *,
    grid: Grid,
    forest: NDArray[np.bool_],
    min_clear: int,
    ring: int,
    scratch: Path,
) -> SceneLog:
    """Write the seasons of every forest pixel, as `baseline.fit` finds them.

    Parameters
    ----------
    update
        A new state of the tile; gets all its chunks, and the forest.
    takes
        The history, any order; read once.
    grid
        Of the tile.
    forest
        ``(y, x)`` bool; nothing is learned of other pixels.
    min_clear, ring
        As for `baseline.fit`.
    scratch
        Folder for the scratch file, about 8 bytes a clear pixel and scene.

    Returns
    -------
    SceneLog
        Of the history.

    Notes
    -----
    What a scene's forest shared is estimated first, from the sample over the
    whole tile that `baseline.fit` would take; given that, a chunk needs nothing
    of the others.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=scratch) as file:
        history, sample = _History(file, update.chunks), _Sample(forest)
        ids: dict[str, None] = {}
        for take in takes:
            day, bands, usable, scene_id = take
            if scene_id not in ids:
                ids[scene_id] = None
                usable = usable & forest
                clear = find_clear(bands, usable, grid=grid, where=scene_id)
                history.add(day, bands, clear)
                sample.add(take)
        medians = sample.find_medians(grid, min_clear)
        days = np.array(sorted(history.days), dtype=np.int32)
        # A model may judge after the last date of the tile, not of the chunk.
        judges_from = days.max(initial=0) + 1
        for chunk in update.chunks:
            state = baseline.fit(
                history.takes(chunk),
                find_part(grid, *chunk.window),
                forest=forest[chunk.window],
                min_clear=min_clear,
                ring=ring,
                scene_medians=medians,
            )
            begin = np.where(state.has_model, judges_from, 0).astype(np.int32)
            more = {"model_from": begin, ARRAY: forest[chunk.window]}
            update.write(chunk, state.arrays() | more)
    return SceneLog.of(days, medians, tuple(ids))


class _Sample:
    """The pixels of a forest that tell what its scenes share."""

    def __init__(self, forest: NDArray[np.bool_]) -> None:
        self._rows, self._columns = reference.sample(forest)
        self._takes: list[Take] = []

    def add(self, take: Take) -> None:
        day, bands, usable, scene_id = take
        at = self._rows, self._columns
        self._takes.append((day, bands[:, *at][:, None], usable[at][None], scene_id))

    def find_medians(self, grid: Grid, min_clear: int) -> dict[int, list[float]]:
        """Medians by day; days on which no sampled pixel was clear are left out."""
        count = self._rows.size
        if not count:
            return {}
        found = baseline.fit(
            self._takes,
            grid.patch(width=count, height=1),
            forest=np.ones((1, count), dtype=np.bool_),
            min_clear=min_clear,
            ring=1,
        )
        medians = found.scene_median.tolist()
        return dict(zip(found.scene_day.tolist(), medians, strict=True))


class _History:
    """Clear observations in a file."""

    def __init__(self, file: IO[bytes], parts: Sequence[Chunk]) -> None:
        self._file = file
        self._parts = parts
        self._pieces: dict[str, list[tuple[int, int, int]]] = {c.key: [] for c in parts}

    @property
    def days(self) -> set[int]:
        """Days of all scenes that saw something."""
        return {day for pieces in self._pieces.values() for day, _, _ in pieces}

    def add(
        self, day: int, bands: NDArray[np.floating], clear: NDArray[np.bool_]
    ) -> None:
        """Write what a scene saw clearly."""
        for chunk in self._parts:
            seen = np.ascontiguousarray(clear[chunk.window])
            if not seen.any():
                continue
            numbers = np.empty((len(BANDS), *chunk.shape), dtype=np.int16)
            part = np.ascontiguousarray(bands[(..., *chunk.window)])
            encode(part, seen, numbers)
            data = chunks.encode(numbers, _layout(chunk))
            self._pieces[chunk.key].append((day, self._file.tell(), len(data)))
            self._file.write(data)

    def takes(self, chunk: Chunk) -> Iterator[Take]:
        """Read what was seen of a chunk."""
        for day, begin, length in self._pieces[chunk.key]:
            self._file.seek(begin)
            numbers = chunks.decode(
                self._file.read(length), _layout(chunk), chunk.shape
            )
            missing = numbers == NODATA
            bands = np.where(missing, np.nan, numbers / np.float32(SCALE))
            yield day, bands, ~missing.all(axis=0), str(begin)


def _layout(chunk: Chunk) -> Layout:
    return Layout(
        shape=(len(BANDS), *chunk.shape), sides=chunk.shape, dtype=np.dtype(np.int16)
    )
