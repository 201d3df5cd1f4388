"""Where tasks run: Dask on this machine, or any Dask scheduler."""

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self, TypeAlias

import dask
from distributed import Client, Future, KilledWorker, LocalCluster

from agroforest import __version__
from agroforest.core.errors import ConfigurationError
from agroforest.core.log_context import carry
from agroforest.nightly.cluster.beacon import lit
from agroforest.nightly.cluster.crew import Crew, connected
from agroforest.nightly.cluster.scheduler import WORKER_SETTINGS, Scheduler
from agroforest.nightly.cluster.worker import Terms, work, work_for
from agroforest.nightly.judge import Judge
from agroforest.nightly.plan import TileTask
from agroforest.nightly.result import TaskResult
from agroforest.nightly.tile import failed
from agroforest.nightly.workplace import Workplace

# Seconds between two looks at the workers; arbitrary.
_ROUND = 5.0
# How often a task is given to another worker because the first was not fit.
_ATTEMPTS = 3


_Queue: TypeAlias = "SimpleQueue[Future[TaskResult]]"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Running:
    """A task that was handed out, and for which time."""

    task: TileTask
    attempt: int
    future: "Future[TaskResult]"


class Compute:
    """A Dask client that is started by the first task; a context manager.

    Parameters
    ----------
    scheduler
        Who does the work; ``None`` starts worker processes here, one a processor
        and no more than tiles. A single tile is worked on in this process.
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
        self._tiles = tiles
        self._workplace = workplace
        self._judge = judge
        self._stack = ExitStack()
        self._client: Client | None = None
        self._crew: Crew | None = None
        self._work: Callable[[TileTask], TaskResult] = partial(work, model=judge.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def run(self, tasks: Sequence[TileTask]) -> Iterator[TaskResult]:
        """Run tasks and yield their results as they come.

        A task whose worker dies is given to another one, as often as the
        scheduler's ``allowed-failures`` says (three times); then it is a failed
        result. What it had written is written again.

        Raises
        ------
        ConfigurationError
            The scheduler does not answer, or none of its workers is fit.
        SourceError
            The scheduler, or the last worker, was lost.
        """
        client = self._client = self._client or self._open()
        if self._crew is not None:
            self._crew.gather()
        done: _Queue = SimpleQueue()
        waiting: dict[object, _Running] = {}

        def submit(task: TileTask, attempt: int) -> None:
            key = f"{task.kind}-{task.id}-{attempt}"
            future = client.submit(carry(self._work), task, key=key, pure=False)
            waiting[key] = _Running(task=task, attempt=attempt, future=future)
            future.add_done_callback(done.put)

        for task in tasks:
            submit(task, 1)
        looked = time.monotonic()
        while waiting:
            future = _next(done)
            if self._crew is not None and time.monotonic() - looked > _ROUND:
                self._crew.look_after()
                looked = time.monotonic()
            if future is None:
                continue
            running = waiting.pop(future.key)
            result = self._result(running)
            future.release()
            if result is None:
                submit(running.task, running.attempt + 1)
            else:
                yield result

    def _result(self, running: "_Running") -> TaskResult | None:
        """Fetch a result; ``None`` when another worker should try."""
        task = running.task
        if self._crew is not None:
            self._crew.require_connection()
        try:
            return running.future.result()
        except KilledWorker as error:
            reason = f"{error.allowed_failures + 1} workers died of it"
            return failed(
                task,
                f"{task.tile.id}: {reason}, often for want of memory; "
                "look into their logs, then run the night again",
            )
        except CancelledError as error:
            if self._crew is None:
                return _lost(task, error)
            raise self._crew.lost() from error
        except Exception as error:  # noqa: BLE001  a lost worker, in any form
            if self._crew is None or running.attempt == _ATTEMPTS:
                return _lost(task, error)
            self._crew.look_after(everybody=True)
            return None

    def _open(self) -> Client:
        if self._scheduler is None:
            local = Client(self._local_cluster())
            self._stack.enter_context(local)
            return local
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

    def _local_cluster(self) -> LocalCluster:
        workers = max(1, min(self._tiles, os.cpu_count() or 1))
        with dask.config.set(WORKER_SETTINGS):
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=workers > 1,
                host="127.0.0.1" if workers > 1 else None,  # one process: no port
                # Dask serves its metrics even without a dashboard, and on every
                # interface unless told otherwise.
                dashboard_address="127.0.0.1:0",
                worker_dashboard_address="127.0.0.1:0",
                silence_logs=logging.ERROR,
            )
        self._stack.enter_context(cluster)
        return cluster


def _next(done: _Queue) -> "Future[TaskResult] | None":
    try:
        return done.get(timeout=_ROUND)
    except Empty:
        return None


def _lost(task: TileTask, error: BaseException) -> TaskResult:
    if isinstance(error, ConfigurationError):
        return failed(task, str(error))
    reason = f"worker lost ({type(error).__name__})"
    return failed(task, f"{task.tile.id}: {reason}; run the night again")
