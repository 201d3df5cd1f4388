"""``agroforest restore``: a backup becomes a work folder again."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from agroforest.cli.options import DEFAULT_WORK, Database, WorkFolder, shown
from agroforest.cli.progress import Bar


def restore(
    backup: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.tar.zst|FOLDER",
            help="What agroforest backup wrote; of a folder of backups the newest.",
        ),
    ],
    *,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Move a work folder that is there aside."),
    ] = False,
    drop_unsent: Annotated[
        bool,
        typer.Option(
            "--drop-unsent",
            help="Do not send what was on its way: the old machine has sent it since.",
        ),
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only check every file; restore nothing.")
    ] = False,
) -> None:
    """Restore a backup; nothing can be seen before all of it was checked.

    A database of a server must be empty. A backup of a file can be restored to a
    server, and the other way round.
    """
    from agroforest.keep import restore as keep

    with Bar() as bar:
        if check:
            head = keep.check(backup, progress=bar)
            typer.echo(
                f"{shown(backup)}: 完好 sound, {head.files} 个文件 files, "
                f"{head.created}"
            )
            return
        done = keep.restore(
            backup,
            work,
            database=database or None,
            replace=replace,
            keep_unsent=not drop_unsent,
            now=datetime.now(UTC),
            progress=bar,
        )
    typer.echo(
        f"{shown(done.work)}: 已恢复 restored {done.head.files} 个文件 files, "
        f"备份于 backed up {done.head.created}"
    )
    if done.before is not None:
        typer.echo(f"  原目录已移至 what was there is now {shown(done.before)}")
    for name, night in sorted(done.head.nights.items()):
        typer.echo(f"  {name}: 截至 up to {night}")
    if done.unsent:
        what = (
            "已丢弃 dropped"
            if drop_unsent
            else "将发送（可能已发过） will be sent, perhaps a second time"
        )
        typer.echo(f"  未发消息 messages on their way: {done.unsent}, {what}")
