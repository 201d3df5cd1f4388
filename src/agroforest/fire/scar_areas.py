"""How much of a scar lies in which compartment and county."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from agroforest.core.grid import WGS84
from agroforest.hotspots.districts import District
from agroforest.products.zonal.outlines import geodesic_area

# Smaller slivers come from drawing, not from fire. Arbitrary.
_SLIVER_HA = 0.005


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """A compartment or a county.

    Attributes
    ----------
    kind
        ``compartment`` or ``county``.
    district
        Its names and polygon.
    """

    kind: str
    district: District


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """Part of a scar in a unit.

    Attributes
    ----------
    unit
        Which.
    area_ha
        Burned in it, on the ellipsoid.
    """

    unit: Unit
    area_ha: float


def share_out(scar: BaseGeometry, units: Sequence[Unit]) -> tuple[Share, ...]:
    """Share a scar out over units, largest part first within each kind.

    Parameters
    ----------
    scar
        WGS 84.
    units
        Those that overlap each count the common ground, as they were drawn.
    """
    if not units:
        return ()
    shapes = np.array([unit.district.geometry for unit in units], dtype=object)
    met = np.sort(shapely.STRtree(shapes).query(scar, predicate="intersects"))
    common = np.array(
        [_polygons(shapely.intersection(scar, shapes[n])) for n in met], dtype=object
    )
    if not met.size:
        return ()
    areas = geodesic_area(common, pyproj.CRS(WGS84)) / 1e4
    found = [
        Share(unit=units[n], area_ha=float(area))
        for n, area in zip(met.tolist(), areas, strict=True)
        if area >= _SLIVER_HA
    ]
    return tuple(sorted(found, key=lambda share: (share.unit.kind, -share.area_ha)))


def _polygons(geometry: BaseGeometry) -> BaseGeometry:
    """Drop the lines and points that polygons share."""
    parts = [
        leaf
        for part in shapely.get_parts(geometry)
        for leaf in shapely.get_parts(part)
        if leaf.geom_type == "Polygon"
    ]
    return shapely.MultiPolygon(parts)
