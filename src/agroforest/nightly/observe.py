"""One day of scenes on one tile: from files to reflectance and indices."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import DataError, StorageError
from agroforest.core.log_context import logged
from agroforest.core.risk import epoch_day
from agroforest.core.scene import Scene
from agroforest.indices.baseline import Take
from agroforest.indices.encoding import NODATA
from agroforest.indices.fused import build_recipe
from agroforest.indices.season import BANDS
from agroforest.nightly.plan import TaskKind, TileTask
from agroforest.nightly.refused import identify_refused
from agroforest.nightly.result import Refusal
from agroforest.products.compute import MaskRule, compute, find_edges

_log = logging.getLogger(__name__)

_Maps: TypeAlias = Mapping[str, NDArray[np.int16]]


@dataclass(frozen=True, kw_only=True, slots=True)
class DayImage:
    """Everything a tile saw on one day.

    Attributes
    ----------
    day
        UTC day.
    scenes
        Scenes behind it, in order of precedence: where several see a pixel
        clearly, the first counts.
    bands
        ``(6, y, x)`` float32 reflectance in the order of the baseline's bands;
        NaN missing.
    usable
        ``(y, x)`` bool.
    indices
        ``(y, x)`` int16 by name, x 10000; -32768 where not clear or nodata. None
        where nothing was clear.
    """

    day: date
    scenes: tuple[Scene, ...] = field(repr=False)
    bands: NDArray[np.float32] = field(repr=False)
    usable: NDArray[np.bool_] = field(repr=False)
    indices: _Maps = field(repr=False)

    def take(self) -> Take:
        """Return it as the baseline takes it: day, bands, usable, id."""
        content = "+".join(scene.content() for scene in self.scenes)
        return epoch_day(self.day), self.bands, self.usable, content


def read_days(
    task: TileTask, *, names: Sequence[str], refused: list[Refusal]
) -> Iterator[DayImage]:
    """Read a task's scenes day by day.

    Parameters
    ----------
    task
        Which scenes, which tile.
    names
        Indices to compute.
    refused
        Receives the scenes that cannot be read; the others of their day are
        used. A baseline, made once, is not made without what storage does not
        deliver.

    Yields
    ------
    DayImage
        In order of days; a day without a readable scene is left out.

    Raises
    ------
    SourceError
        A remote scene does not answer, or the storage of a baseline's.
    """
    for day, scenes in groupby(task.scenes, key=lambda s: s.date):
        image: DayImage | None = None
        for scene in scenes:
            with logged(scene=scene.id):
                # Before it is read: what is mended meanwhile looks otherwise.
                known_by = identify_refused(scene)
                try:
                    new = _read_scene(task, scene, names)
                except StorageError as error:
                    if task.kind is TaskKind.BASELINE:
                        raise
                    _log.info("not read tonight: %s", error)
                    refused.append(Refusal.of(error, (scene.content(), None)))
                    continue
                except DataError as error:
                    _log.info("refused: %s", error)
                    refused.append(Refusal.of(error, (scene.content(), known_by)))
                    continue
                _log.info("taken, %.0f %% usable", 100 * new.usable.mean())
            image = new if image is None else _join(image, new)
        if image is not None:
            assert image.day == day  # noqa: S101  groupby and _read_scene agree
            yield image


def _read_scene(task: TileTask, scene: Scene, names: Sequence[str]) -> DayImage:
    grid = task.tile.grid
    recipe = build_recipe(names, scene.band_names) if names else None
    known = [b for b in BANDS if b in scene.band_names]
    mask = MaskRule(
        scl_classes=task.pipeline.mask.scl_classes,
        dilate_m=task.pipeline.mask.dilate_m,
    )
    bands = np.full((len(BANDS), *grid.shape), np.nan, np.float32)
    usable = np.zeros(grid.shape, np.bool_)
    maps: dict[str, NDArray[np.int16]] = {}
    wanted = (*known, *(recipe.bands if recipe else ()))
    with mask.reader(scene, wanted) as reader:
        found = reader.read_clear(grid)
        if found is not None:
            values = found.values(known)
            bands[[BANDS.index(b) for b in known]] = values
            usable = found.clear & ~np.isnan(values).any(axis=0)
            if recipe is not None:
                edges = find_edges(reader, grid, recipe)
                numbers = compute(found, recipe, edges=edges)
                maps = dict(zip(recipe.names, numbers, strict=True))
    return DayImage(
        day=scene.date, scenes=(scene,), bands=bands, usable=usable, indices=maps
    )


def _join(first: DayImage, second: DayImage) -> DayImage:
    """Fill what the first does not see clearly with what the second does."""
    fill = ~first.usable & second.usable
    return DayImage(
        day=first.day,
        scenes=first.scenes + second.scenes,
        bands=np.where(fill, second.bands, first.bands),
        usable=first.usable | second.usable,
        indices=_join_maps(first.indices, second.indices),
    )


def _join_maps(first: _Maps, second: _Maps) -> _Maps:
    if not (first and second):
        return first or second
    return {
        name: np.where(numbers == NODATA, second[name], numbers)
        for name, numbers in first.items()
    }
