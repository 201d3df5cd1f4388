"""What ``agroforest valve`` shows, in plain values."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agroforest.core.valve import Order
    from agroforest.store import Store
    from agroforest.valves.interlock import Objection
    from agroforest.valves.settings import ValveSettings
    from agroforest.valves.turn import Action


def find_against(
    store: "Store", settings: "ValveSettings", order: "Order"
) -> "tuple[Objection, ...]":
    """Find what would speak against opening if it were approved now."""
    from agroforest.valves.interlock import find_objections
    from agroforest.valves.look import look_around

    now = datetime.now(UTC)
    around = look_around(store, settings, order.sensors, now)
    as_if = order.patch(approved=now, approved_by="?")
    facts = store.valve_facts(now)
    return find_objections(as_if, facts, now, settings.limits, around)


def find_weather(store: "Store", settings: "ValveSettings") -> dict[str, float | None]:
    """Find rain and wind around now, as the rules see them."""
    from agroforest.valves.look import look_around

    weather = look_around(store, settings, (), datetime.now(UTC)).weather
    return {
        "rain_forecast_mm": weather.rain_forecast_mm if weather else None,
        "rain_measured_mm": weather.rain_measured_mm if weather else None,
        "wind_ms": weather.wind_ms if weather else None,
        "ahead_hours": settings.weather.ahead_hours,
        "past_hours": settings.weather.past_hours,
    }


def plain_status(store: "Store", settings: "ValveSettings") -> dict[str, Any]:
    """Describe valves, orders and the water of today."""
    from agroforest.valves.interlock import count_water
    from agroforest.valves.turn import describe

    now, limits = datetime.now(UTC), settings.limits
    facts, day = store.valve_facts(now), limits.day(now)
    valves = []
    for name, each in limits.valves.items():
        state = facts.valves.get(name)
        report = None if state is None else state.report
        valves.append(
            {
                "valve": name,
                "name": each.name,
                "open": None if report is None else report.open,
                "flow_m3h": None if report is None else report.flow_m3h,
                "heard": None if report is None else report.received.isoformat(),
                "today_m3": count_water(facts, day, now, limits, name),
                "day_m3": each.day_m3,
                "alarms": [] if state is None else list(state.alarms),
            }
        )
    return {
        "now": now.isoformat(),
        "enabled": limits.enabled,
        "today_m3": count_water(facts, day, now, limits),
        "day_m3": limits.day_m3,
        "valves": valves,
        "orders": [describe(order) for order in facts.orders.values()],
    }


def plain_action(action: "Action") -> dict[str, Any]:
    """Describe what the controller does."""
    from dataclasses import asdict

    found: dict[str, Any] = {"action": type(action).__name__}
    for name, value in asdict(action).items():
        found[name] = value.isoformat() if isinstance(value, datetime) else value
    return found
