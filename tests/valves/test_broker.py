"""Commands and reports over a real broker, with a real database."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from agroforest.core.valve import Order, Stage
from agroforest.store import Store, open_store
from agroforest.testing.servers import Mosquitto
from agroforest.testing.valve import SimulatedValve
from agroforest.testing.valve_farm import simulate
from agroforest.valves.control import Controller, close_now, decide
from agroforest.valves.link import MqttLink
from agroforest.valves.settings import ValveSettings, read_valve_settings
from agroforest.valves.turn import (
    Action,
    Approve,
    CloseValve,
    Propose,
    SendClose,
    SendOpen,
)

pytestmark = [
    pytest.mark.enable_socket,
    pytest.mark.usefixtures("mosquitto"),
]

_SETTINGS = """
enabled = {enabled}
day_m3 = 60.0
retry_seconds = 0.3
settle_seconds = 0.2
clock_seconds = 5
[broker]
host = "127.0.0.1"
port = {port}
[valve.north]
rated_m3h = 36.0
day_m3 = 30.0
longest_minutes = 1
pause_minutes = 0
has_timer = true
keeps_ids = true
command = {{ topic = "north/command" }}
report = {{ topic = "north/state" }}
"""


class Device:
    """A simulated valve at the broker that answers everything."""

    def __init__(self, port: int) -> None:
        self.valve = SimulatedValve(name="north", flow_m3h=36.0, now=datetime.now(UTC))
        self.heard: list[dict[str, Any]] = []
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="north")
        self._client.on_connect = lambda c, *_: c.subscribe("north/command", 1)
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def report(self, *, retain: bool = False) -> None:
        body = json.dumps(self.valve.report(datetime.now(UTC)))
        self._client.publish("north/state", body, qos=1, retain=retain)

    def say(self, payload: bytes) -> None:
        self._client.publish("north/state", payload, qos=1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        command = json.loads(message.payload)
        self.heard.append(command)
        self.valve.receive(command, datetime.now(UTC))
        self.report()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker") as started:
        yield started


@pytest.fixture
def device(broker: Mosquitto) -> Iterator[Device]:
    made = Device(broker.port)
    yield made
    made.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "a.db") as opened:
        yield opened


def read(tmp_path: Path, broker: Mosquitto, *, enabled: bool = True) -> ValveSettings:
    path = tmp_path / "valves.toml"
    path.write_text(_SETTINGS.format(port=broker.port, enabled=str(enabled).lower()))
    return read_valve_settings(path)


def until(wanted: Callable[[], bool]) -> None:
    """Wait for what must come; how long that takes is not judged."""
    end = time.monotonic() + 60
    while not wanted():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def approve(store: Store, settings: ValveSettings, seconds: int = 2) -> None:
    now = datetime.now(UTC)
    order = Order(
        id="o1",
        valve="north",
        seconds=seconds,
        why="dry",
        proposed=now,
        proposed_by="advice",
    )
    decide(store, Propose(order=order), settings.limits, now=now)
    decide(store, Approve(order="o1", by="韦工"), settings.limits, now=now)


class Running:
    """A controller in a thread."""

    def __init__(self, settings: ValveSettings, store: Store) -> None:
        self.done: list[Action] = []
        self._stop = threading.Event()
        controller = Controller(
            settings, store, MqttLink(settings), tell=self.done.append, tick_s=0.05
        )
        self._thread = threading.Thread(target=controller.run, args=(self._stop,))
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def stage(store: Store) -> Stage:
    return store.valve_facts(datetime.now(UTC)).orders["o1"].stage


def test_from_approval_to_the_last_drop(
    tmp_path: Path, broker: Mosquitto, device: Device, store: Store
) -> None:
    settings = read(tmp_path, broker)
    approve(store, settings)
    with Running(settings, store):
        until(lambda: stage(store) is Stage.OPENING or bool(device.valve.openings))
        while stage(store) is not Stage.VERIFIED:
            device.report()
            time.sleep(0.1)
    (opening,) = device.valve.openings
    length = (opening.end - opening.start).total_seconds()
    assert 0 < length <= 2
    order = store.valve_facts(datetime.now(UTC)).orders["o1"]
    assert order.m3 == pytest.approx(36.0 * length / 3600)
    assert {c["action"] for c in device.heard} >= {"report", "open"}


def test_nothing_goes_out_unless_switched_on(
    tmp_path: Path, broker: Mosquitto, device: Device, store: Store
) -> None:
    settings = read(tmp_path, broker, enabled=False)
    approve(store, settings)
    with Running(settings, store) as running:
        until(lambda: bool(running.done))
        device.report()
        until(lambda: bool(store.valve_facts(datetime.now(UTC)).valves))
    (said,) = running.done
    assert isinstance(said, SendOpen)
    assert said.rehearsal
    assert device.heard == []


def test_a_person_closes_without_the_controller(
    tmp_path: Path, broker: Mosquitto, device: Device, store: Store
) -> None:
    settings = read(tmp_path, broker)
    device.valve.open_by_hand(datetime.now(UTC))
    event = CloseValve(valve="north", by="韦工")
    done, sent = close_now(settings, store, MqttLink(settings), event, patience_s=30)
    assert sent
    assert SendClose(valve="north") in done.actions
    until(lambda: not device.valve.is_open)


def test_a_close_that_cannot_go_out_is_left_to_the_controller(
    tmp_path: Path, broker: Mosquitto, device: Device, store: Store
) -> None:
    settings = read(tmp_path, broker)
    broker.stop()
    event = CloseValve(valve="north", by="韦工")
    _, sent = close_now(settings, store, MqttLink(settings), event, patience_s=0.2)
    assert not sent
    broker.start()
    device.valve.open_by_hand(datetime.now(UTC))
    with Running(settings, store):
        until(lambda: not device.valve.is_open)


def test_what_the_broker_kept_is_no_report_of_now(
    tmp_path: Path, broker: Mosquitto, device: Device
) -> None:
    device.report(retain=True)
    time.sleep(0.2)
    link = MqttLink(read(tmp_path, broker)).start()
    until(lambda: link.connected)
    assert link.next(0.5) is None
    device.say(b"\xff not a report")
    device.say(b"{}")
    device.report()
    report = link.next(30)
    assert report is not None
    assert report.valve == "north"
    link.close()


@pytest.mark.slow
def test_whatever_fails_it_is_safe(tmp_path: Path) -> None:
    """`benchmarks/valve.py` does this ten times and longer."""
    found = simulate(tmp_path / "farm", seed=3, minutes=12)
    assert found.is_safe, found
    assert found.orders > 0
