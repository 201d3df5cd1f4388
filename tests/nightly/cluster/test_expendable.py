"""Tasks that may kill whoever does them, in processes of their own."""

import multiprocessing
import os
import signal
import threading
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.nightly.cluster.test_mounts import task

from agroforest.nightly.attempts import Fault
from agroforest.nightly.cluster import expendable
from agroforest.nightly.cluster.expendable import Died, run_apart
from agroforest.nightly.plan import TileTask
from agroforest.nightly.result import TaskResult
from agroforest.nightly.tile import failed


@pytest.fixture(autouse=True)
def _forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that need not import everything first."""
    context = multiprocessing.get_context("fork")
    own = SimpleNamespace(get_context=lambda _: context)
    monkeypatch.setattr(expendable, "multiprocessing", own)


def occupy(place: Path, task: TileTask, key: str) -> TaskResult:
    """Fail where another is at work, or end as its name says."""
    if key == "poison":
        os.kill(os.getpid(), signal.SIGKILL)
    with place.open("x"):
        time.sleep(0.05)
    place.unlink()
    return failed(task, key, Fault.DATA)


def test_they_are_done_one_after_another(tmp_path: Path) -> None:
    work, one = partial(occupy, tmp_path / "busy"), task(str(tmp_path))
    turn = threading.Lock()
    keys = ["a", "b", "poison", "c"]
    promised = {key: run_apart(work, one, key, turn) for key in keys}
    with pytest.raises(Died):
        promised.pop("poison").result(30)
    for key, future in promised.items():
        assert future.result(30).error == key
