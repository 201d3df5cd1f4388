r"""The life of an order: one pure step an event.

::

    propose ──> approve (a person) ──> open, with the closing time in the command
                                        |
         verify <── close <── confirm by flow or moisture

The step is deterministic, and an event that comes twice changes nothing the second
time. Facts must be kept before the commands that a step gives are sent: then a
process that dies between the two has counted water that never flowed, and not the
other way round.
"""

from datetime import datetime

from agroforest.core.errors import DataError
from agroforest.core.valve import WAITING, Order, Stage, ValveFacts
from agroforest.valves.advised import ADVISED
from agroforest.valves.hearing import hear
from agroforest.valves.interlock import Rule, find_lasting, find_running
from agroforest.valves.limits import Limits
from agroforest.valves.opening import open_approved
from agroforest.valves.surroundings import Surroundings
from agroforest.valves.turn import (
    DEVICE,
    INTERLOCK,
    Approve,
    AskState,
    CloseValve,
    Event,
    Heard,
    Propose,
    Restarted,
    Step,
    Tick,
    Turn,
    Withdraw,
    describe,
)
from agroforest.valves.watch import watch

#: What must hold for an order whatever the day brings.
_ALWAYS = frozenset({Rule.UNKNOWN, Rule.TIMER, Rule.LONGEST})

#: Words that stand for the program itself where somebody is named.
_NO_PERSONS = frozenset({"advice", ADVISED, INTERLOCK, DEVICE})


def step(facts: ValveFacts, event: Event, now: datetime, limits: Limits) -> Step:
    """Carry valves and their orders through one event.

    Parameters
    ----------
    facts
        As the step before left them.
    event
        What happened.
    now
        When, with zone. A clock that runs back stands still here.
    limits
        What valves may do.

    Returns
    -------
    Step
        Facts, commands and audit entries. Nothing of it is sent where
        `Limits.enabled` is false: openings are then rehearsals, and the rest is
        left out.

    Raises
    ------
    DataError
        A person speaks of an order that does not exist, names nobody, or gives an
        order the id of another one.
    ValueError
        `now` has no time zone.
    """
    if now.utcoffset() is None:
        raise ValueError(f"now {now.isoformat()} has no time zone")
    turn = Turn(facts, now if facts.now is None else max(now, facts.now), limits)
    match event:
        case Propose():
            _propose(turn, event)
        case Withdraw():
            _withdraw(turn, event)
        case Approve():
            _approve(turn, event)
        case CloseValve():
            _close(turn, event)
        case Heard():
            hear(turn, event.report)
        case Tick():
            watch(turn, event.around)
            open_approved(turn, event.around)
        case Restarted():
            _restart(turn)
    return turn.finish()


def _propose(turn: Turn, event: Propose) -> None:
    order = event.order
    known = turn.orders.get(order.id)
    if known is not None:
        if (known.valve, known.seconds) != (order.valve, order.seconds):
            raise DataError(
                f"order {order.id}",
                f"is an order of {known.seconds} s for {known.valve} already",
                "give another id",
            )
        return
    if not order.proposed_by.strip():
        raise DataError(f"order {order.id}", "names nobody", "say who proposes it")
    fresh = Order(
        id=order.id,
        valve=order.valve,
        seconds=order.seconds,
        why=order.why,
        sensors=order.sensors,
        proposed=turn.now,
        proposed_by=order.proposed_by,
    )
    turn.keep(fresh)
    turn.record(
        fresh.valve,
        fresh.id,
        who=fresh.proposed_by,
        what="propose",
        why=fresh.why,
        after=describe(fresh),
    )
    around = event.around
    against = find_lasting(
        fresh, turn.facts, turn.now, turn.limits, around or Surroundings()
    )
    held = [e.en for e in against if around is not None or e.rule in _ALWAYS]
    if held:
        why = "; ".join(held)
        turn.change(
            fresh, who=INTERLOCK, what="refuse", why=why, stage=Stage.REFUSED, note=why
        )


def _withdraw(turn: Turn, event: Withdraw) -> None:
    order = turn.orders.get(event.order)
    if order is not None and order.stage is Stage.PROPOSED:
        turn.change(
            order,
            who=event.by,
            what="withdraw",
            why=event.why,
            stage=Stage.WITHDRAWN,
            note=event.why,
        )


def _approve(turn: Turn, event: Approve) -> None:
    order = turn.orders.get(event.order)
    if order is None:
        raise DataError(
            f"order {event.order!r}",
            "does not exist",
            "list those that wait: agroforest valve status",
        )
    if not event.by.strip():
        raise DataError(f"order {order.id}", "is approved by nobody", "say by whom")
    if event.by.strip().lower() in _NO_PERSONS:
        raise DataError(
            f"order {order.id}",
            f"cannot be approved by {event.by.strip()!r}, who is no person",
            "give the name of a person",
        )
    if order.stage is not Stage.PROPOSED:
        return
    turn.change(
        order,
        who=event.by.strip(),
        what="approve",
        why=order.why,
        stage=Stage.APPROVED,
        approved=turn.now,
        approved_by=event.by.strip(),
    )


def _close(turn: Turn, event: CloseValve) -> None:
    if not event.by.strip():
        raise DataError(f"valve {event.valve}", "is closed by nobody", "say by whom")
    who = event.by.strip()
    for order in list(turn.orders.values()):
        if order.valve == event.valve and order.stage in WAITING:
            turn.change(
                order,
                who=who,
                what="withdraw",
                why=event.why,
                stage=Stage.WITHDRAWN,
                note=event.why,
            )
    running = find_running(turn.orders, event.valve)
    if running is not None and running.stage is not Stage.CLOSING:
        turn.change(running, who=who, what="close", why=event.why, stage=Stage.CLOSING)
    elif running is None:
        state = turn.valve(event.valve)
        if state.closing_from is None:
            turn.keep(state.patch(closing_from=turn.now, closing=None))
            turn.record(event.valve, who=who, what="close", why=event.why)
    watch(turn, Surroundings(), only=event.valve)


def _restart(turn: Turn) -> None:
    """Ask every valve what it does; what should be closed is closed by `watch`."""
    for name in turn.limits.valves:
        turn.keep(turn.valve(name).patch(asked=turn.now))
        if turn.limits.enabled:
            turn.act(AskState(valve=name))
        running = find_running(turn.orders, name)
        if running is not None:
            turn.record(
                name,
                running.id,
                who=INTERLOCK,
                what="pick up",
                why="the controller was started with this order open",
            )
