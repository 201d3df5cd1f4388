"""Opening what a person approved, if no rule speaks against it."""

from datetime import timedelta

from agroforest.core.valve import Order, Stage
from agroforest.valves.interlock import Rule, find_fresh_report, find_objections
from agroforest.valves.limits import Confirmation
from agroforest.valves.surroundings import Surroundings
from agroforest.valves.turn import INTERLOCK, Alarm, AskState, SendOpen, Turn

#: Proposals that nobody looked at end after a day: the field has dried on. Arbitrary.
_PROPOSAL = timedelta(days=1)


def open_approved(turn: Turn, around: Surroundings) -> None:
    """Open, refuse or let expire what waits; the oldest approval first."""
    for order in sorted(turn.orders.values(), key=lambda o: (o.proposed, o.id)):
        if order.stage is Stage.PROPOSED and turn.now - order.proposed > _PROPOSAL:
            _end(turn, order, Stage.EXPIRED, "expire", "nobody approved it for a day")
    waiting = [o for o in turn.orders.values() if o.stage is Stage.APPROVED]
    for order in sorted(waiting, key=lambda o: (o.approved or o.proposed, o.id)):
        _open(turn, order, around)


def _open(turn: Turn, order: Order, around: Surroundings) -> None:
    against = find_objections(order, turn.facts, turn.now, turn.limits, around)
    if against:
        why = "; ".join(each.en for each in against)
        old = all(each.rule is Rule.APPROVAL for each in against)
        if old:
            _end(turn, order, Stage.EXPIRED, "expire", why)
        else:
            _end(turn, order, Stage.REFUSED, "refuse", why)
        return
    now = turn.now
    over = now + timedelta(seconds=order.seconds)
    command = SendOpen(
        valve=order.valve,
        order=order.id,
        seconds=order.seconds,
        sent=now,
        until=over - _find_lag(turn, order.valve),
        rehearsal=not turn.limits.enabled,
    )
    if command.rehearsal:
        why = "the settings say enabled = false: nothing is sent"
        _end(turn, order, Stage.REHEARSED, "rehearse", why)
        turn.act(command)
        return
    report = find_fresh_report(order, turn.facts, now, turn.limits)
    if report is None:
        ask(turn, order.valve)
        return
    valve = turn.limits.valves[order.valve]
    probe = around.sensors.get(valve.moisture_sensor)
    turn.calm(order.valve, Alarm.NO_FLOW, Alarm.NOT_WETTER, Alarm.MORE)
    turn.change(
        order,
        who=INTERLOCK,
        what="open",
        why=f"approved by {order.approved_by}",
        stage=Stage.OPENING,
        sent=now,
        until=command.until,
        deadline=over + timedelta(seconds=turn.limits.clock_s),
        tries=1,
        published=now,
        m3=valve.worst_m3(order.seconds),
        anchor_m3=report.meter_m3,
        moisture=probe.moisture
        if valve.confirmation is Confirmation.MOISTURE and probe is not None
        else None,
    )
    turn.act(command)


def ask(turn: Turn, name: str) -> None:
    """Ask a valve for its state, but not more often than we repeat anything."""
    state = turn.valve(name)
    since = None if state.asked is None else (turn.now - state.asked).total_seconds()
    if turn.limits.enabled and (since is None or since >= turn.limits.retry_s):
        turn.keep(state.patch(asked=turn.now))
        turn.act(AskState(valve=name))


def _find_lag(turn: Turn, name: str) -> timedelta:
    """How far a device's clock is behind: it must be told an earlier time.

    A message on its way looks like a clock that is behind, which only makes the time
    earlier still. A clock that is ahead closes too early, and is left to.
    """
    return timedelta(seconds=max(0.0, -(turn.valve(name).skew_s or 0.0)))


def _end(turn: Turn, order: Order, stage: Stage, what: str, why: str) -> None:
    turn.change(order, who=INTERLOCK, what=what, why=why, stage=stage, note=why)
