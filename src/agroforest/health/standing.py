"""Where everything stands: nights, messages, sensors, scheduler, disk."""

import os
import shutil
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psutil

from agroforest.core.execution import Execution, ExecutionStatus
from agroforest.health import questions
from agroforest.schedule.heartbeat import Heartbeat, read_heartbeat
from agroforest.schedule.missed import MANY
from agroforest.store import Store

#: Executions of each pipeline that are looked at: the newest.
_RECENT = 20
#: A process that began later than the run says is another one under the same number.
_START_SLACK_S = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineStanding:
    """Where a pipeline stands.

    Attributes
    ----------
    name
        Of the pipeline.
    last_night, status
        The newest night on record, and how it ended; ``None`` before the first.
    execution
        The newest try at a night; ``None`` where none was recorded.
    last_success
        When the newest night without a failure ended, UTC.
    running
        Whether a process is at work on a night now.
    killed
        Whether the newest try ended without a word.
    missed
        Nights that are over and were not run, in order; none of a pipeline that was
        given up (`ended`) or has never run.
    ended
        Whether its last night is so long ago that nobody expects another.
    set_aside
        Inputs of tiles that are not tried.
    tiles
        Tasks of the last night by how they ended.
    quarantined
        Inputs put into quarantine on the last night.
    alerts
        Open alerts by hazard.
    energy_kwh, carbon_g
        Of all tries on record.
    """

    name: str
    last_night: date | None = None
    status: str | None = None
    execution: Execution | None = None
    last_success: datetime | None = None
    running: bool = False
    killed: bool = False
    missed: tuple[date, ...] = ()
    ended: bool = False
    set_aside: int = 0
    tiles: Mapping[str, int] = field(default_factory=dict)
    quarantined: int = 0
    alerts: Mapping[str, int] = field(default_factory=dict)
    energy_kwh: float = 0.0
    carbon_g: float = 0.0

    def lag_days(self, now: datetime) -> int | None:
        """Days from the last night to tonight (UTC)."""
        if self.last_night is None:
            return None
        return (now.astimezone(UTC).date() - self.last_night).days


@dataclass(frozen=True, kw_only=True, slots=True)
class Disk:
    """Room in a folder's file system: bytes and inodes, free and in all."""

    free: int
    total: int
    free_inodes: int
    inodes: int

    @property
    def share(self) -> float:
        """Free share of what is scarcer, 0..1; some file systems count no inodes."""
        shares = [self.free / self.total if self.total else 0.0]
        if self.inodes:
            shares.append(self.free_inodes / self.inodes)
        return min(shares)


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Where everything stands.

    Attributes
    ----------
    now
        When, UTC.
    work
        The work folder.
    pipelines
        By name.
    messages
        Of people: see `agroforest.health.questions.Messages`.
    dead_letters
        Sensor messages that could not be read.
    sensors
        Newest reading of each sensor; ``None`` of one without.
    heartbeat
        Of a foreground scheduler; ``None`` where there is none.
    disk
        Of the work folder.
    """

    now: datetime
    work: Path
    pipelines: tuple[PipelineStanding, ...] = ()
    messages: questions.Messages = field(default_factory=questions.Messages)
    dead_letters: int = 0
    sensors: Mapping[str, datetime | None] = field(default_factory=dict)
    heartbeat: Heartbeat | None = None
    disk: Disk | None = None


def find_missed(last: date | None, now: datetime) -> tuple[date, ...]:
    """Nights that are over and were not run.

    A night is over when its UTC day is: until then whoever runs it may come. More than
    `MANY` days after the last night nobody expects another one.

    Parameters
    ----------
    last
        The newest night that was run; ``None`` before the first.
    now
        The time, with its zone.
    """
    if last is None:
        return ()
    count = (now.astimezone(UTC).date() - last).days - 1
    if not 0 < count <= MANY:
        return ()
    return tuple(last + timedelta(days=n + 1) for n in range(count))


def is_running(execution: Execution, host: str | None = None) -> bool:
    """Whether the process of a try at a night is alive on this machine.

    Of another machine's nothing can be known here: it counts as running for a day.
    """
    if execution.status is not ExecutionStatus.RUNNING:
        return False
    if execution.host != (host or socket.gethostname()):
        return datetime.now(UTC) - execution.started < timedelta(days=1)
    try:
        began = psutil.Process(execution.pid).create_time()
    except psutil.Error:
        return False
    return began <= execution.started.timestamp() + _START_SLACK_S


def read_disk(folder: Path) -> Disk | None:
    """Measure the room in a folder; ``None`` where it cannot be asked."""
    try:
        usage, stat = shutil.disk_usage(folder), os.statvfs(folder)
    except OSError:
        return None
    return Disk(
        free=usage.free,
        total=usage.total,
        free_inodes=stat.f_favail,
        inodes=stat.f_files,
    )


def read_standing(
    store: Store,
    work: Path,
    now: datetime,
    *,
    names: Collection[str] = (),
) -> Standing:
    """Find out where everything stands.

    Parameters
    ----------
    store
        Open; nothing is written.
    work
        The work folder.
    now
        The time, UTC.
    names
        Pipelines to look at; every one on record if empty.
    """
    wanted = sorted(set(names) or questions.find_pipelines(store))
    return Standing(
        now=now,
        work=work,
        pipelines=tuple(_read_pipeline(store, name, now) for name in wanted),
        messages=questions.count_messages(store, now),
        dead_letters=store.spools.count_dead(),
        sensors=questions.read_newest(store),
        heartbeat=read_heartbeat(work),
        disk=read_disk(work),
    )


def _read_pipeline(store: Store, name: str, now: datetime) -> PipelineStanding:
    last = store.last_night(name)
    tries = store.tries.executions(name, limit=_RECENT)
    newest = tries[-1] if tries else None
    running = any(is_running(each) for each in tries)
    well = [e.ended for e in tries if e.status is ExecutionStatus.DONE and e.ended]
    facts = questions.read_night(store, name, last)
    energy, carbon = questions.sum_costs(store, name)
    lag = 0 if last is None else (now.astimezone(UTC).date() - last).days
    return PipelineStanding(
        name=name,
        last_night=last,
        status=facts.status,
        execution=newest,
        last_success=max(well, default=None),
        running=running,
        killed=newest is not None
        and newest.status is ExecutionStatus.RUNNING
        and not running,
        missed=find_missed(last, now),
        ended=lag > MANY + 1,
        set_aside=len(store.tries.quarantined(name)),
        tiles=facts.tiles,
        quarantined=facts.quarantined,
        alerts=questions.count_alerts(store, name),
        energy_kwh=energy,
        carbon_g=carbon,
    )
