"""A real broker, a real listener, and everything that goes wrong with them."""

from pathlib import Path

import pytest

from agroforest.testing.storm import Storm, weather
from agroforest.testing.uplinks import READINGS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.enable_socket,
    pytest.mark.timeout(900),
    pytest.mark.usefixtures("mosquitto"),
]


def test_nothing_is_lost_and_nothing_twice(tmp_path: Path) -> None:
    storm = Storm(uplinks=400, probes=40, copies=10, kills=10, restarts=2)
    found = weather(storm, tmp_path)
    assert (found.readings, found.different) == (400 * READINGS, 400 * READINGS)
    assert found.dead == 0
    assert found.messages >= 4000
