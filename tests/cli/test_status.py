"""``agroforest status``: one screen, and an exit code that says whether to look."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner, Result

from agroforest.cli.app import app
from agroforest.core.errors import NoInputError
from agroforest.store import RunRecord, open_store


def run_night(work: Path, night: date, name: str = "south") -> None:
    with open_store(work / "agroforest.db") as store:
        record = RunRecord(
            pipeline=name, night=night, config_digest="d", status="done", summary={}
        )
        store.record_night(run=record)


def ask(work: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["status", "--work", str(work), *words])


@pytest.fixture
def today() -> date:
    return datetime.now(UTC).date()


def test_nothing_has_run_yet(tmp_path: Path) -> None:
    assert isinstance(ask(tmp_path).exception, NoInputError)
    open_store(tmp_path / "agroforest.db").close()  # by a listener, or for an account
    assert "夜间运行 nights: 还没有运行过 none has run here yet" in ask(tmp_path).stdout


def test_all_is_well(tmp_path: Path, today: date) -> None:
    run_night(tmp_path, today)
    shown = ask(tmp_path)
    assert "south" in shown.stdout
    assert "none has run here yet" not in shown.stdout
    assert len(shown.stdout.splitlines()) < 25
    if "disk" not in shown.stdout.partition("!")[2]:  # of the machine of the tests
        assert shown.exit_code == 0
        assert "一切正常 all is well" in shown.stdout


def test_missed_nights_need_somebody(tmp_path: Path, today: date) -> None:
    run_night(tmp_path, today - timedelta(days=4))
    shown = ask(tmp_path)
    assert shown.exit_code == 1
    assert "漏跑 3 夜" in shown.stdout
    assert "3 nights missed" in shown.stdout
    assert "--catch-up" in shown.stdout
    told = json.loads(ask(tmp_path, "--json").stdout)
    assert not told["ok"]
    (one,) = told["pipelines"]
    assert (one["lag_days"], len(one["missed"])) == (4, 3)
    assert told["concerns"][0]["subject"] == "south"


def test_one_pipeline_of_many(tmp_path: Path, today: date) -> None:
    run_night(tmp_path, today)
    run_night(tmp_path, today - timedelta(days=5), "north")
    told = json.loads(ask(tmp_path, "--json", "--pipeline", "south").stdout)
    assert [p["name"] for p in told["pipelines"]] == ["south"]


def test_figures_on_demand(tmp_path: Path, today: date) -> None:
    run_night(tmp_path, today)
    path = tmp_path / "south.prom"
    ask(tmp_path, "--metrics", str(path))
    names = {f.name for f in text_string_to_metric_families(path.read_text("utf-8"))}
    assert "agroforest_night_lag_days" in names
