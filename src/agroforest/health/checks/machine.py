"""Checks of the machine: disk, clock, time zones, memory."""

import shutil
import subprocess
import zoneinfo
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psutil

from agroforest.health.concerns import LEAST_BYTES, is_full
from agroforest.health.finding import Finding, fail, warn, well
from agroforest.health.standing import read_disk

#: A tile of 100 km² with its history needs 1.5 GB (`tile_size` of a pipeline).
_LEAST_MEMORY = 2 << 30
#: A file of the future by more than this was written under another clock.
_AHEAD = timedelta(minutes=5)
_PATIENCE_S = 5.0


def check_disk(folder: Path) -> Finding:
    """Whether there is room for a night in the work folder."""
    disk = read_disk(folder)
    if disk is None:
        return fail(
            "disk",
            f"工作目录 {folder} 无法读取",
            f"the work folder {folder} cannot be read",
            f"mkdir -p {folder}",
        )
    free = f"{disk.free / 1e9:.1f} GB"
    inodes = f"{disk.free_inodes:,} inodes"
    if disk.free < LEAST_BYTES // 8 or (disk.inodes and disk.free_inodes < 1000):
        return fail(
            "disk",
            f"仅剩 {free}，{inodes}",
            f"{free} and {inodes} left",
            f"agroforest prune --work {folder}; df -h {folder}; df -i {folder}",
        )
    if is_full(disk):
        return warn(
            "disk",
            f"剩余 {free}（{disk.share:.0%}）",
            f"{free} left ({disk.share:.0%})",
            f"agroforest prune --work {folder}; df -h {folder}",
        )
    return well("disk", f"剩余 {free}", f"{free} and {inodes} left")


def check_clock(
    now: datetime, folder: Path, nights: Iterable[date | None] = ()
) -> Finding:
    """Whether the clock agrees with what the disk and the ledger remember.

    Parameters
    ----------
    now
        What the clock says, UTC.
    folder
        The work folder, whose newest file was written before now.
    nights
        The newest night of each pipeline.
    """
    fix = "timedatectl set-ntp true, or set it: date -s; then look at its battery"
    latest = max((n for n in nights if n is not None), default=None)
    today = now.astimezone(UTC).date()
    if latest is not None and latest > today:
        return fail(
            "clock",
            f"时钟为 {today}，但 {latest} 夜已运行过",
            f"the clock says {today}, but night {latest} was run",
            fix,
        )
    newest = _newest_change(folder)
    if newest is not None and newest - now > _AHEAD:
        return fail(
            "clock",
            f"时钟为 {now:%Y-%m-%d %H:%M}，但有文件写于 {newest:%Y-%m-%d %H:%M} UTC",
            f"the clock says {now:%Y-%m-%d %H:%M}, but a file was written at "
            f"{newest:%Y-%m-%d %H:%M} UTC",
            fix,
        )
    return well("clock", f"{now:%Y-%m-%d %H:%M} UTC", "agrees with files and nights")


def check_time_sync(program: str | None = None) -> Finding:
    """Whether the system keeps its clock right by itself."""
    program = program or shutil.which("timedatectl")
    if program is None:
        return warn(
            "time-sync",
            "没有 timedatectl，无法得知是否校时",
            "no timedatectl: whether the clock is kept right is not known",
            "run chrony, ntpd or systemd-timesyncd",
        )
    try:
        done = subprocess.run(  # noqa: S603  found on the path, or given
            [program, "show", "--property=NTPSynchronized", "--value"],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        answer = ""
    else:
        answer = done.stdout.strip()
    if answer == "yes":
        return well("time-sync", "时钟已校准", "the clock is kept right")
    if answer == "no":
        return warn(
            "time-sync",
            "时钟未校准",
            "the clock is not synchronised",
            "sudo timedatectl set-ntp true",
        )
    return warn(
        "time-sync",
        "timedatectl 没有回答（容器中属正常）",
        "timedatectl does not answer (as in a container)",
        "keep the clock of the host right",
    )


def check_zones(names: Iterable[str]) -> Finding:
    """Whether the time zones that settings name are known."""
    for name in names:
        try:
            zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            return fail(
                "time-zones",
                f"没有时区 {name}",
                f"no time zone {name}",
                "sudo apt-get install tzdata, or pip install tzdata",
            )
    return well("time-zones", "时区数据齐全", "the time zones are known")


def check_memory(available: int | None = None) -> Finding:
    """Whether a tile fits into memory."""
    free = psutil.virtual_memory().available if available is None else available
    shown = f"{free / 1e9:.1f} GB"
    if free < _LEAST_MEMORY:
        return warn(
            "memory",
            f"可用内存 {shown}，少于一个瓦片所需",
            f"{shown} available, less than a tile needs",
            "close other programs, make grid.tile_size smaller, or add memory",
        )
    return well("memory", f"可用 {shown}", f"{shown} available")


def _newest_change(folder: Path) -> datetime | None:
    """When the newest file near the top of a folder was written, UTC."""
    times = []
    for path in (*folder.glob("*"), *folder.glob("*/*")):
        try:
            times.append(path.stat().st_mtime)
        except OSError:
            continue
    return datetime.fromtimestamp(max(times), UTC) if times else None
