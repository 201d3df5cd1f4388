"""Cases that go on as one, and how that is undone."""

from collections.abc import Mapping
from typing import Any

from agroforest.core.errors import ConflictError, DataError
from agroforest.core.queue import DeskChanges
from agroforest.core.review import ENDED, Act, Case, Stage, Step
from agroforest.review import commands as ask
from agroforest.review.plain import read_fields
from agroforest.review.sitting import Sitting, refuse

#: Fields that merging and splitting change. A night that merges two alerts learns more
#: of them in the same step; that stays.
_UNDONE = frozenset({"stage", "into"})


def merge(sitting: Sitting, case: Case, command: ask.Merge) -> DeskChanges:
    """Let other cases go on as this one; their own facts stay as they are."""
    others = [sitting.find(name) for name in dict.fromkeys(command.others)]
    if not others:
        raise DataError(
            f"case {case.id}", "nothing is to be merged", "name the other cases"
        )
    for other in others:
        _refuse_pair(case, other)
    took = [other.id for other in others]
    done = sitting.record(case, Act.MERGE, {}, note=command.note, data={"took": took})
    for other in others:
        done += sitting.record(
            other,
            Act.MERGE,
            {"stage": Stage.MERGED, "into": case.id},
            note=command.note,
            data={"into": case.id},
        )
    return done


def unmerge(sitting: Sitting, case: Case, command: ask.Unmerge) -> DeskChanges:
    """Take a case out again: it is what it was before it was merged."""
    if case.of and case.into == case.of:
        raise DataError(
            f"case {case.id}",
            f"is a part that was joined again to case {case.of}",
            f"split case {case.of} again",
        )
    before = find_before(sitting, case, Stage.MERGED)
    done = sitting.record(case, Act.UNMERGE, before, note=command.note)
    host = sitting.find(case.into)
    return done + sitting.record(
        host, Act.UNMERGE, {}, note=command.note, data={"gave": [case.id]}
    )


def find_before(sitting: Sitting, case: Case, stage: Stage) -> Mapping[str, Any]:
    """Find what undoes the last step of a case to a stage.

    Raises
    ------
    ConflictError
        The steps at hand are not all there are.
    DataError
        No step of it leads to the stage.
    """
    steps = sitting.steps.get(case.id, ())
    if len(steps) != case.version:
        raise ConflictError(
            f"case {case.id}",
            f"is at step {case.version}, and {len(steps)} were read",
            "look at it again",
        )
    for step in reversed(steps):
        if _leads_to(step, stage):
            before = read_fields(step.data["before"])
            return {name: before[name] for name in _UNDONE & before.keys()}
    raise DataError(
        f"case {case.id}", f"no step of it leads to {stage}", "reopen it instead"
    )


def _leads_to(step: Step, stage: Stage) -> bool:
    after: Mapping[str, Any] = step.data.get("after", {})
    return after.get("stage") == stage


def _refuse_pair(case: Case, other: Case) -> None:
    if other.id == case.id:
        raise DataError(
            f"case {case.id}", "cannot go on as itself", "name another case"
        )
    if other.stage in ENDED:
        raise refuse(other, Act.MERGE)
    if other.hazard != case.hazard:
        raise DataError(
            f"case {other.id}",
            f"is {other.hazard} and case {case.id} is {case.hazard}",
            "merge cases of one hazard only",
        )
