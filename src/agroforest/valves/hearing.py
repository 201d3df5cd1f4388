"""What devices say of their valves.

It counts if the device's clock is right and it is newer than what was said before; so
messages that come late, twice or out of order do no harm. That an order is over is
believed of a device that names the order's id, or once the order's time has passed.
"""

from agroforest.core.valve import Order, Stage, ValveReport, ValveState
from agroforest.valves.closing import (
    close_order,
    close_uncalled,
    seconds_between,
)
from agroforest.valves.interlock import find_running
from agroforest.valves.limits import Confirmation, ValveLimits
from agroforest.valves.turn import DEVICE, Alarm, Turn

#: Share of the rated flow that shows an open valve, and that is too much. Arbitrary.
_SOME, _MUCH = 0.1, 1.2
#: Cubic metres that a meter is read to.
_LITRE_M3 = 0.001


def hear(turn: Turn, report: ValveReport) -> None:
    """Take in what a device says."""
    valve = turn.limits.valves.get(report.valve)
    if valve is None:
        return
    state = turn.valve(report.valve)
    skew = (report.time - report.received).total_seconds()
    running = find_running(turn.orders, report.valve)
    turn.keep(state.patch(skew_s=skew))
    if abs(skew) > turn.limits.clock_s:
        turn.alarm(
            report.valve,
            Alarm.CLOCK,
            f"设备时钟偏差 {skew:+.0f} 秒",
            f"the device's clock is off by {skew:+.0f} s, or its message is late",
        )
        if report.open and running is None:
            close_uncalled(turn, report)
        return
    turn.calm(report.valve, Alarm.CLOCK)
    if state.report is not None and report.time <= state.report.time:
        return
    turn.keep(turn.valve(report.valve).patch(report=report))
    if running is not None:
        _hear_running(turn, running, valve, report)
    else:
        _hear_idle(turn, state, report)


def _hear_running(
    turn: Turn, order: Order, valve: ValveLimits, report: ValveReport
) -> None:
    mine = valve.keeps_ids and report.command == order.id
    if report.open:
        _hear_open(turn, order, valve, report, mine=mine)
    elif mine or _is_over(turn, order, report):
        _settle(turn, order, valve, report, mine=mine)


def _hear_open(
    turn: Turn, order: Order, valve: ValveLimits, report: ValveReport, *, mine: bool
) -> None:
    if valve.keeps_ids and not mine:
        close_order(turn, order, f"it is open by {report.command or 'hand'}, not by us")
        return
    drawn = _find_drawn(order, report)
    flow = report.flow_m3h or 0.0
    if flow > _MUCH * valve.rated_m3h:
        en = f"{flow:.1f} m³/h flow where {valve.rated_m3h:.1f} are rated"
        zh = f"流量 {flow:.1f} m³/h，超过额定 {valve.rated_m3h:.1f}"
        turn.alarm(order.valve, Alarm.MORE, zh, en, order.id)
        close_order(turn, order, en)
    elif drawn is not None and drawn >= order.m3:
        close_order(turn, order, "all the water that was counted for it has flowed")
    elif order.stage is Stage.OPENING and _shows_flow(valve, report):
        turn.change(
            order,
            who=DEVICE,
            what="confirm",
            why=f"{flow:.2f} m³/h flow",
            stage=Stage.OPEN,
            confirmed=turn.now,
        )
    elif order.confirmed is None and _shows_flow(valve, report):
        turn.keep(order.patch(confirmed=turn.now))


def _settle(
    turn: Turn, order: Order, valve: ValveLimits, report: ValveReport, *, mine: bool
) -> None:
    """End an order by its device's word, and count what the meter says.

    A meter that stands still is believed only where something else says that nothing
    flowed: otherwise it may be the meter that is broken.
    """
    drawn = _find_drawn(order, report)
    m3, why = order.m3, "closed; counted as the most that can have flowed"
    if drawn is not None and (drawn > 0 or (valve.keeps_ids and not mine)):
        m3, why = drawn, f"closed; the meter counted {drawn:.3f} m³"
        if drawn > order.m3 * _MUCH + _LITRE_M3:
            turn.alarm(
                order.valve,
                Alarm.MORE,
                f"用水 {drawn:.2f} m³，超过 {order.m3:.2f} m³",
                f"{drawn:.2f} m³ were drawn where {order.m3:.2f} are the most",
                order.id,
            )
    turn.change(
        order,
        who=DEVICE,
        what="closed",
        why=why,
        stage=Stage.CLOSED,
        closed=turn.now,
        m3=m3,
        settled=True,
    )
    turn.calm(order.valve, Alarm.OVERDUE, Alarm.SILENT)


def _hear_idle(turn: Turn, before: ValveState, report: ValveReport) -> None:
    _count_stray(turn, before, report)
    if report.open:
        close_uncalled(turn, report)
        return
    state = turn.valve(report.valve)
    if state.closing_from is not None:
        turn.keep(state.patch(closing_from=None, closing=None))
        turn.record(
            report.valve, who=DEVICE, what="closed", why="the device says that it is"
        )
    turn.calm(report.valve, Alarm.UNCALLED)
    flow = report.flow_m3h or 0.0
    if flow <= turn.limits.leak_m3h:
        turn.calm(report.valve, Alarm.LEAK)
    elif not _is_settling(turn, report.valve):
        turn.alarm(
            report.valve,
            Alarm.LEAK,
            f"关阀时仍有流量 {flow:.2f} m³/h",
            f"{flow:.2f} m³/h flow though it is closed",
        )


def _count_stray(turn: Turn, before: ValveState, report: ValveReport) -> None:
    """Count water that flows without an order; it is water all the same."""
    old = before.report
    if old is None or old.meter_m3 is None or report.meter_m3 is None:
        return
    drawn = report.meter_m3 - old.meter_m3
    if drawn <= 0:
        return
    stray = dict(before.stray)
    # From when on it flowed is not known: every day that it may have counts whole.
    for day in turn.limits.days(min(old.received, report.received), report.received):
        stray[day.isoformat()] = stray.get(day.isoformat(), 0.0) + drawn
    newest = sorted(stray.items())[-3:]
    turn.keep(turn.valve(report.valve).patch(stray=tuple(newest)))


def _is_over(turn: Turn, order: Order, report: ValveReport) -> bool:
    """Whether a report is from after the time that the order can have run to."""
    if order.deadline is None:
        return False
    return seconds_between(report.time, order.deadline) >= turn.limits.clock_s


def _is_settling(turn: Turn, name: str) -> bool:
    ends = [o.closed for o in turn.orders.values() if o.valve == name and o.closed]
    return any(turn.since(end) < turn.limits.settle_s for end in ends)


def _shows_flow(valve: ValveLimits, report: ValveReport) -> bool:
    if valve.confirmation is not Confirmation.FLOW:
        return False
    return (report.flow_m3h or 0.0) >= _SOME * valve.rated_m3h


def _find_drawn(order: Order, report: ValveReport) -> float | None:
    """Cubic metres since the order; ``None`` without a meter, or one set back."""
    if order.anchor_m3 is None or report.meter_m3 is None:
        return None
    drawn = report.meter_m3 - order.anchor_m3
    return drawn if drawn >= 0 else None
