"""``agroforest redrive``: have what was set aside tried again."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agroforest.cli.options import (
    DEFAULT_WORK,
    Database,
    Json,
    WorkFolder,
    choose_database,
)

if TYPE_CHECKING:
    from agroforest.core.execution import TileQuarantine


def redrive(
    pipeline: Annotated[Path, typer.Argument(help="Pipeline definition, TOML.")],
    *,
    tiles: Annotated[
        list[str] | None,
        typer.Option("--tile", help="Only this tile; may be repeated."),
    ] = None,
    only_list: Annotated[
        bool, typer.Option("--list", help="Show what is set aside, and change nothing.")
    ] = False,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """重试被搁置的图块 · Have tiles tried again that no attempt survived.

    After three attempts that speak against its scenes a tile is set aside until new
    scenes come. The next night tries again what is redriven here.
    """
    from agroforest.core.config import read_pipeline
    from agroforest.core.errors import ConfigurationError
    from agroforest.store import open_store

    name = read_pipeline(pipeline).name
    with open_store(choose_database(work, database)) as store:
        aside = store.tries.quarantined(name)
        unknown = set(tiles or ()) - {q.tile for q in aside}
        if unknown:
            raise ConfigurationError(
                f"tile {min(unknown)}",
                f"is not set aside in {name}",
                "see which are: agroforest redrive PIPELINE.toml --list",
            )
        wanted = [q for q in aside if not tiles or q.tile in tiles]
        if not only_list:
            store.tries.redrive(name, tiles=tiles or None, now=datetime.now(UTC))
    if as_json:
        typer.echo(json.dumps([_plain(q) for q in wanted], ensure_ascii=False))
        return
    for one in wanted:
        typer.echo(_line(one))
    if not wanted:
        typer.echo(f"{name}: 没有被搁置的图块 · nothing is set aside")
    elif not only_list:
        typer.echo("下一次运行时重试 · tried again by the next night")


def _plain(one: "TileQuarantine") -> dict[str, object]:
    return {
        "pipeline": one.pipeline,
        "tile": one.tile,
        "kind": one.kind,
        "inputs": one.inputs,
        "night": one.night.isoformat(),
        "attempts": one.attempts,
        "reason": one.reason,
        "since": one.since.isoformat(),
    }


def _line(one: "TileQuarantine") -> str:
    return (
        f"{one.tile}  {one.kind}  {one.night}  "
        f"{one.attempts} 次 · attempts: {one.reason}"
    )
