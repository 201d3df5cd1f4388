"""One try at a night, the attempts at its tasks, and tiles set aside."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from agroforest.core.cost import Cost


class ExecutionStatus(StrEnum):
    """How a try at a night stands."""

    RUNNING = "running"  #: or its process was killed: nobody was left to say so
    DONE = "done"
    PARTIAL = "partial"  #: a tile, fire or water failed; the rest is done
    STOPPED = "stopped"  #: its budget was spent, or somebody ended it in order
    FAILED = "failed"  #: an error ended it; nothing of the night is recorded


class Outcome(StrEnum):
    """How an attempt at a task ended."""

    RUNNING = "running"  #: or the run was killed with it
    DONE = "done"
    FAILED = "failed"  #: nothing could be made of its inputs; it said why
    HINDERED = "hindered"  #: by what is not its inputs: network, disk, settings
    KILLED = "killed"  #: its worker died
    FENCED = "fenced"  #: it came back after another had taken the tile


@dataclass(frozen=True, kw_only=True, slots=True)
class Execution:
    """One try at a night.

    Attributes
    ----------
    id
        Digest of pipeline, night, machine, process and start.
    pipeline, night, config_digest
        The run it is a try at.
    host, pid
        Whose process.
    started, ended
        UTC; `ended` is ``None`` while it runs, and of one that was killed.
    status, error
        How it stands, and what ended it.
    cost
        What it cost.
    """

    id: str
    pipeline: str
    night: date
    config_digest: str
    host: str
    pid: int
    started: datetime
    ended: datetime | None = None
    status: ExecutionStatus = ExecutionStatus.RUNNING
    error: str | None = None
    cost: Cost = field(default_factory=Cost)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One try at a task.

    Attributes
    ----------
    task, number
        Which task, and its how many-th attempt, from 1.
    execution
        As part of which try at the night.
    pipeline, tile, kind
        Of the task.
    inputs
        Digest of what it takes in, whatever the night.
    fence
        Token of the worker that took the tile; ``None`` while none is known.
    started, lease_until, ended
        UTC. After `lease_until` another may take the tile.
    outcome, error
        How it ended, and why.
    """

    task: str
    number: int
    execution: str
    pipeline: str
    tile: str
    kind: str
    inputs: str
    started: datetime
    lease_until: datetime
    fence: int | None = None
    ended: datetime | None = None
    outcome: Outcome = Outcome.RUNNING
    error: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TileQuarantine:
    """Inputs of a tile that no attempt survived.

    Attributes
    ----------
    pipeline, tile, kind, inputs
        Of the attempts.
    night
        On which the last one was made.
    attempts
        How many.
    reason
        What became of the last one.
    since
        When it was set aside, UTC.
    redriven
        When somebody had it tried again; ``None`` while it is set aside.
    """

    pipeline: str
    tile: str
    kind: str
    inputs: str
    night: date
    attempts: int
    reason: str
    since: datetime
    redriven: datetime | None = None
