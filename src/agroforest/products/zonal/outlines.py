"""Outlines of parcels: whole polygons, their true area, their place on a raster."""

import warnings
from contextlib import suppress
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.exceptions import ProjError
from pyproj.transformer import TransformerGroup
from shapely.geometry.base import BaseGeometry

from agroforest.core.errors import DataError
from agroforest.core.grid import WGS84
from agroforest.core.tangle import is_tangled, mend

_POLYGONS = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
#: Degrees that some coordinate system counts to: half a turn more than one.
_GLOBE = np.array([540.0, 90.0, 540.0, 90.0]) + 1e-6
_GEOD = pyproj.Geod(ellps="WGS84")
# Longer edges are divided before projecting: a straight line in one CRS is a curve
# in another. Under a metre of sagitta in both (as in `core.grid`).
_DEGREES, _METRES = 0.01, 1000.0
# Differs from WGS 84 by centimetres, though PROJ calls the shift a guess.
_CHINA_2000 = "China 2000"


class Outlines(NamedTuple):
    """Polygons of some parcels.

    Attributes
    ----------
    drawn
        ``(n,)`` object: multipolygons as they were drawn, without heights; None
        for what is no polygon.
    polygons
        ``(n,)`` object: the same, repaired; None where nothing is left.
    area
        ``(n,)`` float64, square metres on the ellipsoid WGS 84; 0 for None.
    repaired
        How many had to be.
    """

    drawn: NDArray[np.object_]
    polygons: NDArray[np.object_]
    area: NDArray[np.float64]
    repaired: int


def read_outlines(wkb: NDArray[np.object_], crs: pyproj.CRS) -> Outlines:
    """Make the best of outlines as they come.

    Null, empty and unreadable geometries, points, lines, curves and coordinates that
    are not numbers become None; polygons that cross themselves are repaired.

    Parameters
    ----------
    wkb
        ``(n,)`` object: bytes or None.
    crs
        Of the coordinates.
    """
    drawn = shapely.force_2d(_parse(wkb))
    kinds = shapely.get_type_id(drawn)
    usable = np.isin(kinds, _POLYGONS) & ~shapely.is_empty(drawn) & _is_finite(drawn)
    drawn[~usable] = None
    single = usable & (kinds == shapely.GeometryType.POLYGON)
    drawn[single] = shapely.multipolygons(drawn[single][:, np.newaxis])
    polygons, repaired = repair(drawn)
    area = geodesic_area(polygons, crs)
    nowhere = ~np.isfinite(area)  # coordinates that are on no globe
    if nowhere.any():
        polygons = polygons.copy()
        polygons[nowhere] = None
        area[nowhere] = 0.0
    return Outlines(drawn=drawn, polygons=polygons, area=area, repaired=repaired)


def _parse(wkb: NDArray[np.object_]) -> NDArray[np.object_]:
    """Geometries of their bytes; None for bytes that are none."""
    try:
        return shapely.from_wkb(wkb, on_invalid="ignore")
    except NotImplementedError:  # one is a curve: it must not cost the others
        found = np.full(len(wkb), None, dtype=object)
        for n, one in enumerate(wkb):
            with suppress(NotImplementedError):
                found[n] = shapely.from_wkb(one, on_invalid="ignore")
        return found


def place(
    polygons: NDArray[np.object_], source: pyproj.CRS, target: pyproj.CRS
) -> NDArray[np.object_]:
    """Polygons in another CRS; None for those that have no place in it.

    Raises
    ------
    DataError
        If PROJ knows no way from one CRS to the other.
    """
    if source.equals(target, ignore_axis_order=True):
        return polygons
    try:
        transformer = pyproj.Transformer.from_crs(source, target, always_xy=True)
    except ProjError as error:
        raise DataError(
            source.name, f"cannot be brought to {target.name}", "reproject the file"
        ) from error

    def move(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(transformer.transform(points[:, 0], points[:, 1]))

    step = _DEGREES if source.is_geographic else _METRES
    moved = shapely.transform(shapely.segmentize(polygons, step), move)
    moved[~_is_finite(moved)] = None
    return repair(moved)[0]


def datum_note(source: pyproj.CRS, target: pyproj.CRS) -> str | None:
    """Say that PROJ knows no shift between two datums, where that matters.

    Maps of the datums Xian 1980 and New Beijing lie about 100 m off then.
    """
    named = [c.datum.name for c in (source, target) if c.datum is not None]
    if _CHINA_2000 in named or source.equals(target, ignore_axis_order=True):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of grids finer than needed here
        best = TransformerGroup(source, target, always_xy=True).transformers
    if best and "Ballpark" not in best[0].description:
        return None
    return (
        f"no shift from {source.name} to {target.name} is known: "
        "places may be about 100 m off"
    )


def geodesic_area(
    polygons: NDArray[np.object_], crs: pyproj.CRS
) -> NDArray[np.float64]:
    """Area of valid polygons on the ellipsoid WGS 84.

    Corners are joined by geodesics (Karney 2013, https://doi.org/10.1007/s00190-012-0578-z),
    so the distortion of no projection enters.

    Returns
    -------
    ndarray
        ``(n,)`` float64, square metres; 0 for None, not a number for what lies
        beyond the globe.
    """
    area = np.zeros(len(polygons))
    parts, owner = shapely.get_parts(polygons, return_index=True)
    degrees = place(parts, crs, pyproj.CRS(WGS84))
    rings, part = shapely.get_rings(degrees, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    ends = np.searchsorted(ring, np.arange(len(rings) + 1))
    is_shell = np.diff(part, prepend=-1) > 0  # the shell comes before its holes
    for n, (start, end) in enumerate(pairwise(ends)):
        inside, _ = _GEOD.polygon_area_perimeter(*points[start:end].T)
        sign = 1.0 if is_shell[n] else -1.0
        area[owner[part[n]]] += sign * abs(inside)
    with np.errstate(invalid="ignore"):  # of None
        beyond = np.abs(shapely.bounds(degrees)) > _GLOBE
    area[owner[beyond.any(axis=1)]] = np.nan
    return area


def repair(polygons: NDArray[np.object_]) -> tuple[NDArray[np.object_], int]:
    """Make polygons valid: ``(n,)`` object with None, and how many were not.

    A polygon that falls to lines or points, crosses itself all over or reaches beyond
    all reckoning becomes None.
    """
    wrong = np.flatnonzero(~shapely.is_valid(polygons) & ~shapely.is_missing(polygons))
    if not wrong.size:
        return polygons, 0
    polygons = polygons.copy()
    for n in wrong:
        mended = None if is_tangled(polygons[n]) else mend(polygons[n])
        polygons[n] = None if mended is None else _polygons_of(mended)
    return polygons, len(wrong)


def _polygons_of(geometry: BaseGeometry) -> BaseGeometry | None:
    """Leave out the lines and points that a repair left over."""
    parts = shapely.get_parts(shapely.get_parts(geometry))  # collections nest once
    parts = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    return shapely.multipolygons(parts) if parts.size else None


def _is_finite(geometries: NDArray[np.object_]) -> NDArray[np.bool_]:
    # Bounds skip coordinates that are not numbers; the sum of them does not.
    points, owner = shapely.get_coordinates(geometries, return_index=True)
    bad = np.zeros(len(geometries), dtype=bool)
    bad[owner[~np.isfinite(points).all(axis=1)]] = True
    return ~bad
