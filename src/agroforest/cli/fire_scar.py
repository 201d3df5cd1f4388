"""``agroforest fire scar``: what burned, from an image after the fire."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agroforest.cli.fire_hotspots import read_datum
from agroforest.cli.options import DEFAULT_WORK, Json, WorkFolder, shown
from agroforest.cli.progress import Bar

if TYPE_CHECKING:
    from agroforest.fire.scar import ScarMap

_DAY = ["%Y-%m-%d"]
_File = Path | None
_CACHE_BYTES = 20_000_000_000  # of decoded JPEG 2000, as `agroforest index` keeps


def scar(
    post: Annotated[
        Path,
        typer.Argument(
            metavar="POST",
            help="Image after the fire: a STAC item, a product folder, a folder of "
            "GeoTIFFs named by band, or one GeoTIFF with B02, B03, B04, B08, B12.",
        ),
    ],
    *,
    out: Annotated[Path, typer.Option(help="Folder to write.", file_okay=False)],
    pre: Annotated[
        _File, typer.Option(help="Image before it; without one no severity.")
    ] = None,
    hotspots: Annotated[
        _File, typer.Option(help="events.geojson of `agroforest fire hotspots`.")
    ] = None,
    hotspot_days: Annotated[
        int, typer.Option(min=1, help="Days before POST in which a hotspot counts.")
    ] = 15,
    compartments: Annotated[
        _File, typer.Option(help="Polygons by which areas are given.")
    ] = None,
    counties: Annotated[_File, typer.Option(help="The same, of counties.")] = None,
    datum: Annotated[
        str | None,
        typer.Option(help="Of those: wgs84, or gcj02 to undo the shift."),
    ] = None,
    bands: Annotated[
        str | None,
        typer.Option(
            help="Of one GeoTIFF: its bands, such as TCI_R,TCI_G,TCI_B,B8,B12."
        ),
    ] = None,
    post_date: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="Of POST, if it is not told.")
    ] = None,
    pre_date: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="Of PRE, if it is not told.")
    ] = None,
    min_ha: Annotated[
        float, typer.Option(min=0, help="Smaller scars are left out, hectares.")
    ] = 1.0,
    hole_ha: Annotated[
        float, typer.Option(min=0, help="Smaller holes are filled, hectares.")
    ] = 3.0,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Probability; that of the model's card."),
    ] = None,
    model: Annotated[_File, typer.Option(help="Folder of the model.")] = None,
    exact: Annotated[
        bool,
        typer.Option("--exact", help="Ask all members of every pixel: much slower."),
    ] = False,
    work: WorkFolder = DEFAULT_WORK,
    as_json: Json = False,
) -> None:
    """火烧迹地、烧毁程度与面积 · Map what burned: outlines, severity, areas.

    Writes probability.tif, scars.geojson, scars.csv and scars.html; with --pre also
    severity.tif and severity_rbr.tif; with polygons also areas.csv. A scar with
    neither a hotspot nor char is kept and marked "harvest?". See docs/fire-scars.md.
    """
    from agroforest.cli.fire_scar_page import build
    from agroforest.core.files import write_text
    from agroforest.cube import Access, DecodedCache
    from agroforest.fire.scar import ScarRequest, map_scars
    from agroforest.fire.scar_outputs import describe, write_scars

    request = ScarRequest(
        post=post,
        pre=pre,
        bands=tuple(bands.split(",")) if bands else (),
        post_day=_date(post_date),
        pre_day=_date(pre_date),
        hotspots=hotspots,
        hotspot_days=hotspot_days,
        compartments=compartments,
        counties=counties,
        datum=read_datum(datum),
        min_ha=min_ha,
        hole_ha=hole_ha,
        threshold=threshold,
        model=model,
        exact=exact,
    )
    cache = DecodedCache(root=work / "decoded", max_bytes=_CACHE_BYTES, workers=2)
    with Bar() as bar:
        found = map_scars(
            request,
            access=Access(cache=cache),
            progress=lambda share, note: bar.reached(round(share * 100), 100, note),
        )
    files = list(write_scars(out, found))
    page = build(found)
    if page is not None:
        files.append(out / "scars.html")
        write_text(files[-1], page)
    else:
        (out / "scars.html").unlink(missing_ok=True)  # of an earlier run
        typer.echo("note: no page without a date; pass --post-date", err=True)
    for note in dict.fromkeys(found.notes):
        typer.echo(f"note: {note}", err=True)
    if as_json:
        rows = [describe(one, found) for one in found.scars]
        typer.echo(_json(found, rows, files))
        return
    fires = [one for one in found.scars if one.evidence.fire]
    hectares = sum(one.outline.area_ha for one in fires)
    typer.echo(
        f"{len(fires)} scars, {hectares:.1f} ha ({hectares * 15:.0f} mu); "
        f"{len(found.scars) - len(fires)} marked harvest? "
        f"-> {', '.join(map(shown, files))}"
    )


def _date(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _json(found: "ScarMap", rows: list[dict[str, Any]], files: list[Path]) -> str:
    from agroforest.fire.scar_outputs import norm_unknown

    return json.dumps(
        {
            "model": f"{found.model} {found.version}",
            "threshold": found.threshold,
            "scars": [norm_unknown(row) for row in rows],
            "files": [str(file) for file in files],
            "notes": list(dict.fromkeys(found.notes)),
        },
        ensure_ascii=False,
        allow_nan=False,
    )
