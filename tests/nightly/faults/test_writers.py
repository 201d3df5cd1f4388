"""Four processes that write one SQLite file at once."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from tests.nightly.conftest import Site
from tests.nightly.faults.forked import Forked
from tests.nightly.faults.nights import NIGHTS, Clean, differ, run_in
from tests.nightly.outcome import look

from agroforest.core.audit import Deed
from agroforest.core.reading import Reading, Sensor, Variable
from agroforest.store import open_store
from agroforest.testing.reliability import record

pytestmark = [
    pytest.mark.slow,
    pytest.mark.enable_socket,
    pytest.mark.usefixtures("crew"),
]

WRITERS = ("nights", "probes", "probes again", "desk")
BATCHES, BATCH, DEEDS = 150, 20, 150
_START = datetime(2024, 11, 6, tzinfo=UTC)


def write_readings(path: Path, sensor: str) -> None:
    """Keep readings as a listener does, a few at a time."""
    with open_store(path) as store:
        store.add_sensors([Sensor(id=sensor, name=sensor)])
        for batch in range(BATCHES):
            added = store.add_readings(_readings(sensor, batch)).added
            assert added == BATCH


def _readings(sensor: str, batch: int) -> Iterator[Reading]:
    for number in range(batch * BATCH, (batch + 1) * BATCH):
        yield Reading(
            sensor=sensor,
            time=_START + timedelta(minutes=number),
            variable=Variable.BATTERY,
            depth_m=None,
            value=3.6,
        )


def write_deeds(path: Path) -> None:
    """Write down what people did, one after another."""
    with open_store(path) as store:
        for number in range(DEEDS):
            deed = Deed(time=_START, who="韦工", what="case.note", subject=f"a{number}")
            store.desk.add_deeds([deed])


def test_four_writers_lose_nothing(learned: Site, clean: Clean, tmp_path: Path) -> None:
    site = learned.copy(tmp_path)
    path = site.work / "agroforest.db"
    with Forked() as writers:
        started = [
            writers.start(work)
            for work in (
                partial(run_in, site.world.pipeline, site.work, NIGHTS),
                partial(write_readings, path, "north"),
                partial(write_readings, path, "south"),
                partial(write_deeds, path),
            )
        ]
        for process in started:
            process.join(120)
        codes = [process.exitcode for process in started]
    with open_store(path) as store:
        deeds = store.desk.check_audit()
    with sqlite3.connect(path) as database:
        (readings,) = database.execute("SELECT count(*) FROM reading").fetchone()
        (word,) = database.execute("PRAGMA integrity_check").fetchone()
    nights = differ(look(site.work), clean.all) == []
    whole = word == "ok" and readings == 2 * BATCHES * BATCH and deeds == DEEDS
    record(
        "fault",
        "four processes write one SQLite file",
        tried=len(WRITERS),
        survived=codes.count(0) if nights and whole else 0,
        note="five nights, two listeners and a desk: none fails, nothing is lost, the "
        "nights are equal to a clean run's, and integrity_check says ok",
    )
    assert codes == [0] * len(WRITERS)
    assert nights
    assert whole
