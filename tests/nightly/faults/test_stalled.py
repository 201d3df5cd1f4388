"""A worker that is stopped in a real night, overtaken, and goes on too late."""

import os
import signal
import time
from functools import partial
from pathlib import Path

import psutil
import pytest
from tests.nightly.conftest import Site
from tests.nightly.faults.fate import Fates
from tests.nightly.faults.forked import Forked
from tests.nightly.faults.nights import NIGHT, Clean, differ, run, run_in
from tests.nightly.faults.workers import Crew
from tests.nightly.outcome import look

from agroforest.nightly.cluster import silence
from agroforest.nightly.lease import LENGTH_S, Token, read_token
from agroforest.nightly.workplace import Workplace
from agroforest.testing.reliability import record

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]

TILE = "49QBF-0810"
# Files that it touches before it is stopped: it is at work on the tile's state.
_STEPS = 60
_PATIENCE_S = 100.0


def test_a_worker_stopped_in_a_night_writes_nothing_late(
    learned: Site, clean: Clean, crew: Crew, tmp_path: Path
) -> None:
    site = learned.copy(tmp_path)
    locks = Workplace(root=site.work, pipeline=site.pipeline.name).locks
    with crew.at_work(), Forked() as runs:
        # A run that dies at the tile: the next gives it a process of its own.
        Fates(tiles={TILE: _STEPS}).write(crew.fates)
        assert runs.run(site, [NIGHT]) == -signal.SIGKILL
        Fates(tiles={TILE: _STEPS}, signal=signal.SIGSTOP).write(crew.fates)
        second = runs.start(partial(run_in, site.world.pipeline, site.work, [NIGHT]))
        worker, token = await_stopped(locks)
        second.kill()
        second.join()
        crew.fates.unlink()
        shorten(locks, token)
        assert runs.run(site, [NIGHT]) == 0
        newest = read_token(locks, TILE)
        assert newest is not None
        assert newest.fence > token.fence
        worker.send_signal(signal.SIGCONT)
        worker.wait(_PATIENCE_S)
    same = differ(look(site.work), clean.first) == []
    left = list(site.work.rglob(".*.part*"))
    record(
        "fault",
        "worker stopped in a night, overtaken by the next run, and woken",
        tried=1,
        survived=int(same and not left),
        note="files and rows stay those of a clean run",
    )
    assert same
    assert left == []


def test_a_night_does_not_wait_for_a_worker_that_stands_still(
    learned: Site, clean: Clean, crew: Crew, tmp_path: Path
) -> None:
    site = learned.copy(tmp_path)
    locks = Workplace(root=site.work, pipeline=site.pipeline.name).locks
    before = read_token(locks, TILE)
    assert before is not None
    with crew.at_work(), pytest.MonkeyPatch.context() as patch:
        # Longer than between two signs of life of a worker that works.
        patch.setattr(silence, "SILENT_S", LENGTH_S / 2)
        fence = f"{TILE}/{before.fence + 1}"
        Fates(fences={fence: _STEPS}, signal=signal.SIGSTOP).write(crew.fates)
        (outcome,) = run(site, [NIGHT])
    assert outcome.report is not None
    named = [a["error"] for a in outcome.report["attempts"]]
    same = differ(look(site.work), clean.first) == []
    record(
        "fault",
        "worker of a night that stands still, and never goes on",
        tried=1,
        survived=int(same and not outcome.failed),
        note="it is ended after ten minutes (half of one in the test), and its tile "
        "done by another; files and rows are those of a clean run",
    )
    assert not outcome.failed
    assert named[1:] == [None]  # the second attempt
    assert "stood still and was ended" in named[0]
    assert same


def await_stopped(locks: Path) -> tuple[psutil.Process, Token]:
    """Wait until whoever has the tile is stopped."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        token = read_token(locks, TILE)
        pid = int(token.holder.partition(":")[2] or 0) if token else 0
        if token and not token.free and pid and pid != os.getpid():
            try:
                process = psutil.Process(pid)
                if process.status() == psutil.STATUS_STOPPED:
                    return process, token
            except psutil.NoSuchProcess:
                pass
        time.sleep(0.05)
    raise AssertionError("nobody was stopped")


def shorten(locks: Path, token: Token) -> None:
    """Let half a second do where one would wait for a minute."""
    path = locks / "leases" / TILE / str(token.fence)
    said = path.read_text()
    assert "60.0" in said
    path.write_text(said.replace("60.0", " 0.5"))
