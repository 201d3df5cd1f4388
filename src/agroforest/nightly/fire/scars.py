"""Scars of a fire that is over, mapped once from catalogued images."""

from datetime import date
from pathlib import Path

from agroforest.catalog import Catalog
from agroforest.core.config import Pipeline
from agroforest.cube import Access
from agroforest.nightly.fire.scar_files import (
    ScarFound,
    ScarOutcome,
    ScarPictures,
    read_scar,
)
from agroforest.nightly.fire.scar_images import (
    BurnedPlace,
    Candidates,
    choose_images,
)

__all__ = [
    "BurnedPlace",
    "Candidates",
    "ScarFound",
    "ScarOutcome",
    "ScarPictures",
    "choose_images",
    "map_scar",
    "read_scar",
]


def map_scar(
    place: BurnedPlace,
    *,
    catalog: Catalog,
    pipeline: Pipeline,
    night: date,
    out: Path,
    access: Access | None = None,
    redo: bool = False,
) -> ScarOutcome:
    """Map the scars of an alert, unless they are mapped already."""
    raise NotImplementedError
