"""A scheduler in the foreground, for containers and machines without systemd."""

import fcntl
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol

from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.cron import CronTrigger

from agroforest.core.errors import (
    AgroforestError,
    ConfigurationError,
    LockedError,
)
from agroforest.schedule.child import NOT_BEGUN
from agroforest.schedule.heartbeat import (
    BEAT,
    Heartbeat,
    remove_heartbeat,
    write_heartbeat,
)
from agroforest.schedule.job import Job
from agroforest.schedule.standing import (
    HOPELESS,
    Standing,
    Start,
    end_night,
    find_start,
)
from agroforest.schedule.timetable import ChooseStart, start_at_once

_log = logging.getLogger(__name__)


class Runner(Protocol):
    """Runs commands; `agroforest.schedule.child.Child` does."""

    def run(self, words: list[str]) -> int:
        """Run a command to its end; its exit code."""

    def stop(self) -> None:
        """Ask the running command to end, and wait for it."""


class NightScheduler(BlockingScheduler):  # type: ignore[misc]  # untyped library
    """Runs the nights of pipelines, one at a time, until stopped.

    APScheduler keeps one job a pipeline: nights missed are run late rather than
    never, several missed ones are one run (it catches up), and one that is running
    is not started again. What it cannot know is decided by `find_start`, and asked
    at every beat: when to try again, and what a clock that was put forward or back
    means. It also sleeps by a clock that stands still while the machine does; hence
    no sleep is longer than a beat.

    Parameters
    ----------
    jobs
        What to run; one work folder for all.
    program
        First words of every command of ours.
    runner
        Runs the commands.
    done
        The newest night that was run, by name of pipeline.
    tell
        Told what happens, a line at a time.
    clock
        The time, UTC.
    choose_start
        Who chooses a time within the timetable's window, by name of pipeline; at once
        unless given.
    """

    def __init__(
        self,
        jobs: list[Job],
        *,
        program: tuple[str, ...],
        runner: Runner,
        done: Mapping[str, date | None],
        tell: Callable[[str], None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        choose_start: Mapping[str, ChooseStart] | None = None,
    ) -> None:
        super().__init__(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(max_workers=1)},
            job_defaults={
                "misfire_grace_time": None,
                "coalesce": True,
                # One thread runs one night, and `_busy` holds each once. A night that
                # ends is counted a moment longer: with one, the next, due at once,
                # would be refused then, and waited for as if it ran.
                "max_instances": 2,
            },
        )
        self._nights = {job.name: job for job in jobs}
        self._work = jobs[0].work
        self._program = program
        self._runner = runner
        self._told = tell
        self._clock = clock
        self._choose = dict(choose_start or {})
        self._guard = threading.Lock()
        self._standings = {job.name: Standing(done=done.get(job.name)) for job in jobs}
        self._busy: set[str] = set()
        self._doubted: set[tuple[str, date]] = set()
        self._running: str | None = None
        self._begun = clock()
        self._stopping = threading.Event()
        self.add_listener(self._lost, EVENT_JOB_ERROR)

    def run_nights(self) -> None:
        """Run until `ask_to_stop` was called; the night that runs is ended in order."""
        for name, job in self._nights.items():
            at = job.timetable.at
            daily = CronTrigger(
                hour=at.hour, minute=at.minute, timezone=job.timetable.zone
            )
            self.add_job(self._run_night, daily, args=[name], id=name)
        self.start()

    def ask_to_stop(self) -> None:
        """End soon.

        A signal's handler must not call it: the thread that it interrupts may hold
        the lock that this takes. A thread that the handler starts may.
        """
        self._stopping.set()
        if self._event is not None:
            self.wakeup()

    def _main_loop(self) -> None:
        try:
            while not self._stopping.is_set():
                self._review()
                self._process_jobs()
                self._give_sign()
                self._event.wait(BEAT.total_seconds())
                self._event.clear()
        finally:
            self._stopping.set()
            self._runner.stop()
            self.shutdown()
            remove_heartbeat(self._work)

    def _review(self) -> None:
        """Bring APScheduler's times in line with what is decided now."""
        now = self._clock()
        with self._guard:
            for name in self._nights:
                if name in self._busy:
                    continue
                self._doubt(name, now)
                start = self._find_start(name, now)
                if self.get_job(name).next_run_time != start.at:
                    self.modify_job(name, next_run_time=start.at)
                if start.at <= now:
                    self._busy.add(name)  # until `_run_night` has ended

    def _doubt(self, name: str, now: datetime) -> None:
        """Say once a day that a night was run which the clock says is to come."""
        done, today = self._standings[name].done, now.astimezone(UTC).date()
        if done is None or done <= today or (name, today) in self._doubted:
            return
        self._doubted.add((name, today))
        self._tell(
            f"{_stamp(now)}  {name}: night {done} was run already; "
            "none begins before it has passed: check the clock 请检查时钟"
        )

    def _run_night(self, name: str) -> None:
        try:
            self._run_due(name, self._nights[name])
        finally:
            with self._guard:
                self._running = None
                self._busy.discard(name)
            self.wakeup()

    def _run_due(self, name: str, job: Job) -> None:
        now = self._clock()
        with self._guard:
            self._busy.add(name)
            start = self._find_start(name, now)
            if start.at > now or self._stopping.is_set():
                return  # the clock was put back, or it waited behind another's night
            self._running = name
        self._tell(f"{_stamp(now)}  {name}: night {start.night} begins 开始")
        code = NOT_BEGUN
        try:
            code = self._run_commands(job, start.night)
        finally:
            ended = self._clock()
            with self._guard:
                standing = end_night(self._standings[name], start.night, code, ended)
                self._standings[name] = standing
                following = self._find_start(name, ended)
        if code != 0 and self._stopping.is_set():
            return  # ended because we end; the next scheduler finds it due
        self._tell(f"{_stamp(ended)}  {name}: {_say(start.night, code, standing)}")
        self._tell(
            f"{_stamp(ended)}  {name}: next 下次 {following.night} "
            f"at {_stamp(following.at)}"
        )

    def _run_commands(self, job: Job, night: date) -> int:
        intake = job.intake(self._program)
        if intake is not None and self._runner.run(intake) != 0:
            stamp = _stamp(self._clock())
            self._tell(f"{stamp}  {job.name}: some scenes were not added")
        return self._runner.run(job.nightly(self._program, night))

    def _find_start(self, name: str, now: datetime) -> Start:
        """Find the next start; where none can be chosen, it is the first possible."""
        standing, table = self._standings[name], self._nights[name].timetable
        try:
            choose = self._choose.get(name, start_at_once)
            return find_start(standing, table, now, choose)
        except (AgroforestError, OSError, ValueError) as error:
            _log.warning("%s: no start could be chosen: %s", name, error)
            return find_start(standing, table, now)

    def _tell(self, line: str) -> None:
        try:
            self._told(line)
        except OSError:  # nobody reads it any more; nights go on
            _log.warning("%s", line)

    def _lost(self, event: JobExecutionEvent) -> None:
        self._tell(f"{_stamp(self._clock())}  {event.job_id}: {event.exception!r}")

    def _give_sign(self) -> None:
        now = self._clock()
        with self._guard:
            next_start = min(self._find_start(name, now).at for name in self._nights)
            running = self._running
        sign = Heartbeat(
            pid=os.getpid(),
            started=self._begun,
            beat=now,
            next=next_start,
            running=running,
            pipelines=tuple(self._nights),
        )
        try:
            write_heartbeat(self._work, sign)
        except OSError as error:  # a full disk must not end the scheduler
            self._tell(f"{_stamp(now)}  no sign of life could be left: {error}")


@contextmanager
def only_one(work: Path) -> Iterator[None]:
    """Hold the lock of the work folder's scheduler.

    Raises
    ------
    LockedError
        Another process has it.
    ConfigurationError
        The folder cannot be written.
    """
    path = work / ".scheduler.lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise ConfigurationError(
            path, f"cannot be written ({error.strerror})", "choose another --work"
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise LockedError(
            path, "another scheduler runs in this folder", "stop it first"
        ) from error
    finally:
        os.close(handle)


def _say(night: date, code: int, standing: Standing) -> str:
    if code == 0:
        return f"night {night} done 完成"
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    if standing.given_up != night:
        return f"night {night} failed ({how}), trying again 重试"
    if code in HOPELESS:
        return f"night {night} failed ({how}), not tried again: see the line above"
    return f"night {night} failed ({how}), left to the next night's catch-up 留待补跑"


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
