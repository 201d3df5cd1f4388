"""How a night went: tries, what was set aside, what was left out, what it cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agroforest.core.execution import Attempt, Execution, Outcome, TileQuarantine
from agroforest.nightly.plan import TileTask


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """How a night went, for its report.

    Attributes
    ----------
    execution
        The try at the night.
    attempts
        At its tasks; those that were done at once are left out of the report.
    set_aside
        Inputs of tiles that are not tried until they change.
    left_out
        Tasks that were not begun, and `reason` why.
    cost
        Plain values, JSON-ready; under ``cost`` of the report.
    """

    execution: Execution | None = None
    attempts: Sequence[Attempt] = ()
    set_aside: Sequence[TileQuarantine] = ()
    left_out: Sequence[TileTask] = ()
    reason: str = ""
    cost: Mapping[str, Any] | None = None

    def plain(self) -> dict[str, Any]:
        """As the report has it; what there is none of is left out."""
        made: dict[str, Any] = {}
        if self.execution is not None:
            made["execution"] = {
                "id": self.execution.id,
                "host": self.execution.host,
                "pid": self.execution.pid,
                "started": self.execution.started.isoformat(),
            }
        tried = [_attempt(a) for a in self.attempts if not _at_once(a)]
        made |= {"attempts": tried} if tried else {}
        if self.set_aside:
            made["set_aside"] = [_quarantine(each) for each in self.set_aside]
        if self.left_out:
            made["left_out"] = [self._task(task) for task in self.left_out]
        if self.cost is not None:
            made["cost"] = dict(self.cost)
        return made

    def _task(self, task: TileTask) -> dict[str, Any]:
        return {
            "tile": task.tile.id,
            "kind": str(task.kind),
            "scenes": [scene.id for scene in task.scenes],
            "reason": self.reason,
        }


def _at_once(attempt: Attempt) -> bool:
    return attempt.number == 1 and attempt.outcome is Outcome.DONE


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "tile": attempt.tile,
        "kind": attempt.kind,
        "number": attempt.number,
        "outcome": str(attempt.outcome),
        "error": attempt.error,
    }


def _quarantine(one: TileQuarantine) -> dict[str, Any]:
    return {
        "tile": one.tile,
        "kind": one.kind,
        "night": one.night.isoformat(),
        "attempts": one.attempts,
        "reason": one.reason,
    }
