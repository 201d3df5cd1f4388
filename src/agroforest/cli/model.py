"""``agroforest model``: what judges, and where it comes from."""

from pathlib import Path
from typing import Annotated

import typer

from agroforest.cli.progress import Bar

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


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="canopy-stress.")],
    *,
    data: Annotated[
        Path | None,
        typer.Option(help="Table of canopy spectra the emulator must come from."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    seed: Annotated[int, typer.Option(min=0, max=99)] = 0,
) -> None:
    """Train a model from scratch and write its weights and card.

    canopy-stress learns from simulated forests; the same seed gives the same
    weights on the same processor. About five minutes on two cores.
    """
    from agroforest.core.errors import ConfigurationError

    if name != "canopy-stress":
        raise ConfigurationError(name, "cannot be trained", "name canopy-stress")
    from agroforest.risk.canopy_stress import train_canopy_stress

    with Bar() as bar:
        model = train_canopy_stress(
            out,
            lut=data,
            seed=seed,
            progress=lambda share, note: bar.reached(round(100 * share), 100, note),
        )
    for metric in model.card.metrics:
        typer.echo(f"{metric.name:<42} {metric.value:8.4f}  {metric.on}")
