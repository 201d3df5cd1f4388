"""Valves: an order to open one, what its device reports, and the record of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from agroforest.core.errors import DataError


class Stage(StrEnum):
    """Where an order is.

    ::

        PROPOSED ─person─> APPROVED ─rules─> OPENING ─flow─> OPEN ──┐
            |                  |                └───────────────────┴─> CLOSING
            └──> WITHDRAWN,  REFUSED, EXPIRED, REHEARSED                   |
                                               VERIFIED <── no flow ── CLOSED
    """

    PROPOSED = "proposed"
    APPROVED = "approved"  #: by a person
    OPENING = "opening"  #: the command is on its way
    OPEN = "open"  #: confirmed by flow or moisture
    CLOSING = "closing"  #: to be closed; nothing heard of it yet
    CLOSED = "closed"  #: its device says so, and what flowed is settled
    VERIFIED = "verified"  #: and no water flows
    WITHDRAWN = "withdrawn"  #: by a person, before it was opened
    REFUSED = "refused"  #: by a rule
    EXPIRED = "expired"  #: nobody opened it while the approval was fresh
    REHEARSED = "rehearsed"  #: nothing was sent, as the settings want it


#: Stages in which the valve may be open.
RUNNING = frozenset({Stage.OPENING, Stage.OPEN, Stage.CLOSING})
#: Stages from which an order may still be opened.
WAITING = frozenset({Stage.PROPOSED, Stage.APPROVED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One opening of one valve.

    Attributes
    ----------
    id
        Unique; the same id is the same order.
    valve
        Id of the valve.
    seconds
        How long it shall be open.
    why
        Reason, in the words of who proposed it.
    sensors
        Ids of the sensors that the reason rests on.
    proposed, proposed_by
        When and by whom.
    stage
        Where it is.
    approved, approved_by
        When and by which person.
    sent
        When the command was decided; before that nothing can flow.
    until
        The closing time that the command carries: `over`, or as much earlier as the
        device's clock was behind.
    deadline
        `over`, and as much more as we allow a device's clock to be off.
    tries, published
        How often the command was given to the broker, and when last.
    confirmed
        When flow, or a wetter soil, showed that it is open.
    closed
        When the device said that it is closed.
    closing
        When we last asked it to close; ``None`` if we never did.
    m3
        Water counted for it: rated flow times `seconds` until it is settled.
    anchor_m3
        The meter before it.
    moisture
        Soil moisture before it, m3/m3, where that confirms.
    settled
        True once `m3` is what the meter says, or can no longer change.
    note
        Why it ended as it did.
    """

    id: str
    valve: str
    seconds: int
    why: str
    sensors: tuple[str, ...] = ()
    proposed: datetime
    proposed_by: str
    stage: Stage = Stage.PROPOSED
    approved: datetime | None = None
    approved_by: str = ""
    sent: datetime | None = None
    until: datetime | None = None
    deadline: datetime | None = None
    tries: int = 0
    published: datetime | None = None
    confirmed: datetime | None = None
    closed: datetime | None = None
    closing: datetime | None = None
    m3: float = 0.0
    anchor_m3: float | None = None
    moisture: float | None = None
    settled: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        if self.seconds <= 0:
            raise DataError(
                f"order {self.id}", f"{self.seconds} s long", "give it above 0"
            )

    @property
    def over(self) -> datetime | None:
        """The time at which it is over; ``None`` before it was sent."""
        if self.sent is None:
            return None
        return self.sent + timedelta(seconds=self.seconds)

    def patch(self, **changes: object) -> "Order":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, slots=True)
class ValveReport:
    """What a valve's device says of itself.

    Attributes
    ----------
    valve
        Id of the valve.
    time
        By the device's clock, with zone.
    received
        By ours.
    open
        Whether it is.
    flow_m3h
        Cubic metres an hour; ``None`` without a meter.
    meter_m3
        All that ever flowed; ``None`` without a meter.
    command
        Id of the last command it obeyed or refused; empty if it keeps none.
    """

    valve: str
    time: datetime
    received: datetime
    open: bool
    flow_m3h: float | None = None
    meter_m3: float | None = None
    command: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ValveState:
    """What is known of a valve between orders.

    Attributes
    ----------
    valve
        Its id.
    report
        The newest whose clock could be believed.
    skew_s
        How far the device's clock was ahead in the last report, seconds; latency
        counts as behind.
    asked
        When its state was last asked for.
    closing, closing_from
        When it was last told to close without an order of ours, and since when it
        should; ``None`` if nothing is to be closed.
    stray
        Cubic metres that flowed without an order, by day.
    alarms
        What was reported of it and has not ended.
    """

    valve: str
    report: ValveReport | None = None
    skew_s: float | None = None
    asked: datetime | None = None
    closing: datetime | None = None
    closing_from: datetime | None = None
    stray: tuple[tuple[str, float], ...] = ()
    alarms: tuple[str, ...] = ()

    def patch(self, **changes: object) -> "ValveState":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, slots=True)
class ValveFacts:
    """Everything that is remembered of valves: yesterday's state.

    Attributes
    ----------
    valves
        By id.
    orders
        Those that have not ended, and those whose water still counts; by id.
    now
        The latest moment that was decided at; time never runs back.
    """

    valves: Mapping[str, ValveState] = field(default_factory=dict)
    orders: Mapping[str, Order] = field(default_factory=dict)
    now: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEntry:
    """One step, as it is kept for good.

    Attributes
    ----------
    time
        When.
    valve, order
        Of what; `order` is empty where none is concerned.
    who
        The person, or ``interlock``, ``device``.
    what
        The step, one word.
    why
        The reason.
    before, after
        What changed, plain values.
    """

    time: datetime
    valve: str
    order: str
    who: str
    what: str
    why: str
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)

    def tell(self) -> Sequence[Any]:
        """Give all that it says, see `agroforest.core.chain.Linked`."""
        return (
            *(self.time.astimezone(UTC).isoformat(), self.valve, self.order),
            *(self.who, self.what, self.why, dict(self.before), dict(self.after)),
        )
