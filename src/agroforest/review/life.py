"""What people do to cases: one command in, what changes out.

Pure: nothing is read or written here, and `now` is an argument. The stages and who may
go from one to the next are drawn at `agroforest.core.review.Stage`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from agroforest.core.account import Account, Right
from agroforest.core.errors import DataError, ForbiddenError
from agroforest.core.queue import DeskChanges
from agroforest.core.review import ENDED, Act, Case, Stage, Step, Verdict
from agroforest.core.risk import Hazard
from agroforest.review import commands as ask
from agroforest.review import field_work, joining, splitting
from agroforest.review.sitting import Sitting, refuse

_LIVING = frozenset(Stage) - ENDED

#: Stages in which each act is possible; what else it needs is said by its error.
STAGES: Mapping[Act, frozenset[Stage]] = {
    Act.PASS: frozenset({Stage.PRESCREEN}),
    Act.CONFIRM: frozenset({Stage.VERDICT}),
    Act.DISMISS: frozenset({Stage.PRESCREEN, Stage.VERDICT}),
    Act.APPROVE: frozenset({Stage.SUPERVISOR}),
    Act.RETURN: frozenset({Stage.SUPERVISOR}),
    Act.ASSIGN: _LIVING,
    Act.ORDER_CHECK: _LIVING,
    Act.REPORT_CHECK: frozenset(Stage),
    Act.SAMPLE: frozenset({Stage.SUPERVISOR, Stage.DECIDED}),
    Act.NOTE: frozenset(Stage),
    Act.MERGE: _LIVING,
    Act.UNMERGE: frozenset({Stage.MERGED}),
    Act.SPLIT: frozenset({Stage.PRESCREEN, Stage.VERDICT}),
    Act.UNSPLIT: frozenset({Stage.SPLIT}),
    Act.CLOSE: frozenset({Stage.DECIDED}),
    Act.REOPEN: frozenset({Stage.DECIDED, Stage.CLOSED}),
}


def decide(
    cases: Mapping[str, Case],
    command: ask.Command,
    *,
    by: Account,
    now: datetime,
    steps: Mapping[str, Sequence[Step]] | None = None,
) -> DeskChanges:
    """Decide what a command changes.

    Parameters
    ----------
    cases
        Those that the command names, by id; of `Unmerge` also the case it went into,
        of `Unsplit` also the parts.
    command
        What is asked for.
    by
        Who asks.
    now
        When, UTC.
    steps
        Of the case that `Unmerge` or `Unsplit` names, all steps so far, by id; of no
        use to other commands.

    Returns
    -------
    DeskChanges
        Cases, steps and deeds, in the same order; no messages.

    Raises
    ------
    DataError
        The case is not on record, its stage does not allow the act, or something else
        stands against it; with the way out.
    ForbiddenError
        Who asks may not do this.
    """
    act = ask.ACTS[type(command)]
    sitting = Sitting(cases=cases, by=by, now=now, steps=steps or {})
    known = cases.get(command.case)
    sitting.require(find_right(act, known, by), act)
    case = sitting.find(command.case)
    if case.stage not in STAGES[act]:
        raise refuse(case, act)
    return _DECIDE[type(command)](sitting, case, command)


def list_acts(case: Case, by: Account) -> tuple[Act, ...]:
    """List what somebody may do with a case at its stage, as pages offer it."""
    return tuple(
        act
        for act, stages in STAGES.items()
        if case.stage in stages
        and by.may(find_right(act, case, by))
        and _makes_sense(case, act, by)
    )


def find_right(act: Act, case: Case | None, by: Account) -> Right:
    """Find the right that an act of somebody on a case needs.

    Whoever gave a verdict may take it back while nobody has approved it: slips of the
    hand are theirs to mend.
    """
    if act == Act.RETURN and case is not None and case.judged_by == by.name:
        return Right.JUDGE
    return ask.find_right(act)


def _makes_sense(case: Case, act: Act, by: Account) -> bool:
    if act == Act.APPROVE:
        return case.judged_by != by.name
    if act == Act.REPORT_CHECK:
        return field_work.is_open(case)
    if act == Act.SAMPLE:
        return field_work.find_next(case) is not None
    if act == Act.UNMERGE:
        return case.into != case.of
    return True


def _pass(sitting: Sitting, case: Case, command: ask.Pass) -> DeskChanges:
    changes = {"stage": Stage.VERDICT}
    return sitting.record(case, Act.PASS, changes, note=command.note)


def _confirm(sitting: Sitting, case: Case, command: ask.Confirm) -> DeskChanges:
    """Take a verdict; the samples it asks for are ordered at once, they do not wait."""
    ordered: dict[str, Any] = {}
    if case.hazard == Hazard.CANOPY_STRESS:
        ordered = field_work.suspect(case, by=sitting.by.name, now=sitting.now)
    return _judge(sitting, case, command, Act.CONFIRM, Verdict.CONFIRMED, ordered)


def _dismiss(sitting: Sitting, case: Case, command: ask.Dismiss) -> DeskChanges:
    taken_back = field_work.withdraw(case)
    return _judge(sitting, case, command, Act.DISMISS, Verdict.DISMISSED, taken_back)


def _judge(
    sitting: Sitting,
    case: Case,
    command: ask.Confirm | ask.Dismiss,
    act: Act,
    verdict: Verdict,
    besides: Mapping[str, Any],
) -> DeskChanges:
    changes = {
        "stage": Stage.SUPERVISOR,
        "verdict": verdict,
        "reason": command.reason,
        "judged_by": sitting.by.name,
        **besides,
    }
    return sitting.record(case, act, changes, reason=command.reason, note=command.note)


def _approve(sitting: Sitting, case: Case, command: ask.Approve) -> DeskChanges:
    if case.judged_by == sitting.by.name:
        raise ForbiddenError(
            f"account {sitting.by.name}",
            f"gave the verdict on case {case.id} and may not approve it",
            "ask another supervisor",
        )
    changes = {"stage": Stage.DECIDED, "due": None}
    return sitting.record(case, Act.APPROVE, changes, note=command.note)


def _return(sitting: Sitting, case: Case, command: ask.Return) -> DeskChanges:
    _require_note(command, "why the verdict does not stand")
    changes = {"stage": Stage.VERDICT, **field_work.withdraw(case)}
    return sitting.record(case, Act.RETURN, changes, note=command.note)


def _assign(sitting: Sitting, case: Case, command: ask.Assign) -> DeskChanges:
    changes = {"assignee": command.to}
    return sitting.record(case, Act.ASSIGN, changes, note=command.note)


def _note(sitting: Sitting, case: Case, command: ask.Note) -> DeskChanges:
    _require_note(command, "something")
    return sitting.record(case, Act.NOTE, {}, note=command.note)


def _close(sitting: Sitting, case: Case, command: ask.Close) -> DeskChanges:
    if field_work.is_unfinished(case):
        _require_note(command, "why its field work is left unfinished")
    changes = {"stage": Stage.CLOSED, "due": None}
    return sitting.record(case, Act.CLOSE, changes, note=command.note)


def _reopen(sitting: Sitting, case: Case, command: ask.Reopen) -> DeskChanges:
    _require_note(command, "why it is opened again")
    changes = {"stage": Stage.VERDICT}
    return sitting.record(case, Act.REOPEN, changes, note=command.note)


def _require_note(command: ask.Command, what: str) -> None:
    if not command.note.strip():
        raise DataError(
            f"case {command.case}", "the note is empty", f"write {what} in it"
        )


_DECIDE: Mapping[type, Callable[[Sitting, Case, Any], DeskChanges]] = {
    ask.Pass: _pass,
    ask.Confirm: _confirm,
    ask.Dismiss: _dismiss,
    ask.Approve: _approve,
    ask.Return: _return,
    ask.Assign: _assign,
    ask.OrderCheck: field_work.order,
    ask.ReportCheck: field_work.report,
    ask.Sample: field_work.sample,
    ask.Note: _note,
    ask.Merge: joining.merge,
    ask.Unmerge: joining.unmerge,
    ask.Split: splitting.split,
    ask.Unsplit: splitting.unsplit,
    ask.Close: _close,
    ask.Reopen: _reopen,
}
