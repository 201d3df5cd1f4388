"""Which catalogued images show what a fire left, and what was there before."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from shapely.geometry.base import BaseGeometry

from agroforest.catalog import Catalog
from agroforest.core.scene import Scene


@dataclass(frozen=True, kw_only=True, slots=True)
class BurnedPlace:
    """Where a fire was that is over.

    Attributes
    ----------
    alert
        Id of its alert.
    outline
        Of the hotspots, WGS 84: where to look, not what burned.
    first, last
        First and last UTC day of hotspots.
    """

    alert: str
    outline: BaseGeometry = field(repr=False)
    first: date
    last: date


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidates:
    """Scenes to try, the best first, before a pixel of them was read.

    Attributes
    ----------
    after
        By time: the first that shows the place counts.
    before
        Newest of the last weeks first, then those of the same season a year ago.
    lacking
        Bands that other scenes after the fire lack.
    """

    after: tuple[Scene, ...]
    before: tuple[Scene, ...]
    lacking: tuple[str, ...] = ()


def choose_images(
    place: BurnedPlace,
    catalog: Catalog,
    *,
    night: date,
    collections: Sequence[str] = (),
    max_cloud_cover: float | None = None,
) -> Candidates:
    """Choose the scenes to try, from what the catalogue says of them."""
    raise NotImplementedError
