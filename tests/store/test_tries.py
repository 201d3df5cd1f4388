"""Tries at nights and tasks, in both databases."""

from datetime import UTC, date, datetime, timedelta

from agroforest.core.cost import Cost, EnergySource
from agroforest.core.execution import (
    Attempt,
    Execution,
    ExecutionStatus,
    Outcome,
    TileQuarantine,
)
from agroforest.store import Store

NIGHT = date(2026, 5, 4)
START = datetime(2026, 5, 4, 18, 0, 0, 123456, tzinfo=UTC)
COST = Cost(
    seconds=61.5,
    cpu_seconds=100.25,
    bytes_read=123_456_789_012,
    energy_kwh=0.00025,
    source=EnergySource.MEASURED,
    factor_g_per_kwh=447.6,
    factor_source="Guangxi 2023",
    saved={"unchanged_tiles": 3},
)


def build_execution(number: int = 0) -> Execution:
    return Execution(
        id=f"{number:064d}",
        pipeline="p",
        night=NIGHT + timedelta(days=number),
        config_digest="c",
        host="h",
        pid=12,
        started=START + timedelta(days=number),
    )


def build_attempt(number: int = 1) -> Attempt:
    return Attempt(
        task="t",
        number=number,
        execution="e",
        pipeline="p",
        tile="48RYQ_0_0",
        kind="night",
        inputs="i",
        started=START + timedelta(minutes=number),
        lease_until=START + timedelta(minutes=number + 1),
    )


def test_a_try_is_kept_and_ended(desk_store: Store) -> None:
    began = build_execution()
    desk_store.tries.record_execution(began)
    assert desk_store.tries.executions("p") == [began]
    ended = Execution(
        **{
            **{name: getattr(began, name) for name in began.__slots__},
            "ended": START + timedelta(seconds=61.5),
            "status": ExecutionStatus.PARTIAL,
            "error": "x",
            "cost": COST,
        }
    )
    desk_store.tries.record_execution(ended)
    desk_store.tries.record_execution(ended)
    assert desk_store.tries.executions() == [ended]
    assert desk_store.tries.executions("another") == []


def test_tries_are_found_by_night_the_newest_first_to_count(desk_store: Store) -> None:
    for number in range(4):
        desk_store.tries.record_execution(build_execution(number))
    found = desk_store.tries.executions(
        "p", first=NIGHT + timedelta(days=1), last=NIGHT + timedelta(days=2)
    )
    assert found == [build_execution(1), build_execution(2)]
    newest = desk_store.tries.executions(limit=2)
    assert newest == [build_execution(2), build_execution(3)]


def test_attempts_are_kept_in_order(desk_store: Store) -> None:
    first, second = build_attempt(1), build_attempt(2)
    desk_store.tries.record_attempts([second, first])
    assert desk_store.tries.attempts("p") == [first, second]
    assert desk_store.tries.attempts("p", tile="elsewhere") == []
    killed = Attempt(
        **{
            **{name: getattr(first, name) for name in first.__slots__},
            "fence": 2**40,
            "ended": START + timedelta(minutes=2),
            "outcome": Outcome.KILLED,
            "error": "被终止",
        }
    )
    desk_store.tries.record_attempts([killed])
    assert desk_store.tries.attempts("p", inputs=["i"]) == [killed, second]
    assert desk_store.tries.attempts("p", inputs=["j"]) == []


def test_what_is_set_aside_is_tried_again_when_told(desk_store: Store) -> None:
    records = [
        TileQuarantine(
            pipeline="p",
            tile=tile,
            kind="night",
            inputs="i",
            night=NIGHT,
            attempts=3,
            reason="its worker died",
            since=START,
        )
        for tile in ("a", "b", "c")
    ]
    desk_store.tries.quarantine(records)
    desk_store.tries.quarantine(records)
    assert desk_store.tries.quarantined("p") == records
    assert desk_store.tries.redrive("p", tiles=["b"], now=START) == 1
    assert desk_store.tries.redrive("p", tiles=["b"], now=START) == 0
    assert [q.tile for q in desk_store.tries.quarantined()] == ["a", "c"]
    assert len(desk_store.tries.quarantined(redriven=True)) == 3
    assert desk_store.tries.redrive("p", now=START) == 2
    assert desk_store.tries.quarantined("p") == []


def test_cost_survives_being_written_down() -> None:
    assert Cost.from_plain(COST.plain()) == COST
    assert Cost.from_plain({}) == Cost()
    assert COST.carbon_g == 0.00025 * 447.6
