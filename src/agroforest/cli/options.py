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
Database = Annotated[
    str,
    typer.Option(
        envvar="AGROFOREST_DATABASE",
        metavar="URL",
        help="postgresql://…; the work folder's own file unless given.",
    ),
]
TlsCa = Annotated[
    Path | None,
    typer.Option(
        "--tls-ca", envvar="AGROFOREST_TLS_CA", help="PEM file of the authority."
    ),
]
TlsCert = Annotated[
    Path | None,
    typer.Option(
        "--tls-cert", envvar="AGROFOREST_TLS_CERT", help="This machine's PEM file."
    ),
]
TlsKey = Annotated[
    Path | None,
    typer.Option("--tls-key", envvar="AGROFOREST_TLS_KEY", help="Its private key."),
]
Insecure = Annotated[
    bool,
    typer.Option(
        "--insecure", help="Allow tcp:// beyond this machine: no authentication."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")]

DEFAULT_WORK = Path("work")


def choose_database(work: Path, database: str) -> str | Path:
    """Choose the database that was named, or the work folder's own."""
    from agroforest.nightly.workplace import Workplace

    return database or Workplace(root=work, pipeline="").database


def shown(path: Path) -> str:
    """Path as the operator would type it: from here, if it is below."""
    near = os.path.relpath(path)
    return str(path) if near.startswith("..") and path.is_absolute() else near


def find_folder(models: Path | None, name: str) -> Path:
    """Folder of a model: in a folder of models, that folder itself, or the shipped."""
    from agroforest.risk import models_dir

    if models is None:
        return models_dir() / name
    itself = (models / "card.toml").is_file() and not (models / name).is_dir()
    return models if itself else models / name
