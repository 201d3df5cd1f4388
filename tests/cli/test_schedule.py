"""``agroforest schedule`` and ``nightly --catch-up``: words in, files and codes out."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agroforest.cli.app import app
from agroforest.cli.schedule_hours import find_choice
from agroforest.cli.schedule_job import build_job
from agroforest.core.errors import ConfigurationError, LockedError, NoInputError
from agroforest.schedule.foreground import only_one
from agroforest.schedule.heartbeat import (
    Heartbeat,
    heartbeat_path,
    read_heartbeat,
    write_heartbeat,
)
from agroforest.store import open_store
from agroforest.store.records import RunRecord

_PIPELINE = """
name = "gaofeng"
aoi = "a.geojson"
[baseline]
start = 2022-01-01
end = 2023-12-31
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder with a pipeline and a work folder, to work in."""
    (tmp_path / "p.toml").write_text(_PIPELINE)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for name in ("AGROFOREST_WORK", "AGROFOREST_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def call(*words: str) -> Result:
    return CliRunner().invoke(app, ["schedule", *words])


def done(*words: str) -> str:
    ended = call(*words)
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def put_program(place: Path, name: str, text: str) -> None:
    """Install a program on the path."""
    path = place / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def run_night(place: Path, night: date) -> None:
    record = RunRecord(
        pipeline="gaofeng",
        night=night,
        config_digest="0",
        status="done",
        summary={},
    )
    with open_store(place / "work" / "agroforest.db") as store:
        store.record_night(
            run=record, tasks=[], alerts=[], instructions=[], quarantined=[], fires=[]
        )


def test_units_of_a_user_are_written_and_the_rest_is_said(place: Path) -> None:
    said = done("install", "p.toml", "--user", "--at", "03:10").splitlines()
    folder = place / "config" / "systemd" / "user"
    assert said == [
        f"written 已写入: {folder / 'agroforest-nightly-gaofeng.service'}",
        f"written 已写入: {folder / 'agroforest-nightly-gaofeng.timer'}",
        "then 然后: systemctl --user daemon-reload",
        "then 然后: systemctl --user enable --now agroforest-nightly-gaofeng.timer",
        "to run while nobody is logged in 无人登录时也运行: loginctl enable-linger",
    ]
    service = (folder / "agroforest-nightly-gaofeng.service").read_text()
    assert (
        f" nightly {place / 'p.toml'} --catch-up --work={place / 'work'}\n" in service
    )


def test_units_of_the_system_run_as_who_owns_the_work(place: Path) -> None:
    shown = done("install", "p.toml", "--system", "--dry-run")
    assert f"\nUser={(place / 'work').owner()}\n" in shown
    assert "OnCalendar=*-*-* 02:00:00 Asia/Shanghai" in shown
    words = ("install", "p.toml", "--system", "--dry-run", "--run-as", "forest")
    assert "\nUser=forest\n" in done(*words)


def test_a_database_is_named_from_everywhere(place: Path) -> None:
    words = ("install", "p.toml", "--system", "--dry-run", "--database")
    shown = done(*words, "elsewhere/x.db")
    assert f"--database={place / 'elsewhere' / 'x.db'}\n" in shown
    assert f"\nReadWritePaths={place / 'work'} {place / 'elsewhere'}\n" in shown
    shown = done(*words, "sqlite:///elsewhere/x.db")
    assert f"--database=sqlite:///{place / 'elsewhere' / 'x.db'}\n" in shown
    assert f"\nReadWritePaths={place / 'work'} {place / 'elsewhere'}\n" in shown
    shown = done(*words, "postgresql://forest@/facts")
    assert "--database=postgresql://forest@/facts\n" in shown
    assert f"\nReadWritePaths={place / 'work'}\n" in shown


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["nowhere.toml"], "cannot be read"),
        (["p.toml", "--work", "nowhere"], "is no folder"),
        (["p.toml", "--incoming", "nowhere"], "is no folder"),
        (["p.toml", "--at", "25:00"], "is no time"),
        (["p.toml", "--zone", "Moon"], "is no time zone"),
        (["p.toml", "--database", "postgresql://a:secret@h/d"], "holds a password"),
        (["p.toml", "--cron"], "is not on this machine"),
    ],
)
def test_what_cannot_be_installed_is_refused(
    place: Path, words: list[str], problem: str
) -> None:
    ended = call("install", "--user", *words)
    assert isinstance(ended.exception, ConfigurationError)
    assert problem in str(ended.exception)
    assert "secret" not in str(ended.exception)
    assert not (place / "config").exists()


def test_now_tells_systemd(place: Path) -> None:
    put_program(place, "systemctl", 'echo "$@" >> called')
    done("install", "p.toml", "--user", "--now")
    done("remove", "p.toml", "--user", "--now")
    timer = "agroforest-nightly-gaofeng.timer"
    assert (place / "called").read_text().splitlines() == [
        "--user daemon-reload",
        f"--user enable --now {timer}",
        f"--user disable --now {timer}",
        "--user daemon-reload",
    ]


def test_units_elsewhere_are_linked(place: Path) -> None:
    said = done("install", "p.toml", "--user", "--folder", "units").splitlines()
    unit = place / "units" / "agroforest-nightly-gaofeng"
    assert said[2:4] == [
        f"then 然后: systemctl --user link {unit}.service {unit}.timer",
        "then 然后: systemctl --user daemon-reload",
    ]


def test_cron_is_told_once_and_forgets(place: Path) -> None:
    put_program(
        place, "crontab", '[ "$1" = - ] && exec /bin/cat > table\n/bin/cat table'
    )
    (place / "table").write_text("0 1 * * * backup\n")
    words = ("install", "p.toml", "--cron", "--user")
    assert done(*words) == "crontab: written 已写入\n"
    assert done(*words) == "crontab: unchanged 未变\n"
    assert done(*words, "--at", "04:00") == "crontab: written 已写入\n"
    assert (place / "table").read_text().count(" nightly ") == 1
    assert "gaofeng  04:00 Asia/Shanghai  (crontab)" in done("show")
    done("remove", "gaofeng", "--cron", "--user")
    assert (place / "table").read_text() == "0 1 * * * backup\n"
    assert isinstance(
        call("remove", "gaofeng", "--cron", "--user").exception, NoInputError
    )


def test_what_is_installed_is_shown(place: Path) -> None:
    done("install", "p.toml", "--folder", "units")
    assert "last night 上次: never 从未" in done("show", "--folder", "units")
    assert not (place / "work" / "agroforest.db").exists()
    run_night(place, date(2024, 11, 1))
    shown = json.loads(done("show", "--folder", "units", "--json"))
    (row,) = shown["installed"]
    following = datetime.fromisoformat(row["next"])
    assert timedelta(0) <= following - datetime.now(UTC) <= timedelta(days=1)
    assert (following.hour, following.minute) == (18, 0)
    assert row["last_night"] == "2024-11-01"
    assert shown["scheduler"] is None


def test_a_scheduler_in_the_foreground_is_shown(place: Path) -> None:
    now = datetime.now(UTC)
    beat = Heartbeat(pid=1, started=now, beat=now, next=now, pipelines=("gaofeng",))
    write_heartbeat(place / "work", beat)
    assert "schedule run: alive" in done("show", "--folder", "units")
    shown = json.loads(done("show", "--folder", "units", "--json"))
    assert shown["scheduler"]["alive"] is True


def test_removing_what_is_not_there_says_so(place: Path) -> None:
    ended = call("remove", "gaofeng", "--folder", "units")
    assert isinstance(ended.exception, NoInputError)
    done("install", "p.toml", "--folder", "units")
    said = done("remove", "p.toml", "--folder", "units", "--user")
    assert said.count("removed") == 2
    assert "systemctl --user daemon-reload" in said
    assert list((place / "units").iterdir()) == []


def nightly(*words: str) -> Result:
    return CliRunner().invoke(app, ["nightly", "p.toml", "--catch-up", *words])


def test_a_clock_before_the_last_night_stops_everything(place: Path) -> None:
    tomorrow = datetime.now(UTC).date() + timedelta(days=2)
    run_night(place, tomorrow)
    ended = nightly()
    assert isinstance(ended.exception, ConfigurationError)
    assert f"but night {tomorrow} was run; check the clock" in str(ended.exception)


def test_a_year_of_missed_nights_is_asked_about(place: Path) -> None:
    run_night(place, datetime.now(UTC).date() - timedelta(days=400))
    ended = nightly()
    assert isinstance(ended.exception, ConfigurationError)
    assert "say how many to run at once: --at-most N" in str(ended.exception)


@pytest.mark.parametrize(
    "words",
    [
        ["--catch-up", "--night=2024-11-01"],
        ["--catch-up", "--from=2024-11-01", "--to=2024-11-02"],
        ["--at-most=3"],
        ["--catch-up", "--at-most=0"],
    ],
)
def test_contradictions_are_refused(place: Path, words: list[str]) -> None:
    del place
    ended = CliRunner().invoke(app, ["nightly", "p.toml", *words])
    assert ended.exit_code == 2


def test_one_pipeline_is_scheduled_once(place: Path) -> None:
    (place / "q.toml").write_text(_PIPELINE)
    ended = call("run", "p.toml", "q.toml")
    assert isinstance(ended.exception, ConfigurationError)
    assert "a name comes twice" in str(ended.exception)


def test_a_second_scheduler_of_a_folder_is_refused(place: Path) -> None:
    with only_one(place / "work"):
        ended = call("run", "p.toml")
    assert isinstance(ended.exception, LockedError)


def test_clean_hours_are_waited_for(place: Path) -> None:
    grams = [900] * 4 + [100] * 2 + [900] * 18  # clean from four to six
    rows = [f"{hour},{value}" for hour, value in enumerate(grams)]
    table = place / "hours.csv"
    table.write_text("\n".join(["hour,g_per_kwh", *rows]))
    job = build_job(
        Path("p.toml"),
        at="02:00",
        zone="Asia/Shanghai",
        incoming=None,
        work=Path("work"),
        database="",
    )
    assert find_choice(job) is None
    (place / "p.toml").write_text(f'{_PIPELINE}[energy]\nhours = "hours.csv"\n')
    found = find_choice(job)
    assert found is not None
    job, choose = found
    assert job.timetable.window == timedelta(hours=4)
    two, six = (datetime(2024, 11, 1, hour, tzinfo=UTC) for hour in (18, 22))
    # A night lasts half an hour as long as none is known.
    assert choose(two, six) == datetime(2024, 11, 1, 20, tzinfo=UTC)
    table.write_text("damaged")
    assert choose(two, six) == datetime(2024, 11, 1, 20, tzinfo=UTC)  # it stands
    with pytest.raises(ConfigurationError, match=r"hours\.csv"):
        choose(two + timedelta(days=1), six + timedelta(days=1))
    with pytest.raises(ConfigurationError, match=r"hours\.csv"):
        find_choice(job)


@pytest.mark.slow
def test_a_container_runs_its_night_and_ends_on_sigterm(place: Path) -> None:
    """The real program: a night is begun as a process, and its failure survived."""
    run_night(place, datetime.now(UTC).date() - timedelta(days=3))
    words = [sys.executable, "-m", "agroforest", "schedule", "run", "p.toml"]
    lines: list[str] = []
    with subprocess.Popen(  # noqa: S603  our own program
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=place,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                lines.append(line)
                if "next 下次" in line:
                    break
            beat = read_heartbeat(place / "work")
            assert beat is not None
            assert beat.pid == process.pid
            process.send_signal(signal.SIGTERM)
            lines += process.stdout.read().splitlines(keepends=True)
            assert process.wait() == 0, lines
        finally:
            process.kill()
    # There is no area file: the night itself said so, on the same terminal.
    assert any("a.geojson" in line for line in lines)
    assert any("failed (exit code 2), not tried again" in line for line in lines)
    assert lines[-1] == "stopped 已停止\n"
    assert not heartbeat_path(place / "work").exists()
