"""From options to what is to be done every night."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from agroforest.schedule.job import Job

At = Annotated[
    str, typer.Option("--at", metavar="HH:MM", help="When nights begin. · 每天几点")
]
Zone = Annotated[str, typer.Option("--zone", help="Time zone of --at.")]
Incoming = Annotated[
    Path | None,
    typer.Option(
        file_okay=False, help="Folder whose scenes are added before each night."
    ),
]
DEFAULT_AT = "02:00"
DEFAULT_ZONE = "Asia/Shanghai"


def find_program() -> tuple[str, ...]:
    """First words of every command: this very installation, by absolute paths."""
    program = Path(sys.prefix) / "bin" / "agroforest"
    if program.is_file():
        return (str(program),)
    return (sys.executable, "-m", "agroforest")


def build_job(
    pipeline: Path,
    *,
    at: str,
    zone: str,
    incoming: Path | None,
    work: Path,
    database: str,
) -> "Job":
    """Build the job of a pipeline; every path in it is absolute.

    Raises
    ------
    ConfigurationError
        The pipeline, the time or the zone is wrong, the work folder or that of
        incoming scenes is missing, or the database's URL holds a password.
    """
    from agroforest.core.config import read_pipeline
    from agroforest.core.errors import ConfigurationError
    from agroforest.schedule.job import Job
    from agroforest.schedule.timetable import parse_timetable

    settings = read_pipeline(pipeline)
    timetable = parse_timetable(at, zone)
    for folder in (work, incoming):
        if folder is not None and not folder.is_dir():
            raise ConfigurationError(folder, "is no folder", "make it first: mkdir -p")
    return Job(
        name=settings.name,
        pipeline=pipeline.absolute(),
        work=work.absolute(),
        timetable=timetable,
        database=_norm_database(database),
        incoming=None if incoming is None else incoming.absolute(),
    )


def _norm_database(database: str) -> str:
    """Database as it is named from everywhere, without secrets."""
    from urllib.parse import urlsplit

    from agroforest.core.errors import ConfigurationError

    if not database or database.startswith("sqlite:////"):
        return database
    if database.startswith("sqlite:///"):
        return f"sqlite:///{Path(database.removeprefix('sqlite:///')).absolute()}"
    if "://" not in database:
        return str(Path(database).absolute())
    try:
        secret = urlsplit(database).password
    except ValueError:
        secret = None
    if secret:
        raise ConfigurationError(
            "--database",
            "holds a password, which everybody could read in the unit or crontab",
            "put it into ~/.pgpass of the user who runs the nights",
        )
    return database
