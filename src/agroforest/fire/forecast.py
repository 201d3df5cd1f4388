"""Danger of some days with the probability of a model trained on hotspots."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from agroforest.core.errors import ConfigurationError
from agroforest.fire.cell_days import fill_past, find_row
from agroforest.fire.danger import Danger, Progress, Scene, judge_day, walk_scene
from agroforest.fire.kept_past import recall_past
from agroforest.fire.occurrence import NAME
from agroforest.risk import ensemble
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
    task = find_task(NAME)
    model = ensemble.load(task, folder)
    kept = recall_past(model.tensors)
    cells = scene.cells
    if abs(kept.side - cells.grid.resolution) > 1e-6 * kept.side:
        raise ConfigurationError(
            folder,
            f"was trained on cells of {kept.side:g} m, asked are "
            f"{cells.grid.resolution:g} m",
            f"ask for --cell {kept.side:g}",
        )
    inside = cells.inside
    near = kept.find_near(cells)[inside]
    for day in walk_scene(scene, progress=progress):
        danger = judge_day(scene, day)
        rows = find_row(scene.setting, day, danger.drivers)
        usual = kept.find_usual(danger.day, cells)[inside]
        fill_past(rows, usual=usual, near=near)
        months = np.full(len(rows), danger.day.month)
        items = CellDays(
            values=rows,
            place=np.full(len(rows), "today"),
            name=np.arange(len(rows)),
            log_share=kept.shares.find(months, near),
        )
        said = ensemble.ask(task, model, items).value[:, 0]
        chance = correct_prior(said, items.log_share)
        known = np.isfinite(day.weather.temperature[inside])
        probability = np.full(cells.grid.shape, np.nan, dtype=np.float32)
        probability[inside] = np.where(known, chance, np.nan)
        yield danger.patch(probability=probability, model=model.card.title)
