"""The queue of cases: what is asked of it, what it answers, and what changes it."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from agroforest.core.audit import Deed
from agroforest.core.message import Message
from agroforest.core.review import Case, Reason, Stage, Step, Verdict
from agroforest.core.risk import Hazard


class Order(StrEnum):
    """What the queue is sorted by; the first of each is the most pressing."""

    RANK = "rank"
    NEWEST = "newest"  #: first night, the newest first
    OLDEST = "oldest"
    AREA = "area"  #: the largest first
    PROBABILITY = "probability"  #: the surest first; unknown comes last
    CHANGED = "changed"  #: the last step, the newest first


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseQuery:
    """Which cases; empty and ``None`` ask for all.

    Attributes
    ----------
    stages, hazards, verdicts, pipelines
        One of these.
    counties
        Codes.
    assignee
        Name of an account; ``-`` for nobody.
    least_ha, most_ha
        Area from, and up to, hectares.
    least_probability
        0..1; cases without a probability are left out.
    since, until
        First night from, and up to.
    box
        ``(west, south, east, north)``, degrees: cases whose bounding box meets it.
    order
        Sorted by.
    after
        Cursor from the page before; empty for the first page.
    limit
        Rows a page, 1..500.
    """

    stages: tuple[Stage, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    pipelines: tuple[str, ...] = ()
    counties: tuple[str, ...] = ()
    assignee: str = ""
    least_ha: float | None = None
    most_ha: float | None = None
    least_probability: float | None = None
    since: date | None = None
    until: date | None = None
    box: tuple[float, float, float, float] | None = None
    order: Order = Order.RANK
    after: str = ""
    limit: int = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueRow:
    """A case as the queue shows it: everything but its outline.

    Attributes
    ----------
    box
        Bounding box ``(west, south, east, north)``, degrees.

    The others are those of `Case`.
    """

    id: str
    pipeline: str
    hazard: Hazard
    stage: Stage
    version: int
    opened: datetime
    changed: datetime
    box: tuple[float, float, float, float]
    area_ha: float
    probability: float | None
    first_night: date
    evidence: date
    county: tuple[str, str, str]
    places: tuple[str, ...]
    verdict: Verdict | None
    reason: Reason | None
    assignee: str
    rank: float
    due: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CasePage:
    """One page of the queue.

    Attributes
    ----------
    rows
        In the order asked for.
    next
        Cursor of the page after; empty on the last.
    """

    rows: tuple[QueueRow, ...]
    next: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeskChanges:
    """What one decision changes: all of it is recorded, or nothing.

    Attributes
    ----------
    cases
        As they are afterwards.
    steps
        The acts, one for each case changed.
    deeds
        For the audit.
    messages
        For the outbox; one whose key is there already changes nothing.
    """

    cases: tuple[Case, ...] = ()
    steps: tuple[Step, ...] = ()
    deeds: tuple[Deed, ...] = ()
    messages: tuple[Message, ...] = ()

    def __add__(self, other: "DeskChanges") -> "DeskChanges":
        """Both, in order."""
        return DeskChanges(
            cases=self.cases + other.cases,
            steps=self.steps + other.steps,
            deeds=self.deeds + other.deeds,
            messages=self.messages + other.messages,
        )
