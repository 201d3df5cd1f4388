"""One task on one tile, as a Dask worker runs it."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from agroforest.alerts import find_objects, revisit
from agroforest.core.errors import AgroforestError, DataError
from agroforest.cube.counted import ReadCount, counting
from agroforest.indices.baseline import Take
from agroforest.nightly.attempts import Fault, find_fault
from agroforest.nightly.forest import read_forest
from agroforest.nightly.history import learn_seasons
from agroforest.nightly.observe import DayImage, read_days
from agroforest.nightly.outputs import write_indices, write_risk
from agroforest.nightly.plan import TaskKind, TileTask
from agroforest.nightly.power.saved import UNCHANGED_CHUNKS, saved_by_reading
from agroforest.nightly.result import DaySummary, Refusal, TaskResult
from agroforest.nightly.standing import Question
from agroforest.nightly.state import TileState
from agroforest.nightly.yearly.task import compare_years
from agroforest.risk import Model, load_model
from agroforest.store.state import StateUpdate

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
    started, cpu_before = time.perf_counter(), time.process_time()
    work = _WORK[task.kind]
    count = ReadCount()
    try:
        with counting() as count:
            result = work(task, model)
    except AgroforestError as error:
        result = failed(task, str(error), find_fault(error))
    except Exception as error:  # noqa: BLE001  a tile must never stop the others
        _log.exception("task %s on tile %s", task.id, task.tile.id)
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        result = failed(
            task,
            f"{task.tile.id}: {reason}; {_way_out(error, task)}",
            find_fault(error),
        )
    return result.patch(
        seconds=time.perf_counter() - started,
        cpu_seconds=time.process_time() - cpu_before,
        bytes_read=count.bytes_read,
        saved={**result.saved, **saved_by_reading(count)},
    )


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

    grid = task.tile.grid
    with _open(task, shape=grid.shape) as update:
        log = learn_seasons(
            update,
            takes(),
            grid=grid,
            forest=forest,
            min_clear=settings.min_clear,
            ring=settings.ring,
            scratch=task.workplace.folder,
        )
        state = TileState(
            update, grid=grid, log=log, forest=forest, min_clear=settings.min_clear
        )
        for image in read_days(
            task.patch(scenes=tuple(later)), names=(), refused=refused
        ):
            summary.append(_summarise(image))
            state.take(image.take())
        if not any(day.usable for day in summary):
            raise DataError(
                f"tile {task.tile.id}",
                f"no usable pixel in {len(task.scenes)} scenes from "
                f"{settings.start} on",
                "catalogue its history with 'agroforest scenes add', or move the "
                "baseline",
            )
        state.commit()
    return TaskResult(
        id=task.id,
        kind=task.kind,
        tile=task.tile.id,
        state=task.state_group,
        night=task.night,
        taken=_taken(task, refused),
        days=tuple(summary),
        refused=tuple(refused),
        last_clear=state.last_clear,
    )


def _judge(task: TileTask, model: Path | None) -> TaskResult:
    """Take new scenes in, write indices and risk, and say what they show."""
    refused: list[Refusal] = []
    outputs: dict[str, str] = {}
    days: list[DaySummary] = []
    settings = task.pipeline
    question = Question(
        night=task.night,
        tile=task.tile.id,
        model=_model(model),
        threshold=settings.risk.threshold,
    )
    with _open(task) as update:
        state = TileState.open(update, min_clear=settings.baseline.min_clear)
        for image in read_days(task, names=settings.indices, refused=refused):
            outputs |= write_indices(task, image)
            days.append(_summarise(image))
            state.take(image.take())
        risks = state.judge(question)
        for risk in risks:
            outputs |= write_risk(task, risk)
        state.commit()
        unchanged = len(update.chunks) - update.touched
    return TaskResult(
        id=task.id,
        kind=task.kind,
        tile=task.tile.id,
        state=task.state_group,
        night=task.night,
        taken=_taken(task, refused),
        days=tuple(days),
        outputs=outputs,
        observations=tuple(
            o
            for risk in risks
            for o in find_objects(
                risk,
                task.tile.area,
                min_pixels=settings.alerts.min_pixels,
                min_area_ha=settings.alerts.min_area_ha,
            )
        ),
        revisits=tuple(r for risk in risks for r in revisit(risk, task.alerts)),
        refused=tuple(refused),
        last_clear=state.last_clear,
        model=risks[0].model,
        thresholds={str(r.hazard): r.threshold for r in risks},
        saved={UNCHANGED_CHUNKS: unchanged} if unchanged else {},
    )


def _compare(task: TileTask, model: Path | None) -> TaskResult:
    """Compare two years; models of their own judge them."""
    del model
    return compare_years(task)


_WORK: Mapping[TaskKind, Callable[[TileTask, Path | None], TaskResult]] = {
    TaskKind.BASELINE: _learn,
    TaskKind.NIGHT: _judge,
    TaskKind.YEARLY: _compare,
}


def _open(task: TileTask, shape: tuple[int, int] | None = None) -> StateUpdate:
    return StateUpdate(task.workplace.state, task.state_group, shape=shape)


def _taken(task: TileTask, refused: list[Refusal]) -> tuple[str, ...]:
    """Name what is dealt with: by content, or by what is known of it until mended."""
    known_by = dict(r.scene for r in refused if r.scene is not None)
    contents = (scene.content() for scene in task.scenes)
    found = (known_by.get(content, content) for content in contents)
    return tuple(known for known in found if known is not None)


def _summarise(image: DayImage) -> DaySummary:
    return DaySummary(
        day=image.day,
        scenes=tuple(scene.id for scene in image.scenes),
        usable=float(image.usable.mean()),
    )


def failed(task: TileTask, reason: str, fault: Fault) -> TaskResult:
    """Make the result of a task that came to nothing, with the reason in one line."""
    return TaskResult(
        id=task.id,
        kind=task.kind,
        tile=task.tile.id,
        state=task.state_group,
        night=task.night,
        error=reason,
        fault=fault,
    )


def _way_out(error: Exception, task: TileTask) -> str:
    """Say who can mend what went wrong."""
    if find_fault(error) == Fault.PLACE:
        folder = task.workplace.folder
        return f"make room, or look after the storage of {folder}, and run it again"
    return "report this as a defect"


@lru_cache(maxsize=2)
def _model(folder: Path | None) -> Model | None:
    """One model for each worker process, not one for each tile."""
    return None if folder is None else load_model(folder)
