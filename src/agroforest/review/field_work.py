"""Field work: somebody goes and looks, takes samples, fells and checks the stump.

A satellite sees stress, never its cause. Confirming it names none: it sends somebody to
take samples, and only a laboratory's answer leads to felling::

    SUSPECT ──> SAMPLED ──> LABORATORY ──positive──> FELLED ──> STUMP_CHECKED
                                └──negative──> no suspicion any more
"""

from datetime import datetime
from typing import Any

from agroforest.core.errors import DataError
from agroforest.core.queue import DeskChanges
from agroforest.core.review import Act, Case, FieldCheck, Sampling
from agroforest.core.risk import Hazard
from agroforest.review import commands as ask
from agroforest.review.sitting import Sitting

_ORDER = tuple(Sampling)


def is_open(case: Case) -> bool:
    """Whether somebody was sent who has not reported."""
    return case.check is not None and case.check.done is None


def is_unfinished(case: Case) -> bool:
    """Whether somebody was sent and has not reported, or a suspicion stands."""
    return is_open(case) or find_next(case) is not None


def find_next(case: Case) -> Sampling | None:
    """Find the next step of a suspicion; ``None`` without one, or at its end."""
    if case.sampling is None or case.sampling == _ORDER[-1]:
        return None
    return _ORDER[_ORDER.index(case.sampling) + 1]


def suspect(case: Case, *, by: str, now: datetime) -> dict[str, Any]:
    """Change what confirming stressed canopy changes: samples are to be taken.

    Whoever is on the way already takes them, else who is responsible, else who
    confirmed. A suspicion that is followed up stays where it is; one that came to its
    end begins anew.
    """
    if find_next(case) is not None:
        return {}
    sent = case.check if is_open(case) else None
    check = FieldCheck(
        by=sent.by if sent else case.assignee or by,
        ordered=now,
        due=sent.due if sent else None,
        sample=True,
    )
    return {"sampling": Sampling.SUSPECT, "check": check}


def withdraw(case: Case) -> dict[str, Any]:
    """Change what taking a confirmation back changes.

    Samples that nobody has taken are not wanted any more; what was done stays.
    """
    if case.sampling != Sampling.SUSPECT:
        return {}
    taken_back = is_open(case) and case.check is not None and case.check.sample
    return {"sampling": None, **({"check": None} if taken_back else {})}


def order(sitting: Sitting, case: Case, command: ask.OrderCheck) -> DeskChanges:
    """Send somebody; whoever was sent before and has not reported is called back."""
    check = FieldCheck(
        by=command.to,
        ordered=sitting.now,
        due=command.due,
        sample=command.sample or case.sampling == Sampling.SUSPECT,
    )
    return sitting.record(case, Act.ORDER_CHECK, {"check": check}, note=command.note)


def report(sitting: Sitting, case: Case, command: ask.ReportCheck) -> DeskChanges:
    """Write down what was found; nothing presses any more."""
    if case.check is None or case.check.done is not None:
        raise DataError(
            f"case {case.id}",
            "nobody was sent who has not reported",
            "order a field check first, or write a note",
        )
    check = FieldCheck(
        by=case.check.by,
        ordered=case.check.ordered,
        due=case.check.due,
        sample=case.check.sample,
        done=sitting.now,
        found=command.found,
    )
    changes = {"check": check, "due": None}
    return sitting.record(case, Act.REPORT_CHECK, changes, note=command.note)


def sample(sitting: Sitting, case: Case, command: ask.Sample) -> DeskChanges:
    """Go one step on with a suspicion; no step is left out."""
    _refuse_step(case, command)
    data = {}
    sampling: Sampling | None = command.to
    if command.to == Sampling.LABORATORY:
        data = {"laboratory": "positive" if command.positive else "negative"}
        sampling = command.to if command.positive else None
    changes = {"sampling": sampling}
    return sitting.record(case, Act.SAMPLE, changes, note=command.note, data=data)


def _refuse_step(case: Case, command: ask.Sample) -> None:
    where = f"case {case.id}"
    if case.hazard != Hazard.CANOPY_STRESS or case.sampling is None:
        raise DataError(
            where,
            "there is no suspicion to be followed up",
            "confirm stressed canopy first; that orders samples",
        )
    following = find_next(case)
    if following is None:
        raise DataError(where, "the stump was checked", "close the case")
    if command.to != following:
        raise DataError(
            where,
            f"{case.sampling} is not followed by {command.to}",
            f"the next step is {following}",
        )
    asked = command.to == Sampling.LABORATORY
    if asked != (command.positive is not None):
        raise DataError(
            where,
            "the laboratory's answer is missing"
            if asked
            else f"{command.to} has no answer of a laboratory",
            "say whether it was positive" if asked else "leave the answer out",
        )
