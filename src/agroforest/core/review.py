"""Cases: what people make of alerts. The words all rooms share.

An alert is what was seen, and nights carry it on. A case is what people do about it,
and only people end it. Both go their own way: a night may reopen a case by seeing more,
a person may close a case that is still seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from shapely.geometry.base import BaseGeometry

from agroforest.core.risk import Hazard

#: Longest note, characters. Arbitrary; a note is no report.
NOTE_LENGTH = 2000
#: Who acts where no person does.
NIGHT = "night"


class Stage(StrEnum):
    """Where a case is.

    ::

        PRESCREEN ─pass─> VERDICT ─confirm, dismiss─> SUPERVISOR ─approve─> DECIDED
            │                ^                          ^     │                │
            └── dismiss ─────┼──────────────────────────┘     │              close
                             └──────────── return ────────────┘                v
        reopened by a person, or by a night that sees more <──────────────  CLOSED

    MERGED and SPLIT cases go on as others; both can be undone.
    """

    PRESCREEN = "pre-screen"  #: is there anything to look at?
    VERDICT = "verdict"  #: somebody shall say what it is
    SUPERVISOR = "supervisor"  #: a verdict waits for a second person
    DECIDED = "decided"  #: the verdict stands; field work may be under way
    CLOSED = "closed"
    MERGED = "merged"  #: goes on as the case `into`
    SPLIT = "split"  #: goes on as the cases that are parts of it


#: Stages in which somebody has to act.
WAITING = frozenset({Stage.PRESCREEN, Stage.VERDICT, Stage.SUPERVISOR})
#: Stages that nobody counts as work.
ENDED = frozenset({Stage.CLOSED, Stage.MERGED, Stage.SPLIT})


class Verdict(StrEnum):
    """What people say of a case."""

    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"


class Reason(StrEnum):
    """Why; each verdict needs one."""

    CLOUD = "cloud"
    HARVEST = "harvest"
    SHADOW = "shadow"
    KNOWN_FIRE_PLACE = "known-fire-place"  #: kiln, chimney, permitted burning
    DUPLICATE = "duplicate"
    OTHER = "other"  #: needs a note
    SEEN_IN_IMAGES = "seen-in-images"
    SEEN_IN_FIELD = "seen-in-field"
    REPORTED = "reported"  #: by somebody on the spot


#: Reasons for each verdict, in the order in which they are offered.
REASONS: Mapping[Verdict, tuple[Reason, ...]] = {
    Verdict.CONFIRMED: (
        *(Reason.SEEN_IN_IMAGES, Reason.SEEN_IN_FIELD),
        *(Reason.REPORTED, Reason.OTHER),
    ),
    Verdict.DISMISSED: (
        *(Reason.CLOUD, Reason.HARVEST, Reason.SHADOW),
        *(Reason.KNOWN_FIRE_PLACE, Reason.DUPLICATE, Reason.OTHER),
    ),
}


class Sampling(StrEnum):
    """Life of a suspicion of pine wilt, which no satellite can name."""

    SUSPECT = "suspect"  #: samples are to be taken
    SAMPLED = "sampled"
    LABORATORY = "laboratory"  #: a laboratory has answered
    FELLED = "felled"
    STUMP_CHECKED = "stump-checked"


class Act(StrEnum):
    """What can be done to a case."""

    OPEN = "open"  #: a night raised the alert
    SEE = "see"  #: a night changed the alert: grown, reopened, released, closed
    PASS = "pass"  # noqa: S105  no password: worth a verdict
    CONFIRM = "confirm"
    DISMISS = "dismiss"
    APPROVE = "approve"  #: a supervisor agrees
    RETURN = "return"  #: a supervisor does not
    ASSIGN = "assign"
    ORDER_CHECK = "order-check"  #: somebody shall go and look
    REPORT_CHECK = "report-check"  #: what they found
    SAMPLE = "sample"  #: one step of `Sampling`
    NOTE = "note"
    MERGE = "merge"
    UNMERGE = "unmerge"
    SPLIT = "split"
    UNSPLIT = "unsplit"
    CLOSE = "close"
    REOPEN = "reopen"


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldCheck:
    """A visit to the place.

    Attributes
    ----------
    by
        Name of the account that shall go.
    ordered
        When it was ordered.
    due
        Until when; ``None`` if nobody said.
    sample
        Whether samples are to be taken for a laboratory.
    done
        When it was reported; ``None`` while it is open.
    found
        What was found, in their words.
    """

    by: str
    ordered: datetime
    due: date | None = None
    sample: bool = False
    done: datetime | None = None
    found: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """What people do about an alert, or about a part of one.

    Attributes
    ----------
    id
        Of the alert; a digest of alert and part where the case was split off.
    alert, pipeline, hazard
        As on the alert.
    stage
        Where it is.
    version
        Number of steps so far. Who acts names the version they saw; the case is
        theirs only if it is still that one.
    opened, changed
        First and last step, UTC.
    geometry
        WGS 84: the alert's, or the part's where `of` is set.
    area_ha
        Hectares.
    probability
        As on the alert.
    first_night, evidence
        As on the alert.
    county
        Code, Chinese and English name of the county; empty where unknown.
    places
        Ids of the parcels and compartments it touches.
    verdict, reason
        Of the last verdict; ``None`` before the first.
    judged_by
        Who gave it; somebody else approves it.
    assignee
        Name of an account; empty while nobody is responsible.
    check
        The field check ordered last.
    sampling
        Where a suspicion of pine wilt stands; ``None`` if there is none.
    into
        The case that goes on, where merged.
    of
        The case it was split off, empty otherwise.
    rank
        Order of the queue, the highest first; see `agroforest.review.rank`.
    due
        Until when somebody must have acted, UTC; ``None`` if nothing presses.
    """

    id: str
    alert: str
    pipeline: str
    hazard: Hazard
    stage: Stage
    version: int
    opened: datetime
    changed: datetime
    geometry: BaseGeometry = field(repr=False)
    area_ha: float
    probability: float | None
    first_night: date
    evidence: date
    county: tuple[str, str, str] = ("", "", "")
    places: tuple[str, ...] = ()
    verdict: Verdict | None = None
    reason: Reason | None = None
    judged_by: str = ""
    assignee: str = ""
    check: FieldCheck | None = None
    sampling: Sampling | None = None
    into: str = ""
    of: str = ""
    rank: float = 0.0
    due: datetime | None = None

    @property
    def waiting(self) -> bool:
        """Whether somebody has to act."""
        return self.stage in WAITING

    def patch(self, **changes: object) -> "Case":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One act on one case; steps are added and never changed.

    Attributes
    ----------
    case
        Id of the case.
    number
        From 1, without gaps: the version of the case after it.
    time
        When, UTC.
    by
        Name of the account, or `NIGHT`.
    act
        What.
    reason
        Of a verdict.
    note
        In their words.
    key
        Key of the alert's change that a night followed; empty otherwise.
    data
        What else is needed to understand or undo it, plain values.
    """

    case: str
    number: int
    time: datetime
    by: str
    act: Act
    reason: Reason | None = None
    note: str = ""
    key: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
