"""``agroforest backup``: everything that nights and people made, in one file."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from agroforest.cli.options import (
    DEFAULT_WORK,
    Database,
    WorkFolder,
    choose_database,
    shown,
)
from agroforest.cli.progress import Bar


def backup(
    target: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.tar.zst|FOLDER",
            help="A file, or a folder where each backup gets a folder of its own.",
        ),
    ],
    *,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    pipeline: Annotated[
        list[Path] | None,
        typer.Option(
            "--pipeline",
            "-p",
            help="Definition to keep, with the files that it names. Repeatable.",
        ),
    ] = None,
    without_rasters: Annotated[
        bool,
        typer.Option(
            "--without-rasters",
            help="Leave out rasters that no night and no open case reads again.",
        ),
    ] = False,
) -> None:
    """Back up the work folder and the database while nights run and people review.

    In a folder of backups, files that did not change take no more room. Passwords of
    services are not in it: they stand in the environment or in files of their own.
    """
    from agroforest.keep.backup import Source, write_backup

    source = Source(
        work=work,
        database=choose_database(work, database),
        pipelines=tuple(pipeline or ()),
        rasters=not without_rasters,
    )
    with Bar() as bar:
        taken = write_backup(source, target, now=datetime.now(UTC), progress=bar)
    head = taken.head
    typer.echo(
        f"{shown(taken.path)}: {head.files} 个文件 files, "
        f"{head.size / 1e6:.1f} MB, schema {head.schema}"
    )
    if taken.shared:
        typer.echo(f"  与上次备份相同 unchanged since the last backup: {taken.shared}")
    for name, night in sorted(head.nights.items()):
        typer.echo(f"  {name}: 截至 up to {night}")
    for note in head.notes:
        typer.echo(f"  未备份 {note}", err=True)
