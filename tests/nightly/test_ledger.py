"""What is judged for the whole area, as the ledger keeps it."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.nightly.water.made import NIGHT, build_farm

from agroforest.core.config import read_pipeline
from agroforest.core.errors import DataError
from agroforest.core.identity import digest_file
from agroforest.nightly.ledger import AreaLedger, AreaWork
from agroforest.nightly.plan import Watch
from agroforest.nightly.result import Refusal
from agroforest.nightly.workplace import Workplace
from agroforest.store import RunRecord, Store, TaskRecord, open_store

ERROR = DataError("daily.csv", "is damaged", "mend it")


def fail() -> str:
    raise ERROR


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "a.db") as opened:
        yield opened


@pytest.fixture
def ledger(tmp_path: Path, store: Store) -> AreaLedger:
    return AreaLedger("water", build_watch(tmp_path), store)


def build_watch(folder: Path) -> Watch:
    pipeline = read_pipeline(build_farm(folder).path)
    place = Workplace(root=folder / "work", pipeline=pipeline.name)
    return Watch(
        pipeline=pipeline,
        workplace=place,
        tiles=(),
        forest=None,
        ground="",
        model="",
    )


def keep(store: Store, record: TaskRecord) -> None:
    run = RunRecord(
        pipeline=record.pipeline, night=record.night, config_digest="", status="done"
    )
    store.record_night(run=run, tasks=[record])


def test_what_is_done_is_due_no_more(
    tmp_path: Path, ledger: AreaLedger, store: Store
) -> None:
    assert ledger.due(NIGHT, lambda: "t1") == "t1"
    written = tmp_path / "work" / "file"
    written.parent.mkdir()
    written.touch()
    record = ledger.done("t1", NIGHT, {"file": digest_file(written)})
    assert (record.tile, record.state, record.status) == ("water", "water", "done")
    keep(store, record)
    assert ledger.due(NIGHT, lambda: "t1") == ""
    assert ledger.due(NIGHT, lambda: "t2") == "t2"
    written.write_text("another hand")
    assert ledger.due(NIGHT, lambda: "t1") == "t1"
    written.unlink()
    assert ledger.due(NIGHT, lambda: "t1") == "t1"


def test_nights_before_the_last_are_too_late(ledger: AreaLedger, store: Store) -> None:
    keep(store, ledger.done("t1", NIGHT, {}))
    assert ledger.due(NIGHT - timedelta(days=1), lambda: "t0") == ""


def test_a_failure_is_due_again_under_the_same_id(
    ledger: AreaLedger, store: Store
) -> None:
    task = ledger.due(NIGHT, fail)
    record = ledger.failed(NIGHT, ERROR)
    assert record.id == task
    assert record.status == "failed"
    assert record.summary == {"kind": "water", "error": str(ERROR)}
    keep(store, record)
    assert ledger.due(NIGHT, fail) == task
    assert ledger.due(date(2024, 6, 11), fail) != task


def test_what_was_refused_goes_into_quarantine(ledger: AreaLedger) -> None:
    work = AreaWork(
        record=ledger.failed(NIGHT, ERROR), report={}, refused=(Refusal.of(ERROR),)
    )
    (found,) = work.quarantined
    assert (found.pipeline, found.night) == ("made-water", NIGHT)
    assert (found.where, found.problem) == ("daily.csv", "is damaged")
    assert found.remedy == "mend it"
