"""``agroforest scenes``: what the satellites sent."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from agroforest.cli.options import DEFAULT_WORK, Json, WorkFolder
from agroforest.cli.progress import Bar

app = typer.Typer(help="Catalogue satellite scenes. · 影像编目", no_args_is_help=True)


@app.command()
def add(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Theia, SAFE or Landsat folders, STAC files, folders of them, "
            "or the URL of a STAC API."
        ),
    ],
    *,
    aoi: Annotated[
        Path | None, typer.Option(help="Area to search a STAC API for.")
    ] = None,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First day to search for."),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="Last day to search for."),
    ] = None,
    collection: Annotated[
        list[str] | None,
        typer.Option(help="Collection of the STAC API; may be repeated."),
    ] = None,
    work: WorkFolder = DEFAULT_WORK,
    as_json: Json = False,
) -> None:
    """Recognise scenes and put them into the local catalogue.

    A product that cannot be used is named on standard error and in the reports
    of the nights until it is mended; the others are added. Adding the same
    scenes again changes nothing. Of a STAC API the items are copied, and their
    pixels are read where they lie.
    """
    from agroforest.catalog import LocalCatalog, add_scenes, copy_scenes
    from agroforest.core.aoi import read_aoi
    from agroforest.core.errors import NoInputError
    from agroforest.nightly.workplace import Workplace

    catalog = LocalCatalog(Workplace(root=work, pipeline="").catalog)
    urls = [s for s in sources if s.startswith(("https://", "http://"))]
    paths = [Path(s) for s in sources if s not in urls]
    if urls and (aoi is None or first is None or last is None):
        raise typer.BadParameter("a STAC API needs --aoi, --from and --to")
    reports = []
    with Bar() as bar:
        if paths:
            reports.append(add_scenes(paths, catalog, progress=bar.reached))
        for url in urls:
            if aoi is not None and first is not None and last is not None:
                area = read_aoi(aoi).area
                reports.append(
                    copy_scenes(
                        url,
                        catalog,
                        area,
                        first.date(),
                        last.date(),
                        collections=collection or (),
                    )
                )
    added, known = sum(r.added for r in reports), sum(r.known for r in reports)
    refused = [str(error) for r in reports for error in r.refused]
    for line in refused:
        typer.echo(f"refused  {line}", err=True)
    if as_json:
        report = {"added": added, "known": known, "refused": refused}
        typer.echo(json.dumps(report, ensure_ascii=False))
    else:
        typer.echo(f"{added} added, {known} known, {len(refused)} refused")
    if not added + known:
        raise NoInputError(", ".join(sources), "no usable scene", "see the lines above")
