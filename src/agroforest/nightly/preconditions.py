"""What must hold before the first night: refused at once, never at two o'clock."""

from collections.abc import Sequence
from datetime import date, timedelta

import shapely
from shapely.geometry.base import BaseGeometry

from agroforest.catalog import Catalog
from agroforest.core.aoi import Aoi
from agroforest.core.config import Pipeline
from agroforest.core.errors import ConfigurationError, NoInputError
from agroforest.nightly.plan import Watch


def refuse_nights_in_history(pipeline: Pipeline, nights: Sequence[date]) -> None:
    """Refuse nights that belong to the history."""
    early = [n for n in nights if n <= pipeline.baseline.end]
    if early:
        raise ConfigurationError(
            pipeline.name,
            f"night {early[0]} lies in the history (until {pipeline.baseline.end})",
            "choose later nights, or end the baseline earlier",
        )


def refuse_empty(
    catalog: Catalog, watch: Watch, aoi: Aoi, nights: Sequence[date]
) -> None:
    """Refuse to run where no scene can ever match; swapped axes are named."""
    start, end = watch.pipeline.baseline.start, nights[-1]
    if _any_scene(catalog, aoi.area, start, end):
        return
    west, south, east, north = aoi.area.bounds
    swapped = shapely.box(south, west, north, east)
    if -90 <= west <= east <= 90 and _any_scene(catalog, swapped, start, end):
        raise ConfigurationError(
            aoi.source,
            f"no scene at ({west:.4f}, {south:.4f}), but there is one at "
            f"({south:.4f}, {west:.4f})",
            "longitude and latitude are swapped: write longitude first",
        )
    raise NoInputError(
        aoi.source,
        f"no catalogued scene touches it between {start} and {end}",
        "add scenes with 'agroforest scenes add PATH'",
    )


def _any_scene(catalog: Catalog, area: BaseGeometry, start: date, end: date) -> bool:
    """Look from the newest year back: a long archive is not read through."""
    year = timedelta(days=365)
    while end >= start:
        if catalog.find_granules(area, max(start, end - year), end):
            return True
        end -= year + timedelta(days=1)
    return False
