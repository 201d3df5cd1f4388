"""``agroforest demo``: the whole loop on a simulated district."""

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agroforest.cli.demo_serve import serve_morning
from agroforest.cli.options import Json, WorkFolder, shown
from agroforest.cli.progress import Bar

if TYPE_CHECKING:
    from socket import socket

    from agroforest.testing.demo import Demonstration

_DEFAULT = Path("work") / "demo"
_SOME_TILES_FAILED = 3
_WIDE = 150
#: Where the world of `--serve` is: it has more to be found, and is another.
_DESK = "desk"
_HOST = "127.0.0.1"


def demo(
    *,
    work: WorkFolder = _DEFAULT,
    nights: Annotated[
        int | None,
        typer.Option(min=1, help="How many of the last nights; all by default."),
    ] = None,
    serve: Annotated[
        bool, typer.Option(help="Then open the review desk, until Ctrl-C. · 打开研判台")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the desk; 0 takes a free one.")
    ] = 8000,
    as_json: Json = False,
) -> None:
    """Simulate a district in Guangxi, watch it, and print found against planted.

    A dieback, a clear-cut, a drought and faulty probes are planted at known
    places. Nothing here was ever seen by a satellite. The same call gives the
    same result.

    With --serve more is planted, and the desk opens on the morning after: alerts,
    evidence, verdicts, messages in a mailbox on this machine, a bulletin a county.
    """
    from agroforest.testing.demo import run_demonstration

    with ExitStack() as opened:
        # Before the minutes of work, not after them: the port may be taken.
        door = opened.enter_context(_open_door(port)) if serve else None
        if serve:
            work = work / _DESK
        with Bar() as bar:
            done = run_demonstration(work, nights=nights, more=serve, progress=bar)
        if as_json:
            typer.echo(json.dumps(_plain(done), ensure_ascii=False))
        else:
            _print(done)
        if door is not None:
            serve_morning(work, done.world, door, as_json=as_json)
    if done.failed:
        raise typer.Exit(_SOME_TILES_FAILED)


def _open_door(port: int) -> "socket":
    from agroforest.core.errors import ConfigurationError

    try:
        from agroforest.testing import morning  # noqa: F401  whether all is installed
        from agroforest.web.serve import open_socket
    except ImportError as error:
        raise ConfigurationError(
            "demo --serve",
            f"needs {error.name}",
            "install it: pip install 'agroforest[web,notify,bulletin,demo]'",
        ) from error
    return open_socket(_HOST, port)


def _print(done: "Demonstration") -> None:
    from rich.console import Console
    from rich.table import Table

    from agroforest.testing.table import HEADER, summary, to_rows

    table = Table(title="模拟数据 · simulated data: planted against found")
    for name in HEADER:
        table.add_column(name, overflow="fold")
    for row in to_rows(done.score):
        table.add_row(*row)
    # Nobody folds a file: only a terminal has a width.
    Console(width=None if sys.stdout.isatty() else _WIDE).print(table)
    typer.echo(summary(done.score))
    typer.echo(f"{done.nights} nights, the last on {done.last.night}")
    if done.last.map:
        typer.echo(f"map     {shown(done.last.map)}")
        report = done.last.map.parents[1] / "reports" / f"{done.last.night}.html"
        typer.echo(f"report  {shown(report)}")


def _plain(done: "Demonstration") -> dict[str, object]:
    from agroforest.testing.table import HEADER, to_rows

    return {
        "nights": done.nights,
        "failed": done.failed,
        "refused": done.refused,
        "recall": done.score.recall,
        "false_alerts": list(done.score.false_alerts),
        "watched_ha": done.score.watched_ha,
        "planted": [dict(zip(HEADER, row, strict=True)) for row in to_rows(done.score)],
        "map": str(done.last.map) if done.last.map else None,
    }
