"""Outlines as others may see them: valid, covering, coarse where the place is private.

Everything is WGS 84, longitude first; CAP, which wants latitude first, is served by
`spell_ring` alone.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.affinity import translate
from shapely.geometry import LinearRing, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from agroforest.core.errors import DataError

#: Cells of the public grid in a degree: 0.01°, about a kilometre. Our choice.
CELLS_A_DEGREE = 100
#: Points of a ring, and rings of a drawing. Arbitrary: CAP goes over narrow links.
MOST_POINTS = 100
MOST_RINGS = 50

# Cells looked at for one polygon, 1 by 1 degree; a larger one gets larger cells.
_MOST_CELLS = 10_000
# Half the side of what stands for a point or a line, degrees: a metre.
_SPECK = 1e-5
# Of a cell: what a product of degrees may be off, with room to spare.
_ROUNDING = 1e-6
_DIGITS = 6  # of a degree: a decimetre
_WORLD = shapely.box(-180, -90, 180, 90)
_TURN = 360.0
_LEAST, _MOST = (-180.0, -90.0), (180.0, 90.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """An outline as a few closed rings that cover it.

    Attributes
    ----------
    rings
        Outer rings, longitude first, degrees.
    holes_dropped
        Whether holes were filled.
    cell
        Side of the grid's cells, degrees; 0 where the outline is exact.
    """

    rings: tuple[LinearRing, ...]
    holes_dropped: bool = False
    cell: float = 0.0


def norm_outline(geometry: BaseGeometry | None, where: object) -> MultiPolygon:
    """Bring an outline into valid polygons within the world.

    Parameters
    ----------
    geometry
        Degrees, longitude first; longitudes may go on beyond 180, as outlines over the
        antimeridian do. Points and lines become specks of two metres.
    where
        Whose outline, for the error.

    Returns
    -------
    MultiPolygon
        Two dimensions; empty where there is no outline.

    Raises
    ------
    DataError
        A coordinate is not finite or lies outside the world, as where latitude came
        first.
    """
    if geometry is None or geometry.is_empty:
        return MultiPolygon()
    flat = shapely.force_2d(geometry)
    west, south, east, north = flat.bounds
    coordinates = shapely.get_coordinates(flat)
    if not np.isfinite(coordinates).all():
        raise DataError(where, "its outline is not finite", "mend its coordinates")
    if south < -90 or north > 90:
        bad = south if south < -90 else north
        raise DataError(
            where,
            f"its outline has the latitude {bad:g}",
            "give longitude first, then latitude, in degrees",
        )
    if west < -180 - _TURN or east > 180 + _TURN:
        bad = west if west < -180 - _TURN else east
        raise DataError(
            where,
            f"its outline has the longitude {bad:g}",
            "give degrees between -180 and 180",
        )
    if not flat.is_valid:
        flat = shapely.make_valid(flat)
    if west < -180 or east > 180:
        flat = _wrap(flat)
    if isinstance(flat, MultiPolygon):
        return flat
    return MultiPolygon(list(_polygons(flat)))


def coarsen(outline: MultiPolygon, *, cells: int = 1) -> MultiPolygon:
    """Cover an outline with whole cells of the public grid.

    Parameters
    ----------
    outline
        As of `norm_outline`.
    cells
        Side of a cell, in cells of the public grid. Very large polygons get larger
        ones.

    Returns
    -------
    MultiPolygon
        Every cell that the outline enters; coarsening again changes nothing.
    """
    found: dict[int, set[tuple[int, int]]] = {}
    for polygon in outline.geoms:
        step, entered = _enter(polygon, cells)
        found.setdefault(step, set()).update(entered)
    parts = [part for step, own in sorted(found.items()) for part in _join(own, step)]
    if len(found) > 1:  # cells of several sizes may overlap
        parts = list(_polygons(shapely.union_all(parts)))
    return MultiPolygon(parts)


def coarsen_point(longitude: float, latitude: float) -> tuple[float, float]:
    """Centre of the cell of the public grid that a point lies in."""
    centre = (
        (math.floor(degrees * CELLS_A_DEGREE) + 0.5) / CELLS_A_DEGREE
        for degrees in (longitude, latitude)
    )
    lon, lat = (round(degrees, 3) for degrees in centre)
    return lon, lat


def draw(outline: MultiPolygon, *, exact: bool) -> Drawing:
    """Draw an outline with at most `MOST_RINGS` rings of `MOST_POINTS` points.

    Parameters
    ----------
    outline
        As of `norm_outline`.
    exact
        As it is, and only simplified where it has too many points; otherwise as cells
        of the public grid, larger ones where there would be too many points.

    Returns
    -------
    Drawing
        Covers the outline, to a decimetre where it is exact.
    """
    if outline.is_empty:
        return Drawing(rings=())
    if exact and len(outline.geoms) <= MOST_RINGS:
        drawn = [_loosen(_thicken(polygon)) for polygon in outline.geoms]
        return Drawing(
            rings=tuple(polygon.exterior for polygon in drawn),
            holes_dropped=any(polygon.interiors for polygon in outline.geoms),
        )
    cells = 1
    while True:
        coarse = coarsen(outline, cells=cells)
        rings = tuple(polygon.exterior for polygon in coarse.geoms)
        few = len(rings) <= MOST_RINGS
        if few and all(len(ring.coords) <= MOST_POINTS for ring in rings):
            return Drawing(
                rings=rings,
                holes_dropped=any(polygon.interiors for polygon in coarse.geoms),
                cell=cells / CELLS_A_DEGREE,
            )
        cells *= 2


def spell_ring(ring: LinearRing) -> str:
    """Spell a ring as CAP 1.2 asks: ``lat,lon lat,lon …``, closed.

    WGS 84 with at most six digits; of points that come out the same one is kept.
    """
    points: list[str] = []
    for longitude, latitude in shapely.get_coordinates(ring).tolist():
        point = f"{spell_degrees(latitude)},{spell_degrees(longitude)}"
        if not points or points[-1] != point:
            points.append(point)
    if points[0] != points[-1]:
        points.append(points[0])
    return " ".join(points)


def spell_degrees(degrees: float) -> str:
    """Spell degrees in plain decimals, to a decimetre."""
    text = f"{degrees:.{_DIGITS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def find_point(outline: MultiPolygon) -> tuple[float, float]:
    """Longitude and latitude of a point within the largest part of an outline."""
    largest = max(outline.geoms, key=lambda polygon: polygon.area)
    point = shapely.point_on_surface(largest)
    return round(point.x, _DIGITS), round(point.y, _DIGITS)


def turn_rings(outline: MultiPolygon) -> MultiPolygon:
    """Turn outer rings counter-clockwise and holes clockwise (RFC 7946, 3.1.6)."""
    return shapely.reverse(shapely.normalize(outline))


def _wrap(geometry: BaseGeometry) -> BaseGeometry:
    """Cut at the antimeridian, and bring what lies beyond it back."""
    parts = [
        translate(
            shapely.intersection(geometry, translate(_WORLD, turns * _TURN)),
            -turns * _TURN,
        )
        for turns in (-1, 0, 1)
    ]
    return shapely.union_all(parts)


def _polygons(geometry: BaseGeometry) -> Iterator[Polygon]:
    """Parts with an area; specks instead of parts without."""
    if isinstance(geometry, Polygon) and not geometry.is_empty:
        yield geometry
        return
    for part in shapely.get_parts(geometry).tolist():
        if isinstance(part, MultiPolygon):
            yield from part.geoms
        elif isinstance(part, Polygon):
            if not part.is_empty:
                yield part
        elif hasattr(part, "geoms"):
            yield from _polygons(part)
        elif not part.is_empty:
            yield from _polygons(shapely.intersection(part.buffer(_SPECK), _WORLD))


def _enter(polygon: Polygon, cells: int) -> tuple[int, set[tuple[int, int]]]:
    """Side of the cells, and column and row of each that a polygon enters."""
    west, south, east, north = polygon.bounds
    step = cells
    while True:
        columns, rows = _span(west, east, step, 180), _span(south, north, step, 90)
        if len(columns) * len(rows) <= _MOST_CELLS:
            break
        step *= 2
    near = [(column, row) for column in columns for row in rows]
    if len(near) == 1:  # as most alerts
        return step, set(near)
    boxes = np.array([_cell_box(*at, step) for at in near], dtype=object)
    shapely.prepare(polygon)
    # Who only shares an edge does not enter.
    inside = shapely.intersects(polygon, boxes) & ~shapely.touches(polygon, boxes)
    entered = {at for at, enters in zip(near, inside, strict=True) if enters}
    return step, entered or set(near)


def _span(least: float, most: float, step: int, end: int) -> range:
    """Numbers of the cells between two coordinates; one more where they are on an edge.

    What a product rounds off is less than the millionth of a cell that is added.
    """
    first = math.floor((least * CELLS_A_DEGREE - _ROUNDING) / step)
    last = math.floor((most * CELLS_A_DEGREE + _ROUNDING) / step)
    edge = math.ceil(end * CELLS_A_DEGREE / step)
    return range(max(first, -edge), min(last, edge - 1) + 1)


def _join(cells: set[tuple[int, int]], step: int) -> Iterator[Polygon]:
    """Polygons of cells of one size."""
    columns, rows = ({at[axis] for at in cells} for axis in (0, 1))
    if len(cells) == len(columns) * len(rows) and all(map(_is_run, (columns, rows))):
        low, high = (
            _cell_box(min(columns), min(rows), step),
            _cell_box(max(columns), max(rows), step),
        )
        yield shapely.box(*low.bounds[:2], *high.bounds[2:])
        return
    boxes = [_cell_box(column, row, step) for column, row in sorted(cells)]
    yield from _polygons(shapely.simplify(shapely.union_all(boxes), 0))


def _is_run(numbers: set[int]) -> bool:
    return max(numbers) - min(numbers) + 1 == len(numbers)


def _cell_box(column: int, row: int, step: int) -> Polygon:
    return shapely.box(
        max(column * step / CELLS_A_DEGREE, -180.0),
        max(row * step / CELLS_A_DEGREE, -90.0),
        min((column + 1) * step / CELLS_A_DEGREE, 180.0),
        min((row + 1) * step / CELLS_A_DEGREE, 90.0),
    )


def _thicken(polygon: Polygon) -> Polygon:
    """Polygon that six digits of a degree can still tell from a point."""
    west, south, east, north = polygon.bounds
    if east - west >= _SPECK and north - south >= _SPECK:
        return polygon
    return shapely.box(
        max(west - _SPECK, -180.0),
        max(south - _SPECK, -90.0),
        min(east + _SPECK, 180.0),
        min(north + _SPECK, 90.0),
    )


def _loosen(polygon: Polygon) -> Polygon:
    """Simplify outward until there are few points."""
    solid = Polygon(polygon.exterior)
    loose, slack = solid, _SPECK
    while len(loose.exterior.coords) > MOST_POINTS:
        # A rounded edge is nowhere nearer than nine tenths, which are taken off it.
        simple = shapely.simplify(solid.buffer(slack), 0.9 * slack)
        if isinstance(simple, Polygon):
            loose = Polygon(simple.exterior)
        slack *= 1.4
    return shapely.transform(loose, lambda c: np.clip(c, _LEAST, _MOST))
