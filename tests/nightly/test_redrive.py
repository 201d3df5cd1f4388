"""A tile that always kills its worker: isolated, set aside, named, tried again."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from tests.nightly.conftest import Site
from typer.testing import CliRunner

from agroforest.cli.app import app
from agroforest.core.execution import Attempt, ExecutionStatus, Outcome
from agroforest.nightly import NightOutcome
from agroforest.nightly.run import Patience, run_nights
from agroforest.nightly.watching import Silence
from agroforest.nightly.workplace import Workplace
from agroforest.store import Store, open_store
from agroforest.testing.reliability import record

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]

NIGHT = date(2024, 11, 6)
POISON, OTHER = "49QBF-0810", "49QBF-0910"
# Loaded by processes that start with it: one that opens the tile's state is killed.
_POISONED = f"""
import os, signal, sys

def see(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        if "/state.zarr/{POISON}" in arguments[0]:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(see)
"""


def run(site: Site, night: date) -> NightOutcome:
    patience = Patience(back_off_s=(0.0,))
    (outcome,) = run_nights(site.pipeline, [night], work=site.work, patience=patience)
    return outcome


def opened(site: Site) -> Store:
    return open_store(Workplace(root=site.work, pipeline="").database)


def redrive(site: Site, *options: str) -> str:
    command = ["redrive", str(site.world.pipeline), f"--work={site.work}", *options]
    ended = CliRunner().invoke(app, command)
    assert ended.exit_code == 0, ended.output
    return ended.stdout


@pytest.mark.usefixtures("alone")
def test_a_tile_that_kills_is_isolated_set_aside_and_redriven(
    learned: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = learned.copy(tmp_path)
    name = site.pipeline.name
    with opened(site) as store:
        # A run was killed while it was at this tile: nobody saw the end.
        store.tries.record_attempts([build_attempt(name)])
    (tmp_path / "poison").mkdir()
    (tmp_path / "poison" / "sitecustomize.py").write_text(_POISONED)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "poison"))
    outcome = run(site, NIGHT)
    report = outcome.report
    assert report is not None
    with opened(site) as store:
        attempts = store.tries.attempts(name, tile=POISON)[-3:]
    survived = (
        outcome.failed == (POISON,)
        and {t["tile"]: t["error"] for t in report["tiles"]}[OTHER] is None
        and [a.outcome for a in attempts] == [Outcome.KILLED] * 3
        and [q["tile"] for q in report["set_aside"]] == [POISON]
    )
    record(
        "fault",
        "one tile that always kills its worker",
        tried=1,
        survived=int(survived),
        note="the run lives, others are done, it is set aside after three attempts",
    )
    assert survived
    assert report["status"] == "partial"
    # It is named every night, not tried, and the night is none to be run again.
    assert run(site, NIGHT).report is None
    quiet = run(site, date(2024, 11, 7)).report
    assert quiet is not None
    assert [q["tile"] for q in quiet["set_aside"]] == [POISON]
    assert [t["tile"] for t in quiet["tiles"]] == []
    assert POISON in redrive(site, "--list")
    (listed,) = json.loads(redrive(site, "--list", "--json"))
    assert (listed["tile"], listed["attempts"]) == (POISON, 3)
    redrive(site, f"--tile={POISON}")
    assert "nothing is set aside" in redrive(site, "--list")
    monkeypatch.delenv("PYTHONPATH")
    mended = run(site, date(2024, 11, 8)).report
    assert mended is not None
    assert "set_aside" not in mended
    assert {t["tile"]: t["error"] for t in mended["tiles"]} == {POISON: None}


def test_a_tile_that_is_not_set_aside_cannot_be_redriven(site: Site) -> None:
    command = ["redrive", str(site.world.pipeline), "--tile=nowhere"]
    ended = CliRunner().invoke(app, [*command, f"--work={site.work}"])
    assert "tile nowhere: is not set aside" in str(ended.exception)


@pytest.mark.usefixtures("alone")
def test_every_try_leaves_a_row_that_says_how_it_ended(
    learned: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = learned.copy(tmp_path)

    class Operator(Silence):
        def begin(self, label: str, total: int) -> None:
            del label, total
            raise SystemExit(143)

    with pytest.raises(SystemExit):
        list(run_nights(site.pipeline, [NIGHT], work=site.work, progress=Operator()))
    with monkeypatch.context() as patch:
        patch.setattr("agroforest.nightly.night.write_report", refuse)
        with pytest.raises(RuntimeError):
            run(site, NIGHT)
    run(site, NIGHT)
    run(site, NIGHT)  # there is no news, so this is no try
    with opened(site) as store:
        tries = store.tries.executions(site.pipeline.name, first=NIGHT)
    assert [t.status for t in tries] == [
        ExecutionStatus.STOPPED,
        ExecutionStatus.FAILED,
        ExecutionStatus.DONE,
    ]
    assert tries[1].error == "no room"
    assert all(t.ended is not None and t.ended >= t.started for t in tries)
    assert tries[2].cost.seconds > 0


@pytest.mark.usefixtures("alone")
def test_a_spent_budget_ends_a_night_in_order(learned: Site, tmp_path: Path) -> None:
    site = learned.copy(tmp_path)
    short = site.world.pipeline.with_name("short.toml")
    settings = site.world.pipeline.read_text(encoding="utf-8")
    short.write_text(settings + "\n[budget]\nminutes = 1e-9\n", encoding="utf-8")
    command = ["nightly", str(short), f"--night={NIGHT}", f"--work={site.work}"]
    ended = CliRunner().invoke(app, [*command, "--json"])
    short.unlink()
    assert ended.exit_code == 6, ended.output
    report = json.loads(ended.stdout)["report"]
    assert report["status"] == "stopped"
    assert {t["tile"] for t in report["left_out"]} == {POISON, OTHER}
    assert all("budget.minutes" in t["reason"] for t in report["left_out"])
    later = run(site, date(2024, 11, 7)).report
    assert later is not None
    assert {t["tile"]: t["error"] for t in later["tiles"]} == {
        POISON: None,
        OTHER: None,
    }


def refuse(*_: object) -> None:
    raise RuntimeError("no room")


def build_attempt(pipeline: str) -> Attempt:
    now = datetime.now(UTC)
    return Attempt(
        task="another",
        number=1,
        execution="killed",
        pipeline=pipeline,
        tile=POISON,
        kind="night",
        inputs="others",
        started=now,
        lease_until=now,
    )
