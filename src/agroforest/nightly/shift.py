"""The tile tasks of one night: handed out, tried again, recorded, accounted for."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from agroforest.core.alert import Alert
from agroforest.core.execution import Attempt, Execution, TileQuarantine
from agroforest.nightly.execution import Rota, read_history
from agroforest.nightly.plan import Plan, TileTask, find_alerts
from agroforest.nightly.power.budget import exceeded
from agroforest.nightly.power.meter import Meter
from agroforest.nightly.result import TaskResult
from agroforest.nightly.session import Session
from agroforest.nightly.supply import Workers

_log = logging.getLogger(__name__)


@dataclass(kw_only=True, slots=True)
class Shift:
    """What workers did in one night.

    Attributes
    ----------
    results
        One for each task that was begun, by tile.
    tried
        Attempts.
    left_out
        Tasks that were not begun, and `reason` why.
    """

    results: list[TaskResult] = field(default_factory=list)
    tried: list[Attempt] = field(default_factory=list)
    left_out: list[TileTask] = field(default_factory=list)
    reason: str = ""


def work_shift(
    session: Session,
    workers: Workers,
    plan: Plan,
    alerts: Sequence[Alert],
    *,
    execution: Execution,
    meter: Meter,
) -> Shift:
    """Learn missing baselines, judge the tiles that have one, compare years."""
    shift = Shift()

    def run(tasks: Sequence[TileTask], label: str) -> None:
        _run(session, workers, tasks, label, execution, meter, shift)

    run(plan.baselines, f"{plan.night} baselines")
    lost = {r.tile for r in shift.results if not r.done}
    unlearned = {t.tile.id for t in shift.left_out}
    run(
        [
            task.patch(alerts=tuple(find_alerts(alerts, task.tile)))
            for task in plan.tasks
            if task.tile.id not in lost | unlearned
        ],
        f"{plan.night} tiles",
    )
    shift.left_out += [t for t in plan.tasks if t.tile.id in unlearned]
    run(plan.yearly, f"{plan.night} years")
    return shift


def _run(
    session: Session,
    workers: Workers,
    tasks: Sequence[TileTask],
    label: str,
    execution: Execution,
    meter: Meter,
    shift: Shift,
) -> None:
    if not tasks:
        return
    store, patience = session.store, session.patience
    history = patience.persist(
        store, lambda: read_history(store, execution.pipeline, tasks)
    )
    rota = Rota(
        tasks,
        execution=execution,
        history=history,
        patience=patience,
        record=_recorder(session),
        stop=_bound(session, meter),
    )
    session.progress.begin(label, len(tasks))
    results = []
    for tried in workers.run(rota):
        meter.add(
            cpu_seconds=tried.cpu_seconds,
            bytes_read=tried.bytes_read,
            saved=tried.saved,
        )
        if tried.error:
            _log.error("%s tile %s: %s", tried.kind, tried.tile, tried.error)
        result = rota.settle(tried)
        if result is not None:
            results.append(result)
            session.progress.advance()
    results += rota.close()
    shift.results += sorted(results, key=lambda r: r.tile)
    shift.tried += rota.tried
    shift.left_out += rota.left_out
    shift.reason = shift.reason or rota.reason


def _recorder(
    session: Session,
) -> Callable[[Sequence[Attempt], Sequence[TileQuarantine]], None]:
    store = session.store

    def record(
        attempts: Sequence[Attempt], quarantined: Sequence[TileQuarantine]
    ) -> None:
        session.patience.persist(
            store, lambda: store.tries.record_attempts(attempts, quarantined)
        )

    return record


def _bound(session: Session, meter: Meter) -> Callable[[], str]:
    """Why no further task may begin, by the settings' budget."""
    budget = session.watch.pipeline.budget
    if not any(bound is not None for bound in budget.model_dump().values()):
        return str
    return lambda: exceeded(budget, meter.read())


def resolve(
    standing: Iterable[TileQuarantine], results: Iterable[TaskResult]
) -> list[TileQuarantine]:
    """Find what no longer is set aside: a later task of its tile was done."""
    done = {(r.tile, str(r.kind)) for r in results if r.done}
    return [q for q in standing if (q.tile, q.kind) in done]
