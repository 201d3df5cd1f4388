"""Units as systemd reads them."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from tests.lacking import lacking

from agroforest.core.errors import ConfigurationError
from agroforest.schedule.job import Job, mark, read_mark
from agroforest.schedule.timetable import parse_timetable
from agroforest.schedule.units import Host, build_units

ANALYZE = shutil.which("systemd-analyze")

_JOB = Job(
    name="gaofeng",
    pipeline=Path("/etc/agroforest/gaofeng.toml"),
    work=Path("/srv/农林 data/50%"),
    timetable=parse_timetable("02:30", "Asia/Shanghai"),
    database="postgresql://agroforest@/agroforest",
    incoming=Path("/srv/incoming"),
)
_HOST = Host(program=("/opt/agroforest/bin/agroforest",), user="agroforest")

_SERVICE = """\
[Unit]
Description=agroforest: nights of gaofeng
After=network-online.target remote-fs.target postgresql.service
Wants=network-online.target
RequiresMountsFor="/srv/农林 data/50%%"
StartLimitIntervalSec=12h
StartLimitBurst=4

[Service]
Type=oneshot
User=agroforest
ExecStartPre=-/opt/agroforest/bin/agroforest scenes add /srv/incoming \
"--work=/srv/农林 data/50%%"
ExecStart=/opt/agroforest/bin/agroforest nightly /etc/agroforest/gaofeng.toml \
--catch-up "--work=/srv/农林 data/50%%" --database=postgresql://agroforest@/agroforest
SuccessExitStatus=143
KillMode=mixed
TimeoutStopSec=5min
Restart=on-failure
RestartSec=10min
RestartPreventExitStatus=2 5 6
Nice=10
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths="/srv/农林 data/50%%"
CacheDirectory=agroforest
Environment=NUMBA_CACHE_DIR=%C/agroforest/numba
PrivateTmp=yes
PrivateDevices=yes
ProtectControlGroups=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictSUIDSGID=yes
LockPersonality=yes
"""
_TIMER = """\
[Unit]
Description=agroforest: every night of gaofeng

[Timer]
OnCalendar=*-*-* 02:30:00 Asia/Shanghai
Persistent=true
AccuracySec=1min
RandomizedDelaySec=0

[Install]
WantedBy=timers.target
"""


def verify(folder: Path, units: dict[str, str]) -> str:
    """What systemd finds odd."""
    if ANALYZE is None:
        raise lacking("systemd-analyze (make timer)")
    paths = []
    for name, text in units.items():
        path = folder / name
        path.write_text(text)
        paths.append(str(path))
    words = [ANALYZE, "verify", "--man=no", "--recursive-errors=no", *paths]
    ended = subprocess.run(  # noqa: S603  systemd's own tool
        words, capture_output=True, text=True, check=False, timeout=60
    )
    return ended.stdout + ended.stderr


def test_the_units_are_these() -> None:
    units = build_units(_JOB, _HOST)
    assert units == {
        "agroforest-nightly-gaofeng.service": f"{mark(_JOB)}\n{_SERVICE}",
        "agroforest-nightly-gaofeng.timer": f"{mark(_JOB)}\n{_TIMER}",
    }


def test_a_users_units_ask_for_nothing_that_needs_the_system() -> None:
    service = build_units(_JOB, replace(_HOST, user=None))[
        "agroforest-nightly-gaofeng.service"
    ]
    for word in ("User=", "Protect", "Private", "network-online", "CacheDirectory"):
        assert word not in service
    assert "NoNewPrivileges=yes" in service


def test_what_lies_under_tmp_is_not_hidden(job: Job) -> None:
    service = build_units(job, _HOST)["agroforest-nightly-gaofeng.service"]
    assert "PrivateTmp=no" in service  # pytest's folders are there


def test_a_database_elsewhere_may_be_written() -> None:
    host = replace(_HOST, writable=(Path("/srv/db folder"),))
    service = build_units(_JOB, host)["agroforest-nightly-gaofeng.service"]
    assert 'ReadWritePaths="/srv/农林 data/50%%" "/srv/db folder"\n' in service


def test_systemd_reads_units_with_the_oddest_names(odd: Path, tmp_path: Path) -> None:
    direct = tmp_path / "夜 间 50% $HOME %n ;e #f"
    direct.mkdir()
    job = replace(_JOB, pipeline=odd / "p.toml", work=odd, incoming=odd)
    for folder in (odd, direct):
        program = folder / "agroforest"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        for user in ("root", None):
            host = Host(program=(str(program),), user=user)
            assert verify(tmp_path, build_units(job, host)) == ""


def test_systemd_would_have_complained(odd: Path, tmp_path: Path) -> None:
    nothing = tmp_path / "no thing %n $x"
    host = Host(program=(str(nothing),), user="root")
    said = verify(tmp_path, build_units(replace(_JOB, work=odd), host))
    assert f"{nothing} is not executable" in said


def test_the_mark_gives_the_job_back(odd: Path) -> None:
    job = replace(_JOB, work=odd, incoming=None, database="")
    assert read_mark(mark(job)) == job
    assert read_mark(mark(_JOB)) == _JOB
    for line in ("", "# mine", "# agroforest schedule: {", mark(job)[:-9] + "}"):
        assert read_mark(line) is None


def test_a_name_with_a_line_break_is_refused() -> None:
    job = replace(_JOB, work=Path("/srv/a\nExecStart=/bin/evil"))
    with pytest.raises(ConfigurationError, match="does not fit into a line"):
        build_units(job, _HOST)
