"""Counties as the desk knows them: a name for each place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import shapely
from shapely.geometry.base import BaseGeometry

#: Code, Chinese and English name of no county.
NOWHERE = ("", "", "")


@dataclass(frozen=True, kw_only=True, slots=True)
class County:
    """A county.

    Attributes
    ----------
    code
        Administrative code; empty if the layer has none.
    name_zh, name_en
        Its names.
    geometry
        Valid polygon or multipolygon, WGS 84.
    """

    code: str
    name_zh: str
    name_en: str
    geometry: BaseGeometry = field(repr=False)

    @property
    def name(self) -> tuple[str, str, str]:
        """Code, Chinese and English name, as cases carry them."""
        return (self.code, self.name_zh, self.name_en)


class Counties:
    """Finds the county of an outline.

    Parameters
    ----------
    counties
        In any order; of two that hold the same share the first is taken.
    """

    def __init__(self, counties: Sequence[County] = ()) -> None:
        self._counties = tuple(counties)
        self._tree = shapely.STRtree([c.geometry for c in self._counties])

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._counties)

    def __iter__(self) -> Iterator[County]:
        """Go through them in the order given."""
        return iter(self._counties)

    def locate(self, geometry: BaseGeometry) -> tuple[str, str, str]:
        """Name the county that holds most of an outline; `NOWHERE` outside of all."""
        if not geometry.is_valid:  # one bad outline must not stop the others
            geometry = shapely.make_valid(geometry)
        near: list[int] = sorted(
            self._tree.query(geometry, predicate="intersects").tolist()
        )
        if not near:
            return NOWHERE
        if len(near) > 1:
            near.sort(key=lambda at: -self._overlap(at, geometry))
        return self._counties[near[0]].name

    def _overlap(self, at: int, geometry: BaseGeometry) -> float:
        return float(self._counties[at].geometry.intersection(geometry).area)
