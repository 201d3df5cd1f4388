"""May this valve be opened now? Pure: every rule that speaks against it, with why.

Water is counted before it flows. From the moment a command is decided, it counts as
the most that can flow, until a meter said how much did; a confirmation that is lost
can make the count too large and never too small.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from agroforest.core.valve import RUNNING, Order, ValveFacts, ValveReport
from agroforest.valves.limits import Limits, ValveLimits
from agroforest.valves.surroundings import Surroundings, WeatherWord

#: Cubic metres below which two sums of water are one: rounding.
_ROUNDING_M3 = 1e-9


class Rule(StrEnum):
    """What speaks against opening."""

    UNKNOWN = "unknown"  #: the settings do not name the valve
    TIMER = "timer"  #: its device does not close by itself
    LONGEST = "longest"  #: too long an opening
    DAY = "day"  #: more than the valve may give a day
    DAY_ALL = "day-all"  #: more than all valves may give a day
    APPROVAL = "approval"  #: nobody approved, or too long ago
    BUSY = "busy"  #: another order has the valve
    PAUSE = "pause"  #: too soon after the last opening
    OPEN = "open"  #: it is open without an order
    LEAK = "leak"  #: water flows though it is closed
    CLOCK = "clock"  #: its device's clock is off
    SENSOR = "sensor"  #: what the advice rests on is distrusted or stale
    RAIN = "rain"  #: rain came or is forecast
    WIND = "wind"
    WEATHER = "weather"  #: rain or wind count, and are not known


#: What need not be so yet when an order is proposed: a person still has to approve,
#: and a busy valve, its device's state and wind pass.
_LATER = frozenset(
    {
        *(Rule.APPROVAL, Rule.BUSY, Rule.PAUSE, Rule.OPEN, Rule.LEAK),
        *(Rule.CLOCK, Rule.WIND),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Objection:
    """A rule that speaks against it, and why in two languages."""

    rule: Rule
    zh: str
    en: str


def find_objections(
    order: Order,
    facts: ValveFacts,
    now: datetime,
    limits: Limits,
    around: Surroundings,
) -> tuple[Objection, ...]:
    """Find everything that speaks against opening a valve now.

    Parameters
    ----------
    order
        What would be opened; it need not be approved yet, which is then one of the
        objections.
    facts
        Of all valves.
    now
        The moment.
    limits
        What valves may do. `Limits.enabled` is no rule of this function.
    around
        Sensors and weather.

    Returns
    -------
    tuple
        Empty if nothing does. Whether the device's report is fresh is not looked
        at: see `find_fresh_report`.
    """
    valve = limits.valves.get(order.valve)
    if valve is None:
        return (
            Objection(
                rule=Rule.UNKNOWN,
                zh=f"配置中没有阀门 {order.valve}",
                en=f"the settings name no valve {order.valve}",
            ),
        )
    return (
        *_check_order(order, valve),
        *_check_approval(order, now, limits),
        *_check_volume(order, facts, now, limits),
        *_check_valve(order, facts, now, limits),
        *_check_sensors(order, now, limits, around),
        *check_weather(around.weather, now, limits),
    )


def find_lasting(
    order: Order,
    facts: ValveFacts,
    now: datetime,
    limits: Limits,
    around: Surroundings,
) -> tuple[Objection, ...]:
    """Find what speaks against proposing an order at all.

    Parameters as for `find_objections`, of whose objections these are some: what a
    person's approval, or some minutes, would not change.
    """
    against = find_objections(order, facts, now, limits, around)
    return tuple(each for each in against if each.rule not in _LATER)


def find_fresh_report(
    order: Order, facts: ValveFacts, now: datetime, limits: Limits
) -> ValveReport | None:
    """Find what the valve said lately; ``None`` if that is too long ago."""
    state = facts.valves.get(order.valve)
    if state is None or state.report is None:
        return None
    age = (now - state.report.received).total_seconds()
    return state.report if age <= limits.fresh_s else None


def count_water(
    facts: ValveFacts, day: date, now: datetime, limits: Limits, valve: str = ""
) -> float:
    """Count the cubic metres that may have flowed on a day, or still may.

    An order over midnight counts on both days in full. One of which nothing was
    heard counts on, day after day, until its device reports.

    Parameters
    ----------
    facts
        Of all valves.
    day
        In the zone of the limits.
    now
        The moment.
    limits
        For the zone.
    valve
        Only through this one; through all unless given.
    """
    total = 0.0
    for order in facts.orders.values():
        if order.sent is None or (valve and order.valve != valve):
            continue
        if day in limits.days(order.sent, _end(order, now)):
            total += order.m3
    for state in facts.valves.values():
        if not valve or state.valve == valve:
            total += dict(state.stray).get(day.isoformat(), 0.0)
    return total


def find_running(orders: Mapping[str, Order], valve: str) -> Order | None:
    """Find the order that a valve may be open for."""
    running = (o for o in orders.values() if o.valve == valve and o.stage in RUNNING)
    return next(running, None)


def check_weather(
    weather: WeatherWord | None, now: datetime, limits: Limits
) -> Iterator[Objection]:
    """Find what rain and wind have against it; what counts must be known."""
    most = limits.weather
    fresh = (
        weather is not None and abs((now - weather.time).total_seconds()) <= most.age_s
    )
    forecast = weather.rain_forecast_mm if weather is not None and fresh else None
    measured = weather.rain_measured_mm if weather is not None and fresh else None
    wind = weather.wind_ms if weather is not None and fresh else None
    for rule, value, limit, zh, en, unit in (
        (Rule.RAIN, forecast, most.rain_forecast_mm, "预报降水", "rain forecast", "mm"),
        (Rule.RAIN, measured, most.rain_measured_mm, "实测降水", "rain measured", "mm"),
        (Rule.WIND, wind, most.wind_ms, "风速", "wind", "m/s"),
    ):
        if limit is None:
            continue
        if value is None:
            yield Objection(rule=Rule.WEATHER, zh=f"{zh}未知", en=f"{en} is not known")
        elif value >= limit:
            yield Objection(
                rule=rule,
                zh=f"{zh} {value:.1f} {unit}，上限 {limit:.1f}",
                en=f"{en} {value:.1f} {unit}, limit {limit:.1f}",
            )


def _check_order(order: Order, valve: ValveLimits) -> Iterator[Objection]:
    if not valve.has_timer:
        yield Objection(
            rule=Rule.TIMER,
            zh="设备没有自动关阀定时",
            en="the device has no timer that closes it without us",
        )
    if order.seconds > valve.longest_s:
        yield Objection(
            rule=Rule.LONGEST,
            zh=f"{order.seconds / 60:.0f} 分钟，单次上限 {valve.longest_s / 60:.0f}",
            en=f"{order.seconds / 60:.0f} minutes, longest {valve.longest_s / 60:.0f}",
        )


def _check_approval(order: Order, now: datetime, limits: Limits) -> Iterator[Objection]:
    if order.approved is None or not order.approved_by.strip():
        yield Objection(rule=Rule.APPROVAL, zh="无人批准", en="nobody has approved it")
    elif (now - order.approved).total_seconds() > limits.approval_s:
        most = limits.approval_s / 60
        yield Objection(
            rule=Rule.APPROVAL,
            zh=f"批准已过期（{most:.0f} 分钟）",
            en=f"the approval is older than {most:.0f} minutes",
        )


def _check_volume(
    order: Order, facts: ValveFacts, now: datetime, limits: Limits
) -> Iterator[Objection]:
    valve = limits.valves[order.valve]
    wanted = valve.worst_m3(order.seconds)
    end = now + timedelta(seconds=order.seconds + limits.clock_s)
    for day in limits.days(now, end):
        for rule, name, most, zh, en in (
            (Rule.DAY, order.valve, valve.day_m3, "本阀", "this valve"),
            (Rule.DAY_ALL, "", limits.day_m3, "全部阀门", "all valves"),
        ):
            counted = count_water(facts, day, now, limits, name)
            if counted + wanted > most + _ROUNDING_M3:
                yield Objection(
                    rule=rule,
                    zh=f"{day} {zh}已计 {counted:.1f} m³，再加 {wanted:.1f} m³ "
                    f"超过日上限 {most:.1f} m³",
                    en=f"{day}: {counted:.1f} m³ counted of {en}, {wanted:.1f} m³ "
                    f"more exceed the day's {most:.1f} m³",
                )


def _check_valve(
    order: Order, facts: ValveFacts, now: datetime, limits: Limits
) -> Iterator[Objection]:
    valve = limits.valves[order.valve]
    others = [o for o in facts.orders.values() if o.valve == order.valve]
    others = [o for o in others if o.id != order.id and o.sent is not None]
    if any(other.stage in RUNNING for other in others):
        yield Objection(
            rule=Rule.BUSY, zh="该阀已有指令", en="another order has the valve"
        )
    ends = [_end(other, now) for other in others if other.stage not in RUNNING]
    if ends and (now - max(ends)).total_seconds() < valve.pause_s:
        yield Objection(
            rule=Rule.PAUSE,
            zh=f"距上次不足 {valve.pause_s / 60:.0f} 分钟",
            en=f"less than {valve.pause_s / 60:.0f} minutes since the last one",
        )
    state = facts.valves.get(order.valve)
    if state is None:
        return
    if state.skew_s is not None and abs(state.skew_s) > limits.clock_s:
        yield Objection(
            rule=Rule.CLOCK,
            zh=f"设备时钟偏差 {state.skew_s:+.0f} 秒",
            en=f"the device's clock is off by {state.skew_s:+.0f} s",
        )
    report = state.report
    if state.closing_from is not None or (report is not None and report.open):
        yield Objection(
            rule=Rule.OPEN, zh="阀门无指令而开着", en="it is open without an order"
        )
    elif report is not None and (report.flow_m3h or 0.0) > limits.leak_m3h:
        yield Objection(
            rule=Rule.LEAK,
            zh=f"关阀时仍有流量 {report.flow_m3h:.2f} m³/h",
            en=f"{report.flow_m3h:.2f} m³/h flow though it is closed",
        )


def _check_sensors(
    order: Order, now: datetime, limits: Limits, around: Surroundings
) -> Iterator[Objection]:
    for name in order.sensors:
        word = around.sensors.get(name)
        if word is None or word.time is None:
            yield Objection(
                rule=Rule.SENSOR,
                zh=f"传感器 {name} 没有读数",
                en=f"sensor {name} has no reading",
            )
        elif not word.trusted:
            yield Objection(
                rule=Rule.SENSOR,
                zh=f"传感器 {name} 不可信（{word.reason}）",
                en=f"sensor {name} is not trusted ({word.reason})",
            )
        elif (now - word.time).total_seconds() > limits.sensor_age_s:
            hours = (now - word.time).total_seconds() / 3600
            yield Objection(
                rule=Rule.SENSOR,
                zh=f"传感器 {name} 最近读数在 {hours:.1f} 小时前",
                en=f"the last reading of sensor {name} is {hours:.1f} hours old",
            )


def _end(order: Order, now: datetime) -> datetime:
    """When nothing flows any more for an order that was sent."""
    if order.closed is not None and order.settled:
        return order.closed
    return max(order.deadline or now, now)
