"""What time does: close what is over, repeat what was not heard, verify."""

from agroforest.core.valve import Order, Stage
from agroforest.valves.closing import (
    close_order,
    repeat_close,
    repeat_close_uncalled,
)
from agroforest.valves.interlock import Rule, check_weather, find_running
from agroforest.valves.limits import Confirmation, ValveLimits
from agroforest.valves.opening import ask
from agroforest.valves.surroundings import Surroundings
from agroforest.valves.turn import DEVICE, INTERLOCK, Alarm, SendOpen, Turn

#: Rise of soil moisture that shows water, m3/m3; twice the noise of common probes.
_WETTER = 0.02
#: Seconds after which a probe at root depth should have seen it. Arbitrary.
_SOAK_S = 6 * 3600.0


def watch(turn: Turn, around: Surroundings, *, only: str = "") -> None:
    """Do what is due: close what is over, repeat what was not heard, verify.

    Parameters
    ----------
    turn
        The step.
    around
        Sensors and weather.
    only
        Look at this valve and not at the others.
    """
    for name, valve in turn.limits.valves.items():
        if only and name != only:
            continue
        running = find_running(turn.orders, name)
        if running is not None:
            _watch_running(turn, running, valve, around)
        elif turn.valve(name).closing_from is not None:
            repeat_close_uncalled(turn, name)
        for order in list(turn.orders.values()):
            if order.valve == name and order.stage is Stage.CLOSED:
                _watch_closed(turn, order, valve, around)


def _watch_running(
    turn: Turn, order: Order, valve: ValveLimits, around: Surroundings
) -> None:
    order = _confirm_by_moisture(turn, order, valve, around)
    if order.stage is not Stage.CLOSING:
        why = _find_end(turn, order, valve, around)
        order = close_order(turn, order, why) if why else order
    if order.stage is Stage.CLOSING:
        repeat_close(turn, order)
        _warn_overdue(turn, order)
    elif order.stage is Stage.OPENING:
        _repeat_open(turn, order, valve)
    heard = turn.valve(order.valve).report
    if heard is None or turn.since(heard.received) >= turn.limits.retry_s:
        ask(turn, order.valve)


def _find_end(
    turn: Turn, order: Order, valve: ValveLimits, around: Surroundings
) -> str:
    """Why an order must end now; empty if it need not."""
    if order.over is None or turn.now >= order.over:
        return "its time is over"
    by_flow = valve.confirmation is Confirmation.FLOW and order.confirmed is None
    if by_flow and turn.since(order.sent) >= turn.limits.confirm_s:
        en = f"no flow was seen in {turn.limits.confirm_s:.0f} s"
        turn.alarm(order.valve, Alarm.NO_FLOW, "开阀后未见水流", en, order.id)
        return en
    if around.weather is None:
        return ""  # what is not known ends nothing that was begun
    against = check_weather(around.weather, turn.now, turn.limits)
    return "; ".join(each.en for each in against if each.rule is not Rule.WEATHER)


def _repeat_open(turn: Turn, order: Order, valve: ValveLimits) -> None:
    """Send the same command again; a device that keeps ids obeys it once."""
    report = turn.valve(order.valve).report
    is_heard = report is not None and report.command == order.id
    if is_heard or not valve.keeps_ids or order.tries >= turn.limits.tries:
        return
    if order.sent is None or order.until is None:
        return
    if turn.since(order.published) < turn.limits.retry_s or not turn.limits.enabled:
        return
    turn.change(
        order,
        who=INTERLOCK,
        what="open again",
        why="the device has not answered",
        tries=order.tries + 1,
        published=turn.now,
    )
    turn.act(
        SendOpen(
            valve=order.valve,
            order=order.id,
            seconds=order.seconds,
            sent=order.sent,
            until=order.until,
        )
    )


def _warn_overdue(turn: Turn, order: Order) -> None:
    grace = turn.limits.clock_s + turn.limits.retry_s
    if order.deadline is None or turn.since(order.deadline) < grace:
        return
    report = turn.valve(order.valve).report
    if report is not None and report.open and report.received > order.deadline:
        zh, en = "阀门超时未关", "it is open past its time: close it by hand"
        turn.alarm(order.valve, Alarm.OVERDUE, zh, en, order.id)
    else:
        zh, en = "应已关阀，但没有设备消息", "nothing is heard, and it should be closed"
        turn.alarm(order.valve, Alarm.SILENT, zh, en, order.id)


def _watch_closed(
    turn: Turn, order: Order, valve: ValveLimits, around: Surroundings
) -> None:
    """Verify that nothing flows any more, and that a probe saw the water."""
    order = _confirm_by_moisture(turn, order, valve, around)
    closed_s = turn.since(order.closed)
    report = turn.valve(order.valve).report
    if report is None or order.closed is None:
        return
    age = (report.received - order.closed).total_seconds()
    if age < turn.limits.settle_s:
        if closed_s >= turn.limits.settle_s:
            ask(turn, order.valve)
        return
    if report.open or (report.flow_m3h or 0.0) > turn.limits.leak_m3h:
        return
    why = "closed, and no water flows"
    if valve.confirmation is Confirmation.MOISTURE and order.confirmed is None:
        if closed_s < _SOAK_S:
            return
        why = "closed, and no water flows; the probe did not get wetter"
        zh, en = "灌水后土壤未变湿", "the soil did not get wetter"
        turn.alarm(order.valve, Alarm.NOT_WETTER, zh, en, order.id)
    turn.change(order, who=DEVICE, what="verify", why=why, stage=Stage.VERIFIED)


def _confirm_by_moisture(
    turn: Turn, order: Order, valve: ValveLimits, around: Surroundings
) -> Order:
    word = around.sensors.get(valve.moisture_sensor)
    if order.confirmed is not None or order.moisture is None or word is None:
        return order
    if word.time is None or order.sent is None or word.time <= order.sent:
        return order
    if word.moisture is None or word.moisture - order.moisture < _WETTER:
        return order
    stage = Stage.OPEN if order.stage is Stage.OPENING else order.stage
    return turn.change(
        order,
        who=DEVICE,
        what="confirm",
        why=f"moisture rose from {order.moisture:.3f} to {word.moisture:.3f}",
        stage=stage,
        confirmed=turn.now,
    )
