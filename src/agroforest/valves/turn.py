"""One step while it is taken: facts that change, commands and audit that gather."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from agroforest.core.valve import (
    AuditEntry,
    Order,
    ValveFacts,
    ValveReport,
    ValveState,
)
from agroforest.valves.limits import Limits
from agroforest.valves.surroundings import Surroundings

#: Who decides where no person does.
INTERLOCK = "interlock"
DEVICE = "device"


class Alarm(StrEnum):
    """What a person should know at once."""

    LEAK = "leak"  #: water flows though the valve is closed
    UNCALLED = "uncalled"  #: open without an order
    OVERDUE = "overdue"  #: open past its time
    SILENT = "silent"  #: nothing was heard since it should be closed
    NO_FLOW = "no-flow"  #: commanded, and no water came
    NOT_WETTER = "not-wetter"  #: watered, and the probe did not see it
    MORE = "more"  #: more water than the rated flow
    CLOCK = "clock"  #: the device's clock is off


# ------------------------------------------------------------------ what happens


@dataclass(frozen=True, kw_only=True, slots=True)
class Propose:
    """Somebody, or the advice, proposes an order; its stage is PROPOSED.

    Attributes
    ----------
    order
        What is proposed.
    around
        If given, the order is refused at once for what these sensors and this
        weather say, and for the water of the day; else only for what can never be.
    """

    order: Order
    around: Surroundings | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Withdraw:
    """Who proposed an order takes it back; one that is approved stays."""

    order: str
    by: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Approve:
    """A person approves an order."""

    order: str
    by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CloseValve:
    """A person wants a valve closed, whatever is planned."""

    valve: str
    by: str
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """A device reports."""

    report: ValveReport


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick:
    """Time has passed."""

    around: Surroundings = field(default_factory=Surroundings)


@dataclass(frozen=True, kw_only=True, slots=True)
class Restarted:
    """We were away."""


Event = Propose | Withdraw | Approve | CloseValve | Heard | Tick | Restarted


# ------------------------------------------------------------------- what to do


@dataclass(frozen=True, kw_only=True, slots=True)
class SendOpen:
    """Tell a device to open for a time, and to close by itself.

    Attributes
    ----------
    valve, order
        Ids.
    seconds
        The longest it may be open.
    sent
        When that was decided.
    until
        It closes by then at the latest, and does not open after.
    rehearsal
        Only say what would be sent.
    """

    valve: str
    order: str
    seconds: int
    sent: datetime
    until: datetime
    rehearsal: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SendClose:
    """Tell a device to close, and never to open for that order any more."""

    valve: str
    order: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AskState:
    """Ask a device for a report."""

    valve: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RaiseAlarm:
    """Tell people; once while it lasts."""

    valve: str
    alarm: Alarm
    zh: str
    en: str


Action = SendOpen | SendClose | AskState | RaiseAlarm


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What a step gives.

    Attributes
    ----------
    facts
        As they are now: to be kept before anything is sent.
    actions
        What to do, in order.
    audit
        What to record, in order.
    """

    facts: ValveFacts
    actions: tuple[Action, ...]
    audit: tuple[AuditEntry, ...]


class Turn:
    """Facts that change while a step is taken.

    Parameters
    ----------
    facts
        As they were; left alone.
    now
        The moment.
    limits
        What valves may do.
    """

    def __init__(self, facts: ValveFacts, now: datetime, limits: Limits) -> None:
        self.now = now
        self.limits = limits
        self.orders = dict(facts.orders)
        self.valves = dict(facts.valves)
        self._actions: list[Action] = []
        self._audit: list[AuditEntry] = []

    @property
    def facts(self) -> ValveFacts:
        """Facts as they are by now."""
        return ValveFacts(valves=self.valves, orders=self.orders, now=self.now)

    def since(self, moment: datetime | None) -> float:
        """Count the seconds since a moment; 0 if it never was."""
        return 0.0 if moment is None else (self.now - moment).total_seconds()

    def valve(self, name: str) -> ValveState:
        """Find what is known of a valve."""
        return self.valves.get(name) or ValveState(valve=name)

    def keep(self, thing: Order | ValveState) -> None:
        """Remember an order or a valve; for what needs no audit."""
        if isinstance(thing, Order):
            self.orders[thing.id] = thing
        else:
            self.valves[thing.valve] = thing

    def act(self, action: Action) -> None:
        """Have something done once the facts are kept."""
        self._actions.append(action)

    def change(
        self, order: Order, *, who: str, what: str, why: str, **changes: object
    ) -> Order:
        """Change an order, and record it."""
        after = order.patch(**changes)
        self.keep(after)
        self.record(
            order.valve,
            order.id,
            who=who,
            what=what,
            why=why,
            before={name: getattr(order, name) for name in changes},
            after=changes,
        )
        return after

    def record(
        self,
        valve: str,
        order: str = "",
        *,
        who: str,
        what: str,
        why: str,
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
    ) -> None:
        """Record a step for good."""
        self._audit.append(
            AuditEntry(
                time=self.now,
                valve=valve,
                order=order,
                who=who,
                what=what,
                why=why,
                before={k: _plain(v) for k, v in (before or {}).items()},
                after={k: _plain(v) for k, v in (after or {}).items()},
            )
        )

    def alarm(self, valve: str, kind: Alarm, zh: str, en: str, order: str = "") -> None:
        """Raise an alarm unless it is raised already."""
        state = self.valve(valve)
        if kind in state.alarms:
            return
        self.keep(state.patch(alarms=tuple(sorted({*state.alarms, str(kind)}))))
        self.record(valve, order, who=INTERLOCK, what=f"alarm {kind}", why=en)
        self.act(RaiseAlarm(valve=valve, alarm=kind, zh=zh, en=en))

    def calm(self, valve: str, *kinds: Alarm) -> None:
        """End alarms that are raised."""
        state = self.valve(valve)
        over = sorted(set(kinds) & set(state.alarms))
        if not over:
            return
        self.keep(state.patch(alarms=tuple(a for a in state.alarms if a not in over)))
        for kind in over:
            self.record(
                valve, who=INTERLOCK, what=f"end of alarm {kind}", why="it is over"
            )

    def finish(self) -> Step:
        """Everything that came of it."""
        return Step(
            facts=self.facts, actions=tuple(self._actions), audit=tuple(self._audit)
        )


def describe(order: Order) -> dict[str, Any]:
    """All of an order in plain values."""
    return {name: _plain(value) for name, value in asdict(order).items()}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, StrEnum):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
