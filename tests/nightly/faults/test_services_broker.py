"""A broker that is gone for a while: what probes send is kept, and comes once."""

from functools import partial
from pathlib import Path

import pytest
from tests.listen.test_broker import make_settings, running, send, uplinks

from agroforest.listen import Figures
from agroforest.testing.reliability import record
from agroforest.testing.servers import Mosquitto
from agroforest.testing.uplinks import READINGS

pytestmark = [pytest.mark.enable_socket, pytest.mark.usefixtures("mosquitto")]

TIMES, EACH = 3, 20


def has_added(count: int, figures: Figures) -> bool:
    return figures.added >= count


def test_a_broker_that_goes_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agroforest.listen.broker._FIRST_PAUSE", 0.05)
    messages = uplinks(EACH * (TIMES + 1))
    with (
        Mosquitto(tmp_path / "broker") as broker,
        running(make_settings(broker.port), tmp_path) as listener,
    ):
        send(broker.port, messages[:EACH])
        listener.wait(lambda f: f.added == EACH * READINGS, "those before")
        came_back = 0
        for time in range(1, TIMES + 1):
            broker.stop()
            listener.wait(lambda f: not f.brokers["farm"], "the loss")
            broker.start()
            send(broker.port, messages[EACH * time : EACH * (time + 1)])
            wanted = EACH * (time + 1) * READINGS
            listener.wait(partial(has_added, wanted), "those sent since")
            came_back += 1
        figures = listener.end()
    right = (figures.added, figures.dead) == (len(messages) * READINGS, 0)
    record(
        "fault",
        "broker gone while the listener listens",
        tried=TIMES,
        survived=came_back if right else 0,
        note="it connects again by itself; every reading is in the database, once",
    )
    assert right


def test_a_broker_that_stands_still(tmp_path: Path) -> None:
    """Its machine still accepts connections; nobody there says anything."""
    messages = uplinks(2 * EACH)
    with Mosquitto(tmp_path / "broker") as broker:
        settings = make_settings(broker.port, keepalive_s=5)
        with running(settings, tmp_path) as listener:
            send(broker.port, messages[:EACH])
            listener.wait(lambda f: f.added == EACH * READINGS, "those before")
            with broker.standing_still():
                listener.wait(lambda f: not f.brokers["farm"], "the loss")
            listener.wait(lambda f: f.brokers["farm"], "the connection")
            send(broker.port, messages[EACH:])
            listener.wait(partial(has_added, 2 * EACH * READINGS), "those after")
            with broker.standing_still():
                figures = listener.end()
    right = (figures.added, figures.dead) == (len(messages) * READINGS, 0)
    record(
        "fault",
        "broker stands still while the listener listens, and while it ends",
        tried=2,
        survived=2 if right else 0,
        note="it connects again once the broker goes on, and ends without it; every "
        "reading is in the database, once",
    )
    assert right
