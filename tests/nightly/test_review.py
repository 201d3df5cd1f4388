"""What nights find comes to the desk, whatever happens in between."""

import logging
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from tests.fire.conftest import write_area
from tests.hotspots.made import VIIRS_HEAD, viirs_row

from agroforest.core.config import read_pipeline
from agroforest.core.errors import ConfigurationError, SourceError
from agroforest.core.review import Case, Stage
from agroforest.nightly import review, run_nights
from agroforest.store import open_store

NIGHT = date(2020, 4, 10)
_PIPELINE = """
name = "made-fire"
aoi = "area.geojson"
desk = "desk.toml"
hazards = ["fire"]
[fire]
hotspots = ["feeds/*.csv"]
scars = false
"""
_KILLED = """
import os, sys
from datetime import date
from pathlib import Path
from agroforest.core.config import read_pipeline
from agroforest.nightly import run
run.hand_on = lambda *_: os._exit(9)  # the power goes out before the desk hears of it
folder = Path(sys.argv[1])
nights = [date.fromisoformat(sys.argv[2])]
list(run.run_nights(read_pipeline(folder / "p.toml"), nights, work=folder / "work"))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_area(tmp_path / "area.geojson")
    (tmp_path / "p.toml").write_text(_PIPELINE, encoding="utf-8")
    (tmp_path / "desk.toml").write_text('pipelines = ["p.toml"]\n', encoding="utf-8")
    (tmp_path / "feeds").mkdir()
    place = {"latitude": "22.84000", "longitude": "108.34000"}
    rows = [
        viirs_row(acq_date=NIGHT.isoformat(), acq_time=time, **place)
        for time in ("0510", "0600", "1740")
    ]
    feed = "\n".join([VIIRS_HEAD, *rows])
    (tmp_path / "feeds/one.csv").write_text(feed + "\n", encoding="utf-8")
    return tmp_path


def run(folder: Path, night: date, now: datetime | None = None) -> None:
    pipeline = read_pipeline(folder / "p.toml")
    list(run_nights(pipeline, [night], work=folder / "work", now=now))


def cases(folder: Path) -> list[Case]:
    with open_store(folder / "work/agroforest.db") as store:
        alerts = [alert.id for alert, _ in store.fire_alerts("made-fire")]
        assert alerts
        return list(store.desk.cases(alerts).values())


def test_a_night_opens_cases(folder: Path):
    run(folder, NIGHT)
    (one,) = cases(folder)
    assert one.stage == Stage.PRESCREEN
    assert one.due is not None
    assert one.opened == datetime(2020, 4, 11, tzinfo=UTC)
    run(folder, NIGHT)
    assert cases(folder) == [one]


def test_without_a_desk_there_are_none(folder: Path):
    text = _PIPELINE.replace('desk = "desk.toml"\n', "")
    (folder / "p.toml").write_text(text, encoding="utf-8")
    run(folder, NIGHT)
    assert cases(folder) == []


def test_what_was_killed_before_the_desk_heard_is_made_up_for(folder: Path):
    command = [sys.executable, "-c", _KILLED, str(folder), NIGHT.isoformat()]
    assert subprocess.run(command, check=False).returncode == 9  # noqa: S603
    assert cases(folder) == []
    run(folder, NIGHT)  # has nothing to do but this
    assert [c.stage for c in cases(folder)] == [Stage.PRESCREEN]


def test_a_desk_that_cannot_be_used_is_refused_before_the_work(folder: Path):
    (folder / "desk.toml").write_text("x = 1\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"desk\.toml: x"):
        run(folder, NIGHT)
    assert not (folder / "work").exists()


def test_what_goes_wrong_at_the_desk_spoils_no_night(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def fail(*_: object) -> int:
        raise SourceError("the database", "does not answer", "try again")

    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(review, "follow", fail)
        run(folder, NIGHT)
    assert "their cases are not yet" in caplog.text
    run(folder, NIGHT + timedelta(days=1))
    assert len(cases(folder)) == 1
