"""Runs, tasks, scenes and quarantine."""

from datetime import date

import numpy as np
import pytest

from agroforest.core.alert import Change, Instruction
from agroforest.store import QuarantineRecord, RunRecord, Store, TaskRecord

NIGHT = date(2020, 6, 1)
LATER = date(2020, 6, 6)


def _record(store: Store, **changes: object) -> TaskRecord:
    values: dict[str, object] = {
        "id": "t1",
        "pipeline": "gx",
        "tile": "49QBE",
        "state": "49QBE-1",
        "night": NIGHT,
        "status": "done",
        "scenes": ("s2b", "s2a"),
        "outputs": {"maps/a.tif": "aa", "maps/b.tif": "bb"},
        "summary": {"scenes": 2, "名": "值"},
    }
    values |= changes
    task = TaskRecord(**values)  # type: ignore[arg-type]
    store.record_night(tasks=[task])
    return task


def _put_aside(
    store: Store, night: date, where: str, problem: str, remedy: str
) -> None:
    record = QuarantineRecord(
        pipeline="gx", night=night, where=where, problem=problem, remedy=remedy
    )
    store.record_night(quarantined=[record])


def _ran(store: Store, night: date, config: str, status: str, tiles: int) -> None:
    record = RunRecord(
        pipeline="gx",
        night=night,
        config_digest=config,
        status=status,
        summary={"tiles": tiles},
    )
    store.record_night(run=record)


def test_task_comes_back_as_recorded(store: Store) -> None:
    recorded = _record(store)
    assert store.find_task("t1") == recorded
    assert store.find_task("t2") is None


def test_recording_twice_keeps_one_row(store: Store) -> None:
    _record(store)
    _record(store)
    assert [task.id for task in store.tasks("gx")] == ["t1"]
    assert store.scene_uses("gx", "49QBE-1") == {"s2a": NIGHT, "s2b": NIGHT}


def test_newer_outcome_replaces_the_older(store: Store) -> None:
    _record(store, status="failed", scenes=(), outputs={"maps/old.tif": "00"})
    recorded = _record(store)
    assert store.tasks("gx", NIGHT) == [recorded]
    assert store.scene_uses("gx", "49QBE-1").keys() == {"s2a", "s2b"}


def test_scene_belongs_to_the_night_that_used_it_first(store: Store) -> None:
    _record(store)
    _record(store, id="t2", night=LATER, scenes=("s2b", "s2c"))
    uses = store.scene_uses("gx", "49QBE-1")
    assert uses == {"s2a": NIGHT, "s2b": NIGHT, "s2c": LATER}
    assert store.scene_uses("gx", "49QBE-2") == {}
    assert store.scene_uses("other", "49QBE-1") == {}


def test_tasks_are_selected_and_ordered(store: Store) -> None:
    _record(store, id="z", night=LATER, scenes=())
    _record(store, id="y", tile="49QBF", scenes=())
    _record(store, id="x", pipeline="other", scenes=())
    _record(store, id="w", scenes=())
    assert [task.id for task in store.tasks("gx")] == ["w", "y", "z"]
    assert [task.id for task in store.tasks("gx", LATER)] == ["z"]


def test_more_tasks_than_one_statement_can_name(store: Store) -> None:
    for number in range(501):
        _record(store, id=f"t{number:03d}", scenes=())
    assert all(len(task.outputs) == 2 for task in store.tasks("gx"))


def test_summary_takes_numpy_numbers_and_days_but_no_nan(store: Store) -> None:
    _record(store, summary={"area": np.float32(0.5), "n": np.int64(3), "day": NIGHT})
    task = store.find_task("t1")
    assert task is not None
    assert task.summary == {"area": 0.5, "n": 3, "day": "2020-06-01"}
    with pytest.raises(Exception, match="Out of range float"):
        _record(store, id="t2", summary={"area": float("nan")})
    assert store.find_task("t2") is None


def test_runs(store: Store) -> None:
    for _ in range(2):
        _ran(store, LATER, "c1", "done", 1)
        _ran(store, NIGHT, "c1", "failed", 0)
        _ran(store, NIGHT, "c2", "done", 0)
    _ran(store, NIGHT, "c1", "done", 2)
    runs = store.runs("gx")
    assert [(r.night, r.config_digest, r.status) for r in runs] == [
        (NIGHT, "c1", "done"),
        (NIGHT, "c2", "done"),
        (LATER, "c1", "done"),
    ]
    assert runs[0].summary == {"tiles": 2}
    assert store.runs("other") == []
    assert store.last_night("gx") == LATER
    assert store.last_night("other") is None


def test_active_nights_are_the_newest_with_tasks(store: Store) -> None:
    nights = [date(2020, 6, day) for day in (1, 3, 7, 9)]
    for night in nights:
        for tile in ("a", "b"):
            _record(store, id=f"{tile}{night}", tile=tile, night=night)
    found = store.active_nights("gx", until=date(2020, 6, 8), limit=2)
    assert found == nights[1:3]


def test_a_night_is_recorded_whole_or_not_at_all(store: Store) -> None:
    task = TaskRecord(
        id="t9", pipeline="gx", tile="a", state="a-1", night=NIGHT, status="done"
    )
    orphan = Instruction(alert="nobody", night=NIGHT, change=Change.NEW, area_ha=1.0)
    with pytest.raises(Exception, match="FOREIGN KEY"):
        store.record_night(tasks=[task], instructions=[orphan])
    assert store.find_task("t9") is None


def test_quarantine(store: Store) -> None:
    for remedy in ("fetch it again", "leave it out"):
        _put_aside(store, NIGHT, "b.tif", "is truncated", remedy)
    _put_aside(store, NIGHT, "a.tif", "has no CRS", "mend it")
    _put_aside(store, LATER, "b.tif", "is truncated", "fetch it again")
    found = store.quarantined("gx", NIGHT)
    assert [(q.where, q.remedy) for q in found] == [
        ("a.tif", "mend it"),
        ("b.tif", "leave it out"),
    ]
    assert len(store.quarantined("gx")) == 3
