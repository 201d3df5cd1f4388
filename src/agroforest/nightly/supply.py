"""What the workers are given to do, piece by piece."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from agroforest.nightly.plan import TileTask
from agroforest.nightly.result import TaskResult


@dataclass(frozen=True, kw_only=True, slots=True)
class Handed:
    """A task that is handed out.

    Attributes
    ----------
    task
        What to do.
    key
        Name of the attempt; no other has it.
    alone
        Whether it may kill whoever does it: never the process of the run.
    """

    task: TileTask
    key: str
    alone: bool = False


class Supply(Protocol):
    """Tasks of which each may be tried again."""

    def take(self, free: int) -> Sequence[Handed]:
        """Take what can be started now, at most `free`."""

    def wait_s(self) -> float | None:
        """Seconds until there may be more; ``None`` where there never will be."""


class Once:
    """Tasks that are tried once each, in order; as `Supply`."""

    def __init__(self, tasks: Sequence[TileTask]) -> None:
        self._left = [Handed(task=t, key=f"{t.kind}-{t.id}") for t in tasks]

    def take(self, free: int) -> Sequence[Handed]:
        """Take the next ones."""
        now, self._left = self._left[:free], self._left[free:]
        return now

    def wait_s(self) -> float | None:
        """Nothing comes later."""
        return 0.0 if self._left else None


class Workers(Protocol):
    """Who does the tasks; see `agroforest.nightly.cluster.Compute`."""

    def run(self, tasks: Supply) -> Iterator[TaskResult]:
        """Do them, and yield what came of each attempt, as they come."""
