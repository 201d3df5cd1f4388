"""A job to have done, under a name that nobody would choose."""

from pathlib import Path

import pytest

from agroforest.schedule.job import Job
from agroforest.schedule.timetable import parse_timetable


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """Folder with everything in its name that systemd, cron and shells read."""
    folder = tmp_path / "夜 间 50% $HOME 'a' \"b\" c\\d \\%n ;e #f"
    folder.mkdir()
    return folder


@pytest.fixture
def job(tmp_path: Path) -> Job:
    work = tmp_path / "work"
    work.mkdir()
    return Job(
        name="gaofeng",
        pipeline=tmp_path / "gaofeng.toml",
        work=work,
        timetable=parse_timetable("02:30", "Asia/Shanghai"),
    )
