"""``agroforest zonal``: figures of rasters by parcel and by administrative unit."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agroforest.cli.options import Json, shown
from agroforest.cli.progress import Bar

if TYPE_CHECKING:
    from agroforest.products.zonal import ZonalReport


def zonal(
    rasters: Annotated[
        list[Path],
        typer.Argument(
            metavar="RASTER...", help="GeoTIFFs of one band.", dir_okay=False
        ),
    ],
    parcels: Annotated[
        Path,
        typer.Argument(
            metavar="PARCELS",
            help="Polygons: GeoPackage, GeoJSON, Shapefile, FlatGeobuf, GeoParquet.",
            dir_okay=False,
        ),
    ],
    *,
    out: Annotated[Path, typer.Option(help="Table to write: .parquet, .csv or .gpkg.")],
    stat: Annotated[
        list[str] | None,
        typer.Option(
            help="count, valid, mean, stdev, min, max or median; may be repeated. "
            "All but the median unless given."
        ),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            help="Field of the parcels that names an administrative unit; "
            "may be repeated."
        ),
    ] = None,
    units: Annotated[
        Path | None, typer.Option(help="Polygons of administrative units.")
    ] = None,
    unit_name: Annotated[
        str | None,
        typer.Option(help="Their field with the name or code, if several have text."),
    ] = None,
    id_field: Annotated[
        str | None,
        typer.Option("--id", help="Field that must differ from parcel to parcel."),
    ] = None,
    layer: Annotated[
        str | None, typer.Option(help="Layer of PARCELS, if it has several.")
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(help="Of the text of Shapefiles that do not say it, such as GBK."),
    ] = None,
    as_json: Json = False,
) -> None:
    """按地块与行政区统计 · Summarise rasters by parcel and by administrative unit.

    Pixels count by the exact share a parcel covers. Areas are those of the
    ellipsoid, in hectares and mu (15 mu are a hectare). With --by or --units a
    second table sums the parcels up by unit: a layer of the GeoPackage, or a file
    NAME_units beside the other formats. Columns: docs/zonal.md.
    """
    from agroforest.products.zonal import USUAL, ZonalRequest, write_zonal

    request = ZonalRequest(
        rasters=tuple(rasters),
        parcels=parcels,
        out=out,
        statistics=tuple(stat or USUAL),
        by=tuple(by or ()),
        units=units,
        unit_name=unit_name,
        id_field=id_field,
        layer=layer,
        encoding=encoding,
    )
    with Bar() as bar:
        report = write_zonal(request, progress=bar.reached)
    for note in report.notes:
        typer.echo(f"note: {note}", err=True)
    for old, new in report.renamed.items():
        typer.echo(f"note: the name of field '{old}' is taken: '{new}'", err=True)
    if as_json:
        typer.echo(json.dumps(_plain(report), ensure_ascii=False))
    else:
        typer.echo(
            f"{report.parcels} parcels, {report.with_pixels} with pixels, "
            f"{report.outside} outside, {report.without_polygon} without a polygon, "
            f"{report.repaired} repaired, {report.units} units "
            f"-> {', '.join(map(shown, report.files))}"
        )


def _plain(report: "ZonalReport") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(report) | {
        "files": [str(file) for file in report.files],
        "prefixes": {name: str(path) for name, path in report.prefixes.items()},
    }
