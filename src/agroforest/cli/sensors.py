"""``agroforest sensors``: what the probes in the soil report."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agroforest.cli import sensor_status, sensors_check, sensors_decode
from agroforest.cli.options import DEFAULT_WORK, Json, WorkFolder
from agroforest.cli.progress import Bar

if TYPE_CHECKING:
    from agroforest.nightly.intake import Intake

app = typer.Typer(help="Readings of soil sensors. · 土壤传感器", no_args_is_help=True)
app.command(name="decode")(sensors_decode.decode)
app.command(name="check")(sensors_check.check)
app.command(name="devices")(sensors_decode.devices)
app.command(name="status")(sensor_status.status)

_SHOWN = 5  # refused rows named one by one; the rest is counted


@app.command(name="import")
def import_files(
    files: Annotated[
        list[Path], typer.Argument(help="CSV, Excel, ISMN .stm, or JSON of uplinks.")
    ],
    *,
    mapping: Annotated[
        Path | None,
        typer.Option(help="TOML that says what the columns mean; docs/sensors.md."),
    ] = None,
    work: WorkFolder = DEFAULT_WORK,
    as_json: Json = False,
) -> None:
    """Read sensor files, flag doubtful readings, and keep them all.

    Exact duplicates are ignored. Times without a zone are refused unless the
    mapping names one.
    """
    from agroforest.core.errors import AgroforestError, NoInputError
    from agroforest.nightly.intake import Intake, import_file
    from agroforest.nightly.workplace import Workplace
    from agroforest.store import open_store

    done: list[Intake] = []
    with Bar() as bar, open_store(Workplace(root=work, pipeline="").database) as store:
        bar.begin("sensor files", len(files))
        for path in files:
            try:
                done.append(import_file(path, mapping=mapping, store=store))
            except AgroforestError as error:
                typer.echo(f"refused  {error}", err=True)
            bar.advance()
    for one in done:
        for row in one.refused[:_SHOWN]:
            typer.echo(f"{one.file}: line {row.line}: {row.reason}", err=True)
        if len(one.refused) > _SHOWN:
            rest = len(one.refused) - _SHOWN
            typer.echo(f"{one.file}: {rest} more rows refused", err=True)
    if as_json:
        typer.echo(json.dumps([_plain(one) for one in done], ensure_ascii=False))
    else:
        for one in done:
            typer.echo(
                f"{one.file}: {one.format}, {one.sensors} sensors, {one.added} added, "
                f"{one.known} known, {one.conflicts} in conflict, "
                f"{one.flagged} flagged, {len(one.refused)} rows refused"
            )
    if not done:
        raise NoInputError(
            ", ".join(map(str, files)), "no usable file", "see the lines above"
        )


def _plain(one: "Intake") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(one) | {"file": str(one.file)}
