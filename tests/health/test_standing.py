"""Where everything stands, what of it needs a person, and its figures."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from tests.notify.people import make_account, make_message
from tests.web.desks import build_alerts

from agroforest.core.cost import Cost, EnergySource
from agroforest.core.execution import Execution, ExecutionStatus, TileQuarantine
from agroforest.core.message import Delivery
from agroforest.core.reading import Quality, Reading, Sensor, Variable
from agroforest.health.concerns import find_concerns, find_silent
from agroforest.health.metrics import render_metrics, write_metrics
from agroforest.health.questions import sum_costs
from agroforest.health.standing import find_missed, is_running, read_standing
from agroforest.schedule.heartbeat import Heartbeat, write_heartbeat
from agroforest.schedule.missed import MANY
from agroforest.store import RunRecord, Store, open_store

NIGHT = date(2026, 5, 1)
NOW = datetime(2026, 5, 2, 3, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "agroforest.db") as opened:
        yield opened


def run_night(store: Store, name: str = "south", night: date = NIGHT) -> None:
    record = RunRecord(
        pipeline=name, night=night, config_digest="d", status="done", summary={}
    )
    store.record_night(run=record)


def make_try(**changes: object) -> Execution:
    given: dict[str, object] = {
        "id": "e1",
        "pipeline": "south",
        "night": NIGHT,
        "config_digest": "d",
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "started": datetime.now(UTC),
        "status": ExecutionStatus.RUNNING,
    }
    return Execution(**{**given, **changes})  # type: ignore[arg-type]


def concerns(store: Store, work: Path, now: datetime = NOW) -> list[str]:
    found = find_concerns(read_standing(store, work, now))
    assert all(each.zh and each.en and each.remedy for each in found)
    return [f"{each.subject}: {each.en}" for each in found if each.subject != "disk"]


@given(last=st.dates(date(2020, 1, 1), date(2030, 1, 1)), hours=st.integers(-48, 2400))
def test_missed_nights_are_those_that_are_over(last: date, hours: int) -> None:
    start = datetime.combine(last, datetime.min.time(), tzinfo=UTC)
    now = start + timedelta(hours=hours)
    missed = find_missed(last, now)
    over = max(0, hours // 24 - 1)
    assert len(missed) == (over if over <= MANY else 0)
    assert list(missed) == [last + timedelta(days=n + 1) for n in range(len(missed))]
    assert all(night < now.date() for night in missed)


def test_all_is_well(store: Store, tmp_path: Path) -> None:
    run_night(store)
    store.tries.record_execution(
        make_try(status=ExecutionStatus.DONE, started=NOW, ended=NOW)
    )
    assert concerns(store, tmp_path) == []


def test_missed_nights_and_a_pipeline_that_was_given_up(
    store: Store, tmp_path: Path
) -> None:
    run_night(store)
    run_night(store, "old", NIGHT - timedelta(days=400))
    assert concerns(store, tmp_path, NOW + timedelta(days=3)) == [
        "south: 3 nights missed, from 2026-05-02"
    ]


def test_who_runs_and_who_was_killed(store: Store, tmp_path: Path) -> None:
    run_night(store)
    store.tries.record_execution(make_try())
    (alive,) = read_standing(store, tmp_path, NOW).pipelines
    assert (alive.running, alive.killed) == (True, False)
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    store.tries.record_execution(make_try(pid=gone.pid))
    (dead,) = read_standing(store, tmp_path, NOW).pipelines
    assert (dead.running, dead.killed) == (False, True)
    (concern,) = concerns(store, tmp_path)
    assert "killed" in concern


def test_a_process_number_that_is_used_again_is_not_ours() -> None:
    assert is_running(make_try())
    assert not is_running(make_try(started=datetime(2001, 1, 1, tzinfo=UTC)))
    assert is_running(make_try(host="elsewhere"))
    long_ago = datetime.now(UTC) - timedelta(days=2)
    assert not is_running(make_try(host="elsewhere", started=long_ago))


def test_a_failed_night_and_tiles_set_aside(store: Store, tmp_path: Path) -> None:
    run_night(store)
    failed = make_try(status=ExecutionStatus.FAILED, ended=NOW, error="disk full")
    store.tries.record_execution(failed)
    aside = TileQuarantine(
        pipeline="south",
        tile="t1",
        kind="night",
        inputs="i",
        night=NIGHT,
        attempts=3,
        reason="worker died",
        since=NOW,
    )
    store.tries.quarantine([aside])
    assert concerns(store, tmp_path) == [
        "south: the run of 2026-05-01 failed: disk full",
        "south: 1 inputs of tiles set aside",
    ]


def test_messages_that_do_not_leave(store: Store, tmp_path: Path) -> None:
    store.desk.add_account(make_account(), None)
    early, late = NOW - timedelta(hours=5), NOW - timedelta(minutes=5)
    store.desk.add_messages(
        [
            make_message(created=early, due=early, state="a"),
            make_message(created=late, due=late, state="b"),
            make_message(created=late, due=late, state="c", delivery=Delivery.FAILED),
        ]
    )
    messages = read_standing(store, tmp_path, NOW).messages
    assert (messages.waiting, messages.overdue, messages.failed) == (2, 1, 1)
    assert len(concerns(store, tmp_path)) == 2


def test_sensors_that_fell_silent(store: Store, tmp_path: Path) -> None:
    ages = {"fresh": 1, "silent": 30, "gone": 24 * 90}
    store.add_sensors(
        [Sensor(id=name, name=name) for name in (*ages, "never")]
        + [Sensor(id="made", name="made", simulated=True)]
    )
    store.add_readings(
        [
            Reading(
                sensor=name,
                time=NOW - timedelta(hours=hours),
                variable=Variable.SOIL_MOISTURE,
                depth_m=0.1,
                value=0.2,
                quality=Quality.GOOD,
            )
            for name, hours in {**ages, "made": 50}.items()
        ]
    )
    standing = read_standing(store, tmp_path, NOW)
    assert set(standing.sensors) == {*ages, "never"}
    assert find_silent(standing) == ["silent"]


def test_a_scheduler_without_a_beat(store: Store, tmp_path: Path) -> None:
    beat = Heartbeat(pid=1, started=NOW, beat=NOW, next=NOW)
    write_heartbeat(tmp_path, beat)
    assert concerns(store, tmp_path) == []
    (concern,) = concerns(store, tmp_path, NOW + timedelta(hours=1))
    assert concern.startswith("scheduler: ")


def test_figures(store: Store, tmp_path: Path) -> None:
    run_night(store, "gaofeng")
    store.record_night(alerts=build_alerts(5))
    cost = Cost(
        seconds=60, energy_kwh=0.1, source=EnergySource.MEASURED, factor_g_per_kwh=450
    )
    for number in range(2):
        store.tries.record_execution(
            make_try(
                id=f"e{number}",
                pipeline="gaofeng",
                started=NOW - timedelta(hours=5 - number),
                ended=NOW - timedelta(hours=4 - number),
                status=ExecutionStatus.DONE,
                cost=cost,
            )
        )
    path = tmp_path / "figures" / "a.prom"
    write_metrics(path, read_standing(store, tmp_path, NOW))
    families = {
        family.name: family
        for family in text_string_to_metric_families(path.read_text("utf-8"))
    }
    values = {
        (s.name, *sorted(s.labels.values())): s.value
        for family in families.values()
        for s in family.samples
    }
    assert values["agroforest_last_success_timestamp_seconds", "gaofeng"] == (
        (NOW - timedelta(hours=3)).timestamp()
    )
    assert values["agroforest_night_lag_days", "gaofeng"] == 1
    assert values["agroforest_energy_joules_total", "gaofeng"] == pytest.approx(7.2e5)
    assert values["agroforest_carbon_grams_total", "gaofeng"] == pytest.approx(90)
    assert values["agroforest_last_execution_status", "done", "gaofeng"] == 1
    assert values["agroforest_last_execution_status", "failed", "gaofeng"] == 0
    opened = [v for k, v in values.items() if k[0] == "agroforest_open_alerts"]
    assert sum(opened) == 5
    assert values[("agroforest_work_free_bytes",)] > 0
    for name, family in families.items():
        assert name.startswith("agroforest_")
        assert family.documentation
        totals = [s.name.endswith("_total") for s in family.samples]
        assert all(totals) if family.type == "counter" else not any(totals)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_database_sums_costs(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    sqlite = kind == "sqlite"
    place = tmp_path / "a.db" if sqlite else request.getfixturevalue("postgresql")
    costs = [Cost(energy_kwh=0.1, factor_g_per_kwh=450), Cost(energy_kwh=0.25), Cost()]
    with open_store(place) as store:
        assert sum_costs(store, "gaofeng") == (0.0, 0.0)
        for number, cost in enumerate(costs):
            one = make_try(id=f"e{number}", pipeline="gaofeng", cost=cost)
            store.tries.record_execution(one)
        assert sum_costs(store, "gaofeng") == pytest.approx((0.35, 45.0))
        assert sum_costs(store, "elsewhere") == (0.0, 0.0)


def test_labels_are_pipelines_and_a_few_words(store: Store, tmp_path: Path) -> None:
    """However much is kept, there are no more series."""

    def count() -> int:
        return render_metrics(read_standing(store, tmp_path, NOW)).count(b"\n")

    run_night(store, "gaofeng")
    store.record_night(alerts=build_alerts(4))
    before = count()
    for day in range(1, 30):
        run_night(store, "gaofeng", NIGHT - timedelta(days=day))
    store.record_night(alerts=build_alerts(60))
    assert count() == before


def test_the_file_is_replaced_in_one_step(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.prom"
    write_metrics(path, read_standing(store, tmp_path, NOW))
    inode = path.stat().st_ino
    write_metrics(path, read_standing(store, tmp_path, NOW))
    assert path.stat().st_ino != inode
    assert path.stat().st_mode & 0o044 == 0o044
    assert [p.name for p in tmp_path.glob("*.prom*")] == ["a.prom"]
