"""Where scenes are looked up, and the one question everybody asks."""

import logging
from collections.abc import Callable, Sequence
from datetime import date
from typing import Protocol

from shapely.geometry.base import BaseGeometry

from agroforest.catalog.precedence import resolve_granules
from agroforest.core.errors import DataError
from agroforest.core.scene import Granule, Scene

_log = logging.getLogger(__name__)

#: Called with the error of each item of a catalogue that cannot be used; such
#: items never stop a search.
Refuse = Callable[[DataError], None]


def log_refused(error: DataError) -> None:
    """Say in the log that an item is left out."""
    _log.warning("%s", error)


def is_clear(granule: Granule, max_cloud_cover: float | None) -> bool:
    """Whether a granule's stated cloud cover is within the limit, if both are."""
    cover = granule.cloud_cover
    return max_cloud_cover is None or cover is None or cover <= max_cloud_cover


class Catalog(Protocol):
    """Anything that can say which granules it holds of a place and time."""

    def find_granules(
        self,
        area: BaseGeometry,
        start: date,
        end: date,
        *,
        collections: Sequence[str] = (),
        max_cloud_cover: float | None = None,
    ) -> list[Granule]:
        """Granules that touch `area` and were sensed from `start` to `end`.

        Parameters
        ----------
        area
            WGS84 longitude and latitude in degrees.
        start, end
            UTC days, both included.
        collections
            Collections to look in; empty means all.
        max_cloud_cover
            Percent; granules that state more are left out, those that state
            nothing stay.
        """


def find(
    catalog: Catalog,
    area: BaseGeometry,
    start: date,
    end: date,
    *,
    collections: Sequence[str] = (),
    max_cloud_cover: float | None = None,
) -> list[Scene]:
    """Scenes of an area and time, duplicates resolved and strips merged.

    Parameters
    ----------
    catalog
        Where to look.
    area
        WGS84 longitude and latitude in degrees.
    start, end
        UTC days, both included.
    collections
        Collections to look in; empty means all.
    max_cloud_cover
        Percent; granules that state more are left out.

    Returns
    -------
    list of Scene
        By time, then id.
    """
    granules = catalog.find_granules(
        area, start, end, collections=collections, max_cloud_cover=max_cloud_cover
    )
    return resolve_granules(granules)
