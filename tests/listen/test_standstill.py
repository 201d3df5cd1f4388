"""The listener, and a PostgreSQL whose processes stand still."""

from pathlib import Path

import pytest
from tests.listen.test_broker import Running, make_settings, send, uplinks
from tests.standstill import standing_still

from agroforest.store import open_store
from agroforest.testing.reliability import record
from agroforest.testing.servers import Mosquitto
from agroforest.testing.storm import wait_for
from agroforest.testing.uplinks import READINGS

pytestmark = [pytest.mark.enable_socket, pytest.mark.usefixtures("mosquitto")]
SILENCE_S = 1.0  # instead of half a minute


def test_what_comes_meanwhile_waits_in_the_spool(
    tmp_path: Path, postgresql: str, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        Mosquitto(tmp_path / "broker") as broker,
        open_store(postgresql, silence_s=SILENCE_S) as store,
    ):
        found = Running(make_settings(broker.port), tmp_path / "spool", store)
        try:
            found.wait(lambda f: f.brokers["farm"], "the connection")
            send(broker.port, uplinks(10))
            found.wait(lambda f: f.added == 10 * READINGS, "ten uplinks")
            with standing_still(postgresql):
                send(broker.port, uplinks(30))
                wait_for(lambda: "no answer" in caplog.text, "that it says so", 60)
            found.wait(lambda f: f.added == 30 * READINGS, "all of them")
        finally:
            figures = found.end()
    record(
        "fault",
        "PostgreSQL stands still while the listener listens",
        tried=1,
        survived=int(figures.added == 30 * READINGS and not figures.dead),
        note="it is given up after a second (half a minute, as shipped); what comes "
        "meanwhile is acknowledged and in the database afterwards, once",
    )
    assert figures.added == 30 * READINGS
    assert (figures.received, figures.dead) == (40, 0)
