"""Every check of the doctor, made to fail for real."""

import os
import shutil
import socket
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from agroforest.core.execution import Execution, ExecutionStatus
from agroforest.core.files import replacing
from agroforest.core.identity import digest_file
from agroforest.health.checks import (
    broker,
    database,
    files,
    machine,
    schedule,
    software,
)
from agroforest.health.finding import Level
from agroforest.risk import models_dir
from agroforest.schedule.heartbeat import SILENCE, Heartbeat
from agroforest.store import open_store

NOW = datetime(2026, 5, 2, 3, tzinfo=UTC)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Path of a database of ours."""
    path = tmp_path / "agroforest.db"
    open_store(path).close()
    return path


def test_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.check_disk(tmp_path / "nowhere").level is Level.FAIL
    real = os.statvfs(tmp_path)
    usage = shutil.disk_usage(tmp_path)
    assert machine.check_disk(tmp_path).level is not Level.FAIL
    full = usage._replace(free=1 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    assert machine.check_disk(tmp_path).level is Level.FAIL
    scarce = usage._replace(free=1 << 30, total=1 << 40)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: scarce)
    assert machine.check_disk(tmp_path).level is Level.WARN
    monkeypatch.undo()
    values = list(real)
    values[6], values[7] = 0, 0  # free inodes, and those for users
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(values))
    found = machine.check_disk(tmp_path)
    assert (found.level, "df -i" in found.fix) == (Level.FAIL, True)


def test_clock_behind_a_night_and_behind_a_file(tmp_path: Path) -> None:
    assert machine.check_clock(NOW, tmp_path).level is Level.OK
    nights = [None, date(2026, 5, 2)]
    assert machine.check_clock(NOW, tmp_path, nights).level is Level.OK
    found = machine.check_clock(NOW, tmp_path, [date(2026, 5, 3)])
    assert found.level is Level.FAIL
    assert "2026-05-03" in found.en
    written = tmp_path / "file"
    written.write_text("")
    ahead = (NOW + timedelta(days=400)).timestamp()
    os.utime(written, (ahead, ahead))
    assert machine.check_clock(NOW, tmp_path).level is Level.FAIL


@pytest.mark.parametrize(
    ("answer", "level"), [("yes", Level.OK), ("no", Level.WARN), ("", Level.WARN)]
)
def test_time_sync(tmp_path: Path, answer: str, level: Level) -> None:
    program = tmp_path / "timedatectl"
    program.write_text(f"#!/bin/sh\necho {answer}\n")
    program.chmod(0o755)
    assert machine.check_time_sync(str(program)).level is level
    assert machine.check_time_sync(str(tmp_path / "none")).level is Level.WARN


def test_time_zones() -> None:
    assert machine.check_zones(["Asia/Shanghai"]).level is Level.OK
    assert machine.check_zones(["Asia/Nowhere"]).level is Level.FAIL


def test_memory() -> None:
    assert machine.check_memory(1 << 30).level is Level.WARN
    assert machine.check_memory(8 << 30).level is Level.OK


def test_gdal() -> None:
    assert software.check_gdal().level is Level.OK  # of this machine
    rasters = set(software.RASTER_DRIVERS)
    vectors = set(software.VECTOR_DRIVERS)
    lacking = software.check_gdal(rasters - {"COG"}, vectors, "3.10.3")
    assert (lacking.level, "COG" in lacking.en) == (Level.FAIL, True)
    assert software.check_gdal(rasters - {"netCDF"}, vectors, "3.9.0").level is (
        Level.WARN
    )
    assert software.check_gdal(rasters, vectors, "3.4.1").level is Level.FAIL


def test_libraries() -> None:
    lines = ["numpy>=2.0", "nothere>=1; extra == 'demo'"]
    assert software.check_versions(lambda _: "2.1", lines).level is Level.OK
    old = software.check_versions(lambda _: "1.26", lines)
    assert (old.level, "numpy 1.26" in old.en) == (Level.FAIL, True)

    def lack(name: str) -> str:
        raise PackageNotFoundError(name)

    assert software.check_versions(lack, lines).level is Level.FAIL
    assert software.check_versions().level is Level.OK  # of this machine


def test_models(tmp_path: Path) -> None:
    assert [f.level for f in software.check_models()] == [Level.OK]
    shutil.copytree(models_dir() / "canopy-stress", tmp_path / "canopy-stress")
    weights = tmp_path / "canopy-stress" / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    (flipped,) = software.check_models(tmp_path)
    assert (flipped.level, "canopy-stress" in flipped.en) == (Level.FAIL, True)
    weights.unlink()
    assert software.check_models(tmp_path)[0].level is Level.FAIL
    assert software.check_models(tmp_path / "none")[0].level is Level.FAIL


def test_database_is_sound(kept: Path) -> None:
    assert [f.level for f in database.check_database(str(kept))] == [Level.OK]
    address = f"sqlite:///{kept}"
    assert [f.level for f in database.check_database(address)] == [Level.OK]


def test_database_is_not_there(tmp_path: Path) -> None:
    (found,) = database.check_database(str(tmp_path / "none.db"))
    assert found.level is Level.WARN
    assert not (tmp_path / "none.db").exists()


def test_database_is_damaged(kept: Path) -> None:
    with closing(sqlite3.connect(kept)) as opened:
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(kept.read_bytes())
    content[4096 : 4096 * 6] = b"\x55" * (4096 * 5)
    kept.write_bytes(content)
    (found,) = database.check_database(str(kept))
    assert (found.level, "restore" in found.fix) == (Level.FAIL, True)
    kept.write_text("no database at all " * 100)
    assert database.check_database(str(kept))[0].level is Level.FAIL


@pytest.mark.parametrize(
    ("revision", "level"), [("0001", Level.WARN), ("9999", Level.FAIL)]
)
def test_database_of_another_schema_is_left_alone(
    kept: Path, revision: str, level: Level
) -> None:
    with closing(sqlite3.connect(kept)) as opened:
        opened.execute("UPDATE agroforest_schema SET version_num = ?", [revision])
        opened.commit()
    assert database.check_database(str(kept))[0].level is level
    with closing(sqlite3.connect(kept)) as opened:
        (found,) = opened.execute("SELECT version_num FROM agroforest_schema")
    assert found == (revision,)


def test_database_without_write_ahead(kept: Path) -> None:
    with closing(sqlite3.connect(kept)) as opened:
        opened.execute("PRAGMA journal_mode = DELETE")
    found = database.check_database(str(kept))
    assert [(f.check, f.level) for f in found[1:]] == [("database-wal", Level.WARN)]


@pytest.mark.enable_socket
def test_server_does_not_answer_and_no_password_is_shown() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        address = f"postgresql://desk:hunter22@127.0.0.1:{port}/forest"
        (found,) = database.check_database(address)
    assert found.level is Level.FAIL
    assert "hunter22" not in str(found)


def test_server(postgresql: str) -> None:
    open_store(postgresql).close()
    found = {f.check: f.level for f in database.check_database(postgresql)}
    assert found["database"] is Level.OK
    assert "postgis" in found


def test_work_folder(tmp_path: Path) -> None:
    assert files.check_work_folder(tmp_path / "none").level is Level.WARN
    assert files.check_work_folder(tmp_path).level is Level.OK
    tmp_path.chmod(0o777)
    assert files.check_work_folder(tmp_path).level is Level.WARN


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_work_folder_of_another(tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert files.check_work_folder(tmp_path).level is Level.FAIL


def test_secrets_and_settings_that_others_reach(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("secret")
    path.chmod(0o600)
    assert [f.level for f in files.check_secrets([path])] == [Level.OK]
    assert files.check_settings([path]) == []
    path.chmod(0o644)
    (open_to_all,) = files.check_secrets([path])
    assert (open_to_all.level, open_to_all.fix) == (Level.FAIL, f"chmod 600 {path}")
    path.chmod(0o666)
    assert [f.level for f in files.check_settings([path])] == [Level.FAIL]
    assert [f.level for f in files.check_settings([tmp_path / "none"])] == [Level.FAIL]


def test_leftovers_of_a_killed_process(tmp_path: Path) -> None:
    target = tmp_path / "indices" / "t" / "map.tif"
    with replacing(target) as left:
        left.write_bytes(b"whole")
    left.write_bytes(b"half")  # under the name that kill -9 would have left
    assert files.check_leftovers(tmp_path).level is Level.OK  # may be somebody's
    later = left.stat().st_mtime + 86_400
    found = files.check_leftovers(tmp_path, later)
    assert (found.level, found.fix) == (Level.WARN, "agroforest doctor --fix")
    assert files.remove_leftovers(tmp_path, later) == 1
    assert not left.exists()


def test_checksums(tmp_path: Path) -> None:
    path = tmp_path / "south" / "map.tif"
    path.parent.mkdir()
    path.write_bytes(b"pixels")
    recorded = {"south/map.tif": digest_file(path)}
    assert files.check_checksums(tmp_path, recorded).level is Level.OK
    path.write_bytes(b"pixelz")
    found = files.check_checksums(tmp_path, recorded)
    assert (found.level, "south/map.tif" in found.en) == (Level.FAIL, True)
    path.unlink()
    assert files.check_checksums(tmp_path, recorded).level is Level.WARN


def test_schedule() -> None:
    (nobody,) = schedule.check_schedule(["south"], [], None, NOW)
    assert (nobody.level, "south" in nobody.en) == (Level.WARN, True)
    (timer,) = schedule.check_schedule(["south"], ["south"], None, NOW)
    assert timer.level is Level.OK
    beat = Heartbeat(
        pid=1, started=NOW, beat=NOW, next=NOW, pipelines=("south", "north")
    )
    (alive,) = schedule.check_schedule(["south"], [], beat, NOW)
    assert alive.level is Level.OK
    later = NOW + 2 * SILENCE
    (silent,) = schedule.check_schedule(["south"], ["south"], beat, later)
    assert silent.level is Level.FAIL


def test_a_run_whose_process_is_gone() -> None:
    tried = Execution(
        id="e",
        pipeline="south",
        night=date(2026, 5, 1),
        config_digest="d",
        host=socket.gethostname(),
        pid=os.getpid(),
        started=datetime.now(UTC),
    )
    assert schedule.check_runs([tried]) == []
    earlier = datetime(2001, 1, 1, tzinfo=UTC)
    reborn = Execution(
        **{
            name: getattr(tried, name)
            for name in ("id", "pipeline", "night", "config_digest", "host", "pid")
        },
        started=earlier,
        status=ExecutionStatus.RUNNING,
    )
    (found,) = schedule.check_runs([reborn])  # its number is another process's
    assert (found.level, "--catch-up" in found.fix) == (Level.WARN, True)


@pytest.mark.enable_socket
def test_brokers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "listener.toml"

    def write(port: int, more: str = "") -> None:
        settings.write_text(
            f'[[broker]]\nname = "farm"\nhost = "127.0.0.1"\nport = {port}\n{more}'
            '[[broker.topic]]\nfilter = "a/+"\nkind = "ttn"\n'
        )

    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        write(port)
        (answers,) = broker.check_brokers(settings)
        write(port, 'user = "u"\npassword_env = "FARM_PASSWORD"\n')
        monkeypatch.delenv("FARM_PASSWORD", raising=False)
        (lacks,) = broker.check_brokers(settings)
    write(port)
    (silent,) = broker.check_brokers(settings)
    settings.write_text("nonsense = 1")
    (wrong,) = broker.check_brokers(settings)
    assert [f.level for f in (answers, lacks, silent, wrong)] == [
        Level.OK,
        Level.FAIL,
        Level.WARN,
        Level.FAIL,
    ]
