"""What nights do to cases: each change of an alert becomes a step of its case.

Machine and people keep out of each other's way. A night never ends what a person has
judged, and no verdict stops a night from looking:

===================  ==============================================================
change of the alert  its case
===================  ==============================================================
new                  is opened, for pre-screening; closed at once where its probability
                     is below the county's threshold
grown, reopened      comes back to pre-screening if it was closed, or dismissed; a
                     confirmed one under work is told, and so is one that waits
released             is told
closed               is closed if nobody has looked at it yet; else it is told
merged               goes on as the other's case, if nobody has judged it
===================  ==============================================================

A case that people merged into another, or split, hands such news on: to the case it
went into, or to those of its parts that were closed or dismissed.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from agroforest.core.alert import Alert, Change, Instruction
from agroforest.core.county import NOWHERE, Counties
from agroforest.core.fire import FireFacts, Verification
from agroforest.core.queue import DeskChanges
from agroforest.core.review import NIGHT, Act, Case, FieldCheck, Stage, Step, Verdict
from agroforest.core.threshold import Threshold, ThresholdSet
from agroforest.review.plain import describe
from agroforest.review.rank import rank_case
from agroforest.review.sitting import write_step

#: A change of an alert, the alert as it is now, and what is known of its fire.
News = tuple[Instruction, Alert, FireFacts | None]

_WORSE = frozenset({Change.GROWN, Change.REOPENED})
_UNJUDGED = frozenset({Stage.PRESCREEN, Stage.VERDICT})


def follow(
    news: Iterable[News],
    cases: Mapping[str, Case],
    counties: Counties,
    now: datetime | None = None,
    *,
    thresholds: ThresholdSet | None = None,
) -> DeskChanges:
    """Follow changes of alerts with steps of cases.

    Parameters
    ----------
    news
        Changes that no step has followed, oldest night first.
    cases
        Those of the alerts and of the alerts they were merged into, as far as there
        are any; with every case that one of these went into, and the parts of those
        that were split.
    counties
        Names the county of a new case.
    now
        When it is written down, UTC; the end of each night unless given.
    thresholds
        In force; cases below them open closed.

    Returns
    -------
    DeskChanges
        Every change is followed by one step that has its key, whatever else happens.
    """
    log = _Log(cases)
    for instruction, alert, facts in news:
        moment = now or end_of_night(instruction.night)
        case = log.cases.get(alert.id)
        if case is None:
            opened = _open(alert, facts, counties, moment)
            log.open(opened, instruction, _find_bar(opened, thresholds), thresholds)
        else:
            _see(log, case, instruction, alert, facts, moment, thresholds)
    return log.changes()


def note_verifications(
    fires: Iterable[tuple[Alert, FireFacts]],
    cases: Mapping[str, Case],
    now: datetime | None = None,
) -> DeskChanges:
    """Follow what ``agroforest fire verify`` recorded with steps of the fires' cases.

    Parameters
    ----------
    fires
        Alerts of fire with what is known of them.
    cases
        Theirs, by id.
    now
        When it is written down, UTC; when it was found unless given.

    Returns
    -------
    DeskChanges
        Nothing for a verification that the case shows already.
    """
    done = DeskChanges()
    for alert, facts in fires:
        case, found = cases.get(alert.id), facts.verification
        if case is None or found is None or _shows(case, found):
            continue
        check = FieldCheck(
            by=found.by,
            ordered=facts.raised,
            done=found.time,
            found=" · ".join(filter(None, (str(found.outcome), found.note))),
        )
        after, step = write_step(
            case,
            Act.REPORT_CHECK,
            {"check": check, "due": None},
            by=found.by,
            now=now or found.time,
            key=f"{alert.id}:{found.time.isoformat()}:verified",
            data={"outcome": str(found.outcome)},
        )
        done += DeskChanges(cases=(after,), steps=(step,))
    return done


def end_of_night(night: date) -> datetime:
    """Moment at which a night of the past is over, UTC."""
    return datetime.combine(night, time(), UTC) + timedelta(days=1)


class _Log:
    """Cases as they become, and the steps that make them so."""

    def __init__(self, cases: Mapping[str, Case]) -> None:
        self.cases = dict(cases)
        self._steps: list[Step] = []

    def open(
        self,
        case: Case,
        instruction: Instruction,
        bar: Threshold | None,
        thresholds: ThresholdSet | None,
    ) -> None:
        """Open a case; closed, with a word why, where it lies below a threshold."""
        note = ""
        if bar is not None and thresholds is not None:
            case = case.patch(stage=Stage.CLOSED, rank=0.0, due=None)
            note = (
                f"概率 {case.probability:.2f} 低于阈值 {bar.value:.2f}"
                f"（第 {thresholds.version} 版），未列入待办 · "
                f"probability {case.probability:.2f} is below the threshold "
                f"{bar.value:.2f} (version {thresholds.version}); not queued"
            )
        self.cases[case.id] = case
        self._steps.append(
            Step(
                case=case.id,
                number=1,
                time=case.opened,
                by=NIGHT,
                act=Act.OPEN,
                note=note,
                key=instruction.key,
                data={**_tell(instruction), "before": {}, "after": describe(case)},
            )
        )

    def see(
        self,
        case: Case,
        instruction: Instruction,
        changes: Mapping[str, Any],
        moment: datetime,
    ) -> None:
        """Add a step of a night to a case.

        The key of a change that is handed on names the case that gets it.
        """
        key = instruction.key
        if case.id != instruction.alert:
            rest = key.removeprefix(instruction.alert)
            key = f"{instruction.alert}/{case.id}{rest}"
        self.cases[case.id], step = write_step(
            case,
            Act.SEE,
            changes,
            by=NIGHT,
            now=moment,
            key=key,
            data=_tell(instruction),
        )
        self._steps.append(step)

    def changes(self) -> DeskChanges:
        """Gather everything that changed."""
        touched = dict.fromkeys(step.case for step in self._steps)
        return DeskChanges(
            cases=tuple(self.cases[name] for name in touched),
            steps=tuple(self._steps),
        )


def _open(
    alert: Alert, facts: FireFacts | None, counties: Counties, moment: datetime
) -> Case:
    case = Case(
        id=alert.id,
        alert=alert.id,
        pipeline=alert.pipeline,
        hazard=alert.hazard,
        stage=Stage.PRESCREEN,
        version=1,
        opened=moment,
        changed=moment,
        geometry=alert.geometry,
        area_ha=alert.area_ha,
        probability=alert.probability,
        first_night=alert.first_night,
        evidence=alert.evidence,
        county=_find_county(alert, facts, counties),
        places=alert.places,
        due=_find_due(facts),
    )
    return case.patch(rank=rank_case(case))


def _see(
    log: _Log,
    case: Case,
    instruction: Instruction,
    alert: Alert,
    facts: FireFacts | None,
    moment: datetime,
    thresholds: ThresholdSet | None,
) -> None:
    seen = {
        "geometry": alert.geometry,
        "area_ha": alert.area_ha,
        "probability": alert.probability,
        "evidence": alert.evidence,
        "places": alert.places,
    }
    changed = case.patch(**seen)
    moved = _move(log, changed, instruction, thresholds)
    if moved.get("stage") == Stage.PRESCREEN:
        moved = {**moved, "due": _find_due(facts)}
    log.see(case, instruction, {**seen, **moved}, moment)
    if instruction.change in _WORSE:
        for other in _find_heirs(log.cases, case):
            log.see(other, instruction, _reopen(other, thresholds), moment)


def _move(
    log: _Log, case: Case, instruction: Instruction, thresholds: ThresholdSet | None
) -> dict[str, Any]:
    """Find where a change brings a case; nowhere, if it is only told."""
    if instruction.change in _WORSE:
        return _reopen(case, thresholds)
    if instruction.change == Change.CLOSED and case.stage == Stage.PRESCREEN:
        return {"stage": Stage.CLOSED, "due": None}
    if instruction.change == Change.MERGED and _may_merge(log, case, instruction):
        return {"stage": Stage.MERGED, "into": instruction.into}
    return {}


def _reopen(case: Case, thresholds: ThresholdSet | None) -> dict[str, Any]:
    dismissed = case.stage == Stage.DECIDED and case.verdict == Verdict.DISMISSED
    if not dismissed and case.stage != Stage.CLOSED:
        return {}
    if case.verdict is None and _find_bar(case, thresholds) is not None:
        return {}
    return {"stage": Stage.PRESCREEN}


def _may_merge(log: _Log, case: Case, instruction: Instruction) -> bool:
    host = instruction.into
    if case.stage not in _UNJUDGED or case.verdict is not None or host is None:
        return False
    # People may have merged the other one into this: no case goes on as itself.
    return host in log.cases and case.id not in _trace(log.cases, host)


def _trace(cases: Mapping[str, Case], start: str) -> list[str]:
    """Follow a case to the one that goes on; ids from the first to the last."""
    way = [start]
    while (case := cases.get(way[-1])) is not None and case.stage == Stage.MERGED:
        if case.into in way:  # a damaged record must not hang the night
            break
        way.append(case.into)
    return way


def _find_heirs(cases: Mapping[str, Case], case: Case) -> list[Case]:
    """Find the cases that go on for one that was merged or split."""
    if case.stage == Stage.MERGED:
        last = cases.get(_trace(cases, case.id)[-1])
        return [] if last is None or last.id == case.id else [last]
    if case.stage == Stage.SPLIT:
        parts = (c for c in cases.values() if c.of == case.id)
        return sorted((p for p in parts if _reopen(p, None)), key=lambda part: part.id)
    return []


def _find_bar(case: Case, thresholds: ThresholdSet | None) -> Threshold | None:
    """Find the threshold that keeps a case out of the queue, if one does."""
    if thresholds is None or case.probability is None:
        return None
    bar = thresholds.find(case.hazard, case.county[0])
    return bar if bar is not None and case.probability < bar.value else None


def _find_county(
    alert: Alert, facts: FireFacts | None, counties: Counties
) -> tuple[str, str, str]:
    found = counties.locate(alert.geometry)
    if found == NOWHERE and facts is not None:
        return (facts.event.county_code, *facts.event.county)
    return found


def _find_due(facts: FireFacts | None) -> datetime | None:
    return None if facts is None or facts.verification else facts.verify_by


def _shows(case: Case, found: Verification) -> bool:
    return case.check is not None and case.check.done == found.time


def _tell(instruction: Instruction) -> dict[str, Any]:
    return {
        "change": str(instruction.change),
        "night": instruction.night.isoformat(),
        "area_ha": instruction.area_ha,
        **({"into": instruction.into} if instruction.into else {}),
    }
