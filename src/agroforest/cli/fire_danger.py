"""``agroforest fire danger``: where it could burn today and on the days forecast."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agroforest.cli.options import Json, shown
from agroforest.cli.progress import Bar

if TYPE_CHECKING:
    from agroforest.fire.danger import Danger, DangerRequest, Scene

_DAY = ["%Y-%m-%d"]
_File = Path | None


def danger(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="WEATHER",
            help="As for `agroforest fire weather`: a CSV of stations at noon, or "
            "NetCDF or Zarr of a grid, with the days before the one asked.",
        ),
    ],
    *,
    aoi: Annotated[Path, typer.Option(help="Polygons of the area.")],
    out: Annotated[Path, typer.Option(help="Folder to write.", file_okay=False)],
    day: Annotated[
        datetime | None,
        typer.Option(
            "--date", formats=_DAY, help="The last day that happened, if not given."
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=_DAY, help="Last day; the forecast days of WEATHER, if not given."
        ),
    ] = None,
    cell: Annotated[
        float, typer.Option(min=100, max=50_000, help="Side of a cell, metres.")
    ] = 1000.0,
    history: Annotated[
        _File,
        typer.Option(
            help="Weather of five years or more, for the place's own classes; WEATHER "
            "itself if not given."
        ),
    ] = None,
    climatology: Annotated[
        _File, typer.Option(help="GeoTIFF of `agroforest fire climatology`.")
    ] = None,
    terrain: Annotated[_File, typer.Option(help="Terrain model, metres.")] = None,
    ndmi: Annotated[
        list[Path] | None,
        typer.Option(
            help="NDMI map with its day in its name, as `agroforest index` writes; may "
            "be repeated. Earlier years give the normal."
        ),
    ] = None,
    fuel_moisture: Annotated[
        _File,
        typer.Option(
            help="GeoTIFF in %, or a folder with inputs of the fuel-moisture model."
        ),
    ] = None,
    roads: Annotated[_File, typer.Option(help="Roads, vector layer.")] = None,
    settlements: Annotated[_File, typer.Option(help="Settlements, vector.")] = None,
    counties: Annotated[
        _File, typer.Option(help="Polygons of counties, to sum up by.")
    ] = None,
    datum: Annotated[
        str | None,
        typer.Option(help="Of the counties: wgs84, or gcj02 to undo the shift."),
    ] = None,
    htz: Annotated[
        _File, typer.Option(help="TOML of the tables of LY/T 1172-95, docs/fire.md.")
    ] = None,
    ground: Annotated[
        str, typer.Option(help="State of the ground, as in those tables.")
    ] = "",
    mapping: Annotated[
        _File, typer.Option(help="TOML that says what the columns mean; docs/fire.md.")
    ] = None,
    maker: Annotated[
        str | None,
        typer.Option("--source", help="Who made a grid of several times a day."),
    ] = None,
    utc_offset: Annotated[
        float | None, typer.Option(min=-12, max=14, help="Of a grid's noon.")
    ] = None,
    forecast_from: Annotated[
        datetime | None,
        typer.Option(formats=_DAY, help="First day that had not happened."),
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option(
            "--model",
            help="Folder of a model trained on hotspots, docs/fire-danger.md.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """森林火险等级与驱动因子 · Rank fire danger and list what drives it.

    Writes danger_DATE.tif (rank 1 to 5 and probability), drivers_DATE.tif,
    danger.json (hectares and mu by county and compartment) and danger.html, a map.
    The rank is an untrained combination of published classes; the probability is NaN
    without a model trained on hotspots. What is missing is listed as missing.
    """
    from agroforest.cli.fire_hotspots import read_datum
    from agroforest.fire.assemble import Layers
    from agroforest.fire.danger import DangerRequest
    from agroforest.fire.weather_on_cells import WeatherFile

    file = WeatherFile(
        path=source,
        mapping=mapping,
        source=maker,
        utc_offset=utc_offset,
        forecast_from=_date(forecast_from),
    )
    request = DangerRequest(
        weather=file,
        aoi=aoi,
        history=None if history is None else file.patch(path=history),
        day=_date(day),
        until=_date(until),
        side=cell,
        layers=Layers(
            terrain=terrain,
            ndmi=tuple(ndmi or ()),
            fuel_moisture=fuel_moisture,
            climatology=climatology,
            roads=roads,
            settlements=settlements,
        ),
        counties=counties,
        datum=read_datum(datum),
        htz=htz,
        ground=ground,
    )
    scene, days, notes = _judge(request, models)
    summary = _write(out, scene, days, notes)
    for note in notes:
        typer.echo(f"note: {note}", err=True)
    if as_json:
        typer.echo(json.dumps(summary, ensure_ascii=False))
        return
    for one in days:
        typer.echo(_line(one))
    missing = ", ".join(str(d.name) for d in days[-1].drivers if d.missing)
    typer.echo(f"缺少 missing: {missing or '-'}")
    typer.echo(f"等级 rank: {summary['rank_by']}")
    typer.echo(f"概率 probability: {summary['probability_by']} -> {shown(out)}")


def _date(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _judge(
    request: "DangerRequest", models: Path | None
) -> "tuple[Scene, list[Danger], list[str]]":
    from agroforest.fire.danger import explain, judge, prepare

    with Bar() as bar:
        scene = prepare(request)
        if models is None:
            days = list(judge(scene, progress=bar.reached))
        else:
            from agroforest.fire.forecast import judge_trained

            days = list(judge_trained(scene, models, progress=bar.reached))
    return scene, days, [*scene.notes, *explain(days, scene.cells)]


def _write(
    out: Path, scene: "Scene", days: "list[Danger]", notes: list[str]
) -> dict[str, object]:
    from agroforest.cli.fire_danger_page import build
    from agroforest.core.files import write_text
    from agroforest.fire.outputs import summarise, write_day, write_summary

    files = [path for one in days for path in write_day(out, one, scene.cells)]
    page = out / "danger.html"
    write_text(page, build(scene, days))
    summary = summarise(days, scene, notes)
    summary["files"] = [str(path) for path in (*files, page, out / "danger.json")]
    write_summary(out / "danger.json", summary)
    return summary


def _line(danger: "Danger") -> str:
    """One day in a line: hectares of each rank in the whole area."""
    whole = danger.totals[0]
    ranks = "  ".join(f"{n}: {ha:,.0f} ha" for n, ha in enumerate(whole.ha, start=1))
    coming = " 预报 forecast" if danger.forecast else ""
    unknown = f"未知 unknown {whole.unknown_ha:,.0f} ha"
    return f"{danger.day}{coming}  等级 rank {ranks}  {unknown}"
