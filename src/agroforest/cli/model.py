"""``agroforest model``: what judges, and where it comes from."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Models and their cards. · 模型与模型卡", no_args_is_help=True)


@app.command()
def card(
    name: Annotated[str, typer.Argument(help="Such as canopy-stress.")],
    *,
    models: Annotated[
        Path | None, typer.Option(help="Folder of models, if not the shipped ones.")
    ] = None,
) -> None:
    """Show a model's card: what it is for, what it was made of, its limits."""
    from agroforest.risk import models_dir, read_card

    folder = (models or models_dir()) / name
    read_card(folder)  # refuses what is no card
    typer.echo((folder / "card.toml").read_text(encoding="utf-8"), nl=False)
