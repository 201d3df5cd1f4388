"""What the ledger gives back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskRecord:
    """One tile on one night, as it was recorded last.

    Attributes
    ----------
    id
        Digest of what went in.
    pipeline, tile, night
        What it worked on.
    status
        The caller's word, ``"done"`` or ``"failed"``.
    scenes
        Ids of the scenes it consumed.
    outputs
        SHA-256 by path.
    summary
        Plain values for the report.
    """

    id: str
    pipeline: str
    tile: str
    night: date
    status: str
    scenes: tuple[str, ...]
    outputs: Mapping[str, str]
    summary: Mapping[str, object]


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
    summary: Mapping[str, object]


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
