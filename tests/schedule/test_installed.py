"""Files and crontabs on this machine, with a real `crontab` program."""

import os
from dataclasses import replace
from datetime import time
from pathlib import Path

import pytest

from agroforest.core.errors import ConfigurationError, SourceError
from agroforest.schedule.crontab import build_block
from agroforest.schedule.installed import (
    call_systemctl,
    find_crontab,
    find_files,
    read_crontab,
    remove_files,
    write_block,
    write_units,
)
from agroforest.schedule.job import Job
from agroforest.schedule.units import Host, build_units

PROGRAM = ("/opt/agroforest/bin/agroforest",)

# Keeps one user's table in a file, and says what Debian's says where there is none.
_CRONTAB = """#!/bin/sh
table="$(dirname "$0")/table"
case "$1" in
  -l) cat "$table" 2>/dev/null || { echo "no crontab for me" >&2; exit 1; } ;;
  -) cat > "$table" ;;
esac
"""


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """File in which `crontab` keeps the table."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "crontab"
    program.write_text(_CRONTAB)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder / "table"


def test_units_are_written_found_and_removed(job: Job, tmp_path: Path) -> None:
    folder = tmp_path / "units"
    units = build_units(job, Host(program=PROGRAM))
    paths = write_units(folder, units)
    before = [p.stat().st_mtime_ns for p in paths]
    assert write_units(folder, units) == paths
    assert [p.stat().st_mtime_ns for p in paths] == before
    (folder / "other.timer").write_text("[Timer]\n")
    (folder / "agroforest-nightly-broken.timer").write_bytes(b"\xff")
    (found,) = find_files(folder)
    assert (found.job, found.where) == (job, str(folder / units_timer()))
    assert remove_files(folder, "nanning") == []
    assert [p.name for p in remove_files(folder, "gaofeng")] == [
        units_timer(),
        "agroforest-nightly-gaofeng.service",
    ]
    assert find_files(folder) == []
    assert (folder / "other.timer").is_file()


def units_timer() -> str:
    return "agroforest-nightly-gaofeng.timer"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_units(blocked / "units", {"a.timer": ""})


def test_a_crontab_is_changed_once(job: Job, table: Path) -> None:
    assert read_crontab() == ""
    block = build_block(job, PROGRAM, time(2))
    assert write_block(job.name, block)
    assert not write_block(job.name, block)
    assert table.read_text() == block
    later = build_block(job, PROGRAM, time(3))
    assert write_block(job.name, later)
    assert table.read_text() == later
    assert [each.job for each in find_crontab()] == [job]
    assert write_block(job.name, "")
    assert not write_block(job.name, "")
    assert table.read_text() == ""


def test_lines_of_others_stay_byte_for_byte(job: Job, table: Path) -> None:
    others = b"# caf\xe9 \xff\x0c\r\n0 1 * * * backup\n"
    table.write_bytes(others)
    write_block(job.name, build_block(job, PROGRAM, time(2)))
    assert table.read_bytes().startswith(others)
    write_block(job.name, "")
    assert table.read_bytes() == others


def test_a_user_without_leave_is_told(table: Path, job: Job) -> None:
    refusal = (
        '#!/bin/sh\necho "You (me) are not allowed to use this program" >&2\nexit 1'
    )
    table.with_name("crontab").write_text(refusal)
    with pytest.raises(SourceError, match="not allowed to use this program"):
        write_block(job.name, build_block(job, PROGRAM, time(2)))


def test_without_cron_the_line_is_told(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_crontab() == []
    with pytest.raises(ConfigurationError, match=r"install cron.*0 2 \* \* \*"):
        write_block(job.name, build_block(job, PROGRAM, time(2)))
    with pytest.raises(SourceError, match="schedule run"):
        call_systemctl(["daemon-reload"])


def test_a_cron_folder_is_found_too(job: Job, tmp_path: Path) -> None:
    folder = tmp_path / "cron.d"
    job = replace(job, name="nanning-fire")
    block = build_block(job, PROGRAM, time(2), user="root")
    write_units(folder, {"agroforest-nightly-nanning-fire": block})
    (found,) = find_files(folder)
    assert found.job == job
    assert len(remove_files(folder, job.name)) == 1
