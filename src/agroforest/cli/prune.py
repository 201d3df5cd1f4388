"""``agroforest prune``: years of nights on a disk that does not grow."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from agroforest.cli.options import (
    DEFAULT_WORK,
    Database,
    WorkFolder,
    choose_database,
)


def prune(
    *,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    keep_days: Annotated[
        int,
        typer.Option(
            "--keep-days", min=1, help="Days before each pipeline's last night."
        ),
    ] = 400,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would go.")
    ] = False,
) -> None:
    """Remove rasters, reports and maps of old nights that nobody reads again.

    The database keeps every alert, case and night. What an open case rests on stays,
    and so do the newest sixty nights with scenes.
    """
    from agroforest.keep.prune import prune as remove

    done = remove(
        work,
        choose_database(work, database),
        keep_days=keep_days,
        dry_run=dry_run,
        now=datetime.now(UTC),
    )
    verb = "将删除 would remove" if dry_run else "已删除 removed"
    typer.echo(
        f"{verb} {len(done.files)} 个文件 files, {done.size / 1e6:.1f} MB; "
        f"保留 kept {done.kept_bytes / 1e6:.1f} MB"
    )
    for name, size in sorted(done.year_bytes.items()):
        typer.echo(f"  {name}: 近一年 the last year took {size / 1e6:.1f} MB")
