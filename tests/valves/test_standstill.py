"""Valves, and a PostgreSQL whose processes stand still."""

import time
from pathlib import Path

import pytest
from tests.standstill import standing_still
from tests.valves.test_broker import (
    Device,
    Running,
    approve,
    read,
    stage,
    until,
)

from agroforest.core.errors import SourceError
from agroforest.core.valve import Stage
from agroforest.store import open_store
from agroforest.testing.reliability import record
from agroforest.testing.servers import Mosquitto
from agroforest.valves.control import close_now
from agroforest.valves.link import MqttLink
from agroforest.valves.turn import CloseValve

pytestmark = [pytest.mark.enable_socket, pytest.mark.usefixtures("mosquitto")]
SILENCE_S = 1.0  # instead of half a minute


def test_an_open_valve_closes_by_itself(tmp_path: Path, postgresql: str) -> None:
    with Mosquitto(tmp_path / "broker") as broker:
        settings = read(tmp_path, broker)
        device = Device(broker.port)
        with (
            open_store(postgresql, silence_s=SILENCE_S) as store,
            open_store(postgresql, silence_s=SILENCE_S) as asked,
        ):
            approve(store, settings, seconds=3)
            with Running(settings, store):
                until(lambda: bool(device.valve.openings) or device.valve.is_open)
                with standing_still(postgresql):
                    event = CloseValve(valve="north", by="韦工")
                    link = MqttLink(settings)
                    with pytest.raises(
                        SourceError, match=r"no answer for 1 s|timeout expired"
                    ):
                        close_now(settings, asked, link, event, patience_s=1)
                    device_closes(device)
                while stage(asked) is not Stage.VERIFIED:
                    device.report()
                    time.sleep(0.1)
        device.close()
    lengths = [(o.end - o.start).total_seconds() for o in device.valve.openings]
    record(
        "fault",
        "PostgreSQL stands still while a valve is open",
        tried=1,
        survived=int(len(lengths) == 1 and 0 < lengths[0] <= 3),
        note="its own timer closes it; whoever asks is told after a second (half a "
        "minute, as shipped), and the opening is verified afterwards",
    )
    assert len(lengths) == 1
    assert 0 < lengths[0] <= 3


def device_closes(device: Device) -> None:
    """Wait for the valve's own timer; it is looked at when it is asked something."""

    def is_closed() -> bool:
        device.report()
        return not device.valve.is_open

    until(is_closed)
