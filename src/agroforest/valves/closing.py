"""Closing: told at once, and again until the device says that it is closed."""

from datetime import datetime

from agroforest.core.valve import Order, Stage, ValveReport
from agroforest.valves.opening import ask
from agroforest.valves.turn import INTERLOCK, Alarm, SendClose, Turn

#: Closing is repeated more slowly the longer it is in vain: a quarter of the time
#: that has passed, up to ten minutes. Arbitrary.
_SLOWER, _SLOWEST_S = 0.25, 600.0


def close_order(turn: Turn, order: Order, why: str) -> Order:
    """End an order that runs, and say so to its device."""
    if order.stage is Stage.CLOSING:
        return order
    order = turn.change(
        order, who=INTERLOCK, what="close", why=why, stage=Stage.CLOSING
    )
    repeat_close(turn, order)
    return turn.orders[order.id]


def repeat_close(turn: Turn, order: Order) -> None:
    """Tell a device to close if that is due again."""
    pause = _find_pause(turn, order.over or turn.now)
    is_due = order.closing is None or turn.since(order.closing) >= pause
    if is_due and turn.limits.enabled:
        turn.change(
            order,
            who=INTERLOCK,
            what="send close",
            why="no word yet that it is closed",
            closing=turn.now,
        )
        turn.act(SendClose(valve=order.valve, order=order.id))


def close_uncalled(turn: Turn, report: ValveReport) -> None:
    """Raise the alarm, and close a valve that is open without an order."""
    turn.alarm(
        report.valve, Alarm.UNCALLED, "阀门无指令而开着", "it is open without an order"
    )
    state = turn.valve(report.valve)
    if state.closing_from is None:
        turn.keep(state.patch(closing_from=turn.now, closing=None))
        turn.record(
            report.valve,
            who=INTERLOCK,
            what="close",
            why="it is open without an order",
        )
    if turn.limits.enabled:
        repeat_close_uncalled(turn, report.valve)


def repeat_close_uncalled(turn: Turn, name: str) -> None:
    """Tell a valve without an order to close if that is due again."""
    state = turn.valve(name)
    pause = _find_pause(turn, state.closing_from or turn.now)
    is_due = state.closing is None or turn.since(state.closing) >= pause
    if is_due and turn.limits.enabled:
        turn.keep(state.patch(closing=turn.now))
        turn.record(name, who=INTERLOCK, what="send close", why="it should be closed")
        turn.act(SendClose(valve=name))
        ask(turn, name)


def _find_pause(turn: Turn, begun: datetime) -> float:
    passed = _SLOWER * seconds_between(turn.now, begun)
    return max(turn.limits.retry_s, min(_SLOWEST_S, passed))


def seconds_between(later: datetime, earlier: datetime) -> float:
    """Seconds from the earlier to the later moment; below zero the other way round."""
    return (later - earlier).total_seconds()
