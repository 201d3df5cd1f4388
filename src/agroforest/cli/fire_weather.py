"""``agroforest fire weather``: moisture codes and fire weather indices day by day."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agroforest.cli.options import Json, shown

if TYPE_CHECKING:
    from agroforest.products.fire_weather import FireWeatherReport

_SHOWN = 5  # rows set aside named one by one; the rest is counted


def weather(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="WEATHER",
            help="CSV with date,temp,rh,wind,prec at noon (°C, %, km/h, mm since the "
            "day before); or NetCDF or Zarr of a grid.",
        ),
    ],
    *,
    out: Annotated[
        Path,
        typer.Option(help="CSV to write; NetCDF for a grid.", dir_okay=False),
    ],
    lat: Annotated[
        float | None,
        typer.Option(min=-90, max=90, help="Degrees north, unless the table has lat."),
    ] = None,
    ffmc0: Annotated[float, typer.Option(help="FFMC of the day before.")] = 85.0,
    dmc0: Annotated[float, typer.Option(help="DMC of the day before.")] = 6.0,
    dc0: Annotated[float, typer.Option(help="DC of the day before.")] = 15.0,
    ffmc_scale: Annotated[
        str,
        typer.Option(
            help="Constant of the FFMC scale: 147.2 as published, or 147.27723 as in "
            "newer releases of cffdrs."
        ),
    ] = "147.2",
    day_length: Annotated[
        str, typer.Option(help="Day lengths by latitude: cffdrs, or gfwed (xclim).")
    ] = "cffdrs",
    mapping: Annotated[
        Path | None,
        typer.Option(help="TOML that says what the columns mean; docs/fire.md."),
    ] = None,
    station: Annotated[
        str | None, typer.Option(help="Id, where the table has several.")
    ] = None,
    maker: Annotated[
        str | None,
        typer.Option(
            "--source",
            help="Who made a grid of several times a day: era5-land, era5, gfs, "
            "ecmwf-forecast, cma.",
        ),
    ] = None,
    utc_offset: Annotated[
        float | None,
        typer.Option(
            min=-12, max=14, help="Of a grid's noon; by longitude if not given."
        ),
    ] = None,
    forecast_from: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="First day that had not happened."),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(help="File of codes: go on with them, and keep the new ones."),
    ] = None,
    restart_after: Annotated[
        int | None,
        typer.Option(min=1, help="Days of a gap after which the codes begin again."),
    ] = None,
    climate: Annotated[
        Path | None,
        typer.Option(
            help="Table of this command over five years or more of the same place: "
            "adds the local class, 1 to 5."
        ),
    ] = None,
    extended: Annotated[
        bool, typer.Option("--extended", help="Add dsr, vpd_kpa, missed, forecast.")
    ] = False,
    as_json: Json = False,
) -> None:
    """火险天气指数 · Fire weather indices (FFMC, DMC, DC, ISI, BUI, FWI) day by day.

    One row is written for each day that has sound weather: date, ffmc, dmc, dc, isi,
    bui, fwi. A row that cannot be (humidity above 100 or a fraction, kelvin, negative
    rain, a missing number, a date twice) is set aside, named and counted. Codes are
    carried over days without weather, and the gaps are named.
    """
    from agroforest.indices.fire_weather import Method, StartUp
    from agroforest.products.fire_weather import FireWeatherRequest, write_fire_weather

    report = write_fire_weather(
        FireWeatherRequest(
            weather=source,
            out=out,
            latitude=lat,
            start_up=StartUp(ffmc=ffmc0, dmc=dmc0, dc=dc0),
            method=Method(scale=_read_scale(ffmc_scale), day_length=day_length),
            mapping=mapping,
            station=station,
            source=maker,
            utc_offset=utc_offset,
            forecast_from=_day(forecast_from),
            state=state,
            restart_after=restart_after,
            climate=climate,
            extended=extended,
            threads=2,
        )
    )
    _tell(report)
    if as_json:
        typer.echo(json.dumps(report.plain(), ensure_ascii=False))
    else:
        typer.echo(_summarise(report))


def _read_scale(text: str) -> float:
    from agroforest.core.errors import ConfigurationError
    from agroforest.indices.fire_weather import EXACT_SCALE, PUBLISHED_SCALE

    known = {f"{PUBLISHED_SCALE:g}": PUBLISHED_SCALE, f"{EXACT_SCALE:.5f}": EXACT_SCALE}
    if text not in known:
        raise ConfigurationError(
            "--ffmc-scale", f"{text!r} is not known", f"use {' or '.join(known)}"
        )
    return known[text]


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _tell(report: "FireWeatherReport") -> None:
    """Say on standard error what was set aside and what looks odd."""
    for row in report.refused[:_SHOWN]:
        typer.echo(f"{report.place}: line {row.line}: {row.reason}", err=True)
    if len(report.refused) > _SHOWN:
        rest = len(report.refused) - _SHOWN
        typer.echo(f"{report.place}: {rest} more rows set aside", err=True)
    for problem, count in report.bad.items():
        typer.echo(f"{report.place}: {problem}: {count} times", err=True)
    for note in report.notes:
        typer.echo(f"note: {note}", err=True)


def _summarise(report: "FireWeatherReport") -> str:
    carried = f"{report.missed} days without weather, over which codes were carried"
    if report.restarts:
        carried += f", begun again {len(report.restarts)} times"
    return (
        f"{report.place}: {report.days} days ({report.forecast_days} forecast), "
        f"{report.first} to {report.last}, {report.set_aside} set aside, {carried}; "
        f"FFMC scale {report.ffmc_scale:.7g} -> {shown(Path(report.out))}"
    )
