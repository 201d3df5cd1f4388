"""Whatever is lost, late, doubled or killed: not too much water, never too long.

Devices and network are played by hypothesis; the controller dies between keeping what
it decided and sending it, or while sending, as often as it likes.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.valves.farm import START, Farm, make_limits, make_order, make_valve

from agroforest.core.valve import RUNNING, Stage
from agroforest.valves.interlock import count_water
from agroforest.valves.turn import (
    Action,
    Approve,
    AskState,
    CloseValve,
    Heard,
    Propose,
    SendClose,
    SendOpen,
)

_TOLERANCE_M3 = 1e-6
_NAMES = ("a", "b")
_DAY_M3, _ALL_M3 = 3.0, 4.0


class World:
    """A farm whose messages lie on the way until somebody delivers them."""

    def __init__(self, *, keeps_ids: bool, skews: Sequence[int]) -> None:
        # Small limits, so that they are met: a valve gives a quarter of an hour a
        # day, and midnight is near.
        self.keeps_ids = keeps_ids
        valve = make_valve(day_m3=_DAY_M3, pause_s=0, keeps_ids=keeps_ids)
        self.farm = Farm(
            limits=make_limits(dict.fromkeys(_NAMES, valve), day_m3=_ALL_M3),
            now=START + timedelta(hours=7, minutes=40),
        )
        for name, skew in zip(_NAMES, skews, strict=True):
            self.farm.devices[name].skew_s = skew
            self.farm.devices[name].keeps_ids = keeps_ids
        self.commands: list[Action] = []
        self.reports: list[Heard] = []
        self.orders = 0

    def act(self, actions: Sequence[Action]) -> None:
        self.commands += [a for a in actions if not isinstance(a, AskState)]
        for action in actions:
            if isinstance(action, AskState):
                self.say(action.valve)

    def say(self, valve: str) -> None:
        self.reports.append(Heard(report=self.farm.report(valve)))

    def irrigate(self, valve: str, minutes: int) -> None:
        """Bring an order to where it is sent, if the rules let it."""
        self.act(self.farm.hear(valve))
        self.order(valve, minutes)
        self.act(self.farm.tick())

    def order(self, valve: str, minutes: int) -> None:
        self.orders += 1
        name = f"o{self.orders}"
        self.farm.do(Propose(order=make_order(name, valve, 60 * minutes)))
        self.farm.do(Approve(order=name, by="韦工"))

    def deliver(self, place: int, *, again: bool) -> None:
        if self.commands:
            place %= len(self.commands)
            again = again and self.keeps_ids
            action = self.commands[place] if again else self.commands.pop(place)
            self.farm.give(action)
            self.say(action.valve)

    def hear(self, place: int, *, again: bool) -> None:
        if self.reports:
            place %= len(self.reports)
            said = self.reports[place] if again else self.reports.pop(place)
            report = replace(said.report, received=self.farm.now)
            self.act(self.farm.do(Heard(report=report)))

    def go_well(self) -> None:
        """Let every message come at once, and thirty seconds pass."""
        for name in _NAMES:
            self.say(name)
        while self.reports:
            self.hear(0, again=False)
        self.act(self.farm.tick())
        while self.commands:
            self.deliver(0, again=False)
        self.farm.wait(30)

    def check(self) -> None:
        farm = self.farm
        for name in _NAMES:
            running = [
                o
                for o in farm.facts.orders.values()
                if o.valve == name and o.stage in RUNNING
            ]
            assert len(running) <= 1
            for opening in farm.devices[name].openings:
                order = farm.order(opening.order)
                assert order.over is not None
                assert opening.end <= order.over
                length = (opening.end - opening.start).total_seconds()
                assert length <= order.seconds + 1e-3
        for days in range(-1, 3):
            middle = farm.now + timedelta(days=days)
            day = farm.limits.day(middle)
            start = middle.replace(hour=16, minute=0, second=0, microsecond=0)
            start -= timedelta(days=start > middle)
            drawn = {
                n: farm.devices[n].drawn_on(start, start + timedelta(days=1))
                for n in _NAMES
            }
            for name, m3 in drawn.items():
                assert m3 <= _DAY_M3 + _TOLERANCE_M3
                counted = count_water(farm.facts, day, farm.now, farm.limits, name)
                assert m3 <= counted + _TOLERANCE_M3
            assert sum(drawn.values()) <= _ALL_M3 + _TOLERANCE_M3


_valves = st.sampled_from(_NAMES)
_places = st.integers(0, 7)
_moves = st.one_of(
    st.tuples(st.just("irrigate"), _valves, st.integers(1, 12)),
    st.tuples(st.just("irrigate"), _valves, st.sampled_from([5, 10])),
    st.tuples(st.just("order"), _valves, st.integers(1, 12)),
    st.tuples(st.just("deliver"), st.just(0), st.booleans()),
    st.tuples(st.just("say and hear"), _valves),
    st.tuples(st.just("say and hear"), _valves),
    st.tuples(st.just("wait"), st.sampled_from([1, 5, 20, 61, 150, 300, 600])),
    st.tuples(st.just("wait"), st.sampled_from([1, 20, 300, 3000])),
    st.tuples(st.just("all goes well"), st.integers(1, 40)),
    st.tuples(st.just("tick")),
    st.tuples(st.just("tick and die")),
    st.tuples(st.just("restart")),
    st.tuples(st.just("deliver"), _places, st.booleans()),
    st.tuples(st.just("lose"), _places),
    st.tuples(st.just("say"), _valves),
    st.tuples(st.just("hear"), _places, st.booleans()),
    st.tuples(st.just("forget reports")),
    st.tuples(st.just("close"), _valves),
    st.tuples(st.just("power cut"), _valves),
)


def _move(world: World, move: tuple[object, ...]) -> None:
    if not _move_time(world, move):
        _move_message(world, move)


def _move_time(world: World, move: tuple[object, ...]) -> bool:
    farm = world.farm
    match move:
        case ("order", str(valve), int(minutes)):
            world.order(valve, minutes)
        case ("irrigate", str(valve), int(minutes)):
            world.irrigate(valve, minutes)
        case ("wait", int(seconds)):
            farm.wait(seconds)
        case ("tick",):
            world.act(farm.tick())
        case ("tick and die",):
            farm.tick()  # kept, and nothing of it sent
        case ("restart",):
            world.act(farm.restart())
        case ("close", str(valve)):
            world.act(farm.do(CloseValve(valve=valve, by="韦工")))
        case ("power cut", str(valve)):
            farm.devices[valve].cut_power(farm.now)
        case _:
            return False
    return True


def _move_message(world: World, move: tuple[object, ...]) -> None:
    match move:
        case ("deliver", int(place), bool(again)):
            world.deliver(place, again=again)
        case ("lose", int(place)) if world.commands:
            world.commands.pop(place % len(world.commands))
        case ("say", str(valve)):
            world.say(valve)
        case ("say and hear", str(valve)):
            world.act(world.farm.hear(valve))
        case ("hear", int(place), bool(again)):
            world.hear(place, again=again)
        case ("forget reports",):
            world.reports.clear()
        case ("all goes well", int(times)):
            for _ in range(times):
                world.go_well()


@settings(max_examples=250)
@given(
    moves=st.lists(_moves, min_size=20, max_size=100),
    skews=st.tuples(st.integers(-60, 60), st.integers(-60, 60)),
)
def test_never_too_much_water_nor_too_long(
    moves: list[tuple[object, ...]], skews: tuple[int, int]
) -> None:
    world = World(keeps_ids=True, skews=skews)
    for move in moves:
        _move(world, move)
        world.check()
    world.farm.wait(7200)
    world.check()


@settings(max_examples=150)
@given(moves=st.lists(_moves, min_size=20, max_size=100))
def test_a_device_without_memory_is_as_safe(moves: list[tuple[object, ...]]) -> None:
    """A doubled command would fool it: its commands go out at most once."""
    world = World(keeps_ids=False, skews=(0, 0))
    for move in moves:
        _move(world, move)
        world.check()


@settings(max_examples=40)
@given(moves=st.lists(_moves, min_size=15, max_size=60))
def test_without_being_enabled_nothing_is_ever_sent(
    moves: list[tuple[object, ...]],
) -> None:
    world = World(keeps_ids=True, skews=(0, 0))
    world.farm.limits = make_limits(dict(world.farm.limits.valves), enabled=False)
    for move in moves:
        _move(world, move)
    sent = [a for s in world.farm.steps for a in s.actions]
    assert not [a for a in sent if isinstance(a, SendClose | AskState)]
    assert all(a.rehearsal for a in sent if isinstance(a, SendOpen))
    assert not [o for o in world.farm.facts.orders.values() if o.sent is not None]


@settings(max_examples=40)
@given(moves=st.lists(_moves, min_size=15, max_size=60))
def test_a_step_depends_on_nothing_but_what_it_is_given(
    moves: list[tuple[object, ...]],
) -> None:
    one, other = (World(keeps_ids=True, skews=(0, 0)) for _ in range(2))
    for move in moves:
        _move(one, move)
        _move(other, move)
    assert one.farm.facts == other.farm.facts
    assert one.farm.steps == other.farm.steps


@pytest.mark.parametrize("minutes", [1, 10])
def test_where_all_goes_well_orders_are_verified(minutes: int) -> None:
    """So that the tests above do not hold because nothing ever opens."""
    world = World(keeps_ids=True, skews=(30, -30))
    world.order("a", minutes)
    for _ in range(minutes * 2 + 8):
        world.go_well()
        world.check()
    assert world.farm.order().stage is Stage.VERIFIED
    assert world.farm.devices["a"].meter_m3 == pytest.approx(0.2 * minutes, rel=0.6)
