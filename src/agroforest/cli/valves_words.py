"""What ``agroforest valve`` says, Chinese first."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agroforest.core.valve import Order
    from agroforest.valves.interlock import Objection
    from agroforest.valves.limits import Limits
    from agroforest.valves.turn import Action

#: Stages of an order.
STAGES_ZH = {
    "proposed": "待批准",
    "approved": "已批准",
    "opening": "开阀中",
    "open": "已开",
    "closing": "关阀中",
    "closed": "已关",
    "verified": "已核实",
    "withdrawn": "已撤回",
    "refused": "已拒绝",
    "expired": "已过期",
    "rehearsed": "已演练",
}
_ID = 16


def tell_question(
    order: "Order",
    limits: "Limits",
    weather: Mapping[str, float | None],
    against: "Sequence[Objection]",
) -> str:
    """Say what a person must know who approves."""
    valve = limits.valves.get(order.valve)
    m3 = valve.worst_m3(order.seconds) if valve else float("nan")
    name = valve.name if valve else order.valve
    lines = [
        f"阀门 Valve      {order.valve}  {name}",
        f"水量 Volume     最多 at most {m3:.1f} m³",
        f"时长 Open for   {order.seconds / 60:.0f} min",
        f"理由 Reason     {order.why}  ({order.proposed_by})",
        f"降水预报 Rain forecast ({weather['ahead_hours']:.0f} h)  "
        + _or_unknown(weather["rain_forecast_mm"], "mm"),
        f"实测降水 Rain measured ({weather['past_hours']:.0f} h)  "
        + _or_unknown(weather["rain_measured_mm"], "mm"),
        "风速 Wind       " + _or_unknown(weather["wind_ms"], "m/s"),
    ]
    if order.sensors:
        lines.append(f"依据 Rests on   {', '.join(order.sensors)}")
    lines += [f"! {each.zh} · {each.en}" for each in against]
    if not limits.enabled:
        lines.append("! 未启用，只演练 · not enabled: nothing will be sent")
    return "\n".join(lines)


def tell_action(action: "Action", limits: "Limits") -> str:
    """One line for what the controller does."""
    from agroforest.valves.turn import AskState, RaiseAlarm, SendClose

    if isinstance(action, RaiseAlarm):
        return f"警报 ALARM {action.valve}: {action.zh} · {action.en}"
    if isinstance(action, AskState):
        return f"查询 ask {action.valve}"
    if isinstance(action, SendClose):
        return f"关阀 close {action.valve}  {action.order}"
    verb = "演练，将会发送 would send" if action.rehearsal else "开阀 open"
    m3 = limits.valves[action.valve].worst_m3(action.seconds)
    return (
        f"{verb} {action.valve}  {action.order}: {action.seconds} s, "
        f"{m3:.1f} m³, until {action.until:%Y-%m-%d %H:%M:%S}Z"
    )


def tell_status(found: Mapping[str, Any]) -> str:
    """Valves, orders and the water of today."""
    switch = "已启用 enabled" if found["enabled"] else "未启用 not enabled"
    lines = [
        f"{switch} · 今日 today {found['today_m3']:.1f} / {found['day_m3']:.1f} m³"
    ]
    for each in found["valves"]:
        what = {True: "开 open", False: "关 closed", None: "未知 not heard of"}
        flow = "" if each["flow_m3h"] is None else f"  {each['flow_m3h']:.1f} m³/h"
        alarms = "".join(f"  ! {a}" for a in each["alarms"])
        lines.append(
            f"{each['valve']}  {each['name']}  {what[each['open']]}{flow}  "
            f"{each['today_m3']:.1f} / {each['day_m3']:.1f} m³{alarms}"
        )
    for order in found["orders"]:
        stage = order["stage"]
        note = f"  ({order['note']})" if order["note"] else ""
        lines.append(
            f"  {order['id'][:_ID]}  {order['valve']}  {STAGES_ZH[stage]} {stage}  "
            f"{order['seconds'] / 60:.0f} min  {order['why']}{note}"
        )
    return "\n".join(lines)


def tell_audit(entry: Mapping[str, Any]) -> str:
    """One line of the audit."""
    order = f" {entry['order'][:_ID]}" if entry["order"] else ""
    return (
        f"{entry['number']:6d}  {entry['time'][:19]}Z  {entry['valve']}{order}  "
        f"{entry['what']}  {entry['who']}: {entry['why']}"
    )


def _or_unknown(value: float | None, unit: str) -> str:
    return "未知 unknown" if value is None else f"{value:.1f} {unit}"
