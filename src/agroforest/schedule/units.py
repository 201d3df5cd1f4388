"""A systemd service and timer for the nights of a pipeline.

A service that the system runs is locked in: it may write its work folder and its
cache, and nothing else. One of a user is not: a user's systemd needs user namespaces
for that, and where the kernel has none of them the nights would not begin.
"""

from dataclasses import dataclass
from pathlib import Path

from agroforest.schedule.job import Job, mark
from agroforest.schedule.quoting import quote_command, quote_unit
from agroforest.schedule.standing import HOPELESS, WAITS

# `PrivateTmp=` puts empty folders in their place.
_TEMPORARY = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """Where and as whom a unit runs.

    Attributes
    ----------
    program
        First words of every command of ours; the first is an absolute path.
    user
        Who runs a service of the system; ``None`` for a unit of a user's own.
    writable
        Folders besides the work folder that nights write.
    """

    program: tuple[str, ...]
    user: str | None = None
    writable: tuple[Path, ...] = ()


def unit_name(pipeline: str) -> str:
    """Name of the units of a pipeline, without what comes after the dot."""
    return f"agroforest-nightly-{pipeline}"


def build_units(job: Job, host: Host) -> dict[str, str]:
    """Write the units of a job.

    Returns
    -------
    dict
        Text by file name: the service and its timer.

    Raises
    ------
    ConfigurationError
        A path that no line can hold.
    """
    name = unit_name(job.name)
    return {
        f"{name}.service": _service(job, host),
        f"{name}.timer": _timer(job),
    }


def _service(job: Job, host: Host) -> str:
    lines = [mark(job), "[Unit]", f"Description=agroforest: nights of {job.name}"]
    if host.user is not None:
        lines += ["After=network-online.target remote-fs.target postgresql.service"]
        lines += ["Wants=network-online.target"]
    lines += [f"RequiresMountsFor={quote_unit(str(job.work))}", *_again(), ""]
    lines += ["[Service]", "Type=oneshot"]
    if host.user is not None:
        lines.append(f"User={host.user}")
    intake = job.intake(host.program)
    if intake is not None:
        # A product that cannot be used is named in the report, and stops nothing.
        lines.append(f"ExecStartPre=-{quote_command(intake)}")
    lines += [
        f"ExecStart={quote_command(job.nightly(host.program))}",
        # `systemctl stop` asks the night to end; the next does what was left.
        "SuccessExitStatus=143",
        "KillMode=mixed",
        "TimeoutStopSec=5min",
        "Restart=on-failure",
        f"RestartSec={_minutes(0)}min",
        f"RestartPreventExitStatus={' '.join(map(str, sorted(HOPELESS)))}",
        "Nice=10",
        "NoNewPrivileges=yes",
    ]
    if host.user is not None:
        lines += _locked_in(job, host)
    return "\n".join(lines) + "\n"


def _again() -> list[str]:
    """Limit the tries of a night as elsewhere; then the next night catches up."""
    return ["StartLimitIntervalSec=12h", f"StartLimitBurst={len(WAITS) + 1}"]


def _locked_in(job: Job, host: Host) -> list[str]:
    writable = " ".join(quote_unit(str(p)) for p in (job.work, *host.writable))
    needed = (job.pipeline, job.work, job.incoming or job.work, *host.writable)
    hidden = any(p.is_relative_to(tmp) for p in needed for tmp in _TEMPORARY)
    return [
        "ProtectSystem=strict",
        f"ReadWritePaths={writable}",
        # Compiled kernels are kept there; the program's own folder is read-only.
        "CacheDirectory=agroforest",
        "Environment=NUMBA_CACHE_DIR=%C/agroforest/numba",
        f"PrivateTmp={'no' if hidden else 'yes'}",
        "PrivateDevices=yes",
        "ProtectControlGroups=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelTunables=yes",
        "RestrictSUIDSGID=yes",
        "LockPersonality=yes",
    ]


def _timer(job: Job) -> str:
    table = job.timetable
    lines = [
        mark(job),
        "[Unit]",
        f"Description=agroforest: every night of {job.name}",
        "",
        "[Timer]",
        f"OnCalendar=*-*-* {table.at:%H:%M}:00 {table.zone.key}",
        # A night missed while the machine was off begins when it is on again.
        "Persistent=true",
        "AccuracySec=1min",
        "RandomizedDelaySec=0",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]
    return "\n".join(lines) + "\n"


def _minutes(which: int) -> int:
    return int(WAITS[which].total_seconds() // 60)
