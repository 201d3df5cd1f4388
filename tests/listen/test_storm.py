"""A real broker, a real listener, and everything that goes wrong with them."""

import os
from pathlib import Path

import pytest

from agroforest.testing.servers import find_mosquitto
from agroforest.testing.storm import Storm, weather
from agroforest.testing.uplinks import READINGS

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket, pytest.mark.timeout(900)]


@pytest.fixture(autouse=True)
def _broker_is_installed() -> None:
    if find_mosquitto() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("mosquitto is not installed")
        pytest.skip("mosquitto is not installed")


def test_nothing_is_lost_and_nothing_twice(tmp_path: Path) -> None:
    storm = Storm(uplinks=400, probes=40, copies=10, kills=10, restarts=2)
    found = weather(storm, tmp_path)
    assert (found.readings, found.different) == (400 * READINGS, 400 * READINGS)
    assert found.dead == 0
    assert found.messages >= 4000
