"""Scenes of a season, read block by block as one stack of numbers."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.core.scene import Scene
from agroforest.cube import Access, SceneReader
from agroforest.products.composite.median import UNSEEN
from agroforest.products.compute import MaskRule

# Files that a thread keeps open; a process may have 1024 on most systems.
_MOST_FILES = 384
_SCALE = 10_000


class UnreadableError(Exception):
    """A scene that cannot be read; the season is to be read without it.

    Parameters
    ----------
    scene
        Which.
    reason
        Why.
    """

    def __init__(self, scene: Scene, reason: DataError) -> None:
        super().__init__(scene.id)
        self.scene = scene
        self.reason = reason


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stack:
    """What a season's scenes show of a block.

    Attributes
    ----------
    numbers
        ``(date, band, y, x)`` uint16, reflectance x 10000 of at least 1;
        `UNSEEN` where a date is not clear, or lacks a number in any band.
    count
        ``(y, x)`` uint16: dates that are seen.
    """

    numbers: NDArray[np.uint16]
    count: NDArray[np.uint16]


class SeasonReader:
    """Open scenes and read blocks of them; a context manager, for one thread.

    Parameters
    ----------
    scenes
        Each with all the bands.
    bands
        In the order of the stack.
    mask
        What counts as clear.
    access
        How files are reached.
    """

    def __init__(
        self,
        scenes: Sequence[Scene],
        bands: Sequence[str],
        *,
        mask: MaskRule,
        access: Access,
    ) -> None:
        self._scenes = tuple(scenes)
        self._bands = tuple(bands)
        self._mask = mask
        self._access = access
        self._stack = ExitStack()
        self._open: list[SceneReader] = []

    def __enter__(self) -> Self:
        files = sum(len(s.granules) for s in self._scenes) * (len(self._bands) + 1)
        if files <= _MOST_FILES:
            with ExitStack() as stack:
                for scene in self._scenes:
                    with _named(scene):
                        self._open.append(stack.enter_context(self._reader(scene)))
                self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def read(self, grid: Grid) -> Stack:
        """Read a block.

        Raises
        ------
        UnreadableError
            Naming the scene.
        """
        numbers = np.full(
            (len(self._scenes), len(self._bands), *grid.shape), UNSEEN, np.uint16
        )
        count = np.zeros(grid.shape, np.uint16)
        for place, scene in enumerate(self._scenes):
            with _named(scene), self._opened(place) as files:
                found = files.read_clear(grid)
                if found is None:
                    continue
                values = found.values(self._bands)
            seen = found.clear & ~np.isnan(values).any(axis=0)
            np.multiply(values, _SCALE, out=values)
            np.rint(values, out=values)
            np.clip(values, 1, UNSEEN - 1, out=values)
            np.copyto(numbers[place], values, where=seen, casting="unsafe")
            count += seen
        return Stack(numbers=numbers, count=count)

    def _opened(self, place: int) -> AbstractContextManager[SceneReader]:
        if self._open:
            return nullcontext(self._open[place])
        return self._reader(self._scenes[place])

    def _reader(self, scene: Scene) -> SceneReader:
        return self._mask.reader(scene, self._bands, self._access)


@contextmanager
def _named(scene: Scene) -> Iterator[None]:
    """Say of which scene an error is."""
    try:
        yield
    except DataError as error:
        raise UnreadableError(scene, error) from error
