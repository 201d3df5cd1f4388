"""Figures for Prometheus, written as nights go by."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import typer

from agroforest.cli.options import choose_database


@contextmanager
def figures_kept(
    path: Path | None, work: Path, database: str
) -> Iterator[Callable[[], None]]:
    """Yield what writes the figures, and write them once more however it ends.

    Parameters
    ----------
    path
        The file; nothing is written unless given.
    work, database
        Of the nights.
    """

    def write() -> None:
        if path is not None:
            _write(path, work, database)

    try:
        yield write
    finally:
        write()


def _write(path: Path, work: Path, database: str) -> None:
    """Write them; a night that is done is not lost because they cannot be written."""
    from agroforest.core.errors import AgroforestError
    from agroforest.health.metrics import write_metrics
    from agroforest.health.standing import read_standing
    from agroforest.store import open_store

    place = choose_database(work, database)
    if isinstance(place, Path) and not place.is_file():
        return  # the night did not come so far
    try:
        with open_store(place) as store:
            write_metrics(path, read_standing(store, work, datetime.now(UTC)))
    except (AgroforestError, OSError) as error:
        typer.echo(f"agroforest: {path}: figures not written ({error})", err=True)
