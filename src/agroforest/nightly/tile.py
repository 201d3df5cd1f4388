"""One task on one tile, as a Dask worker runs it."""

import logging
import time
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agroforest.alerts import find_objects, revisit
from agroforest.core.errors import AgroforestError, DataError
from agroforest.core.risk import EPOCH
from agroforest.indices import baseline
from agroforest.indices.baseline import Take
from agroforest.indices.state import BaselineState
from agroforest.nightly.forest import read_forest
from agroforest.nightly.observe import DayImage, read_days
from agroforest.nightly.outputs import write_indices, write_risk
from agroforest.nightly.plan import TaskKind, TileTask
from agroforest.nightly.result import DaySummary, Refusal, TaskResult
from agroforest.risk import Model, load_model, predict
from agroforest.store.state import load_state, save_state

_log = logging.getLogger(__name__)


def run_task(task: TileTask, model: Path | None = None) -> TaskResult:
    """Do a task; a failure is a result, never an exception.

    Parameters
    ----------
    task
        What to do.
    model
        Folder of the model, or ``None`` for the published rule.
    """
    started = time.perf_counter()
    work = _learn if task.kind == TaskKind.BASELINE else _judge
    try:
        result = work(task, model)
    except AgroforestError as error:
        result = failed(task, str(error))
    except Exception as error:  # noqa: BLE001  a tile must never stop the others
        _log.exception("task %s on tile %s", task.id, task.tile.id)
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        result = failed(task, f"{task.tile.id}: {reason}; report this as a defect")
    return result.patch(seconds=time.perf_counter() - started)


def _learn(task: TileTask, model: Path | None) -> TaskResult:
    """Fit the baseline on the history, then take in what came after it."""
    del model  # the season does not depend on who judges it
    refused: list[Refusal] = []
    settings = task.pipeline.baseline
    forest = read_forest(task)
    history = [s for s in task.scenes if s.date <= settings.end]
    later = [s for s in task.scenes if s.date > settings.end]
    images = read_days(task.patch(scenes=tuple(history)), names=(), refused=refused)
    summary: list[DaySummary] = []

    def takes() -> Iterator[Take]:
        for image in images:
            summary.append(_summarise(image))
            yield image.take()

    state = baseline.fit(
        takes(),
        task.tile.grid,
        forest=forest,
        min_clear=settings.min_clear,
        ring=settings.ring,
    )
    for image in read_days(task.patch(scenes=tuple(later)), names=(), refused=refused):
        summary.append(_summarise(image))
        state = _take(state, image, forest, task)
    if not state.scene_day.size:
        raise DataError(
            f"tile {task.tile.id}",
            f"no usable pixel in {len(task.scenes)} scenes from {settings.start} on",
            "catalogue its history with 'agroforest scenes add', or move the baseline",
        )
    _save(task, state)
    return TaskResult(
        id=task.id,
        kind=task.kind,
        tile=task.tile.id,
        state=task.state_group,
        night=task.night,
        taken=tuple(s.content() for s in task.scenes),
        days=tuple(summary),
        refused=tuple(refused),
        last_clear=_last_clear(state, forest),
    )


def _judge(task: TileTask, model: Path | None) -> TaskResult:
    """Take new scenes in, write indices and risk, and say what they show."""
    refused: list[Refusal] = []
    outputs: dict[str, str] = {}
    days: list[DaySummary] = []
    state = _load(task)
    forest = read_forest(task)
    for image in read_days(task, names=task.pipeline.indices, refused=refused):
        outputs |= write_indices(task, image)
        days.append(_summarise(image))
        state = _take(state, image, forest, task)
    risks = predict(
        state,
        night=task.night,
        tile=task.tile.id,
        model=_model(model),
        forest=forest,
        threshold=task.pipeline.risk.threshold,
    )
    for risk in risks:
        outputs |= write_risk(task, risk)
    _save(task, state)
    settings = task.pipeline.alerts
    return TaskResult(
        id=task.id,
        kind=task.kind,
        tile=task.tile.id,
        state=task.state_group,
        night=task.night,
        taken=tuple(s.content() for s in task.scenes),
        days=tuple(days),
        outputs=outputs,
        observations=tuple(
            o
            for risk in risks
            for o in find_objects(
                risk,
                task.tile.area,
                min_pixels=settings.min_pixels,
                min_area_ha=settings.min_area_ha,
            )
        ),
        revisits=tuple(r for risk in risks for r in revisit(risk, task.alerts)),
        refused=tuple(refused),
        last_clear=_last_clear(state, forest),
        model=risks[0].model,
        thresholds={str(r.hazard): r.threshold for r in risks},
    )


def _take(
    state: BaselineState, image: DayImage, forest: NDArray[np.bool_], task: TileTask
) -> BaselineState:
    day, bands, usable, content = image.take()
    return baseline.update(
        state,
        day=day,
        bands=bands,
        usable=usable,
        scene_id=content,
        forest=forest,
        min_clear=task.pipeline.baseline.min_clear,
    )


def _load(task: TileTask) -> BaselineState:
    saved = load_state(task.workplace.state, task.state_group)
    if saved is None:
        raise DataError(
            task.workplace.state / task.state_group,
            "the state of the tile is gone",
            "run the night again; it learns the seasons anew",
        )
    return BaselineState.from_saved(*saved)


def _save(task: TileTask, state: BaselineState) -> None:
    save_state(
        task.workplace.state, task.state_group, state.arrays(), state.attributes()
    )


def _summarise(image: DayImage) -> DaySummary:
    return DaySummary(
        day=image.day,
        scenes=tuple(scene.id for scene in image.scenes),
        usable=float(image.usable.mean()),
    )


def _last_clear(state: BaselineState, forest: NDArray[np.bool_]) -> date | None:
    newest = int(state.ring_day[-1][forest].max(initial=0))
    return EPOCH + timedelta(days=newest) if newest else None


def failed(task: TileTask, reason: str) -> TaskResult:
    """Make the result of a task that came to nothing, with the reason in one line."""
    return TaskResult(
        id=task.id,
        kind=task.kind,
        tile=task.tile.id,
        state=task.state_group,
        night=task.night,
        error=reason,
    )


@lru_cache(maxsize=2)
def _model(folder: Path | None) -> Model | None:
    """One model for each worker process, not one for each tile."""
    return None if folder is None else load_model(folder)
