"""One try at a night: its rows, its attempts, and patience with the database.

`Rota` says which task is tried next and keeps account of every attempt; what follows
one is decided by `agroforest.nightly.attempts`.
"""

import logging
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias, TypeVar

from agroforest.core.cost import Cost
from agroforest.core.errors import SourceError
from agroforest.core.execution import (
    Attempt,
    Execution,
    ExecutionStatus,
    Outcome,
    TileQuarantine,
)
from agroforest.core.identity import digest
from agroforest.nightly import attempts
from agroforest.nightly.attempts import Fault, Next
from agroforest.nightly.lease import LENGTH_S
from agroforest.nightly.plan import TileTask
from agroforest.nightly.result import TaskResult
from agroforest.nightly.supply import Handed
from agroforest.store import Store

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

#: What is, or was, set aside, by tile, kind and inputs.
Quarantined: TypeAlias = Mapping[tuple[str, str, str], TileQuarantine]

#: Seconds for which a database may be away: a server that is restarted takes less, and
#: a night that waits holds up nobody. Arbitrary.
DATABASE_PATIENCE_S = 120.0
# Seconds between two questions to a database that is away; arbitrary.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 8.0
# How often one task is handed out in a night although its workers were lost for other
# reasons; arbitrary.
_MOST = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long is waited for what may come back, and by which clock.

    Attributes
    ----------
    database_s
        Seconds for which the database may be away.
    back_off_s
        Seconds before each further attempt at a task.
    now
        The time, UTC.
    pause
        Waits for some seconds.
    """

    database_s: float = DATABASE_PATIENCE_S
    back_off_s: tuple[float, ...] = attempts.BACK_OFF_S
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    pause: Callable[[float], None] = time.sleep

    def persist(self, store: Store, ask: Callable[[], _T]) -> _T:
        """Ask again for as long as the database is away; what is asked is idempotent.

        Raises
        ------
        SourceError
            It did not come back, or something else did not answer.
        """
        return self.wait(ask, lambda error: error.where == store.name)

    def wait(
        self,
        ask: Callable[[], _T],
        is_its: Callable[[SourceError], bool] = lambda _: True,
    ) -> _T:
        """Do as `persist`, for errors of which one can say that they are its own."""
        left, pause = self.database_s, _FIRST_PAUSE_S
        while True:
            try:
                return ask()
            except SourceError as error:
                if left <= 0 or not is_its(error):
                    raise
                _log.warning("%s; waiting up to %.0f s", error, left)
                self.pause(min(pause, left))
                left -= pause
                pause = min(2 * pause, _LONGEST_PAUSE_S)


def begin(pipeline: str, night: date, config_digest: str, now: datetime) -> Execution:
    """Begin a try at a night in this process."""
    host, pid = socket.gethostname(), os.getpid()
    return Execution(
        id=digest("execution", pipeline, night, host, pid, now),
        pipeline=pipeline,
        night=night,
        config_digest=config_digest,
        host=host,
        pid=pid,
        started=now,
    )


def end(
    execution: Execution,
    status: ExecutionStatus,
    now: datetime,
    *,
    error: str | None = None,
    cost: Cost | None = None,
) -> Execution:
    """End a try at a night."""
    cost = cost or execution.cost
    return replace(execution, status=status, ended=now, error=error, cost=cost)


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """What is on record about tasks that are to be done.

    Attributes
    ----------
    attempts
        At the tasks, and at others with the same inputs.
    suspects
        Tiles and kinds of task whose newest attempt nobody saw the end of: it may
        have killed its process.
    quarantined
        What is, or was, set aside, by tile, kind and inputs.
    """

    attempts: Sequence[Attempt] = ()
    suspects: frozenset[tuple[str, str]] = frozenset()
    quarantined: Quarantined = field(default_factory=dict)


def read_quarantined(store: Store, pipeline: str) -> Quarantined:
    """Read what is, or was, set aside, by tile, kind and inputs."""
    found = store.tries.quarantined(pipeline, redriven=True)
    return {(q.tile, q.kind, q.inputs): q for q in found}


def read_history(store: Store, pipeline: str, tasks: Iterable[TileTask]) -> History:
    """Read what is on record about tasks."""
    tasks = list(tasks)
    return History(
        attempts=store.tries.history(
            pipeline,
            tasks=[t.id for t in tasks],
            inputs=[t.inputs for t in tasks],
        ),
        suspects=frozenset(store.tries.suspects(pipeline)),
        quarantined=read_quarantined(store, pipeline),
    )


@dataclass(slots=True)
class _Tally:
    """Attempts at one task."""

    number: int
    counted: int
    tonight: int = 0
    handed: int = 0
    alone: bool = False


class Rota:
    """Which task is tried next, and what became of those that were; a `Supply`.

    Parameters
    ----------
    tasks
        To be done, in order.
    execution
        The try at the night.
    history
        See `History`.
    patience
        See `Patience`.
    record
        Keeps attempts, and what is set aside; called before tasks are handed out and
        by `close`, not for each task.
    stop
        Says why no further task may begin; empty while one may.

    Attributes
    ----------
    tried
        Every attempt that has ended.
    set_aside
        Inputs that no attempt survived.
    left_out
        Tasks that were not begun.
    reason
        Why not.
    """

    def __init__(
        self,
        tasks: Iterable[TileTask],
        *,
        execution: Execution,
        history: History,
        patience: Patience,
        record: Callable[[Sequence[Attempt], Sequence[TileQuarantine]], None],
        stop: Callable[[], str] = str,
    ) -> None:
        self._ready = deque(tasks)
        self._later: list[tuple[datetime, TileTask]] = []
        self._out: dict[str, tuple[TileTask, Attempt]] = {}
        self._execution, self._patience = execution, patience
        self._record, self._stop = record, stop
        self._tallies = {t.id: _tally(t, history) for t in self._ready}
        self._rows: list[Attempt] = []
        self._aside: list[TileQuarantine] = []
        self._failed: dict[str, TaskResult] = {}
        self.tried: list[Attempt] = []
        self.set_aside: list[TileQuarantine] = []
        self.left_out: list[TileTask] = []
        self.reason = ""

    def take(self, free: int) -> Sequence[Handed]:
        """Hand out what may begin now; see `Supply`."""
        now = self._patience.now()
        self._ready.extend(t for when, t in self._later if when <= now)
        self._later = [(when, t) for when, t in self._later if when > now]
        if (self._ready or self._later) and not self.reason:
            self.reason = self._stop()
        if self.reason:
            self._leave_out()
            return ()
        tasks = [self._ready.popleft() for _ in range(min(free, len(self._ready)))]
        handed = [self._begin(task, now) for task in tasks]
        if handed:
            self._flush()
        return handed

    def wait_s(self) -> float | None:
        """Seconds until a task may begin; ``None`` when all have ended or begun."""
        if self._ready:
            return 0.0
        if not self._later:
            return None
        first = min(when for when, _ in self._later)
        return max(0.0, (first - self._patience.now()).total_seconds())

    def settle(self, result: TaskResult) -> TaskResult | None:
        """Take what came of an attempt; ``None`` if it is not the last word.

        What nobody waits for any more, such as a result that comes twice, is no word.
        """
        if result.id not in self._out:
            return None
        task, attempt = self._out.pop(result.id)
        tally, now = self._tallies[task.id], self._patience.now()
        self._end(attempt, tally, result, now)
        verdict = attempts.decide(
            result.fault if result.error is not None else None,
            tonight=tally.tonight,
            counted=tally.counted,
            back_off_s=self._patience.back_off_s,
        )
        if verdict.next is Next.RETRY and tally.handed < _MOST:
            self._failed[task.id] = result
            self._later.append((now + timedelta(seconds=verdict.wait_s), task))
            return None
        if verdict.next is Next.SET_ASIDE:
            self._put_aside(task, tally, result, now)
        return result

    def close(self) -> list[TaskResult]:
        """Record what is not recorded yet.

        Returns
        -------
        list
            Failures that would have been tried again, had there been time.
        """
        if self._rows or self._aside:
            self._flush()
        failed = [self._failed[t.id] for t in self.left_out if t.id in self._failed]
        self.left_out = [t for t in self.left_out if t.id not in self._failed]
        return failed

    def _begin(self, task: TileTask, now: datetime) -> Handed:
        tally = self._tallies[task.id]
        tally.number += 1
        tally.handed += 1
        attempt = Attempt(
            task=task.id,
            number=tally.number,
            execution=self._execution.id,
            pipeline=self._execution.pipeline,
            tile=task.tile.id,
            kind=str(task.kind),
            inputs=task.inputs,
            started=now,
            lease_until=now + timedelta(seconds=LENGTH_S),
        )
        self._out[task.id] = task, attempt
        self._rows.append(attempt)
        key = f"{task.kind}-{task.id}-{self._execution.id}-{tally.number}"
        return Handed(task=task, key=key, alone=tally.alone)

    def _end(
        self, attempt: Attempt, tally: _Tally, result: TaskResult, now: datetime
    ) -> None:
        """Account for an attempt; each worker that died of it was one."""
        fault = result.fault if result.error is not None else None
        outcome = attempts.find_outcome(fault)
        times = max(1, result.deaths)
        for number in range(attempt.number, attempt.number + times):
            ended = replace(
                attempt,
                number=number,
                fence=result.fence,
                ended=now,
                outcome=outcome,
                error=result.error,
            )
            self._rows.append(ended)
            self.tried.append(ended)
        tally.number += times - 1
        if fault is not Fault.LOST:
            tally.tonight += times
        if fault in attempts.COUNTED:
            tally.counted += times
        tally.alone = tally.alone or outcome is Outcome.KILLED

    def _put_aside(
        self, task: TileTask, tally: _Tally, result: TaskResult, now: datetime
    ) -> None:
        aside = TileQuarantine(
            pipeline=self._execution.pipeline,
            tile=task.tile.id,
            kind=str(task.kind),
            inputs=task.inputs,
            night=task.night,
            attempts=tally.counted,
            reason=result.error or "",
            since=now,
        )
        self._aside.append(aside)
        self.set_aside.append(aside)

    def _leave_out(self) -> None:
        self.left_out += [*self._ready, *(t for _, t in self._later)]
        self._ready.clear()
        self._later.clear()

    def _flush(self) -> None:
        # An attempt that began and ended since is one row.
        rows = {(a.task, a.number): a for a in self._rows}
        self._record(list(rows.values()), self._aside)
        self._rows, self._aside = [], []


def _tally(task: TileTask, history: History) -> _Tally:
    kind = str(task.kind)
    known = history.quarantined.get((task.tile.id, kind, task.inputs))
    same = [
        a
        for a in history.attempts
        if (a.tile, a.kind, a.inputs) == (task.tile.id, kind, task.inputs)
    ]
    numbers = (a.number for a in history.attempts if a.task == task.id)
    return _Tally(
        number=max(numbers, default=0),
        counted=attempts.count_against(same, known),
        alone=(task.tile.id, kind) in history.suspects,
    )
