"""What the ledger gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple


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
