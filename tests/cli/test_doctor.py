"""``agroforest doctor``: one line a check, the fix as a command, nothing changed."""

import json
import os
import time
from datetime import date
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from agroforest.cli.app import app
from agroforest.store import RunRecord, TaskRecord, open_store


def ask(work: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["doctor", "--work", str(work), *words])


def find(work: Path, *words: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for each in json.loads(ask(work, "--json", *words).stdout):
        found.setdefault(each["check"], []).append(each)
    return found


def test_every_line_says_what_and_how_to_mend_it(tmp_path: Path) -> None:
    open_store(tmp_path / "agroforest.db").close()
    shown = ask(tmp_path).stdout
    for check in (
        "disk",
        "clock",
        "time-sync",
        "time-zones",
        "memory",
        "gdal",
        "libraries",
        "models",
        "database",
        "schedule",
        "work-folder",
        "secrets",
        "leftovers",
    ):
        assert f" {check}: " in shown, check
    for each in json.loads(ask(tmp_path, "--json").stdout):
        assert each["zh"]
        assert each["en"]
        assert bool(each["fix"]) == (each["level"] != "ok")


def test_a_failure_is_an_exit_code(tmp_path: Path) -> None:
    (tmp_path / "agroforest.db").write_text("no database at all" * 50)
    result = ask(tmp_path)
    assert result.exit_code == 1
    assert "✗ database" in result.stdout


def test_settings_that_cannot_be_acted_on(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('name = "South"')
    (found,) = find(tmp_path, str(wrong))["pipeline"]
    assert found["level"] == "fail"
    lacking = tmp_path / "lacking.toml"
    lacking.write_text(
        'name = "south"\naoi = "none.geojson"\n'
        "[baseline]\nstart = 2022-01-01\nend = 2023-01-01\n"
    )
    found = find(tmp_path, str(lacking))["pipeline"][0]
    assert "none.geojson" in found["en"]


def test_files_on_record_are_read_only_when_asked(tmp_path: Path) -> None:
    (tmp_path / "map.tif").write_bytes(b"pixels")
    task = TaskRecord(
        id="t",
        pipeline="south",
        tile="t1",
        state="s",
        night=date(2024, 5, 1),
        status="done",
        scenes=(),
        outputs={"map.tif": "0" * 64},
        summary={},
    )
    with open_store(tmp_path / "agroforest.db") as store:
        run = RunRecord(
            pipeline="south",
            night=task.night,
            config_digest="d",
            status="done",
            summary={},
        )
        store.record_night(run=run, tasks=[task])
    assert "checksums" not in find(tmp_path)
    (found,) = find(tmp_path, "--checksums")["checksums"]
    assert (found["level"], "map.tif" in found["en"]) == ("fail", True)


def test_only_fix_removes_what_was_left(tmp_path: Path) -> None:
    left = tmp_path / "south" / ".map.0123456789ab.part.tif"
    left.parent.mkdir()
    left.write_bytes(b"half")
    old = time.time() - 86_400
    os.utime(left, (old, old))
    assert find(tmp_path)["leftovers"][0]["level"] == "warn"
    assert left.exists()
    assert find(tmp_path, "--fix")["leftovers"][0]["level"] == "ok"
    assert not left.exists()
