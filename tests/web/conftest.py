"""A store with a few readings, and its service."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agroforest.core.reading import Quality, Reading, Sensor, Variable
from agroforest.store import Store, open_store
from agroforest.web.sensorthings import Answer, Endpoint

T0 = datetime(2024, 5, 1, tzinfo=UTC)
NOW = datetime(2024, 6, 1, tzinfo=UTC)
ROOT = "http://localhost/v1.1"
FIELD, ODD = "ismn:MAQU/CST-01", "b'c"

Ask = Callable[[str], Answer]


def readings() -> list[Reading]:
    """Six hours of two probes: two depths here, and a battery there."""
    moist = [
        Reading(
            sensor=FIELD,
            time=T0 + timedelta(hours=hour),
            variable=Variable.SOIL_MOISTURE,
            depth_m=depth,
            value=round(0.2 + hour / 100, 2),
            quality=Quality.SPIKE | Quality.FLAT if hour == 3 else Quality.GOOD,
        )
        for depth in (0.1, 0.3)
        for hour in range(6)
    ]
    volts = [
        Reading(
            sensor=ODD,
            time=T0 + timedelta(minutes=60 * hour + 30, microseconds=1),
            variable=Variable.BATTERY,
            depth_m=None,
            value=None if hour == 2 else 3.0 + hour,
            quality=Quality.MISSING if hour == 2 else Quality.GOOD,
        )
        for hour in range(3)
    ]
    return moist + volts


def fill(store: Store) -> None:
    """Add two sensors and their readings."""
    store.add_sensors(
        [
            Sensor(
                id=FIELD,
                name="甘蔗地 3",
                longitude=108.35,
                latitude=22.81,
                elevation=80.0,
            ),
            Sensor(id=ODD, name="B 'c'", elevation=5.0, simulated=True),
        ]
    )
    store.add_readings(readings())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(tmp_path_factory.mktemp("web") / "agroforest.db") as opened:
        fill(opened)
        yield opened


@pytest.fixture
def ask(store: Store) -> Ask:
    endpoint = Endpoint(store)

    def get(address: str) -> Answer:
        path, _, query = address.removeprefix(ROOT).partition("?")
        return endpoint.answer(path, query, root=ROOT, now=NOW)

    return get


@pytest.fixture
def find(ask: Ask) -> Callable[[str], list[dict[str, Any]]]:
    """Ask for a collection that must be there."""

    def get(address: str) -> list[dict[str, Any]]:
        answer = ask(address)
        assert answer.status == 200, answer.body
        found: list[dict[str, Any]] = answer.body["value"]
        return found

    return get
