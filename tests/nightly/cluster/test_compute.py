"""Where tasks run: on the loopback, or on the scheduler that was named."""

import os
import pickle
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from distributed import LocalCluster
from tests.nightly.cluster.test_mounts import task
from tests.nightly.conftest import Site
from tests.nightly.test_nights import FIRST

from agroforest.core.errors import ConfigurationError, SourceError
from agroforest.nightly import TileTask
from agroforest.nightly.attempts import Fault
from agroforest.nightly.cluster.compute import Compute, _Running
from agroforest.nightly.cluster.scheduler import Scheduler
from agroforest.nightly.judge import Judge
from agroforest.nightly.lease import Token
from agroforest.nightly.result import TaskResult
from agroforest.nightly.supply import Handed
from agroforest.nightly.workplace import Workplace

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
