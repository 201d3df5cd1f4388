"""Valves, a field and a controller over a real broker, where everything fails.

Time runs faster than it does: a minute a second. The controller is a process of its
own that is killed without warning; connections are cut, the broker is restarted, and
messages are lost and doubled. What truly flowed is known to the simulated valves.
"""

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from agroforest.core.errors import SourceError
from agroforest.core.valve import RUNNING, Order, Stage, check_chain
from agroforest.store import Store, open_store
from agroforest.testing.servers import Mosquitto
from agroforest.testing.valve import SimulatedValve
from agroforest.valves.control import Controller, decide
from agroforest.valves.limits import Limits
from agroforest.valves.link import MqttLink
from agroforest.valves.settings import read_valve_settings
from agroforest.valves.turn import Approve, Propose

#: Simulated seconds that pass in one.
SPEED = 60.0
#: Noon in China.
_START = datetime(2025, 6, 1, 4, tzinfo=UTC)
_RATED_M3H = 12.0
_DAY_M3, _ALL_M3 = 4.0, 6.0
_NAMES = ("north", "south")
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
class Clock:
    """Time that runs faster; the same in every process that is given `begun`.

    Attributes
    ----------
    begun
        Seconds of `time.time` at which it shows its start.
    """

    begun: float

    def now(self) -> datetime:
        """Read it."""
        return _START + timedelta(seconds=(time.time() - self.begun) * SPEED)


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
        The most that a valve was open past the time in its command; below 0 if none
        was.
    past_deadline, too_long, at_once
        Openings past their deadline, longer than ordered, and while another order of
        the same valve was open.
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
    past_deadline: int
    too_long: int
    at_once: int
    left_open: int
    audited: int

    @property
    def is_safe(self) -> bool:
        """Whether everything held that must."""
        held = self.valve_m3 <= self.valve_limit_m3 + 1e-6
        held = held and self.all_m3 <= self.all_limit_m3 + 1e-6
        broken = self.past_deadline + self.too_long + self.at_once + self.left_open
        return held and broken == 0


class _Device:
    """A simulated valve at the broker; drops and doubles messages."""

    def __init__(
        self, name: str, port: int, clock: Clock, chance: random.Random
    ) -> None:
        self.valve = SimulatedValve(
            name=name,
            flow_m3h=_RATED_M3H,
            now=clock.now(),
            skew_s=chance.uniform(-25, 25),
        )
        self.lost = 0
        self._clock = clock
        self._chance = chance
        self._lock = threading.Lock()
        self._name = name
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=f"device-{name}")
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(
            f"farm/{name}/command", 1
        )
        self._client.on_message = self._on_message
        self._client.connect_async("127.0.0.1", port, 5)
        self._client.loop_start()

    def report(self) -> None:
        with self._lock:
            body = json.dumps(self.valve.report(self._clock.now()))
        if not self._is_lost():
            self._client.publish(f"farm/{self._name}/state", body, qos=1)

    def cut(self) -> None:
        """Lose the connection; it comes back by itself."""
        connection = self._client.socket()
        if connection is not None:
            connection.close()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        if self._is_lost():
            return
        command: dict[str, Any] = json.loads(message.payload)
        for _ in range(1 + (self._chance.random() < 0.2)):
            with self._lock:
                self.valve.receive(command, self._clock.now())
        self.report()

    def _is_lost(self) -> bool:
        is_lost = self._chance.random() < 0.2
        self.lost += is_lost
        return is_lost


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
        devices = [_Device(name, broker.port, clock, chance) for name in _NAMES]
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
        devices: list[_Device],
        controller: _Controlled,
    ) -> int:
        """Order water, and let things fail; how many connections were cut."""
        cuts = 0
        end = self.clock.now() + timedelta(minutes=minutes)
        while self.clock.now() < end:
            time.sleep(_REPORT_S / SPEED)
            for device in devices:
                device.report()
            luck = self.chance.random()
            if luck < 0.15:
                self._order(self.chance.choice(_NAMES))
            elif luck < 0.17:
                controller.kill()
            elif luck < 0.22:
                self.chance.choice(devices).cut()
                cuts += 1
            elif luck < 0.24:
                broker.restart()
                cuts += 1
        return cuts

    def rest(self, minutes: float, devices: list[_Device]) -> int:
        """Wait until all is closed; how much is not."""
        end = self.clock.now() + timedelta(minutes=max(minutes, 30.0))
        left = 1
        while left and self.clock.now() < end:
            time.sleep(_REPORT_S / SPEED)
            for device in devices:
                device.report()
            facts = self.store.valve_facts(self.clock.now())
            running = [o for o in facts.orders.values() if o.stage in RUNNING]
            waiting = [o for o in facts.orders.values() if o.stage is Stage.APPROVED]
            is_open = [d for d in devices if d.valve.is_open]
            left = len(running) + len(waiting) + len(is_open)
        return left

    def _order(self, valve: str) -> None:
        name = f"o{len(self.orders)}"
        now = self.clock.now()
        order = Order(
            id=name,
            valve=valve,
            seconds=self.chance.randint(60, 600),
            why="simulated",
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
    run: _Run, devices: list[_Device], seed: int, kills: int, cuts: int, left: int
) -> Outcome:
    facts = run.store.valve_facts(run.clock.now(), orders=run.orders)
    midnight = _START.replace(hour=16) - timedelta(days=1)  # of China
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
            late.append((span.end - span.until).total_seconds())
            past += order.deadline is None or span.end > order.deadline
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
        past_deadline=past,
        too_long=long,
        at_once=twice,
        left_open=left,
        audited=len(sealed),
    )


def _write_settings(folder: Path, port: int) -> Path:
    path = folder / "valves.toml"
    text = _SETTINGS.format(all_m3=_ALL_M3, port=port)
    for name in _NAMES:
        text += _VALVE.format(name=name, rated=_RATED_M3H, day_m3=_DAY_M3)
    path.write_text(text, encoding="utf-8")
    return path
