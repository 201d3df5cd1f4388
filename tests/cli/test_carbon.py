"""``agroforest carbon``: table, JSON, CSV and page of what nights took."""

import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agroforest.cli.app import app
from agroforest.core.cost import Cost, EnergySource
from agroforest.core.errors import ConfigurationError, NoInputError
from agroforest.core.execution import Execution, ExecutionStatus
from agroforest.nightly.workplace import Workplace
from agroforest.store import open_store

COST = Cost(
    seconds=600.0,
    cpu_seconds=1000.0,
    bytes_read=3_000_000,
    energy_kwh=0.5,
    source=EnergySource.ESTIMATED,
    factor_g_per_kwh=447.6,
    factor_source="guangxi 2023",
    saved={"unchanged_tiles": 2, "kwh": 0.5},
    tiles=2,
    km2=10.0,
    alerts=1,
)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    with open_store(Workplace(root=tmp_path, pipeline="").database) as store:
        for day, pipeline, cost in (
            (1, "north", COST),
            (2, "north", COST.patch(source=EnergySource.MEASURED)),
            (2, "east", COST.patch(alerts=0, saved={})),
            (3, "north", Cost()),
        ):
            store.tries.record_execution(
                Execution(
                    id=f"{pipeline}{day}",
                    pipeline=pipeline,
                    night=date(2026, 11, day),
                    config_digest="d",
                    host="h",
                    pid=1,
                    started=datetime(2026, 11, day, 18, tzinfo=UTC),
                    status=ExecutionStatus.DONE,
                    cost=cost,
                )
            )
    return tmp_path


def run(work: Path, *words: str) -> str:
    result = CliRunner().invoke(
        app, ["carbon", "--work", str(work), *words], catch_exceptions=False
    )
    assert result.exit_code == 0
    return result.stdout


def test_the_table_says_what_each_night_took_and_how_that_is_known(work: Path) -> None:
    text = run(work)
    rows = [line.split() for line in text.splitlines() if line.strip().startswith("20")]
    assert [row[:2] for row in rows] == [
        ["2026-11-01", "north"],
        ["2026-11-02", "east"],
        ["2026-11-02", "north"],
        ["2026-11-03", "north"],
    ]
    assert rows[0][2:9] == ["10.0", "3.0", "0.5", "224", "22.4", "224", "50"]
    assert "估算 estimated" in text
    assert "实测 measured" in text
    assert "1 次未知 unknown" in text
    total = next(line for line in text.splitlines() if "合计" in line)
    assert "1.5" in total
    assert "部分实测" in total
    assert "guangxi 2023" in text
    assert "tiles without news 4" in text


def test_nights_and_pipelines_are_chosen(work: Path) -> None:
    text = run(work, "--from", "2026-11-02", "--to", "2026-11-02", "--json")
    found = json.loads(text)
    assert [n["pipeline"] for n in found["nights"]] == ["east", "north"]
    assert found["total"]["kwh"] == 1.0
    assert found["total"]["measured_share"] == 0.5
    assert found["total"]["carbon_g_per_alert"] == pytest.approx(447.6)
    assert found["factors"] == ["guangxi 2023"]
    assert found["saved"] == {"unchanged_tiles": 2}
    east = json.loads(run(work, "--pipeline", "east", "--json"))
    assert [n["night"] for n in east["nights"]] == ["2026-11-02"]
    assert east["nights"][0]["carbon_g_per_alert"] is None


def test_nothing_in_that_time_is_said(work: Path) -> None:
    assert "没有运行记录" in run(work, "--from", "2027-01-01")


def test_a_table_and_a_page_are_written(work: Path, tmp_path: Path) -> None:
    table, page = tmp_path / "out" / "cost.csv", tmp_path / "out" / "cost.html"
    text = run(work, "--csv", str(table), "--html", str(page))
    assert "cost.csv" in text
    assert "cost.html" in text
    with table.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["carbon_g"] for row in rows][:2] == ["223.8", "223.8"]
    assert rows[1]["carbon_g_per_alert"] == ""
    html = page.read_text(encoding="utf-8")
    assert "2026-11-01 … 2026-11-03" in html
    assert html.count("<g><title>") == 3


def test_nights_out_of_order_are_refused(work: Path) -> None:
    with pytest.raises(ConfigurationError, match="is before --from"):
        run(work, "--from", "2026-11-02", "--to", "2026-11-01")


def test_no_database_is_said_and_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match="does not exist"):
        run(tmp_path / "none")
    assert not (tmp_path / "none").exists()
