"""Where tasks run: on the loopback, or on the scheduler that was named."""

import asyncio
import gc
import logging
import os
import pickle
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import psutil
import pytest
from distributed import Client, LocalCluster
from tests.nightly.cluster.test_mounts import task
from tests.nightly.conftest import Site
from tests.nightly.test_nights import FIRST

from agroforest.core.errors import ConfigurationError, SourceError
from agroforest.nightly import TileTask
from agroforest.nightly.attempts import Fault
from agroforest.nightly.cluster import compute as compute_module
from agroforest.nightly.cluster import crew
from agroforest.nightly.cluster.compute import Compute, _LateError, _Queue, _Running
from agroforest.nightly.cluster.scheduler import Scheduler
from agroforest.nightly.judge import Judge
from agroforest.nightly.lease import Token
from agroforest.nightly.result import TaskResult
from agroforest.nightly.supply import Handed
from agroforest.nightly.tile import failed
from agroforest.nightly.workplace import Workplace
from agroforest.testing.storm import wait_for

pytestmark = pytest.mark.enable_socket
_RULE = Judge(folder=None, title="rule", identity="rule")


def compute(scheduler: Scheduler | None, work: Path) -> Compute:
    place = Workplace(root=work, pipeline="p")
    return Compute(scheduler, tiles=2, workplace=place, judge=_RULE)


def loopback(workers: int) -> LocalCluster:
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address="127.0.0.1:0",
    )


def test_nothing_listens_beyond_the_loopback(tmp_path: Path) -> None:
    with compute(None, tmp_path) as started:
        list(started.run([]))
        parent = psutil.Process(os.getpid())
        family = [parent, *parent.children(recursive=True)]
        listening = {
            c.laddr.ip
            for process in family
            for c in process.net_connections(kind="inet")
            if c.status == psutil.CONN_LISTEN
        }
    assert listening == {"127.0.0.1"}


def test_a_silent_worker_elsewhere_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed = Handed(task=task("/srv/work", "/srv/work/B01.tif"), key="k")
    running = _Running(key="k-1", handed=handed, attempt=1, future=Future())
    waiting = {"k-1": running}
    token = Token(fence=7, holder="else.where:1", key="k-1")
    with compute(None, tmp_path) as started:
        asked = []

        def find(tiles: dict[str, str], *, most_s: float) -> dict[str, Token]:
            asked.append((tiles, most_s))
            return {"k-1": token}

        monkeypatch.setattr(started._silence, "find", find)
        (result,) = started._end_silent(waiting)
    assert asked == [({"k-1": "49QBF-1"}, 10.0)]
    assert waiting == {}
    assert (result.fault, result.fence) == (Fault.KILLED, 7)
    assert result.error is not None
    assert "its worker (else.where:1) stood still; end it" in result.error


def test_a_result_on_a_stopped_worker_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run looks after its other tasks meanwhile."""
    monkeypatch.setattr(compute_module, "_FETCH_S", 0.5)
    own = task("/srv/work", "/srv/work/B01.tif")
    with (
        loopback(1) as cluster,
        Client(cluster, set_as_default=False) as client,
        compute(None, tmp_path) as started,
    ):
        ((_, process),) = client.run(os.getpid).items()
        future = client.submit(failed, own, "nothing", Fault.DATA)
        there = Event()
        future.add_done_callback(lambda _: there.set())
        assert there.wait(60)
        handed = Handed(task=own, key="k")
        running = _Running(key="k-1", handed=handed, attempt=1, future=future)
        os.kill(process, signal.SIGSTOP)
        try:
            with pytest.raises(_LateError):
                started._result(running)
        finally:
            os.kill(process, signal.SIGCONT)
        assert started._result(running) == failed(own, "nothing", Fault.DATA)


def test_a_stopped_worker_is_sent_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever inspects it does not wait for ever."""
    # Enough for the other one, which imports much on a busy machine.
    monkeypatch.setattr(crew, "INSPECTED_S", 20.0)
    monkeypatch.setattr(crew, "_ANSWER_S", 40.0)
    monkeypatch.setenv("AGROFOREST_WORK", str(tmp_path))
    with (
        loopback(2) as cluster,
        Client(cluster, set_as_default=False) as client,
        compute(Scheduler(address=cluster.scheduler_address), tmp_path) as started,
    ):
        processes = client.run(os.getpid)
        still, fit = processes
        os.kill(processes[still], signal.SIGSTOP)
        try:
            list(started.run([]))
            assert started._crew is not None
            assert started._crew._fit == {fit}
        finally:
            os.kill(processes[still], signal.SIGCONT)
    assert "does not answer (TimeoutError); it is sent away" in caplog.text


def test_a_late_result_does_not_hold_up_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compute_module, "_ROUND", 0.2)
    one = task("/srv/work", "/srv/work/B01.tif")
    tasks = [replace(one, id=name) for name in ("first", "second")]
    tries = []

    class Late(Future):  # type: ignore[type-arg]
        def result(self, timeout: float | None = None) -> TaskResult:
            tries.append(timeout)
            if len(tries) < 4:
                raise TimeoutError
            return failed(tasks[0], "late", Fault.DATA)

        def done(self) -> bool:
            return False

    def submit(
        handed: Handed, attempt: int, waiting: dict[str, _Running], done: _Queue
    ) -> None:
        future: Future[TaskResult] = Future()
        if handed.task is tasks[0]:
            future = Late()
        else:
            future.set_result(failed(handed.task, "at once", Fault.DATA))
        waiting[handed.key] = _Running(
            key=handed.key, handed=handed, attempt=attempt, future=future
        )
        done.put(handed.key)

    with compute(None, tmp_path) as started:
        monkeypatch.setattr(started, "_submit", submit)
        errors = [result.error for result in started.run(tasks)]
    assert errors == ["at once", "late"]
    assert len(tries) == 4
    assert all(timeout == compute_module._FETCH_S for timeout in tries)


def test_what_was_fetched_is_never_done_again(tmp_path: Path) -> None:
    """Not even if the worker dies that had it, and memory was not looked through."""
    done = tmp_path / "done.txt"
    one = task("/srv/work", "/srv/work/B01.tif")
    deadly, sound = (replace(one, id=name) for name in ("deadly", "sound"))

    def act(task: TileTask, _: str) -> TaskResult:
        if task.id == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(1)  # comes last, so that whoever asked still knows of it
        with done.open("a") as file:
            file.write(task.id)
        return failed(task, "nothing", Fault.DATA)

    gc.collect()
    gc.disable()
    try:
        with compute(None, tmp_path) as started:
            started._work = act
            results = {r.id: r.fault for r in started.run([deadly, sound])}
            client = started._client
            assert client is not None
            wait_for(lambda: not client.futures, "that nothing is wanted any more", 5)
            first = client.run(os.getpid)
            for process in first.values():
                os.kill(process, signal.SIGKILL)
            # Others come in their place, and would be given what is wanted.
            wait_for(
                lambda: len(set(client.nthreads()) - set(first)) == 2, "other workers"
            )
            time.sleep(2)
    finally:
        gc.enable()
    assert results == {"deadly": Fault.LOST, "sound": Fault.DATA}
    assert done.read_text() == "sound"


def test_a_task_that_timed_out_itself_is_not_late(tmp_path: Path) -> None:
    handed = Handed(task=task("/srv/work", "/srv/work/B01.tif"), key="k")
    broken: Future[TaskResult] = Future()
    broken.set_exception(TimeoutError("the storage"))
    running = _Running(key="k-1", handed=handed, attempt=1, future=broken)
    with compute(None, tmp_path) as started:
        result = started._result(running)
    assert result is not None
    assert result.fault == Fault.LOST


def test_a_scheduler_that_is_not_there_is_named(tmp_path: Path) -> None:
    nobody = Scheduler(address="tcp://127.0.0.1:1", patience=1)
    with (
        compute(nobody, tmp_path) as started,
        pytest.raises(ConfigurationError, match=r"tcp://127\.0\.0\.1:1: no Dask"),
    ):
        list(started.run([]))


def test_a_scheduler_without_workers_is_waited_for_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with loopback(0) as cluster:
        empty = Scheduler(address=cluster.scheduler_address, patience=4)
        with (
            compute(empty, tmp_path) as started,
            pytest.raises(SourceError, match=r"no worker for 4 s; .*agroforest worker"),
        ):
            list(started.run([]))
    assert "has no worker; waiting up to 4 s" in caplog.text


def test_what_a_lost_scheduler_leaves_undone_is_not_shown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Something wanted of it ends with an error, and is freed long after."""
    wanted: list[asyncio.Future[None]] = []
    left = Event()

    def want() -> None:
        wanted.append(asyncio.get_running_loop().create_future())
        wanted[0].set_exception(TimeoutError("Timeout"))
        left.set()

    def lose(at: Scheduler) -> None:
        with crew.connected(at) as client:
            assert client.loop is not None
            client.loop.add_callback(want)
            assert left.wait(10)
            raise SourceError(at.address, "was lost", "start it again")

    with loopback(0) as cluster, pytest.raises(SourceError, match="was lost"):
        lose(Scheduler(address=cluster.scheduler_address))
    wanted.clear()
    gc.collect()
    assert not any(r.exc_info for r in caplog.records if r.levelno >= logging.WARNING)


@pytest.mark.slow
def test_a_named_scheduler_does_the_work(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is set for workers on other machines must not lead those of this one astray.
    monkeypatch.delenv("AGROFOREST_WORK", raising=False)
    with loopback(1) as cluster:
        at = Scheduler(address=cluster.scheduler_address)
        outcome = site.run(FIRST, scheduler=at)[0]
    assert outcome.report is not None
    assert {t["tile"] for t in outcome.report["tiles"]} == {"49QBF-0810", "49QBF-0910"}
    assert outcome.failed == ()


@pytest.mark.slow
def test_results_carry_no_pixels(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[TaskResult] = []
    plain = Compute.run

    def listen(self: Compute, tasks: Sequence[TileTask]) -> Iterator[TaskResult]:
        for result in plain(self, tasks):
            seen.append(result)
            yield result

    monkeypatch.setattr(Compute, "run", listen)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    site.run(FIRST)
    assert len(seen) == 4
    for result in seen:
        assert arrays_in(result) == []
        assert all(not Path(path).is_absolute() for path in result.outputs)
    assert arrays_in({"found": np.zeros((2, 2))}) == [(2, 2)]


def arrays_in(value: object) -> list[tuple[int, ...]]:
    """Shapes of the arrays that would be sent with a value."""
    found: list[tuple[int, ...]] = []

    class Watching(pickle.Pickler):
        def reducer_override(self, part: Any) -> Any:
            if isinstance(part, np.ndarray):
                found.append(part.shape)
            return NotImplemented

    with Path(os.devnull).open("wb") as nowhere:
        Watching(nowhere).dump(value)
    return found
