"""Where canopy was damaged since the year before."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agroforest.core.config import YearlySection
from agroforest.core.scene import Scene
from agroforest.cube import read_cog
from agroforest.indices import decode, encode
from agroforest.nightly.forest import read_forest
from agroforest.nightly.plan import TileTask
from agroforest.nightly.result import Refusal
from agroforest.nightly.year import YearlyWork
from agroforest.nightly.yearly.files import (
    composite,
    damage_path,
    read_numbers,
    write_map,
)
from agroforest.nightly.yearly.models import open_model
from agroforest.products.composite import NEEDED, Composite, SeasonScenes
from agroforest.products.compute import MaskRule
from agroforest.risk.card import ALONE

if TYPE_CHECKING:
    from agroforest.risk import Model
    from agroforest.risk.task import Task

_DAMAGED = "canopy-damaged"
_SCALE = np.float32(1e-4)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Damage:
    """What the comparison of two years shows of a tile.

    Attributes
    ----------
    probability
        ``(y, x)`` float32; NaN outside the forest and where one of the years shows
        nothing.
    threshold
        From which a pixel counts as damaged.
    filled
        Bands that were estimated in one of the years or both.
    refused
        Scenes that could not be read.
    outputs
        SHA-256 by path.
    """

    probability: NDArray[np.float32]
    threshold: float
    filled: tuple[str, ...]
    refused: tuple[Refusal, ...]
    outputs: dict[str, str] = field(repr=False)

    @property
    def detected(self) -> NDArray[np.bool_]:
        """``(y, x)`` bool."""
        return self.probability >= self.threshold


def find_damage(task: TileTask, work: YearlyWork, settings: YearlySection) -> Damage:
    """Composite two years, compare them, and write the map.

    Raises
    ------
    NoInputError
        All scenes of a year are damaged files.
    SourceError
        A remote scene does not answer.
    ModelError, ConfigurationError
        The model is damaged, or not the one the task was planned for.
    """
    made = {
        year: composite(task, season_of(task, settings, year), year, landsat=False)
        for year in (work.year - 1, work.year)
    }
    before, after = (made[year][0] for year in sorted(made))
    trained, model = open_model(settings.damage, work.models.damage)
    numbers = encode(_judge(task, trained, model, before, after))
    threshold, basis = find_threshold(model)
    outputs = made[work.year - 1][1] | made[work.year][1]
    filled = tuple(sorted({*before.filled, *after.filled}))
    outputs |= write_map(
        task,
        damage_path(task.workplace, task.tile.id, work.year),
        numbers,
        task.tile.grid,
        nodata=-32768,
        scale=1e-4,
        title=f"Canopy damaged since {work.year - 1}, probability",
        properties={
            "agroforest:model": model.card.title,
            "agroforest:threshold": threshold,
            "agroforest:threshold_of": basis,
            "agroforest:composites": [before.content, after.content],
            "agroforest:filled": list(filled),
            "agroforest:limits": list(model.card.limits.en),
        },
    )
    return Damage(
        probability=decode(numbers),
        threshold=threshold,
        filled=filled,
        refused=tuple(Refusal.of(e) for m, _ in made.values() for e in m.refused),
        outputs=outputs,
    )


def season_of(task: TileTask, settings: YearlySection, year: int) -> SeasonScenes:
    """Sentinel-2 scenes of a year's season on the tile."""
    mask = task.pipeline.mask

    def fits(scene: Scene) -> bool:
        return scene.band_names >= set(NEEDED) and settings.days.holds(scene.date, year)

    return SeasonScenes(
        scenes=[scene for scene in task.scenes if fits(scene)],
        window=settings.days.window(year),
        grid=task.tile.grid,
        mask=MaskRule(scl_classes=mask.scl_classes, dilate_m=mask.dilate_m),
        simulated=task.pipeline.simulated,
    )


def find_threshold(model: "Model") -> tuple[float, str]:
    """Threshold for the networks alone, and what it was chosen for.

    The card's own was chosen for networks and trees together; a card that was
    written without the other has nothing better.
    """
    thresholds = model.card.calibration.thresholds
    if (alone := _DAMAGED + ALONE) in thresholds:
        return thresholds[alone], "networks alone"
    return thresholds[_DAMAGED], "the whole ensemble"


def _judge(
    task: TileTask,
    trained: "Task[Any]",
    model: "Model",
    before: Composite,
    after: Composite,
) -> NDArray[np.float32]:
    from agroforest.risk.scene_tile import judge_tile  # noqa: PLC0415  loads torch

    chance = np.full(task.tile.grid.shape, np.nan, np.float32)
    read = partial(read_years, before.path, after.path)
    for window, said in judge_tile(trained, model, read, task.tile.grid.shape):
        chance[window] = said
    seen = (_count(before) > 0) & (_count(after) > 0)
    chance[~(seen & read_forest(task))] = np.nan
    return chance


def read_years(
    before: Path, after: Path, window: tuple[slice, slice]
) -> NDArray[np.float32]:
    """Reflectance of both years in a window, ``(24, y, x)``; NaN where missing.

    Raises
    ------
    DataError
        If a file cannot be read.
    """
    return np.concatenate([_read(path, window) for path in (before, after)])


def _read(path: Path, window: tuple[slice, slice]) -> NDArray[np.float32]:
    numbers = read_numbers(path, window)
    missing = (numbers == 0).any(axis=0)
    return np.where(missing, np.float32(np.nan), numbers * _SCALE)


def _count(made: Composite) -> NDArray[np.uint16]:
    return np.asarray(read_cog(made.count).array)
