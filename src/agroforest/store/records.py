"""What the ledger gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from agroforest.core.reading import Reading, Sensor


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskRecord:
    """One tile on one night, as it was recorded last.

    Attributes
    ----------
    id
        Digest of what went in.
    pipeline, tile, night
        What it worked on.
    state
        Name of the per-pixel state that took the scenes in; a tile whose
        settings change gets another.
    status
        The caller's word, ``"done"`` or ``"failed"``.
    scenes
        What it consumed, by content: from now on these count as used by this
        night, unless an earlier record already used them. A task that failed
        consumed none.
    outputs
        SHA-256 by path.
    summary
        Plain values for the report.
    """

    id: str
    pipeline: str
    tile: str
    state: str
    night: date
    status: str
    scenes: tuple[str, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRecord:
    """One night of one pipeline under one configuration.

    Attributes
    ----------
    pipeline, night, config_digest
        Together they name the run.
    status
        The caller's word.
    summary
        Plain values for the report.
    """

    pipeline: str
    night: date
    config_digest: str
    status: str
    summary: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class QuarantineRecord:
    """An input that a night put aside.

    Attributes
    ----------
    pipeline, night
        Who put it aside, and when.
    where, problem, remedy
        As on the error.
    """

    pipeline: str
    night: date
    where: str
    problem: str
    remedy: str


class AddedReadings(NamedTuple):
    """What became of readings handed to the store.

    Attributes
    ----------
    added
        New rows.
    known
        Exact duplicates of what is stored, or of one another.
    conflicts
        Same sensor, time, variable and depth as a stored reading, but another
        value; the stored one stays.
    """

    added: int
    known: int
    conflicts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """A message, or a part of one, that could not be read.

    Attributes
    ----------
    spool, segment, byte
        Where the whole message is kept.
    source
        How it came: ``mqtt/BROKER/TOPIC`` or ``http/PATH``.
    received
        When, UTC.
    size
        Bytes that were sent.
    sha256
        Digest of the bytes that are kept.
    reason
        Why it, or a part of it, was set aside.
    head
        Its first bytes.
    kept
        Readings that could be taken from the rest of it.
    """

    spool: str
    segment: int
    byte: int
    source: str
    received: datetime
    size: int
    sha256: str
    reason: str
    head: bytes
    kept: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SpoolState:
    """How far a spool was read, and what that gave.

    Attributes
    ----------
    segment, byte
        The next message to read.
    messages, readings, dead
        Read since the spool began: messages, new readings, dead letters.
    received
        When the last of these messages came, UTC.
    """

    segment: int
    byte: int
    messages: int = 0
    readings: int = 0
    dead: int = 0
    received: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ArrivedBatch:
    """What a stretch of a spool gave.

    Attributes
    ----------
    spool
        Its id.
    sensors, readings
        What was measured.
    dead
        What could not be read.
    settled
        Places ``(segment, byte)`` of former dead letters that can be read now.
    before, after
        How far the spool was read, and is now; ``None`` when it is read again and
        the database knows it all.
    """

    spool: str
    sensors: tuple[Sensor, ...] = ()
    readings: tuple[Reading, ...] = ()
    dead: tuple[DeadLetter, ...] = ()
    settled: tuple[tuple[int, int], ...] = ()
    before: SpoolState | None = None
    after: SpoolState | None = None
