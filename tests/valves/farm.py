"""Limits, orders and a world of valves whose messages go astray."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from agroforest.core.valve import Order, ValveFacts, ValveReport
from agroforest.testing.valve import SimulatedValve
from agroforest.valves.life import step
from agroforest.valves.limits import Limits, ValveLimits, WeatherLimits
from agroforest.valves.payload import build_payload, read_report
from agroforest.valves.settings import CommandSection, ReportSection
from agroforest.valves.surroundings import Surroundings
from agroforest.valves.turn import (
    Action,
    Approve,
    Event,
    Heard,
    Propose,
    RaiseAlarm,
    Restarted,
    Step,
    Tick,
)

#: Four in the afternoon in China, eight hours before its midnight.
START = datetime(2025, 6, 1, 8, tzinfo=UTC)
COMMAND = CommandSection(topic="c")
REPORT = ReportSection(topic="r")


def make_valve(**changes: object) -> ValveLimits:
    given: dict[str, object] = {
        "name": "北田 North",
        "rated_m3h": 12.0,
        "day_m3": 10.0,
        "longest_s": 3600,
        "pause_s": 600,
        "has_timer": True,
        "keeps_ids": True,
    }
    return ValveLimits(**(given | changes))  # type: ignore[arg-type]


def make_limits(
    valves: Mapping[str, ValveLimits] | None = None, **changes: object
) -> Limits:
    given: dict[str, object] = {
        "enabled": True,
        "valves": {"a": make_valve(), "b": make_valve()} if valves is None else valves,
        "day_m3": 15.0,
        "weather": WeatherLimits(),
    }
    return Limits(**(given | changes))  # type: ignore[arg-type]


def make_order(name: str = "o1", valve: str = "a", seconds: int = 600) -> Order:
    return Order(
        id=name,
        valve=valve,
        seconds=seconds,
        why="22 mm short",
        proposed=START,
        proposed_by="advice",
    )


@dataclass(kw_only=True)
class Farm:
    """A controller that decides by `step`, and valves; a test carries messages."""

    limits: Limits = field(default_factory=make_limits)
    now: datetime = START
    facts: ValveFacts = field(default_factory=ValveFacts)
    around: Surroundings = field(default_factory=Surroundings)
    flow_m3h: float = 12.0
    devices: dict[str, SimulatedValve] = field(default_factory=dict)
    alarms: list[RaiseAlarm] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in self.limits.valves:
            self.devices[name] = SimulatedValve(
                name=name, flow_m3h=self.flow_m3h, now=self.now
            )

    def do(self, event: Event) -> tuple[Action, ...]:
        done = step(self.facts, event, self.now, self.limits)
        self.facts = done.facts
        self.steps.append(done)
        self.alarms += [a for a in done.actions if isinstance(a, RaiseAlarm)]
        return tuple(a for a in done.actions if not isinstance(a, RaiseAlarm))

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        for device in self.devices.values():
            device.advance(self.now)

    def tick(self) -> tuple[Action, ...]:
        return self.do(Tick(around=self.around))

    def give(self, action: Action) -> None:
        """Bring a command to its device, as JSON."""
        assert not isinstance(action, RaiseAlarm)
        payload = build_payload(action, COMMAND)
        assert payload is not None
        self.devices[action.valve].receive(json.loads(payload), self.now)

    def report(self, valve: str = "a", **changes: object) -> ValveReport:
        body = json.dumps(self.devices[valve].report(self.now) | changes).encode()
        return read_report(valve, body, REPORT, received=self.now)

    def hear(self, valve: str = "a", **changes: object) -> tuple[Action, ...]:
        return self.do(Heard(report=self.report(valve, **changes)))

    def approve(self, order: Order, by: str = "韦工") -> None:
        self.do(Propose(order=order))
        self.do(Approve(order=order.id, by=by))

    def open(self, order: Order | None = None) -> tuple[Action, ...]:
        """Bring an order to where its command is sent; it is not yet given."""
        order = order or make_order()
        self.hear(order.valve)
        self.approve(order)
        return self.tick()

    def restart(self) -> tuple[Action, ...]:
        return self.do(Restarted())

    def order(self, name: str = "o1") -> Order:
        return self.facts.orders[name]
