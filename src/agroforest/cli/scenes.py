"""``agroforest scenes``: what the satellites sent."""

import json
from pathlib import Path
from typing import Annotated

import typer

from agroforest.cli.options import DEFAULT_WORK, Json, WorkFolder
from agroforest.cli.progress import Bar

app = typer.Typer(help="Catalogue satellite scenes. · 影像编目", no_args_is_help=True)


@app.command()
def add(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="Theia, SAFE or Landsat folders, STAC files, or folders of them."
        ),
    ],
    *,
    work: WorkFolder = DEFAULT_WORK,
    as_json: Json = False,
) -> None:
    """Recognise scenes and put them into the local catalogue.

    A product that cannot be used is named on standard error, and the others are
    added. Adding the same scenes again changes nothing.
    """
    from agroforest.catalog import LocalCatalog, add_scenes
    from agroforest.core.errors import NoInputError
    from agroforest.nightly.workplace import Workplace

    place = Workplace(root=work, pipeline="")
    with Bar() as bar:
        report = add_scenes(paths, LocalCatalog(place.catalog), progress=bar.reached)
    for refused in report.refused:
        typer.echo(f"refused  {refused}", err=True)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "added": report.added,
                    "known": report.known,
                    "refused": [str(r) for r in report.refused],
                },
                ensure_ascii=False,
            )
        )
    else:
        typer.echo(
            f"{report.added} added, {report.known} known, {len(report.refused)} refused"
        )
    if not report.added + report.known:
        raise NoInputError(
            ", ".join(map(str, paths)), "no usable scene", "see the lines above"
        )
