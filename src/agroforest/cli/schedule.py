"""``agroforest schedule``: have nights run by themselves."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agroforest.cli import schedule_run, schedule_show
from agroforest.cli.options import DEFAULT_WORK, Database, WorkFolder, shown
from agroforest.cli.schedule_job import (
    DEFAULT_AT,
    DEFAULT_ZONE,
    At,
    Incoming,
    Zone,
    build_job,
    find_program,
)

if TYPE_CHECKING:
    from agroforest.schedule.job import Job

app = typer.Typer(
    help="Run nights by themselves: systemd, cron or a container. · 定时运行",
    no_args_is_help=True,
)
schedule_run.register(app)
schedule_show.register(app)

ForSystem = Annotated[
    bool | None,
    typer.Option(
        "--system/--user",
        help="Units of the system or one's own; of the system for root by default.",
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(file_okay=False, help="Folder of the files, instead of the usual."),
]
Cron = Annotated[bool, typer.Option("--cron", help="A line of cron, not systemd.")]
Now = Annotated[bool, typer.Option("--now", help="Tell systemd, too.")]


@app.command()
def install(
    pipeline: Annotated[Path, typer.Argument(help="Pipeline definition, TOML.")],
    *,
    at: At = DEFAULT_AT,
    zone: Zone = DEFAULT_ZONE,
    incoming: Incoming = None,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    system: ForSystem = None,
    run_as: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Who runs it; the owner of the work folder by default."
        ),
    ] = None,
    cron: Cron = False,
    folder: Folder = None,
    now: Now = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be written.")
    ] = False,
) -> None:
    """Have the nights of a pipeline run every day, missed ones first.

    Asking again replaces what was installed for the pipeline.
    """
    job = build_job(
        pipeline, at=at, zone=zone, incoming=incoming, work=work, database=database
    )
    if cron:
        _install_cron(job, run_as, _cron_folder(system, folder), dry_run=dry_run)
    else:
        for_system = _is_for_system(system)
        _install_units(job, run_as, folder, for_system, now=now, dry_run=dry_run)


@app.command()
def remove(
    pipeline: Annotated[
        str, typer.Argument(help="Pipeline definition, or the pipeline's name.")
    ],
    *,
    system: ForSystem = None,
    cron: Cron = False,
    folder: Folder = None,
    now: Now = False,
) -> None:
    """Take away what `install` wrote for a pipeline."""
    from agroforest.core.config import read_pipeline
    from agroforest.core.errors import NoInputError
    from agroforest.schedule import installed
    from agroforest.schedule.units import unit_name

    name = read_pipeline(Path(pipeline)).name if Path(pipeline).is_file() else pipeline
    if cron and _cron_folder(system, folder) is None:
        if not installed.write_block(name, ""):
            raise NoInputError("crontab", f"has no line for {name}", "see crontab -l")
        typer.echo(f"removed 已删除: {name} (crontab)")
        return
    for_system = _is_for_system(system)
    place = _cron_folder(system, folder) if cron else None
    place = place or folder or _unit_folder(for_system=for_system)
    scope = [] if for_system else ["--user"]
    if now and not cron:
        timer = f"{unit_name(name)}.timer"
        installed.call_systemctl([*scope, "disable", "--now", timer])
    gone = installed.remove_files(place, name)
    if not gone:
        raise NoInputError(place, f"has nothing for {name}", "see: schedule show")
    for path in gone:
        typer.echo(f"removed 已删除: {path}")
    if cron:
        return
    if now:
        installed.call_systemctl([*scope, "daemon-reload"])
    else:
        typer.echo("then 然后: " + " ".join(["systemctl", *scope, "daemon-reload"]))


def _install_units(
    job: "Job",
    run_as: str | None,
    folder: Path | None,
    for_system: bool,
    *,
    now: bool,
    dry_run: bool,
) -> None:
    from agroforest.schedule import installed
    from agroforest.schedule.units import Host, build_units, unit_name

    host = Host(
        program=find_program(),
        user=(run_as or job.work.owner()) if for_system else None,
        writable=_writable(job),
    )
    units = build_units(job, host)
    if dry_run:
        for name, text in sorted(units.items()):
            typer.echo(f"# ---- {name}\n{text}")
        return
    place = folder or _unit_folder(for_system=for_system)
    paths = installed.write_units(place, units)
    for path in paths:
        typer.echo(f"written 已写入: {shown(path) if folder else path}")
    scope = [] if for_system else ["--user"]
    timer = f"{unit_name(job.name)}.timer"
    elsewhere = [[*scope, "link", *(str(p.absolute()) for p in paths)]]
    commands = [
        *(elsewhere if folder else []),
        [*scope, "daemon-reload"],
        [*scope, "enable", "--now", timer],
    ]
    for words in commands:
        if now:
            installed.call_systemctl(words)
        typer.echo(
            f"{'done 已执行' if now else 'then 然后'}: systemctl {' '.join(words)}"
        )
    if not for_system:
        typer.echo(
            "to run while nobody is logged in 无人登录时也运行: loginctl enable-linger"
        )


def _install_cron(
    job: "Job", run_as: str | None, folder: Path | None, *, dry_run: bool
) -> None:
    from agroforest.schedule import installed
    from agroforest.schedule.crontab import build_block, find_local_time
    from agroforest.schedule.units import unit_name

    at = find_local_time(job.timetable, datetime.now(UTC), None)
    user = None if folder is None else run_as or job.work.owner()
    block = build_block(job, find_program(), at, user=user)
    if dry_run:
        typer.echo(block, nl=False)
    elif folder is not None:
        (path,) = installed.write_units(folder, {unit_name(job.name): block})
        typer.echo(f"written 已写入: {path}")
    else:
        changed = installed.write_block(job.name, block)
        typer.echo("crontab: " + ("written 已写入" if changed else "unchanged 未变"))


def _writable(job: "Job") -> tuple[Path, ...]:
    """Folder of an SQLite file that is not in the work folder."""
    if "://" in job.database and not job.database.startswith("sqlite:"):
        return ()
    if not job.database:
        return ()
    folder = Path(job.database.removeprefix("sqlite:///")).parent
    return () if folder.is_relative_to(job.work) else (folder,)


def _is_for_system(system: bool | None) -> bool:
    return os.geteuid() == 0 if system is None else system


def _unit_folder(*, for_system: bool) -> Path:
    from agroforest.schedule import installed

    return installed.SYSTEM_UNITS if for_system else installed.user_units()


def _cron_folder(
    system: bool | None,
    folder: Path | None,
) -> Path | None:
    """Folder of files for cron; ``None`` for the crontab of whoever asks."""
    from agroforest.schedule import installed

    if folder is not None:
        return folder
    return installed.SYSTEM_CRON if system else None
