"""Options and small print that several commands share."""

import os
from pathlib import Path
from typing import Annotated

import typer

WorkFolder = Annotated[
    Path,
    typer.Option(
        "--work",
        envvar="AGROFOREST_WORK",
        help="Folder of the catalogue, the database and everything computed.",
        file_okay=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")]

DEFAULT_WORK = Path("work")


def shown(path: Path) -> str:
    """Path as the operator would type it."""
    return os.path.relpath(path)
