"""``agroforest demo``: the whole loop on a simulated district."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agroforest.cli.options import Json, WorkFolder, shown
from agroforest.cli.progress import Bar

if TYPE_CHECKING:
    from agroforest.testing.demo import Demonstration

_DEFAULT = Path("work") / "demo"
_SOME_TILES_FAILED = 3
_WIDE = 150


def demo(
    *,
    work: WorkFolder = _DEFAULT,
    nights: Annotated[
        int | None,
        typer.Option(min=1, help="How many of the last nights; all by default."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Simulate a district in Guangxi, watch it, and print found against planted.

    A dieback, a clear-cut, a drought and faulty probes are planted at known
    places. Nothing here was ever seen by a satellite. The same call gives the
    same result.
    """
    from agroforest.testing.demo import run_demonstration

    with Bar() as bar:
        done = run_demonstration(work, nights=nights, progress=bar)
    if as_json:
        typer.echo(json.dumps(_plain(done), ensure_ascii=False))
    else:
        _print(done)
    if done.failed:
        raise typer.Exit(_SOME_TILES_FAILED)


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
