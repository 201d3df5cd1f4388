"""The real scheduler's loop, with a clock that is moved by hand."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path

import apscheduler.schedulers.base
import pytest
from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_SUBMITTED
from apscheduler.executors.pool import ThreadPoolExecutor

from agroforest.core.errors import ConfigurationError, LockedError
from agroforest.schedule.foreground import NightScheduler, only_one
from agroforest.schedule.heartbeat import heartbeat_path, read_heartbeat
from agroforest.schedule.job import Job
from agroforest.schedule.missed import resolve_missed
from agroforest.schedule.timetable import parse_timetable

# 02:30 in China, on the second of November.
BEGUN = datetime(2024, 11, 1, 18, 30, tzinfo=UTC)
NIGHT = date(2024, 11, 1)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
PATIENCE_S = 60


class Clock:
    """The one clock of the scheduler and of its library."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class Store:
    """Runs nights as the command does: all that are missing up to one."""

    def __init__(self, last: date) -> None:
        self.nights = [last]
        self.codes: list[int] = []
        self.calls: list[list[str]] = []
        self.together = self.most_together = 0
        self.gate = threading.Event()
        self.gate.set()
        self.stopped = threading.Event()

    def run(self, words: list[str]) -> int:
        self.calls.append(words)
        if "nightly" not in words:
            return 1  # scenes that could not be added stop nothing
        self.together += 1
        self.most_together = max(self.together, self.most_together)
        try:
            while not (self.gate.wait(0.01) or self.stopped.is_set()):
                pass
            if self.stopped.is_set():
                return 143
            return self._run(words)
        finally:
            self.together -= 1

    def _run(self, words: list[str]) -> int:
        code = self.codes.pop(0) if self.codes else 0
        tonight = next(w for w in words if w.startswith("--to="))
        try:
            missed = resolve_missed(
                self.nights[-1], date.fromisoformat(tonight.removeprefix("--to="))
            )
        except ConfigurationError:
            return 2
        if code == 0:
            self.nights += missed
        return code

    def stop(self) -> None:
        self.stopped.set()


class Bench:
    """A scheduler at work, looked at from outside."""

    def __init__(self, scheduler: NightScheduler, clock: Clock, store: Store) -> None:
        self.scheduler, self.clock, self.store = scheduler, clock, store
        self.lines: list[str] = []

    def at(self, now: datetime, until: Callable[[], bool] | None = None) -> None:
        """Move the clock, and wait until the scheduler has seen it.

        `until` says what else to wait for; without it, that nothing is left to do.
        """
        self.clock.now = now
        self.scheduler.wakeup()
        self._wait(until or self._is_quiet)

    def _is_quiet(self) -> bool:
        beat = read_heartbeat(self.scheduler._work)
        quiet = (
            beat is not None and beat.beat == self.clock.now and beat.running is None
        )
        return quiet and beat is not None and beat.next > self.clock.now

    def _wait(self, until: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not until():
            assert time.monotonic() < deadline, self.lines
            self.scheduler.wakeup()
            time.sleep(0.005)


@contextmanager
def at_work(
    jobs: list[Job], now: datetime, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    """Run a scheduler whose last night was the one before `BEGUN`."""
    clock, store = Clock(now), Store(NIGHT - DAY)

    class _Moved(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return clock.now.astimezone(tz)

    monkeypatch.setattr(apscheduler.schedulers.base, "datetime", _Moved)
    lines: list[str] = []
    scheduler = NightScheduler(
        jobs,
        program=("agroforest",),
        runner=store,
        done={job.name: store.nights[-1] for job in jobs},
        tell=lines.append,
        clock=clock,
    )
    bench = Bench(scheduler, clock, store)
    bench.lines = lines
    thread = threading.Thread(target=scheduler.run_nights)
    thread.start()
    try:
        yield bench
    finally:
        store.gate.set()
        scheduler.ask_to_stop()
        thread.join()


@pytest.fixture
def bench(job: Job, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with at_work([job], BEGUN - HOUR, monkeypatch) as found:
        yield found


def test_nights_come_one_by_one(bench: Bench) -> None:
    bench.at(BEGUN - timedelta(seconds=1))
    assert bench.store.calls == []
    for n in range(3):
        bench.at(BEGUN + n * DAY)
        bench.at(BEGUN + n * DAY + HOUR)
    assert bench.store.nights == [NIGHT + n * DAY for n in range(-1, 3)]
    assert len(bench.store.calls) == 3


def test_a_machine_that_slept_for_three_nights_catches_up(bench: Bench) -> None:
    bench.at(BEGUN + 3 * DAY + 5 * HOUR)
    assert bench.store.nights == [NIGHT + n * DAY for n in range(-1, 4)]
    assert len(bench.store.calls) == 1


def test_a_night_that_is_due_as_another_ends_is_not_lost(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Event()
    bench.scheduler.add_listener(
        lambda _: asked.set(), EVENT_JOB_SUBMITTED | EVENT_JOB_MAX_INSTANCES
    )
    count_end = ThreadPoolExecutor._run_job_success

    def count_late(*given: object) -> None:
        asked.clear()
        asked.wait(1)  # until the next night is asked for
        count_end(*given)

    monkeypatch.setattr(ThreadPoolExecutor, "_run_job_success", count_late)
    bench.store.gate.clear()
    bench.at(BEGUN, lambda: bool(bench.store.calls))
    bench.at(BEGUN + DAY, lambda: True)
    bench.store.gate.set()
    bench.at(BEGUN + DAY, lambda: bench.store.nights[-1] == NIGHT + DAY)


def test_a_clock_an_hour_back_runs_nothing_twice(bench: Bench) -> None:
    bench.at(BEGUN)
    bench.at(BEGUN - HOUR)
    bench.at(BEGUN)
    bench.at(BEGUN + DAY)
    assert bench.store.nights == [NIGHT + n * DAY for n in (-1, 0, 1)]
    assert len(bench.store.calls) == 2


def test_a_clock_a_day_forward_and_back_loses_nothing(bench: Bench) -> None:
    bench.at(BEGUN + DAY)
    bench.at(BEGUN - HOUR)
    assert any("check the clock" in line for line in bench.lines)
    bench.at(BEGUN)
    bench.at(BEGUN + 2 * DAY)
    assert bench.store.nights == [NIGHT + n * DAY for n in (-1, 0, 1, 2)]


def test_a_year_ahead_runs_nothing_and_the_right_time_is_not_waited_for(
    bench: Bench,
) -> None:
    bench.at(BEGUN + 365 * DAY)
    assert bench.store.nights == [NIGHT - DAY]
    bench.at(BEGUN)
    assert bench.store.nights == [NIGHT - DAY, NIGHT]


def test_a_night_that_fails_is_tried_again_then_left_to_the_next(bench: Bench) -> None:
    bench.store.codes = [1, 3, -9, 4]
    minute = timedelta(minutes=1)
    for n, wait in enumerate((0, 10, 40, 100)):
        bench.at(BEGUN + wait * minute - timedelta(seconds=1))
        assert len(bench.store.calls) == n
        bench.at(BEGUN + wait * minute)
        assert len(bench.store.calls) == n + 1
    bench.at(BEGUN + 20 * HOUR)
    assert len(bench.store.calls) == 4
    bench.at(BEGUN + DAY)
    assert bench.store.nights == [NIGHT + n * DAY for n in (-1, 0, 1)]


def test_wrong_settings_are_not_tried_again(bench: Bench) -> None:
    bench.store.codes = [2]
    bench.at(BEGUN)
    bench.at(BEGUN + 20 * HOUR)
    assert len(bench.store.calls) == 1
    assert any("exit code 2" in line for line in bench.lines)


def test_two_pipelines_never_run_at_once(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(job, name="nanning", incoming=Path("/srv/in"))
    with at_work([job, other], BEGUN - HOUR, monkeypatch) as bench:
        bench.store.gate.clear()
        bench.at(BEGUN, lambda: bench.store.together == 1)
        bench.at(BEGUN + HOUR, lambda: bench.store.together == 1)
        bench.store.gate.set()
        bench.at(BEGUN + 2 * HOUR)
        assert bench.store.most_together == 1
        pipelines = [c[1] for c in bench.store.calls]
        assert pipelines == ["nightly", "scenes", "nightly"]


def test_signs_of_life_say_what_runs(bench: Bench) -> None:
    bench.store.gate.clear()
    bench.at(BEGUN, lambda: bench.store.together == 1)

    def says_so() -> bool:
        beat = read_heartbeat(bench.scheduler._work)
        return beat is not None and (beat.running, beat.beat) == (
            "gaofeng",
            BEGUN + HOUR,
        )

    bench.at(BEGUN + HOUR, says_so)
    beat = read_heartbeat(bench.scheduler._work)
    assert beat is not None
    assert beat.is_alive(BEGUN + HOUR)
    bench.store.gate.set()
    bench.at(BEGUN + 2 * HOUR)
    beat = read_heartbeat(bench.scheduler._work)
    assert beat is not None
    assert (beat.next, beat.pipelines) == (BEGUN + DAY, ("gaofeng",))


def test_stopping_ends_the_night_in_order_and_leaves_it_due(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at_work([job], BEGUN - HOUR, monkeypatch) as bench:
        bench.store.gate.clear()
        bench.at(BEGUN, lambda: bench.store.together == 1)
        bench.scheduler.ask_to_stop()
        bench._wait(lambda: not heartbeat_path(job.work).exists())
        assert bench.store.stopped.is_set()
    assert bench.store.together == 0
    assert bench.store.nights == [NIGHT - DAY]


def test_a_container_that_was_down_at_night_runs_it_when_it_is_up(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at_work([job], BEGUN + 9 * HOUR, monkeypatch) as bench:
        bench.at(BEGUN + 9 * HOUR + timedelta(seconds=1))
    assert bench.store.nights == [NIGHT - DAY, NIGHT]


def test_a_window_lets_somebody_choose(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = parse_timetable("02:30", "Asia/Shanghai")
    job = replace(job, timetable=replace(table, window=4 * HOUR))
    with at_work([job], BEGUN - HOUR, monkeypatch) as bench:
        bench.scheduler._choose[job.name] = lambda _, deadline: deadline - HOUR
        bench.at(BEGUN + 2 * HOUR)
        assert bench.store.calls == []
        bench.at(BEGUN + 3 * HOUR)
        assert bench.store.nights == [NIGHT - DAY, NIGHT]


def test_a_choice_that_fails_is_no_choice(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(start: datetime, deadline: datetime) -> datetime:
        raise ValueError(start, deadline)

    with at_work([job], BEGUN - HOUR, monkeypatch) as bench:
        bench.scheduler._choose[job.name] = fail
        bench.at(BEGUN)
        assert bench.store.nights == [NIGHT - DAY, NIGHT]


def test_a_command_that_cannot_even_be_run_is_a_try(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at_work([job], BEGUN - HOUR, monkeypatch) as bench:
        monkeypatch.setattr(bench.store, "_run", lambda _: 1 / 0)
        bench.at(BEGUN)
        assert len(bench.store.calls) == 1
        bench.at(BEGUN + timedelta(minutes=10))
        assert len(bench.store.calls) == 2
        assert any("ZeroDivisionError" in line for line in bench.lines)


def test_nobody_reading_is_no_reason_to_end(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(line: str) -> None:
        raise BrokenPipeError(line)

    with at_work([job], BEGUN - HOUR, monkeypatch) as bench:
        bench.scheduler._told = closed
        bench.at(BEGUN)
        bench.at(BEGUN + DAY)
    assert bench.store.nights == [NIGHT - DAY, NIGHT, NIGHT + DAY]


def test_a_second_scheduler_is_refused(tmp_path: Path) -> None:
    with only_one(tmp_path):
        refused = pytest.raises(LockedError, match="another scheduler")
        with refused, only_one(tmp_path):
            raise AssertionError
    with only_one(tmp_path):
        pass
    nowhere = pytest.raises(ConfigurationError, match="cannot be written")
    with nowhere, only_one(tmp_path / "nowhere"):
        raise AssertionError
