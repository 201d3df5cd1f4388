"""Hectares of each rank by county, compartment or parcel."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import exactextract
import numpy as np
import shapely
from exactextract.raster import NumPyRasterSource
from numpy.typing import NDArray
from pyproj import Geod
from shapely.geometry import MultiPolygon, mapping
from shapely.geometry.base import BaseGeometry

from agroforest.core.aoi import Aoi
from agroforest.core.grid import WGS84, reproject
from agroforest.core.units import MU_PER_HA
from agroforest.fire.cells import Cells
from agroforest.fire.rank import HIGHEST
from agroforest.hotspots.districts import Districts

_GEOD = Geod(ellps="WGS84")
_SEGMENT_DEGREES = 0.01


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """A piece of ground to be summed up.

    Attributes
    ----------
    id, kind
        Code and what it is: ``area``, ``county``, ``compartment``, ``parcel``.
    name_zh, name_en
        Names.
    geometry
        WGS 84.
    """

    id: str
    kind: str
    name_zh: str
    name_en: str
    geometry: BaseGeometry = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Total:
    """Danger of a unit on a day.

    Attributes
    ----------
    unit
        Which.
    ha
        Hectares of ranks 1 to 5, on the ellipsoid.
    unknown_ha
        Hectares of the unit without a rank.
    highest
        Highest rank in it; 0 if none is known.
    mean
        Mean rank by area; ``None`` if none is known.
    """

    unit: Unit
    ha: tuple[float, ...]
    unknown_ha: float
    highest: int
    mean: float | None

    def plain(self) -> dict[str, object]:
        """As plain values, for JSON."""
        hectares = {str(n): round(v, 2) for n, v in enumerate(self.ha, start=1)}
        return {
            "id": self.unit.id,
            "kind": self.unit.kind,
            "name_zh": self.unit.name_zh,
            "name_en": self.unit.name_en,
            "ha": hectares,
            "mu": {n: round(v * MU_PER_HA, 1) for n, v in hectares.items()},
            "unknown_ha": round(self.unknown_ha, 2),
            "highest": self.highest,
            "mean_rank": None if self.mean is None else round(self.mean, 2),
        }


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Units:
    """Units with what is the same every day.

    Attributes
    ----------
    units
        In the order of the area, its counties, its places.
    features
        Their outlines in the cells' system, for exactextract.
    hectares
        ``(unit,)`` on the ellipsoid.
    ground
        ``(unit,)`` hectares on the ground for one of the cells' system.
    """

    units: tuple[Unit, ...]
    features: tuple[dict[str, Any], ...] = field(repr=False)
    hectares: NDArray[np.float64] = field(repr=False)
    ground: NDArray[np.float64] = field(repr=False)


def gather_units(aoi: Aoi, cells: Cells, counties: Districts | None = None) -> Units:
    """Gather the area, counties in it, compartments and parcels.

    Counties are cut at the edge of the area.
    """
    area = shapely.make_valid(aoi.area)
    units = [
        Unit(id="", kind="area", name_zh="全区", name_en="whole area", geometry=area)
    ]
    shapely.prepare(area)
    units += [
        Unit(
            id=one.code,
            kind="county",
            name_zh=one.name_zh,
            name_en=one.name_en,
            geometry=_polygons(area.intersection(one.geometry)),
        )
        for one in (counties.districts if counties is not None else ())
        if area.intersects(one.geometry)
    ]
    units += [
        Unit(
            id=place.id,
            kind=str(place.kind),
            name_zh=place.name_zh,
            name_en=place.name_en,
            geometry=place.geometry,
        )
        for place in aoi.places
    ]
    units = [unit for unit in units if not unit.geometry.is_empty]
    drawn = [
        reproject(shapely.segmentize(u.geometry, _SEGMENT_DEGREES), WGS84, crs)
        for u, crs in ((u, cells.grid.crs) for u in units)
    ]
    hectares = np.array(
        [
            abs(_GEOD.geometry_area_perimeter(shapely.orient_polygons(u.geometry))[0])
            for u in units
        ]
    )
    hectares /= 1e4
    flat = np.array([d.area for d in drawn]) / 1e4
    return Units(
        units=tuple(units),
        features=tuple(
            {"type": "Feature", "properties": {}, "geometry": mapping(d)} for d in drawn
        ),
        hectares=hectares,
        ground=np.divide(hectares, flat, out=np.ones(len(units)), where=flat > 0),
    )


def _polygons(geometry: BaseGeometry) -> BaseGeometry:
    """Leave out lines and points where outlines only touch."""
    parts = [p for p in shapely.get_parts(geometry) if p.geom_type == "Polygon"]
    return MultiPolygon(parts)


def sum_up(units: Units, ranks: NDArray[np.int8], cells: Cells) -> Sequence[Total]:
    """Sum up ranks; a cell counts by the exact share of it that a unit covers.

    Parameters
    ----------
    units
        From `gather_units` of the same cells.
    ranks
        ``(y, x)`` int8, 1 to 5; 0 is not known.
    cells
        Where.
    """
    left, bottom, right, top = cells.grid.bounds
    source = NumPyRasterSource(
        ranks.astype(np.int32),
        xmin=left,
        ymin=bottom,
        xmax=right,
        ymax=top,
        srs_wkt=None,
    )
    found = exactextract.exact_extract(
        source, list(units.features), ["unique", "frac", "count"]
    )
    totals = []
    for number, (unit, feature) in enumerate(zip(units.units, found, strict=True)):
        said = feature["properties"]
        cell = cells.grid.pixel_area_ha * float(units.ground[number]) * said["count"]
        by_rank = dict(zip(said["unique"], said["frac"], strict=True))
        hectares = tuple(
            float(by_rank.get(rank, 0.0)) * cell for rank in range(1, HIGHEST + 1)
        )
        known = sum(hectares)
        weighed = sum(n * ha for n, ha in enumerate(hectares, start=1))
        totals.append(
            Total(
                unit=unit,
                ha=hectares,
                unknown_ha=max(0.0, float(units.hectares[number]) - known),
                highest=max((n for n, h in enumerate(hectares, 1) if h > 0), default=0),
                mean=weighed / known if known else None,
            )
        )
    return totals
