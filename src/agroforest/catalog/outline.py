"""Outlines on the globe: boxes brought to WGS84, rings across the antimeridian."""

from collections.abc import Sequence

import shapely
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from agroforest.core.errors import DataError
from agroforest.core.grid import WGS84, reproject

# A straight edge in metres is a curve in degrees. Pieces of 15 km keep the error
# under 100 m up to 80 degrees of latitude. (Of degrees no edge is that long, and
# none needs dividing.)
_PIECE = 15_000.0


def outline_box(
    crs: str, bounds: tuple[float, float, float, float], *, where: object
) -> BaseGeometry:
    """Outline of a raster in WGS84.

    Parameters
    ----------
    crs
        Authority code of `bounds`.
    bounds
        Left, bottom, right, top in CRS units.
    where
        Named in the error.

    Returns
    -------
    Polygon or MultiPolygon
        Longitude and latitude in degrees, cut at the antimeridian.

    Raises
    ------
    DataError
        If the corners have no place on the globe.
    """
    left, bottom, right, top = bounds
    box = shapely.segmentize(shapely.box(left, bottom, right, top), _PIECE)
    ring = shapely.get_coordinates(reproject(box, crs, WGS84))
    return outline_ring([(float(x), float(y)) for x, y in ring], where=where)


def outline_ring(ring: Sequence[tuple[float, float]], *, where: object) -> BaseGeometry:
    """Polygon of a ring of longitudes and latitudes, whole again where it was cut.

    A ring that steps over more than half the globe is taken to cross the
    antimeridian (RFC 7946, section 3.1.9) and comes back as two polygons.

    Parameters
    ----------
    ring
        Longitude, latitude in degrees, WGS84.
    where
        Named in the error.

    Returns
    -------
    Polygon or MultiPolygon
        Valid, within -180 to 180 degrees.

    Raises
    ------
    DataError
        If the ring has fewer than three corners or leaves the globe.
    """
    points = [(lon, lat) for lon, lat in ring]
    beyond = [p for p in points if not (abs(p[0]) <= 360 and abs(p[1]) <= 90)]
    if beyond or len(set(points)) < 3:  # NaN is beyond, too
        raise DataError(
            where,
            f"footprint of {len(points)} corners"
            + (f" has {beyond[0]}" if beyond else " has no area"),
            "give longitude and latitude in degrees",
        )
    steps = zip(points, points[1:] + points[:1], strict=True)
    if any(abs(a[0] - b[0]) > 180 for a, b in steps):
        points = [(lon + 360 if lon < 0 else lon, lat) for lon, lat in points]
    return _cut(shapely.Polygon(points))


def norm_outline(geometry: BaseGeometry, *, where: object) -> BaseGeometry:
    """Any polygon of longitudes and latitudes as `outline_ring` gives it."""
    parts = []
    for part in shapely.get_parts(geometry):
        if part.geom_type != "Polygon" or part.is_empty:
            raise DataError(
                where, f"footprint is a {part.geom_type}", "give it as a polygon"
            )
        ring = [(float(x), float(y)) for x, y in part.exterior.coords]
        parts.append(outline_ring(ring, where=where))
    if len(parts) == 1:
        return parts[0]
    return shapely.union_all(parts)


def _cut(polygon: BaseGeometry) -> BaseGeometry:
    """Bring parts beyond 180 degrees back to the other side."""
    whole = shapely.make_valid(polygon, method="structure")
    west, _, east, _ = whole.bounds
    if west >= -180 and east <= 180:
        return whole
    parts = []
    for turn in (-360.0, 0.0, 360.0):
        strip = shapely.box(turn - 180, -90, turn + 180, 90)
        part = whole.intersection(strip)
        if part.area > 0:
            parts.append(translate(part, xoff=-turn))
    return shapely.union_all(parts)
