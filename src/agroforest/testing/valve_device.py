"""A simulated valve and its field at a broker, where messages are lost and doubled."""

import json
import random
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from agroforest.core.reading import Reading, Variable
from agroforest.testing.valve import SimulatedField, SimulatedValve

#: Simulated seconds that pass in one.
SPEED = 60.0
#: Noon in China.
START = datetime(2025, 6, 1, 4, tzinfo=UTC)
#: What flows through an open valve.
RATED_M3H = 12.0
#: Share of messages that are lost, and of commands that come twice.
_LOST, _DOUBLED = 0.2, 0.2


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
        return START + timedelta(seconds=(time.time() - self.begun) * SPEED)


class Device:
    """A simulated valve at the broker; drops and doubles messages."""

    def __init__(
        self, name: str, port: int, clock: Clock, chance: random.Random
    ) -> None:
        self.valve = SimulatedValve(
            name=name,
            flow_m3h=RATED_M3H,
            now=clock.now(),
            skew_s=chance.uniform(-25, 25),
        )
        self.field = SimulatedField(
            valve=self.valve, square_metres=60.0, root_m=0.4, start=clock.now()
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

    def probe(self) -> Reading:
        """Measure the field."""
        now = self._clock.now()
        with self._lock:
            moisture = self.field.moisture(now)
        return Reading(
            sensor=f"soil-{self._name}",
            time=now,
            variable=Variable.SOIL_MOISTURE,
            depth_m=0.1,
            value=moisture,
        )

    def report(self) -> None:
        """Say what is the case, unless that is lost."""
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
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        if self._is_lost():
            return
        command: dict[str, Any] = json.loads(message.payload)
        for _ in range(1 + (self._chance.random() < _DOUBLED)):
            with self._lock:
                self.valve.receive(command, self._clock.now())
        self.report()

    def _is_lost(self) -> bool:
        is_lost = self._chance.random() < _LOST
        self.lost += is_lost
        return is_lost
