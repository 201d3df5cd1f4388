"""``agroforest fire hotspots``: detections of satellites as events with a place."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agroforest.cli.options import Json, shown

if TYPE_CHECKING:
    from agroforest.hotspots.survey import HotspotReport, HotspotRequest

_SHOWN = 5  # refused rows named one by one; the rest is counted


def hotspots(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FIRMS.csv...", help="CSV files of FIRMS."),
    ] = None,
    *,
    out: Annotated[Path, typer.Option(help="Folder to write.", file_okay=False)],
    scene: Annotated[
        list[Path] | None,
        typer.Option(
            help="Sentinel-2 L1C or Landsat L1 folder to look for fire in; repeatable."
        ),
    ] = None,
    boundaries: Annotated[
        Path | None, typer.Option(help="Polygons of counties.")
    ] = None,
    townships: Annotated[Path | None, typer.Option(help="Polygons of towns.")] = None,
    reference: Annotated[
        Path | None,
        typer.Option(help="Polygons known to be in WGS 84, to compare those with."),
    ] = None,
    datum: Annotated[
        str | None,
        typer.Option(help="Of counties and towns: wgs84, or gcj02 to undo the shift."),
    ] = None,
    land_cover: Annotated[
        Path | None,
        typer.Option(help="ESA WorldCover GeoTIFF, or polygons with crop or species."),
    ] = None,
    static: Annotated[
        Path | None,
        typer.Option(help="Mask of static heat sources; learned unless given."),
    ] = None,
    fetch: Annotated[
        list[str] | None,
        typer.Option(help="Product to fetch from FIRMS, such as VIIRS_SNPP_NRT."),
    ] = None,
    area: Annotated[
        str | None, typer.Option(help="WEST,SOUTH,EAST,NORTH in degrees, to fetch.")
    ] = None,
    days: Annotated[int, typer.Option(help="Days to fetch, 1 to 5.")] = 1,
    now: Annotated[
        str | None, typer.Option(help="Count ages to this time (ISO 8601, UTC).")
    ] = None,
    gap_hours: Annotated[
        float, typer.Option(min=24, max=48, help="An event may go unseen this long.")
    ] = 36.0,
    utc_offset: Annotated[
        float, typer.Option(min=-12, max=14, help="Hours, of the local times.")
    ] = 8.0,
    as_json: Json = False,
) -> None:
    """火点聚类、归属与核查清单 · Group hotspots into events and say where they are.

    Writes hotspots.html (a map that needs no network), events.geojson, events.csv,
    detections.csv (which can be given again beside the next file) and
    static_sources.geojson (which can be edited and given as --static).
    A hotspot is heat seen from space, not a confirmed fire. Images (--scene) show fires
    too small for FIRMS, on the day of the image: they are no alarm system.
    """
    from agroforest.cli.fire_hotspots_page import write_page
    from agroforest.hotspots.firms_api import fetch_tables
    from agroforest.hotspots.survey import HotspotRequest, survey_hotspots

    request = HotspotRequest(
        files=tuple(files or ()),
        tables=fetch_tables(fetch or (), area=area, days=days),
        out=out,
        now=_moment(now),
        boundaries=boundaries,
        townships=townships,
        reference=reference,
        datum=read_datum(datum),
        land_cover=land_cover,
        static=static,
        gap_hours=gap_hours,
        utc_offset_hours=utc_offset,
    )
    if scene:
        request = _add_scenes(request, scene)
    survey = survey_hotspots(request)
    page = write_page(survey, request)
    report = replace(survey.report, files=(*survey.report.files, page))
    _complain(report)
    if as_json:
        typer.echo(json.dumps(_plain(report), ensure_ascii=False))
        return
    crops = report.crop_burning
    typer.echo(
        f"{report.detections} detections, {report.events} events: "
        f"{report.burning} burning, {report.static} on {report.sources} static sources"
        + (f", {crops} suspected crop burning" if crops is not None else "")
        + (f", {report.outside} outside" if report.outside is not None else "")
        + f"; {len(report.refused)} rows refused, {len(report.repeated)} repeated"
        + f" -> {', '.join(map(shown, report.files))}"
    )


def _add_scenes(request: "HotspotRequest", paths: list[Path]) -> "HotspotRequest":
    from agroforest.cli.fire_hotspots_page import IMAGES
    from agroforest.cli.progress import Bar
    from agroforest.products.active_fire import read_fires

    with Bar() as bar:
        feed = read_fires(paths, progress=bar.reached)
    return replace(
        request,
        tables=(*request.tables, *feed.tables),
        notes=(*feed.notes, IMAGES.en) if feed.tables else (),
        unreadable=feed.unreadable,
    )


def _moment(text: str | None) -> datetime:
    from agroforest.core.errors import ConfigurationError

    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            "--now", f"'{text}' is no time", "write 2024-03-01T06:00"
        ) from None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def read_datum(text: str | None) -> Any:  # noqa: ANN401  imported late
    """Read the word a user gives for what the coordinates of a layer are."""
    from agroforest.core.errors import ConfigurationError
    from agroforest.hotspots.datum import Datum

    if text is None:
        return None
    known = {"wgs84": Datum.WGS84, "gcj02": Datum.GCJ02}
    wanted = text.casefold().replace("-", "")
    if wanted not in known:
        raise ConfigurationError(
            "--datum", f"'{text}' is unknown", "use wgs84 or gcj02"
        )
    return known[wanted]


def _complain(report: "HotspotReport") -> None:
    for line in report.unreadable:
        typer.echo(f"refused  {line}", err=True)
    for rows, word in ((report.refused, "refused"), (report.repeated, "left out")):
        for row in rows[:_SHOWN]:
            typer.echo(f"{row.file}: line {row.line}: {row.reason}", err=True)
        if len(rows) > _SHOWN:
            typer.echo(f"{len(rows) - _SHOWN} more rows {word}", err=True)
    for note in report.notes:
        typer.echo(f"note: {note}", err=True)


def _plain(report: "HotspotReport") -> dict[str, Any]:
    from dataclasses import asdict

    plain = asdict(report)
    return plain | {
        "refused": [asdict(row) for row in report.refused],
        "refused_count": len(report.refused),
        "repeated": len(report.repeated),
        "files": [str(file) for file in report.files],
    }


def climatology(
    files: Annotated[
        list[Path], typer.Argument(metavar="FIRMS.csv...", help="CSV files of FIRMS.")
    ],
    *,
    boundaries: Annotated[Path, typer.Option(help="Polygons of the area.")],
    out: Annotated[Path, typer.Option(help="GeoTIFF to write.", dir_okay=False)],
    covered: Annotated[
        Path | None,
        typer.Option(
            help="CSV of the UTC dates that were observed completely; "
            "every day from first to last unless given."
        ),
    ] = None,
    datum: Annotated[
        str | None,
        typer.Option(help="Of the polygons: wgs84, or gcj02 to undo the shift."),
    ] = None,
    static: Annotated[
        Path | None,
        typer.Option(help="Mask of static heat sources; learned unless given."),
    ] = None,
    cell: Annotated[
        float, typer.Option(min=0.005, max=1, help="Side of a cell, degrees.")
    ] = 0.05,
    as_json: Json = False,
) -> None:
    """火点气候态与检验 · Learn where and when hotspots are usual, and measure it.

    The figures are of fully covered days that the model has not seen: the day itself,
    the week around it, or its whole year left out. All cells count, burning or not.
    """
    from agroforest.hotspots.training import ClimatologyRequest, write_trained

    report = write_trained(
        ClimatologyRequest(
            files=tuple(files),
            covered=covered,
            boundaries=boundaries,
            datum=read_datum(datum),
            static=static,
            step=cell,
            out=out,
        )
    )
    if as_json:
        from dataclasses import asdict

        plain = asdict(report) | {"file": str(report.file)}
        typer.echo(json.dumps(plain, ensure_ascii=False))
        return
    typer.echo(
        f"{report.detections} detections on {report.days} days, {report.covered} of "
        f"them covered fully; {report.static} on static sources and {report.refused} "
        f"rows left out -> {shown(report.file)}"
    )
    for hidden, models in report.skill.items():
        for name, skill in models.items():
            auroc, top = skill.auroc, skill.top_share
            typer.echo(
                f"{hidden:5} hidden  {name:11}  AUROC {auroc.value:.3f} "
                f"({auroc.low:.3f} to {auroc.high:.3f})  in the top 5 % of cells "
                f"{top.value:.1%} ({top.low:.1%} to {top.high:.1%})"
            )
