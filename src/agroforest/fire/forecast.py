"""Danger of some days with the probability of a model trained on hotspots."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError
from agroforest.fire.cell_days import fill_past, find_row
from agroforest.fire.cells import Cells
from agroforest.fire.danger import Danger, Progress, Scene, judge_day, walk_scene
from agroforest.fire.days import CellDay
from agroforest.fire.kept_past import KeptPast, recall_past
from agroforest.fire.occurrence import NAME
from agroforest.risk import ensemble
from agroforest.risk.card import Model
from agroforest.risk.datasets.fire_days import CellDays, correct_prior
from agroforest.risk.tasks import find_task


def judge_trained(
    scene: Scene, folder: Path, *, progress: Progress | None = None
) -> Iterator[Danger]:
    """Judge the days of a scene, with the probability of a trained model.

    Parameters
    ----------
    scene
        From `agroforest.fire.danger.prepare`.
    folder
        Of the model.
    progress
        Told days done, days in all, and what.

    Raises
    ------
    ModelError
        The folder holds no such model.
    ConfigurationError
        The cells are not as large as those that it learned from.
    """
    trained = load_trained(folder, scene.cells)
    for day in walk_scene(scene, progress=progress):
        yield trained.judge(scene, day)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Trained:
    """A model trained on hotspots, and what of the past it needs on the cells.

    Attributes
    ----------
    model
        The model.
    kept
        Hotspots it learned from.
    near
        ``(inside,)``: see `KeptPast.find_near`.
    """

    model: Model
    kept: KeptPast = field(repr=False)
    near: NDArray[np.float64] = field(repr=False)

    def judge(self, scene: Scene, day: CellDay) -> Danger:
        """Judge one day as `judge_day` does, with the probability of a hotspot."""
        danger = judge_day(scene, day)
        cells = scene.cells
        inside = cells.inside
        rows = find_row(scene.setting, day, danger.drivers)
        usual = self.kept.find_usual(danger.day, cells)[inside]
        fill_past(rows, usual=usual, near=self.near)
        months = np.full(len(rows), danger.day.month)
        items = CellDays(
            values=rows,
            place=np.full(len(rows), "today"),
            name=np.arange(len(rows)),
            log_share=self.kept.shares.find(months, self.near),
        )
        said = ensemble.ask(find_task(NAME), self.model, items).value[:, 0]
        chance = correct_prior(said, items.log_share)
        known = np.isfinite(day.weather.temperature[inside])
        probability = np.full(cells.grid.shape, np.nan, dtype=np.float32)
        probability[inside] = np.where(known, chance, np.nan)
        return danger.patch(probability=probability, model=self.model.card.title)


def load_trained(folder: Path, cells: Cells) -> Trained:
    """Load a model trained on hotspots.

    Raises
    ------
    ModelError
        The folder holds no such model.
    ConfigurationError
        The cells are not as large as those that it learned from.
    """
    model = ensemble.load(find_task(NAME), folder)
    kept = recall_past(model.tensors)
    if abs(kept.side - cells.grid.resolution) > 1e-6 * kept.side:
        raise ConfigurationError(
            folder,
            f"was trained on cells of {kept.side:g} m, asked are "
            f"{cells.grid.resolution:g} m",
            f"ask for --cell {kept.side:g}",
        )
    return Trained(model=model, kept=kept, near=kept.find_near(cells)[cells.inside])
