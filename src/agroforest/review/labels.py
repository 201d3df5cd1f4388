"""Verdicts as labels: what people found, in the shape that models learn from.

Only what stands becomes a label: a verdict that a second person approved. What a
satellite cannot have seen, or nobody can say, is refused with the reason, and counted.

==========================  =====================================================
verdict                     label
==========================  =====================================================
canopy, confirmed           ``damaged``
canopy, cloud or shadow     ``clean``: somebody looked, and the canopy was there
canopy, harvest             refused: gone, but not as an alert means it
fire, confirmed             a hotspot
fire, known fire place      a static heat source
fire without a verdict      what ``fire verify`` recorded: a forest fire is a hotspot,
                            a static source a static heat source
others                      refused
==========================  =====================================================
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from shapely.geometry.base import BaseGeometry

from agroforest.core.alert import Alert
from agroforest.core.fire import FireFacts, Outcome
from agroforest.core.review import Act, Case, Reason, Stage, Step, Verdict
from agroforest.core.risk import Hazard


class Kind(StrEnum):
    """What a label says, in the words of ``docs/survey.md`` where it is of a canopy."""

    DAMAGED = "damaged"
    CLEAN = "clean"
    FIRE = "fire"
    STATIC = "static"


class Refusal(StrEnum):
    """Why a verdict is no label."""

    UNDECIDED = "verdict not approved yet"
    MERGED = "goes on as another case"
    HARVEST = "harvested: gone, but not as an alert means it"
    DUPLICATE = "duplicate of another case"
    UNCLEAR = "dismissed for another reason"
    FIRE = "dismissed for a reason that says nothing of fires"
    OUTCOME = "verified as something that says nothing of forest fires"


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseLabel:
    """What people found at a place.

    Attributes
    ----------
    case, hazard
        Where it comes from.
    kind
        What it is.
    seen
        The day on which it was so: of the report from the field, else of the newest
        clear observation.
    geometry
        The ground it stands for, WGS 84.
    reason, note
        Why, and in their words.
    by, at
        Who gave the verdict, and when, UTC.
    approved_by
        Who approved it.
    """

    case: str
    hazard: Hazard
    kind: Kind
    seen: date
    geometry: BaseGeometry = field(repr=False)
    reason: Reason | None
    note: str
    by: str
    at: datetime
    approved_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A verdict that is no label, and why."""

    case: str
    hazard: Hazard
    why: Refusal


def label_case(case: Case, steps: Sequence[Step]) -> CaseLabel | Refused:
    """Make a label of a case that people have judged, or say why it is none.

    Parameters
    ----------
    case
        With a verdict.
    steps
        All of its steps.
    """
    why = _refuse(case)
    if why is not None:
        return Refused(case=case.id, hazard=case.hazard, why=why)
    verdict = _find_last(steps, {Act.CONFIRM, Act.DISMISS})
    approval = _find_last(steps, {Act.APPROVE})
    check = case.check
    reported = None if check is None else check.done
    return CaseLabel(
        case=case.id,
        hazard=case.hazard,
        kind=_find_kind(case),
        seen=case.evidence if reported is None else reported.date(),
        geometry=case.geometry,
        reason=case.reason,
        note="" if verdict is None else verdict.note,
        by=case.judged_by,
        at=case.changed if verdict is None else verdict.time,
        approved_by="" if approval is None else approval.by,
    )


def label_verification(alert: Alert, facts: FireFacts) -> CaseLabel | Refused | None:
    """Make a label of what somebody found at a fire that nobody judged at the desk.

    Parameters
    ----------
    alert
        Of the fire.
    facts
        What is known of it.

    Returns
    -------
    CaseLabel, Refused or None
        ``None`` if nobody has looked.
    """
    found = facts.verification
    if found is None:
        return None
    kind = _FOUND.get(found.outcome)
    if kind is None:
        return Refused(case=alert.id, hazard=alert.hazard, why=Refusal.OUTCOME)
    return CaseLabel(
        case=alert.id,
        hazard=alert.hazard,
        kind=kind,
        seen=found.time.date(),
        geometry=alert.geometry,
        reason=None,
        note=found.note,
        by=found.by,
        at=found.time,
        approved_by="",
    )


def sort_labels(
    judged: Iterable[tuple[Case, Sequence[Step]]],
    fires: Iterable[tuple[Alert, FireFacts]] = (),
) -> tuple[list[CaseLabel], list[Refused]]:
    """Make labels of cases and of fires; those that are none are listed beside them.

    Parameters
    ----------
    judged
        Cases with a verdict, each with its steps.
    fires
        Alerts of fire; those that are judged as cases do not count twice.

    Returns
    -------
    tuple
        Labels and refusals, each by id.
    """
    found = {case.id: label_case(case, steps) for case, steps in judged}
    for alert, facts in fires:
        made = None if alert.id in found else label_verification(alert, facts)
        if made is not None:
            found[alert.id] = made
    labels = [made for made in found.values() if isinstance(made, CaseLabel)]
    refused = [made for made in found.values() if isinstance(made, Refused)]
    return sorted(labels, key=lambda one: one.case), sorted(
        refused, key=lambda one: one.case
    )


_FOUND = {Outcome.FOREST_FIRE: Kind.FIRE, Outcome.STATIC_SOURCE: Kind.STATIC}


def _refuse(case: Case) -> Refusal | None:
    if case.stage in {Stage.MERGED, Stage.SPLIT}:
        return Refusal.MERGED
    if case.stage not in {Stage.DECIDED, Stage.CLOSED} or case.verdict is None:
        return Refusal.UNDECIDED
    if case.verdict == Verdict.CONFIRMED:
        return None
    if case.reason == Reason.DUPLICATE:
        return Refusal.DUPLICATE
    if case.hazard == Hazard.ACTIVE_FIRE:
        return None if case.reason == Reason.KNOWN_FIRE_PLACE else Refusal.FIRE
    if case.reason == Reason.HARVEST:
        return Refusal.HARVEST
    clean = case.reason in {Reason.CLOUD, Reason.SHADOW}
    return None if clean else Refusal.UNCLEAR


def _find_kind(case: Case) -> Kind:
    confirmed = case.verdict == Verdict.CONFIRMED
    if case.hazard == Hazard.ACTIVE_FIRE:
        return Kind.FIRE if confirmed else Kind.STATIC
    return Kind.DAMAGED if confirmed else Kind.CLEAN


def _find_last(steps: Iterable[Step], acts: set[Act]) -> Step | None:
    return next((s for s in reversed(list(steps)) if s.act in acts), None)
