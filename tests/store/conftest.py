"""Values that the store's tests hand in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agroforest.core.reading import Sensor
from agroforest.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "work" / "agroforest.db") as opened:
        opened.add_sensors([Sensor(id="s1", name="甘蔗地 3", longitude=108.0)])
        yield opened
