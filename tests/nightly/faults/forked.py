"""Runs in processes of their own, which may be killed."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from types import SimpleNamespace, TracebackType
from typing import Any, Self

from tests.nightly.alone import run_alone
from tests.nightly.conftest import Site
from tests.nightly.faults.fate import count_own_steps
from tests.nightly.faults.nights import run_in

from agroforest.nightly.cluster import expendable


class Forked:
    """Processes of the block, and what they leave behind; ended with it."""

    def __init__(self) -> None:
        self._started: list[BaseProcess] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid or 0, signal.SIGKILL)
            process.join()

    def start(
        self, work: Callable[[], object], steps: int | None = None
    ) -> BaseProcess:
        """Begin some work, which is killed (-9) after some steps.

        What it starts in processes of its own is left behind, and goes on.
        """
        # Not copies of this process: threads that it had would be missing in them.
        context = multiprocessing.get_context("forkserver")
        server: Any = forkserver._forkserver
        address = server._forkserver_address
        process = context.Process(target=_do, args=(work, steps, address))
        process.start()
        self._started.append(process)
        return process

    def call(self, work: Callable[[], object], steps: int | None = None) -> int | None:
        """Exit code of some work; negative, the signal that ended it."""
        process = self.start(work, steps)
        process.join()
        return process.exitcode

    def run(
        self, site: Site, nights: Sequence[date], steps: int | None = None
    ) -> int | None:
        """Run nights in a process without workers; its exit code as of `call`."""
        work = partial(run_in, site.world.pipeline, site.work, nights)
        return self.call(work, steps)


def _do(work: Callable[[], object], steps: int | None, address: str) -> None:
    code = 1
    try:
        os.setsid()
        # What has a process of its own comes from where this one does: to import
        # everything anew would take longer than what is done there.
        server: Any = forkserver._forkserver
        server._forkserver_address = address
        server.ensure_running = lambda: None
        context = multiprocessing.get_context("forkserver")
        apart = SimpleNamespace(get_context=lambda _: context)
        vars(expendable)["multiprocessing"] = apart
        with run_alone():
            count_own_steps(steps)
            work()
        code = 0
    finally:
        os._exit(code)
