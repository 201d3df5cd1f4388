"""A machine that was off: the nights it missed are run as if it had been on."""

import json
import os
import shutil
import sqlite3
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.nightly.conftest import Site
from typer.testing import CliRunner

from agroforest.cli.app import app
from agroforest.testing.reliability import record

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]

# What a report says of the process that did the work: which, how long, what it cost.
_WORK = ("seconds", "cost", "execution")
# The first of the nights that are missed has scenes, changes of alerts and a map.
BEFORE, AFTER = date(2024, 10, 31), date(2024, 11, 3)
# Tables that say what was found and written; `run` says how long it took, too.
_FACTS = ("alert", "alert_change", "scene_use", "tile_task", "output", "quarantine")


def catch_up(site: Site, night: date) -> list[str]:
    """Nights that a command, given one late evening, ran or looked at."""
    ended = CliRunner().invoke(
        app,
        [
            "nightly",
            str(site.world.pipeline),
            "--catch-up",
            f"--to={night}",
            f"--work={site.work}",
            "--json",
        ],
    )
    assert ended.exit_code == 0, ended.output
    return [json.loads(line)["night"] for line in ended.stdout.splitlines()]


def rows(site: Site) -> dict[str, list[tuple[Any, ...]]]:
    with sqlite3.connect(site.work / "agroforest.db") as database:
        return {
            name: sorted(
                database.execute(f'SELECT * FROM "{name}"').fetchall(),  # noqa: S608
                key=repr,
            )
            for name in _FACTS
        }


def files(site: Site) -> dict[str, bytes]:
    folder = site.work / site.pipeline.name
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".locks" not in path.parts  # who had a tile, and when
    }


def told(site: Site) -> list[dict[str, Any]]:
    """Reports, without what they say of the work."""
    folder = site.work / site.pipeline.name / "reports"
    return [
        _drop_work(json.loads(path.read_text()))
        for path in sorted(folder.glob("*.json"))
    ]


def _drop_work(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _drop_work(v) for k, v in value.items() if k not in _WORK}
    if isinstance(value, list):
        return [_drop_work(each) for each in value]
    return value


def test_three_nights_that_were_missed_are_run_in_order(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One processor: nothing here is about workers, and they take long to begin.
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    off = Site(world=site.world, work=tmp_path / "off")
    catch_up(site, BEFORE)  # the first time, there is nothing to catch up with
    shutil.copytree(site.work, off.work)
    nights = [BEFORE + timedelta(days=n) for n in (1, 2, 3)]
    for night in nights:
        assert catch_up(site, night) == [str(night)]

    assert catch_up(off, AFTER) == [str(night) for night in nights]

    assert set(files(off)) == set(files(site))
    assert told(off) == told(site)
    assert rows(off) == rows(site)
    differing = [k for k, v in files(off).items() if v != files(site)[k]]
    # Reports say which process did the work; `told` compared the rest of them.
    same = all(Path(k).parent.name == "reports" for k in differing)
    record(
        "fault",
        "machine off for three nights",
        tried=len(nights),
        survived=len(nights) if same else 0,
        note="files and rows equal to those of a machine that was on every night",
    )
    assert same, differing
