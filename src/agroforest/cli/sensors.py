"""``agroforest sensors``: what the probes in the soil report."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agroforest.cli import sensor_status, sensors_check, sensors_decode
from agroforest.cli.options import (
    DEFAULT_WORK,
    Database,
    Json,
    WorkFolder,
    choose_database,
)
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
    calibrations: Annotated[
        Path | None,
        typer.Option(help="TOML of curves; readings are judged by what they give."),
    ] = None,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """Read sensor files, flag doubtful readings, and keep them all.

    Exact duplicates are ignored. Times without a zone are refused unless the
    mapping names one. Numbers are stored as the probes reported them; with
    calibrations they are judged by the calibrated ones. Frost and rises without rain
    are judged by temperatures and rain of the same file.
    """
    from agroforest.core.errors import AgroforestError, NoInputError
    from agroforest.nightly.intake import Intake, import_file
    from agroforest.sensors import read_calibrations
    from agroforest.store import open_store

    curves = () if calibrations is None else read_calibrations(calibrations)
    done: list[Intake] = []
    with Bar() as bar, open_store(choose_database(work, database)) as store:
        bar.begin("sensor files", len(files))
        for path in files:
            try:
                done.append(
                    import_file(path, mapping=mapping, store=store, calibrations=curves)
                )
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
            _tell(one, calibrations)
    if not done:
        raise NoInputError(
            ", ".join(map(str, files)), "no usable file", "see the lines above"
        )


def _tell(one: "Intake", calibrations: Path | None) -> None:
    typer.echo(
        f"{one.file}: {one.format}, {one.sensors} sensors, {one.added} added, "
        f"{one.known} known, {one.conflicts} in conflict, "
        f"{one.flagged} flagged, {len(one.refused)} rows refused"
    )
    if one.calibrated:
        typer.echo(
            f"  标定 calibrated: {one.calibrated} 个读数按标定值判断，按原值存储 "
            "readings judged by calibrated values, stored as reported"
        )
    else:
        typer.echo(
            "  未标定 not calibrated: "
            + (
                "未给出 --calibrations was not given"
                if calibrations is None
                else f"{calibrations} 中没有相应曲线 has no curve that holds"
            )
        )
    for code, count in one.codes.items():
        typer.echo(f"  {code} {count}")
    reasons: dict[str, list[str]] = {}
    for code, why in one.not_judged.items():
        reasons.setdefault(why, []).append(code)
    for why, codes in reasons.items():
        typer.echo(f"  {' '.join(codes)} 未判断 not judged: 缺 needs {why}")


def _plain(one: "Intake") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(one) | {"file": str(one.file)}
