"""A worker process for a rehearsal, and what its tasks cost."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

from agroforest.core.errors import DataError, SourceError
from agroforest.nightly.cluster import WORKER_ENVIRONMENT
from agroforest.nightly.forest import read_forest
from agroforest.nightly.judge import Judge
from agroforest.nightly.outlook.figures import Load
from agroforest.nightly.outlook.machine import peak_memory, reset_peak_memory
from agroforest.nightly.outlook.survey import pixels
from agroforest.nightly.plan import TileTask
from agroforest.nightly.result import TaskResult
from agroforest.nightly.run import Progress
from agroforest.nightly.tile import run_task
from agroforest.risk import load_model
from agroforest.store.state import load_state

# Seconds a worker has to leave when nobody asks any more. Arbitrary.
_FAREWELL_S = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One task that was run, and what it cost.

    Attributes
    ----------
    task, result
        The task and how it ended.
    wall_s, cpu_s
        Seconds, and processor seconds of all threads.
    memory
        Peak of the process, bytes; 0 if unknown.
    """

    task: TileTask = field(repr=False)
    result: TaskResult = field(repr=False)
    wall_s: float
    cpu_s: float
    memory: int

    def load(self) -> Load:
        """Measure what it had to do."""
        return Load(
            scenes=len(self.task.scenes),
            mpx=pixels(self.task.tile.grid) / 1e6,
            forest_mpx=float(read_forest(self.task).sum()) / 1e6,
        )

    def output_bytes(self) -> int:
        """Sum the bytes of its maps and their items."""
        root = self.task.workplace.root
        return sum((root / path).stat().st_size for path in self.result.outputs)

    def state(self) -> tuple[int, int, int]:
        """Pixels with a season, observations remembered, bytes on disk."""
        saved = load_state(self.task.workplace.state, self.task.state_group)
        arrays = saved[0] if saved else {}
        modelled, filled = (
            int((arrays[name] > 0).sum()) if name in arrays else 0
            for name in ("model_from", "ring_day")
        )
        folder = self.task.workplace.state / self.task.state_group
        return modelled, filled, folder_bytes(folder)


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder; 0 where there is none."""
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


class Performer:
    """One process like those of a night; a context manager.

    Parameters
    ----------
    judge
        Who judges.
    progress
        Told of every task.
    alone
        Whether a night would have no other: then it may use all processors.
    """

    def __init__(self, judge: Judge, progress: Progress, *, alone: bool) -> None:
        self._judge = judge
        self._progress = progress
        context = get_context("spawn")
        self._line, far = context.Pipe()
        self._process = context.Process(target=_serve, args=(far,), daemon=True)
        with _environment({} if alone else _shared()):
            self._process.start()
        far.close()  # so that the end of either process is seen by the other

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()
        self._process.join(_FAREWELL_S)
        if self._process.is_alive():  # in the middle of a task
            self._process.terminate()
            self._process.join()

    def start(self) -> float:
        """Say how many seconds it takes until the process is ready."""
        began = time.perf_counter()
        self._ask(None)
        return time.perf_counter() - began

    def perform(self, task: TileTask) -> Run:
        """Run a task.

        Raises
        ------
        DataError
            It failed.
        SourceError
            The process died.
        """
        run: Run = self._ask(task)
        self._progress.advance()
        if run.result.error is not None:
            raise DataError(
                "rehearsal",
                run.result.error,
                "mend that, or ask 'agroforest nightly --dry-run' for the plan alone",
            )
        return run

    def _ask(self, task: TileTask | None) -> Any:  # noqa: ANN401  see `_serve`
        try:
            self._line.send((task, self._judge.folder))
            return self._line.recv()
        except (EOFError, OSError) as error:
            raise SourceError(
                "rehearsal", "its worker died, often for want of memory", "free some"
            ) from error


def _shared() -> Mapping[str, str]:
    """Environment of workers that share a machine: one thread each."""
    given = WORKER_ENVIRONMENT.items()
    return {name: str(value) for name, value in given if value is not None}


@contextmanager
def _environment(added: Mapping[str, str]) -> Iterator[None]:
    """Set variables for a process that is started meanwhile."""
    before = {name: os.environ.get(name) for name in added}
    os.environ.update(added)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _serve(line: Connection) -> None:
    """Answer each task by its run, until nobody asks any more."""
    with suppress(EOFError, BrokenPipeError):
        while True:
            task, model = line.recv()
            if task is not None:
                line.send(_perform(task, model))
                continue
            if model is not None:
                load_model(model)
            line.send(None)


def _perform(task: TileTask, model: Path | None) -> Run:
    reset_peak_memory()
    wall, cpu = time.perf_counter(), time.process_time()
    result = run_task(task, model)
    return Run(
        task=task,
        result=result,
        wall_s=time.perf_counter() - wall,
        cpu_s=time.process_time() - cpu,
        memory=peak_memory(),
    )
