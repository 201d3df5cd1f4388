"""Values that the listener's tests hand in."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agroforest.listen.arrival import Arrival
from agroforest.listen.settings import ListenSettings
from agroforest.store import Store, open_store

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "agroforest.db") as opened:
        yield opened


@pytest.fixture
def settings() -> ListenSettings:
    return make_settings()


def make_settings(**more: object) -> ListenSettings:
    kinds = ("ttn", "chirpstack", "json", "sensorthings")
    topics = [{"filter": f"{kind}/#", "kind": kind} for kind in kinds]
    mapped = {"filter": "farm/+/state", "kind": "json", "mapping": "gateway"}
    document = {
        "broker": [{"name": "b", "host": "127.0.0.1", "topic": [*topics, mapped]}],
        "mappings": {
            "gateway": {
                "sensor_level": 2,
                "time": "ts",
                "time_format": "unix",
                "missing": [-9999],
                "value": [
                    {
                        "field": "soil.moisture",
                        "variable": "soil_moisture",
                        "unit": "%",
                        "depth_m": 0.1,
                    },
                    {"field": "batt", "variable": "battery", "unit": "mV"},
                ],
            }
        },
        "datastreams": {
            "7": {
                "sensor": "farm:7",
                "variable": "soil_moisture",
                "unit": "%",
                "depth_m": 0.2,
            }
        },
    }
    return ListenSettings.model_validate(document | more)


def make_arrival(
    payload: bytes, topic: str = "ttn/x", received: datetime = NOW
) -> Arrival:
    return Arrival(
        received=received, source=f"mqtt/b/{topic}", payload=payload, size=len(payload)
    )
