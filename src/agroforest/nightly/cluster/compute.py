"""Where tasks run: Dask on this machine, or any Dask scheduler."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from concurrent.futures import Future as Promised
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self, TypeAlias

import dask
from distributed import Client, Future, KilledWorker, LocalCluster

from agroforest import __version__
from agroforest.core.log_context import carry
from agroforest.nightly.cluster.beacon import lit
from agroforest.nightly.cluster.crew import Crew, connected
from agroforest.nightly.cluster.expendable import Died, run_apart
from agroforest.nightly.cluster.losses import given_up, innocent, killed, lost
from agroforest.nightly.cluster.scheduler import WORKER_SETTINGS, Scheduler
from agroforest.nightly.cluster.silence import Silence, end_holder
from agroforest.nightly.cluster.worker import Terms, work, work_for
from agroforest.nightly.judge import Judge
from agroforest.nightly.lease import read_token
from agroforest.nightly.plan import TileTask
from agroforest.nightly.result import TaskResult
from agroforest.nightly.supply import Handed, Once, Supply
from agroforest.nightly.workplace import Workplace

_log = logging.getLogger(__name__)

# Seconds between two looks at the workers; arbitrary.
_ROUND = 5.0
_LEAST = 0.05
# Seconds that a result may take to get here: a few kilobytes. Meanwhile nothing else is
# looked at. Arbitrary.
_FETCH_S = 5.0
# How often a task is given to another worker because the first was not fit.
_ATTEMPTS = 3


_Queue: TypeAlias = "SimpleQueue[str]"
# Tasks that are handed out, for each that is worked on: workers never wait for us, and
# little is lost when a run ends early.
_AHEAD = 2
# The scheduler of our own workers gives none more than it works on, so whose task
# killed it is no question; we decide ourselves what is tried again.
_LOCAL_SETTINGS = {
    **WORKER_SETTINGS,
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.worker-saturation": 1.0,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Running:
    """A task that was handed out, and for which time."""

    key: str
    handed: Handed
    attempt: int
    future: "Future[TaskResult] | Promised[TaskResult]"

    def release(self) -> None:
        """Say that nobody wants its result any more.

        As long as somebody does, the death of the worker that holds it makes the
        scheduler do the task again, whatever nights were done since. That nobody
        refers to the future is not enough: an error's traceback may, until memory is
        next looked through.
        """
        if isinstance(self.future, Future):
            self.future.release()


class _LateError(Exception):
    """A result has not come yet, though it is said to be there."""


class Compute:
    """A Dask client that is started by the first task; a context manager.

    Parameters
    ----------
    scheduler
        Who does the work; ``None`` starts worker processes here, one a processor
        and no more than tiles. A single tile is worked on in this process, unless
        somebody died of it before.
    tiles
        Tiles of the pipeline.
    workplace
        Work folder and pipeline; its lock is held by the caller.
    judge
        Who judges.
    """

    def __init__(
        self,
        scheduler: Scheduler | None,
        *,
        tiles: int,
        workplace: Workplace,
        judge: Judge,
    ) -> None:
        self._scheduler = scheduler
        self._workers = max(1, min(tiles, os.cpu_count() or 1))
        self._workplace = workplace
        self._judge = judge
        self._silence = Silence(workplace.locks)
        self._still: set[str] = set()  # attempts whose workers stood still
        self._stack = ExitStack()
        self._client: Client | None = None
        self._crew: Crew | None = None
        # What may have ended a run for want of memory is done one by one, beside the
        # workers: after a power cut it is a whole window of tasks.
        self._turn = threading.Lock()
        self._work: Callable[[TileTask, str], TaskResult]
        self._work = partial(work, model=judge.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def run(self, tasks: Sequence[TileTask] | Supply) -> Iterator[TaskResult]:
        """Run tasks and yield what came of each attempt, as they come.

        A worker's death is a failed result of the task that it was at work on. Tasks
        that it only held are given to others.

        Parameters
        ----------
        tasks
            What to do; a `Supply` may give tasks out again.

        Raises
        ------
        ConfigurationError
            The scheduler does not answer, or none of its workers is fit.
        SourceError
            The scheduler, or the last worker, was lost.
        """
        supply = Once(tasks) if isinstance(tasks, Sequence) else tasks
        self._connect()
        if self._crew is not None:
            self._crew.gather()
        done: _Queue = SimpleQueue()
        waiting: dict[str, _Running] = {}
        late: set[str] = set()
        looked = time.monotonic()
        while True:
            self._fill(supply, waiting, done)
            pause = supply.wait_s()
            if not waiting and pause is None:
                return
            # What was handed out says when it ends; what waits for its time does not.
            key = _next(done, pause or _ROUND)
            if time.monotonic() - looked > _ROUND:
                if self._crew is not None:
                    self._crew.look_after()
                yield from self._end_silent(waiting)
                looked = time.monotonic()
                while late:
                    done.put(late.pop())
            if key not in waiting:  # none, or of one that was given up
                continue
            running = waiting[key]
            try:
                result = self._result(running)
            except _LateError:
                late.add(key)
                continue
            waiting.pop(key).release()
            if result is None:
                self._submit(running.handed, running.attempt + 1, waiting, done)
            else:
                yield result

    def _end_silent(self, waiting: dict[str, _Running]) -> Iterator[TaskResult]:
        """End workers that have stood still for too long; what came of their tasks.

        Those of this machine are killed, and their tasks end by that. One elsewhere is
        given up: should it go on, it finds its tile taken, and writes nothing.
        """
        tiles = {key: each.handed.task.tile.id for key, each in waiting.items()}
        for key, token in self._silence.find(tiles, most_s=2 * _ROUND).items():
            task = waiting[key].handed.task
            _log.error(
                "%s: its worker (%s) stood still, and is ended or given up",
                task.tile.id,
                token.holder,
            )
            self._still.add(key)
            if not end_holder(token):
                waiting.pop(key).release()
                yield given_up(task, token)

    def _fill(self, supply: Supply, waiting: dict[str, _Running], done: _Queue) -> None:
        """Hand tasks out, half a window at once: each time costs a transaction."""
        workers = self._workers if self._crew is None else self._crew.count()
        window = _AHEAD * max(1, workers)
        free = window - len(waiting)
        if not waiting or 2 * free >= window:
            for handed in supply.take(free):
                self._submit(handed, 1, waiting, done)

    def _submit(
        self,
        handed: Handed,
        attempt: int,
        waiting: dict[str, _Running],
        done: _Queue,
    ) -> None:
        key = f"{handed.key}-{attempt}"
        do = carry(self._work)
        future: Future[TaskResult] | Promised[TaskResult]
        if handed.alone and self._crew is None:
            future = run_apart(do, handed.task, key, self._turn)
        else:
            client = self._connect()
            future = client.submit(do, handed.task, key, key=key, pure=False)
        waiting[key] = _Running(key=key, handed=handed, attempt=attempt, future=future)
        future.add_done_callback(lambda _: done.put(key))

    def _result(self, running: "_Running") -> TaskResult | None:
        """Fetch a result; ``None`` when another worker should try.

        Raises
        ------
        _LateError
            The worker has it and does not give it away: it was stopped since. When
            the scheduler notices, it lets another do the task (``worker-ttl``).
        """
        task = running.handed.task
        if self._crew is not None:
            self._crew.require_connection()
        try:
            return running.future.result(_FETCH_S)
        except Died:
            return killed(task, 1, still=running.key in self._still)
        except KilledWorker as error:
            return self._find_guilt(running, error)
        except CancelledError as error:
            if self._crew is None:
                return lost(task, error)
            raise self._crew.lost() from error
        except Exception as error:  # a lost worker, in any form
            if isinstance(error, TimeoutError) and not _has_failed(running.future):
                raise _LateError from error
            if self._crew is None or running.attempt == _ATTEMPTS:
                return lost(task, error)
            self._crew.look_after(everybody=True)
            return None

    def _find_guilt(self, running: "_Running", error: KilledWorker) -> TaskResult:
        """Say whether a task's worker died of it, or only while it held it.

        Who was at work had the tile's lease, and did not give it back.
        """
        task, deaths = running.handed.task, error.allowed_failures + 1
        token = read_token(self._workplace.locks, task.tile.id)
        if token is None or token.key != running.key or token.free:
            return innocent(task)
        died = killed(task, deaths, still=running.key in self._still)
        return died.patch(fence=token.fence)

    def _connect(self) -> Client:
        if self._client is None:
            self._client = self._open()
        return self._client

    def _open(self) -> Client:
        if self._scheduler is None:
            return self._start(self._workers, processes=self._workers > 1)
        client = self._stack.enter_context(connected(self._scheduler))
        root, judge = self._workplace.root, self._judge
        terms = Terms(
            version=__version__,
            roots=tuple(dict.fromkeys((str(root), str(root.resolve())))),
            pipeline=self._workplace.pipeline,
            beacon=self._stack.enter_context(lit(self._workplace.folder)),
            model=judge.folder.name if judge.folder else None,
            identity=judge.identity,
        )
        self._crew = Crew(client, self._scheduler, terms)
        self._work = partial(work_for, terms)
        return client

    def _start(self, workers: int, *, processes: bool) -> Client:
        """Start workers on this machine."""
        with dask.config.set(_LOCAL_SETTINGS):
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=processes,
                host="127.0.0.1" if processes else None,  # one process: no port
                # Dask serves its metrics even without a dashboard, and on every
                # interface unless told otherwise.
                dashboard_address="127.0.0.1:0",
                worker_dashboard_address="127.0.0.1:0",
                silence_logs=logging.ERROR,
            )
        self._stack.enter_context(cluster)
        client = Client(cluster, set_as_default=False)
        self._stack.enter_context(client)
        return client


def _next(done: _Queue, timeout: float) -> str | None:
    try:
        return done.get(timeout=min(max(timeout, _LEAST), _ROUND))
    except Empty:
        return None


def _has_failed(future: "Future[TaskResult] | Promised[TaskResult]") -> bool:
    """Whether its error is the task's own, and not that of fetching it."""
    if isinstance(future, Promised):
        return future.done()
    return bool(future.status == "error")
