"""What programs that watch the desk ask, and who gets an answer."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from tests.web.desks import NIGHT, NOW, Desk, open_desk

from agroforest.core.account import Right
from agroforest.core.cost import Cost, EnergySource
from agroforest.core.execution import Execution, ExecutionStatus
from agroforest.store import RunRecord


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path) as opened:
        yield opened


def run_night(desk: Desk, night: date = NIGHT) -> None:
    run = RunRecord(
        pipeline="gaofeng", night=night, config_digest="d", status="done", summary={}
    )
    desk.store.record_night(run=run)
    started = datetime(2024, 5, 1, 18, tzinfo=UTC)
    desk.store.tries.record_execution(
        Execution(
            id="e1",
            pipeline="gaofeng",
            night=night,
            config_digest="d",
            host="elsewhere",
            pid=1,
            started=started,
            ended=started + timedelta(minutes=2),
            status=ExecutionStatus.DONE,
            cost=Cost(
                seconds=120,
                energy_kwh=0.5,
                source=EnergySource.ESTIMATED,
                factor_g_per_kwh=400,
            ),
        )
    )


def read(page: str) -> dict[tuple[str, str], float]:
    return {
        (sample.name, sample.labels.get("pipeline", "")): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if not sample.labels.keys() - {"pipeline"}
    }


def test_it_lives_without_a_database(desk: Desk) -> None:
    desk.store.close()
    Path(desk.store._database.name).write_bytes(b"no database any more" * 100)
    answer = desk.visitor().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_it_is_ready(desk: Desk) -> None:
    answer = desk.visitor().get("/readyz")
    assert (answer.status_code, answer.json()["reasons"]) == (200, [])


def test_a_damaged_database_is_not_ready_and_names_no_path(
    desk: Desk, tmp_path: Path
) -> None:
    visitor = desk.visitor()
    desk.store.close()
    for path in tmp_path.glob("agroforest.db*"):
        path.write_bytes(b"no database any more" * 100)
    answer = visitor.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["the database does not answer"]
    assert str(tmp_path) not in answer.text


def test_another_schema_is_not_ready(desk: Desk) -> None:
    with desk.store._database.writing() as connection:
        connection.execute(text("UPDATE agroforest_schema SET version_num = '9999'"))
    answer = desk.visitor().get("/readyz")
    assert answer.status_code == 503
    assert "9999" in answer.json()["reasons"][0]


def test_a_work_folder_that_is_gone_is_not_ready(desk: Desk, tmp_path: Path) -> None:
    visitor = desk.visitor()
    tmp_path.rename(tmp_path.with_name("moved"))
    try:
        answer = visitor.get("/readyz")
    finally:
        tmp_path.with_name("moved").rename(tmp_path)
    assert answer.status_code == 503
    assert "the work folder cannot be read" in answer.json()["reasons"]


@pytest.mark.parametrize(
    ("name", "status"), [("", 401), ("feng", 403), ("vera", 200), ("ada", 200)]
)
def test_who_may_read_the_figures(desk: Desk, name: str, status: int) -> None:
    visitor = desk.visitor(name)
    answer = visitor.client.get("/metrics", headers={"accept": "text/plain"})
    assert answer.status_code == status


def test_figures_by_a_token(desk: Desk) -> None:
    run_night(desk)
    account = desk.store.desk.account("vera")
    assert account is not None
    secret = desk.site.sessions.issue(
        account,
        NOW,
        scopes=frozenset({Right.SEE_CASES}),
        lasting=timedelta(days=1),
        label="prometheus",
    )
    answer = desk.visitor().client.get(
        "/metrics", headers={"authorization": f"Bearer {secret}"}
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = read(answer.text)
    assert found["agroforest_last_success_timestamp_seconds", "gaofeng"] == (
        datetime(2024, 5, 1, 18, 2, tzinfo=UTC).timestamp()
    )
    assert found["agroforest_night_lag_days", "gaofeng"] == 1
    assert found["agroforest_energy_joules_total", "gaofeng"] == pytest.approx(1.8e6)
    assert found["agroforest_carbon_grams_total", "gaofeng"] == pytest.approx(200)
    assert 'hazard="canopy-loss"' in answer.text
    assert secret not in answer.text
