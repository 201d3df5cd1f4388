"""One yearly comparison of one tile, as a Dask worker does it."""

import numpy as np

from agroforest.core.config import YearlySection
from agroforest.nightly.plan import TileTask
from agroforest.nightly.result import TaskResult
from agroforest.nightly.year import YearlyOutcome, YearlyWork
from agroforest.nightly.yearly.cause import Causes, find_causes
from agroforest.nightly.yearly.damage import Damage, find_damage
from agroforest.nightly.yearly.files import sweep


def compare_years(task: TileTask) -> TaskResult:
    """Compare a season with that of the year before, and look for causes.

    Raises
    ------
    AgroforestError
        As `find_damage` and `find_causes`; nothing is recorded then, and the next
        night tries again.
    """
    work, settings = task.yearly, task.pipeline.yearly
    if work is None or settings is None:
        raise ValueError(f"task {task.id} says nothing about a year")
    sweep(task)
    damage = find_damage(task, work, settings) if work.compare else None
    causes = _explain(task, work, settings, damage)
    files = (damage.outputs if damage else {}) | (causes.outputs if causes else {})
    refused = (damage.refused if damage else ()) + (causes.refused if causes else ())
    return TaskResult(
        id=task.id,
        kind=task.kind,
        tile=task.tile.id,
        state=task.state_group,
        night=task.night,
        taken=tuple(s.content() for s in task.scenes),
        outputs=files,
        refused=refused,
        yearly=_conclude(task, work, damage, causes),
    )


def _explain(
    task: TileTask, work: YearlyWork, settings: YearlySection, damage: Damage | None
) -> Causes | None:
    if not work.explain:
        return None
    return find_causes(task, work, settings, damage.detected if damage else None)


def _conclude(
    task: TileTask, work: YearlyWork, damage: Damage | None, causes: Causes | None
) -> YearlyOutcome:
    outcome = YearlyOutcome(
        year=work.year,
        explained=causes is not None,
        causes=causes.by_alert if causes else {},
    )
    if damage is None:
        return outcome
    area = task.tile.grid.pixel_area_ha
    return outcome.patch(
        compared=True,
        threshold=damage.threshold,
        judged_ha=float(np.isfinite(damage.probability).sum()) * area,
        damaged_ha=float(damage.detected.sum()) * area,
        filled=damage.filled,
    )
