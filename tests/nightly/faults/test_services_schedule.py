"""``agroforest schedule run`` killed (-9) while a night of it runs."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path

import apscheduler.schedulers.base
import pytest
from tests.nightly.conftest import Site
from tests.nightly.faults.forked import Forked
from tests.nightly.faults.nights import NIGHT, Clean, differ
from tests.nightly.outcome import look

from agroforest.cli.schedule_job import find_program
from agroforest.core.config import read_pipeline
from agroforest.core.execution import ExecutionStatus
from agroforest.nightly.lease import read_token
from agroforest.nightly.workplace import Workplace
from agroforest.schedule.child import Child
from agroforest.schedule.foreground import NightScheduler, only_one
from agroforest.schedule.heartbeat import read_heartbeat
from agroforest.schedule.job import Job
from agroforest.schedule.timetable import parse_timetable
from agroforest.store import open_store
from agroforest.testing.reliability import record

pytestmark = [
    pytest.mark.slow,
    pytest.mark.enable_socket,
    pytest.mark.usefixtures("crew"),
]

# Half an hour after the night of 6 November began in China.
NOW = datetime(2024, 11, 6, 19, tzinfo=UTC)
TILE = "49QBF-0810"
_PATIENCE_S = 100.0


class _Then(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return NOW.astimezone(tz)


def schedule(pipeline: Path, work: Path) -> None:
    """Run nights as the command does, on that night."""
    apscheduler.schedulers.base.datetime = _Then
    name = read_pipeline(pipeline).name
    with only_one(work):
        with open_store(work / "agroforest.db") as store:
            done = {name: store.last_night(name)}
        job = Job(
            name=name,
            pipeline=pipeline,
            work=work,
            timetable=parse_timetable("02:30", "Asia/Shanghai"),
        )
        NightScheduler(
            [job],
            program=find_program(),
            runner=Child(),
            done=done,
            tell=lambda _: None,
            clock=lambda: NOW,
        ).run_nights()


def wait(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_a_scheduler_killed_while_its_night_runs(
    learned: Site, clean: Clean, tmp_path: Path
) -> None:
    site = learned.copy(tmp_path)
    name = site.pipeline.name
    locks = Workplace(root=site.work, pipeline=name).locks
    before = read_token(locks, TILE)
    work = partial(schedule, site.world.pipeline, site.work)
    with open_store(site.work / "agroforest.db") as store:
        with Forked() as processes:
            first = processes.start(work)
            wait(lambda: read_token(locks, TILE) != before, "a worker at work")
            first.kill()
            first.join()
            # Its night was a process of its own, and goes on.
            wait(lambda: store.last_night(name) == NIGHT, "the night")
            wait(lambda: has_map(site), "the map")
            processes.start(work)
            wait(lambda: is_idle(site.work), "nothing to do")
        tries = store.tries.executions(name, first=NIGHT - timedelta(days=4))
    done = [t.night for t in tries if t.status is ExecutionStatus.DONE]
    once = done == [NIGHT - timedelta(days=n) for n in (4, 3, 2, 1, 0)]
    found = look(site.work, without=frozenset({"reports"}))
    # Quiet nights in between have pages of their own, and nothing else.
    wanted = {k: v for k, v in clean.first.items() if "/reports/" not in k}
    same = differ({k: found.get(k) for k in wanted}, wanted) == []
    record(
        "fault",
        "schedule run killed (-9) while its night runs",
        tried=1,
        survived=int(once and same),
        note="the night goes on; started again, the scheduler finds every night done "
        "and none twice",
    )
    assert once
    assert same


def has_map(site: Site) -> bool:
    place = Workplace(root=site.work, pipeline=site.pipeline.name)
    return place.map(NIGHT).exists()


def is_idle(work: Path) -> bool:
    sign = read_heartbeat(work)
    return sign is not None and sign.running is None and sign.next > NOW
