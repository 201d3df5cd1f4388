"""Real worker processes that start at once and can be given a fate."""

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path
from types import SimpleNamespace

import dask
import pytest
from distributed.utils import get_mp_context
from tests.nightly.faults import fate

from agroforest.nightly.cluster import expendable

_ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, kw_only=True)
class Crew:
    """Two workers a run, each a process.

    Attributes
    ----------
    fates
        File of what becomes of them; see `fate.Fates`.
    """

    fates: Path

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Runs of the block start these workers, and leave theirs out."""
        method = {"distributed.worker.multiprocessing-method": "forkserver"}
        with pytest.MonkeyPatch.context() as patch, dask.config.set(method):
            patch.setattr(os, "cpu_count", lambda: 2)
            # Imports take two seconds a process otherwise; what it does is the same.
            context = multiprocessing.get_context("forkserver")
            apart = SimpleNamespace(get_context=lambda _: context)
            patch.setattr(expendable, "multiprocessing", apart)
            try:
                yield
            finally:
                self.fates.unlink(missing_ok=True)


def start_crew(folder: Path) -> Crew:
    """Start the process that workers are forked from; it ends with this one."""
    fates = folder / "fates.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(_ROOT))
        patch.setenv(fate.VARIABLE, str(fates))
        with dask.config.set(
            {"distributed.worker.multiprocessing-method": "forkserver"}
        ):
            get_mp_context()  # it sets what is imported beforehand, but only once
        forkserver.set_forkserver_preload(["distributed", fate.__name__])
        forkserver.ensure_running()
    return Crew(fates=fates)
