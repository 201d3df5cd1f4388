"""When a case becomes public, changes and ends: its CAP messages, not their words.

A case is public from the moment at which a verdict that it is so stands, that is, was
approved. A fire whose alert the gate let through is public as soon as it is raised;
waiting for a verdict would be worse than a false alarm. What is public ends when it is
dismissed or explained (Cancel), when somebody closes it or a night no longer sees it
(Update, urgency Past), and when it goes on as another case (Cancel).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from agroforest.core.alert import Change
from agroforest.core.fire import FireFacts, Gate, Outcome
from agroforest.core.review import ENDED, NIGHT, Act, Case, Reason, Stage, Step, Verdict
from agroforest.core.risk import Hazard


class Kind(StrEnum):
    """Kind of a message; the values are those of CAP's ``msgType``."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"


class Why(StrEnum):
    """What a message tells."""

    RAISED = "raised"  #: a fire, before anybody has judged it
    CONFIRMED = "confirmed"  #: a verdict stands
    CHECKED = "checked"  #: somebody has seen it in the field
    GROWN = "grown"
    NOT_SEEN = "not-seen"  #: a night ended it; nobody has said that it is over
    CLOSED = "closed"  #: somebody has
    DISMISSED = "dismissed"
    EXPLAINED = "explained"  #: somebody found something else than a forest fire
    MERGED = "merged"
    SPLIT = "split"


#: After these nothing is public any more.
ENDS = frozenset(
    {
        *(Why.NOT_SEEN, Why.CLOSED, Why.DISMISSED),
        *(Why.EXPLAINED, Why.MERGED, Why.SPLIT),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """What is known of a case.

    Attributes
    ----------
    case
        As it is now.
    steps
        All of them, the nights' and those of ``agroforest fire verify`` too.
    fire
        Of a fire.
    """

    case: Case
    steps: Sequence[Step]
    fire: FireFacts | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Telling:
    """One message that a history asks for.

    Attributes
    ----------
    key
        Number of the step: the same however the history goes on.
    kind, why
        What.
    time
        When.
    area_ha
        Area then, hectares.
    confirmed
        Whether a verdict that it is so stood.
    observed
        Whether somebody had seen it in the field: the verdict says so, or who verified
        a fire. What a field check reported is text and decides nothing here.
    reason
        Of the verdict.
    outcome
        What somebody found where a hotspot was.
    into
        The case that goes on, of a merge.
    """

    key: str
    kind: Kind
    why: Why
    time: datetime
    area_ha: float
    confirmed: bool = False
    observed: bool = False
    reason: Reason | None = None
    outcome: Outcome | None = None
    into: str = ""


def tell(history: History) -> list[Telling]:
    """Find the messages of a case so far, the oldest first.

    A history that goes on only adds messages.
    """
    case, fire = history.case, history.fire
    past = _Past(
        early=case.hazard is Hazard.ACTIVE_FIRE
        and fire is not None
        and fire.gate is not Gate.HELD,
        area_ha=case.area_ha,
    )
    told = [past.follow(moment) for moment in _moments(history)]
    return [telling for telling in told if telling is not None]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Moment:
    """A case as it was after a step."""

    step: Step
    stage: Stage
    verdict: Verdict | None
    reason: Reason | None
    area_ha: float
    into: str

    @property
    def outcome(self) -> Outcome | None:
        """What this step says that somebody found of a fire."""
        found = self.step.data.get("outcome")
        return None if found is None else Outcome(found)


def _moments(history: History) -> list[_Moment]:
    """Find the case as it was after each step.

    A step keeps the fields that it changed as they were before, so the case of today
    leads back to all of them.
    """
    case = history.case
    values: dict[str, object] = {
        "stage": case.stage,
        "verdict": case.verdict,
        "reason": case.reason,
        "area_ha": case.area_ha,
        "into": case.into,
    }
    moments = []
    for step in sorted(history.steps, key=lambda step: step.number, reverse=True):
        moments.append(_read_moment(step, values))
        values |= step.data.get("before") or {}
    return moments[::-1]


def _read_moment(step: Step, values: Mapping[str, object]) -> _Moment:
    verdict, reason = values["verdict"], values["reason"]
    return _Moment(
        step=step,
        stage=Stage(str(values["stage"])),
        verdict=Verdict(str(verdict)) if verdict else None,
        reason=Reason(str(reason)) if reason else None,
        area_ha=float(str(values["area_ha"])),
        into=str(values["into"]),
    )


@dataclass(kw_only=True, slots=True)
class _Past:
    """What was told so far, while a history is read."""

    early: bool  # public before anybody has judged it
    area_ha: float
    live: bool = False
    standing: Verdict | None = None
    observed: bool = False
    sent: datetime | None = None
    outcome: Outcome | None = None

    def follow(self, moment: _Moment) -> Telling | None:
        """Take a moment in, and say what it is worth telling."""
        news = self._learn(moment)
        public = self._is_public(moment.stage)
        if not public and self.live:
            self.live = False
            return self._say(moment, *self._end(moment))
        if public and not self.live:
            self.live, self.area_ha = True, moment.area_ha
            return self._say(moment, Kind.ALERT, self._begin())
        if public and (moment.area_ha > self.area_ha or news):
            why = news or Why.GROWN
            self.area_ha = moment.area_ha
            return self._say(moment, Kind.UPDATE, why)
        return None

    def _learn(self, moment: _Moment) -> Why | None:
        """Take over what people say; the news in it, if there is any."""
        was = self.standing, self.observed
        if moment.outcome is not None:
            self.outcome = moment.outcome
            self.observed |= self.outcome is Outcome.FOREST_FIRE
        else:
            self._learn_verdict(moment, moment.step)
        if self.observed and not was[1]:
            return Why.CHECKED
        confirmed = self.standing is Verdict.CONFIRMED
        return Why.CONFIRMED if confirmed and was[0] is not self.standing else None

    def _learn_verdict(self, moment: _Moment, step: Step) -> None:
        if step.act is Act.APPROVE or moment.stage is Stage.DECIDED:
            self.standing = moment.verdict
            if step.act is Act.APPROVE and self.outcome is not Outcome.FOREST_FIRE:
                self.outcome = None  # the later word
        elif not self.live and _begins_anew(step, moment.stage):
            self.standing, self.observed, self.outcome = None, False, None
        if self.standing is Verdict.CONFIRMED:
            self.observed |= moment.reason is Reason.SEEN_IN_FIELD

    def _is_public(self, stage: Stage) -> bool:
        if stage in ENDED or self.standing is Verdict.DISMISSED:
            return False
        if self.outcome not in {None, Outcome.FOREST_FIRE}:
            return False
        return self.standing is Verdict.CONFIRMED or self.early

    def _begin(self) -> Why:
        if self.observed:
            return Why.CHECKED
        confirmed = self.standing is Verdict.CONFIRMED
        return Why.CONFIRMED if confirmed else Why.RAISED

    def _end(self, moment: _Moment) -> tuple[Kind, Why]:
        if moment.stage is Stage.MERGED:
            return Kind.CANCEL, Why.MERGED
        if moment.stage is Stage.SPLIT:
            return Kind.CANCEL, Why.SPLIT
        if self.standing is Verdict.DISMISSED:
            return Kind.CANCEL, Why.DISMISSED
        if moment.outcome is not None:
            return Kind.CANCEL, Why.EXPLAINED
        by_night = moment.step.by == NIGHT
        return Kind.UPDATE, Why.NOT_SEEN if by_night else Why.CLOSED

    def _say(self, moment: _Moment, kind: Kind, why: Why) -> Telling:
        # A night's step may bear a time before that of a person's before it.
        time = moment.step.time
        self.sent = max(self.sent or time, time)
        return Telling(
            key=str(moment.step.number),
            kind=kind,
            why=why,
            time=self.sent,
            area_ha=moment.area_ha,
            confirmed=self.standing is Verdict.CONFIRMED,
            observed=self.observed,
            reason=moment.reason,
            outcome=self.outcome,
            into=moment.into,
        )


def _begins_anew(step: Step, stage: Stage) -> bool:
    """Whether a case that had ended is looked at again."""
    if stage in ENDED:
        return False
    more = step.data.get("change") in {Change.GROWN, Change.REOPENED}
    return step.act is Act.REOPEN or (step.act is Act.SEE and more)
