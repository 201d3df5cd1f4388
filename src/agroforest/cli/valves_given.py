"""``agroforest valve given``: what valves gave, as records of irrigation."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from agroforest.cli.options import DEFAULT_WORK, Json, WorkFolder, shown
from agroforest.cli.valves_database import open_valves


def given(
    config: Annotated[Path, typer.Argument(help="TOML; see docs/valves.md.")],
    *,
    out: Annotated[
        Path | None, typer.Option(help="CSV to write.", dir_okay=False)
    ] = None,
    work: WorkFolder = DEFAULT_WORK,
    as_json: Json = False,
) -> None:
    """阀门给了多少水 · List what valves gave, as records of irrigation for the balance.

    One row a parcel and day, of openings that have ended; `irrigation` of a pipeline
    reads it.
    """
    from agroforest.core.files import write_text
    from agroforest.valves.proposals import list_given
    from agroforest.valves.settings import read_valve_settings

    settings = read_valve_settings(config)
    with open_valves(settings, config, work) as store:
        rows = list_given(store, settings, now=datetime.now(UTC))
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["地块", "日期", "立方米"])
    writer.writerows([r.parcel, r.day.isoformat(), f"{r.m3:.3f}"] for r in rows)
    if out is not None:
        write_text(out, stream.getvalue())
    if as_json:
        plain = [
            {"parcel": r.parcel, "date": r.day.isoformat(), "m3": round(r.m3, 3)}
            for r in rows
        ]
        typer.echo(json.dumps(plain, ensure_ascii=False))
    elif out is not None:
        typer.echo(f"{len(rows)} 行 rows -> {shown(out)}")
    else:
        typer.echo(stream.getvalue(), nl=False)
