"""One day of scenes on one tile: from files to reflectance and indices."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from agroforest import indices
from agroforest.core.errors import DataError
from agroforest.core.risk import epoch_day
from agroforest.core.scene import Scene
from agroforest.cube import read
from agroforest.indices.baseline import Take
from agroforest.indices.season import BANDS
from agroforest.nightly.plan import TileTask
from agroforest.nightly.result import Refusal


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
        ``(y, x)`` float32 by name, NaN where not usable.
    """

    day: date
    scenes: tuple[Scene, ...] = field(repr=False)
    bands: NDArray[np.float32] = field(repr=False)
    usable: NDArray[np.bool_] = field(repr=False)
    indices: Mapping[str, NDArray[np.float32]] = field(repr=False)

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
        used.

    Yields
    ------
    DayImage
        In order of days; a day without a readable scene is left out.
    """
    for day, scenes in groupby(task.scenes, key=lambda s: s.date):
        image: DayImage | None = None
        for scene in scenes:
            try:
                new = _read_scene(task, scene, names)
            except DataError as error:
                refused.append(Refusal.of(error))
                continue
            image = new if image is None else _join(image, new)
        if image is not None:
            assert image.day == day  # noqa: S101  groupby and _read_scene agree
            yield image


def _read_scene(task: TileTask, scene: Scene, names: Sequence[str]) -> DayImage:
    used = {b for b in BANDS if b in scene.band_names}
    for name in names:
        used.update(indices.find_index(name).resolve(scene.band_names))
    mask = task.pipeline.mask
    data = read(
        scene,
        task.tile.grid,
        sorted(used),
        scl_classes=mask.scl_classes,
        dilate_m=mask.dilate_m,
    )
    usable = np.asarray(data["usable"].values, dtype=bool)
    blank = np.full(usable.shape, np.nan, dtype=np.float32)
    bands = [np.asarray(data[b].values) if b in used else blank for b in BANDS]
    return DayImage(
        day=scene.date,
        scenes=(scene,),
        bands=np.stack(bands),
        usable=usable,
        indices={
            n: np.where(usable, indices.compute(n, data).values, np.float32(np.nan))
            for n in names
        },
    )


def _join(first: DayImage, second: DayImage) -> DayImage:
    """Fill what the first does not see clearly with what the second does."""
    fill = ~first.usable & second.usable
    return DayImage(
        day=first.day,
        scenes=first.scenes + second.scenes,
        bands=np.where(fill, second.bands, first.bands),
        usable=first.usable | second.usable,
        indices={
            n: np.where(fill, second.indices[n], values)
            for n, values in first.indices.items()
        },
    )
