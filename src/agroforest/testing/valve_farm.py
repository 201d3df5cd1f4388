"""Valves, a field and a controller over a real broker, where everything fails.

Time runs faster than it does: a minute a second. The controller is a process of its
own that is killed without warning; connections are cut, the broker is restarted, and
messages are lost and doubled. What truly flowed is known to the simulated valves.
"""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from agroforest.core.chain import check_chain
from agroforest.core.errors import SourceError
from agroforest.core.reading import Sensor
from agroforest.core.valve import RUNNING, Order, Stage
from agroforest.store import Store, open_store
from agroforest.testing.servers import Mosquitto
from agroforest.testing.valve_device import RATED_M3H, SPEED, START, Clock, Device
from agroforest.valves.control import Controller, decide
from agroforest.valves.limits import Limits
from agroforest.valves.link import MqttLink
from agroforest.valves.settings import read_valve_settings
from agroforest.valves.turn import Approve, Propose

_DAY_M3, _ALL_M3 = 4.0, 6.0
#: Valves, and what confirms them.
_NAMES = {"north": "flow", "south": "moisture"}
#: Simulated seconds between two reports of a device.
_REPORT_S = 15.0

_SETTINGS = """
enabled = true
day_m3 = {all_m3}
retry_seconds = 20
confirm_seconds = 180
settle_seconds = 30
fresh_seconds = 60
tries = 10

[broker]
host = "127.0.0.1"
port = {port}
"""
_VALVE = """
[valve.{name}]
confirmation = "{confirmation}"
moisture_sensor = "soil-{name}"
rated_m3h = {rated}
day_m3 = {day_m3}
longest_minutes = 10
pause_minutes = 1
has_timer = true
keeps_ids = true
command = {{ topic = "farm/{name}/command" }}
report = {{ topic = "farm/{name}/state" }}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of a simulation.

    Attributes
    ----------
    seed
        Of its accidents.
    orders, openings
        Approved by a person, and truly opened.
    kills, cuts, lost
        Of the controller, of connections, and messages.
    valve_m3, all_m3
        The most that truly flowed on a day: through one valve, and through all.
    valve_limit_m3, all_limit_m3
        And might have.
    late_s
        The most that a valve was open past the time of its order, seconds; below 0 if
        none was.
    past, too_long, at_once
        Openings past the time of their order, longer than ordered, and while another
        order of the same valve was open.
    left_open
        Valves and orders that were not closed at the end.
    audited
        Entries of the audit, whose chain was checked.
    """

    seed: int
    orders: int
    openings: int
    kills: int
    cuts: int
    lost: int
    valve_m3: float
    all_m3: float
    valve_limit_m3: float
    all_limit_m3: float
    late_s: float
    past: int
    too_long: int
    at_once: int
    left_open: int
    audited: int

    @property
    def is_safe(self) -> bool:
        """Whether everything held that must."""
        held = self.valve_m3 <= self.valve_limit_m3 + 1e-6
        held = held and self.all_m3 <= self.all_limit_m3 + 1e-6
        broken = self.past + self.too_long + self.at_once + self.left_open
        return held and broken == 0


def simulate(folder: Path, *, seed: int, minutes: float) -> Outcome:
    """Let a farm run for so many simulated minutes, and see what came of it.

    Parameters
    ----------
    folder
        Empty; settings, database and broker.
    seed
        Of the accidents. What a run does depends on the machine as well.
    minutes
        Simulated; a second each, and as much again to come to rest at most.
    """
    chance = random.Random(seed)  # noqa: S311  accidents, no secrets
    clock = Clock(begun=time.time())
    folder.mkdir(parents=True, exist_ok=True)
    with (
        Mosquitto(folder / "broker") as broker,
        open_store(folder / "agroforest.db") as store,
    ):
        config = _write_settings(folder, broker.port)
        limits = read_valve_settings(config).limits
        store.add_sensors(
            [Sensor(id=f"soil-{n}", name=n, simulated=True) for n in _NAMES]
        )
        devices = [Device(name, broker.port, clock, chance) for name in _NAMES]
        with _controlled(config, folder, clock) as controller:
            run = _Run(store, limits, clock, chance)
            cuts = run.go(minutes, broker, devices, controller)
            left = run.rest(minutes, devices)
        for device in devices:
            device.close()
        return _judge(run, devices, seed, controller.kills, cuts, left)


class _Controlled:
    """The controller's process."""

    def __init__(self, config: Path, folder: Path, clock: Clock) -> None:
        self._program = (
            "from agroforest.testing.valve_farm import control\n"
            f"control({str(config)!r}, {str(folder)!r}, {clock.begun!r})"
        )
        self.kills = 0
        self._process = self._start()

    def kill(self) -> None:
        """End it without a warning, and start another."""
        self._process.kill()
        self._process.wait()
        self.kills += 1
        self._process = self._start()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603  our own text
            [sys.executable, "-c", self._program], stderr=subprocess.DEVNULL
        )


@contextmanager
def _controlled(config: Path, folder: Path, clock: Clock) -> Iterator[_Controlled]:
    controller = _Controlled(config, folder, clock)
    try:
        yield controller
    finally:
        controller.close()


def control(config: str, folder: str, begun: float) -> None:
    """Be the controller, until killed."""
    clock = Clock(begun=begun)
    settings = read_valve_settings(Path(config))
    with open_store(Path(folder) / "agroforest.db") as store:
        link = MqttLink(settings, now=clock.now)
        controller = Controller(settings, store, link, now=clock.now, tick_s=0.1)
        controller.run(threading.Event())


class _Run:
    def __init__(
        self, store: Store, limits: Limits, clock: Clock, chance: random.Random
    ) -> None:
        self.store = store
        self.limits = limits
        self.clock = clock
        self.chance = chance
        self.orders: list[str] = []

    def go(
        self,
        minutes: float,
        broker: Mosquitto,
        devices: list[Device],
        controller: _Controlled,
    ) -> int:
        """Order water, and let things fail; how many connections were cut."""
        cuts = 0
        end = self.clock.now() + timedelta(minutes=minutes)
        while self.clock.now() < end:
            time.sleep(_REPORT_S / SPEED)
            self._measure(devices)
            luck = self.chance.random()
            if luck < 0.15:
                self._order(self.chance.choice(list(_NAMES)))
            elif luck < 0.17:
                controller.kill()
            elif luck < 0.22:
                self.chance.choice(devices).cut()
                cuts += 1
            elif luck < 0.24:
                broker.restart()
                cuts += 1
        return cuts

    def rest(self, minutes: float, devices: list[Device]) -> int:
        """Wait until all is closed; how much is not."""
        end = self.clock.now() + timedelta(minutes=max(minutes, 30.0))
        left = 1
        while left and self.clock.now() < end:
            time.sleep(_REPORT_S / SPEED)
            self._measure(devices)
            facts = self.store.valve_facts(self.clock.now())
            running = [o for o in facts.orders.values() if o.stage in RUNNING]
            waiting = [o for o in facts.orders.values() if o.stage is Stage.APPROVED]
            is_open = [d for d in devices if d.valve.is_open]
            left = len(running) + len(waiting) + len(is_open)
        return left

    def _measure(self, devices: list[Device]) -> None:
        for device in devices:
            device.report()
        self.store.add_readings([device.probe() for device in devices])

    def _order(self, valve: str) -> None:
        name = f"o{len(self.orders)}"
        now = self.clock.now()
        order = Order(
            id=name,
            valve=valve,
            seconds=self.chance.randint(60, 600),
            why="simulated",
            sensors=(f"soil-{valve}",),
            proposed=now,
            proposed_by="simulation",
        )
        try:
            decide(self.store, Propose(order=order), self.limits, now=now)
            decide(
                self.store, Approve(order=name, by="simulation"), self.limits, now=now
            )
        except SourceError:
            return
        self.orders.append(name)


def _judge(
    run: _Run, devices: list[Device], seed: int, kills: int, cuts: int, left: int
) -> Outcome:
    facts = run.store.valve_facts(run.clock.now(), orders=run.orders)
    midnight = START.replace(hour=16) - timedelta(days=1)  # of China
    days = [
        (midnight + timedelta(days=i), midnight + timedelta(days=i + 1)) for i in (0, 1)
    ]
    by_day = [[d.valve.drawn_on(*day) for d in devices] for day in days]
    late, past, long, twice = [-1e9], 0, 0, 0
    for device in devices:
        spans = device.valve.openings
        twice += sum(a.end > b.start for a, b in pairwise(spans))
        for span in spans:
            order = facts.orders[span.order]
            over = order.over or START
            late.append((span.end - over).total_seconds())
            past += span.end > over
            length = (span.end - span.start).total_seconds()
            long += length > order.seconds + 1e-3
    sealed = run.store.valve_audit()
    check_chain(sealed)
    return Outcome(
        seed=seed,
        orders=len(run.orders),
        openings=sum(len(d.valve.openings) for d in devices),
        kills=kills,
        cuts=cuts,
        lost=sum(d.lost for d in devices),
        valve_m3=max(max(drawn) for drawn in by_day),
        all_m3=max(sum(drawn) for drawn in by_day),
        valve_limit_m3=_DAY_M3,
        all_limit_m3=_ALL_M3,
        late_s=max(late),
        past=past,
        too_long=long,
        at_once=twice,
        left_open=left,
        audited=len(sealed),
    )


def _write_settings(folder: Path, port: int) -> Path:
    path = folder / "valves.toml"
    text = _SETTINGS.format(all_m3=_ALL_M3, port=port)
    for name, confirmation in _NAMES.items():
        text += _VALVE.format(
            name=name, confirmation=confirmation, rated=RATED_M3H, day_m3=_DAY_M3
        )
    path.write_text(text, encoding="utf-8")
    return path
