"""A sitting at the desk: who decides on which cases, and how an act is written down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agroforest.core.account import Account, Right
from agroforest.core.audit import Deed
from agroforest.core.errors import DataError, ForbiddenError
from agroforest.core.queue import DeskChanges
from agroforest.core.review import Act, Case, Reason, Stage, Step
from agroforest.review.plain import diff
from agroforest.review.rank import rank_case

#: The way on from each stage, for whoever tried something else there.
_WAY_ON: Mapping[Stage, str] = {
    Stage.PRESCREEN: "pass it to a verdict or dismiss it first",
    Stage.VERDICT: "confirm or dismiss it first",
    Stage.SUPERVISOR: "a supervisor approves or returns it first",
    Stage.DECIDED: "reopen it first",
    Stage.CLOSED: "reopen it first",
    Stage.MERGED: "act on case {into} that it went into, or unmerge it",
    Stage.SPLIT: "act on its parts, or unsplit it",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Sitting:
    """What a decision looks at.

    Attributes
    ----------
    cases
        By id.
    by
        Who acts.
    now
        When, UTC.
    steps
        Steps so far of cases that something is to be undone on, by id.
    """

    cases: Mapping[str, Case]
    by: Account
    now: datetime
    steps: Mapping[str, Sequence[Step]] = field(default_factory=dict)

    def find(self, id: str) -> Case:  # noqa: A002  of the case
        """Find a case.

        Raises
        ------
        DataError
            There is none of that id.
        """
        if id not in self.cases:
            raise DataError(f"case {id}", "is not on record", "look it up in the queue")
        return self.cases[id]

    def require(self, right: Right, act: Act) -> None:
        """Refuse who may not.

        Raises
        ------
        ForbiddenError
            Their role does not allow it, or the account is disabled.
        """
        if self.by.disabled:
            raise ForbiddenError(
                f"account {self.by.name}", "is disabled", "an admin may enable it"
            )
        if not self.by.may(right):
            raise ForbiddenError(
                f"account {self.by.name}",
                f"is {self.by.role} and may not {act}, which needs {right}",
                "ask somebody whose role allows it",
            )

    def record(
        self,
        case: Case,
        act: Act,
        changes: Mapping[str, Any],
        *,
        reason: Reason | None = None,
        note: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> DeskChanges:
        """Write an act down: the case after it, its step and its deed."""
        after, step = write_step(
            case,
            act,
            changes,
            by=self.by.name,
            now=self.now,
            reason=reason,
            note=note,
            data=data,
        )
        deed = Deed(
            time=self.now,
            who=self.by.name,
            what=f"case.{act}",
            subject=case.id,
            why=" · ".join(filter(None, (reason or "", note))),
            before=step.data["before"],
            after=step.data["after"],
        )
        return DeskChanges(cases=(after,), steps=(step,), deeds=(deed,))


def write_step(
    case: Case,
    act: Act,
    changes: Mapping[str, Any],
    *,
    by: str,
    now: datetime,
    reason: Reason | None = None,
    note: str = "",
    key: str = "",
    data: Mapping[str, Any] | None = None,
) -> tuple[Case, Step]:
    """Change a case by one step.

    Returns
    -------
    case
        After it: one version on, its rank anew.
    step
        Whose data hold what changed, ``before`` and ``after``, beside `data`.
    """
    after = case.patch(**changes)
    after = after.patch(version=case.version + 1, changed=now, rank=rank_case(after))
    old, new = diff(case, after)
    step = Step(
        case=case.id,
        number=after.version,
        time=now,
        by=by,
        act=act,
        reason=reason,
        note=note,
        key=key,
        data={**(data or {}), "before": old, "after": new},
    )
    return after, step


def refuse(case: Case, act: Act) -> DataError:
    """Build the error of an act that the stage of a case does not allow."""
    return DataError(
        f"case {case.id}",
        f"is at {case.stage}, where it cannot be done: {act}",
        _WAY_ON[case.stage].format(into=case.into),
    )
