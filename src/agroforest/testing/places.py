"""Where things are in the simulated district: stands, fields, road, pond, hills.

Everything is drawn in world units, (0, 0) in the south-west corner and (1, 1) in
the north-east, bent by a smooth warp so that nothing is straight, and then laid
on the ground north of Nanning. A smaller world is the same district, shrunk, with
fewer and relatively larger stands.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import shapely
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from agroforest.core.aoi import PlaceKind
from agroforest.core.grid import Grid
from agroforest.testing.fields import generator

#: Gaofeng forest farm lies north of Nanning, near 108.43° E 22.97° N.
CRS = "EPSG:32649"
#: A corner of 4 km tiles runs through here (236 = 59 x 4), the world's middle, so
#: that every world has a western and an eastern tile.
CENTRE_EAST = 236_000.0
CENTRE_NORTH = 2_542_000.0
TILE_SIZE = 4_000.0
RESOLUTION = 10.0

_SMALLEST = 40  # pixels; smaller ones have no room for an orchard
_STAND_SPACING_M = 320.0  # about ten hectares, a usual 小班
_WARP = ((0.016, 1.3, 0.4, 0.10), (0.009, 2.3, 1.9, 0.55), (0.004, 5.1, 3.7, 0.25))


class Cover(IntEnum):
    """What grows or lies on a pixel."""

    SCRUB = 0
    EUCALYPTUS = 1
    PINE = 2
    SUGARCANE = 3
    CITRUS = 4
    WATER = 5
    BARE = 6
    VILLAGE = 7


#: Words for the property ``species`` or ``crop`` of the AOI.
SPECIES = {
    Cover.EUCALYPTUS: "eucalyptus",
    Cover.PINE: "pine",
    Cover.SUGARCANE: "sugarcane",
    Cover.CITRUS: "citrus",
}
_ZH = {Cover.SUGARCANE: "甘蔗地", Cover.CITRUS: "柑橘园"}
_EN = {Cover.SUGARCANE: "cane field", Cover.CITRUS: "citrus orchard"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Stand:
    """A compartment or a parcel of the simulated district.

    Attributes
    ----------
    id
        ``gf-03-012`` for stands, ``sc-007`` and ``ct-002`` for fields.
    kind
        Compartment or parcel.
    cover
        What grows there.
    name_zh, name_en
        As on the AOI.
    geometry
        Polygon in `CRS`, metres.
    """

    id: str
    kind: PlaceKind
    cover: Cover
    name_zh: str
    name_en: str
    geometry: BaseGeometry = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class District:
    """The drawn map of the simulated district.

    Attributes
    ----------
    grid
        10 m pixels of the world.
    stands
        Compartments and parcels; they do not overlap.
    other
        Pond, bare hill and hamlet.
    roads
        Lines in `CRS`.
    boundary
        Outline to watch, in `CRS`.
    """

    grid: Grid
    stands: tuple[Stand, ...]
    other: tuple[tuple[Cover, BaseGeometry], ...] = field(repr=False)
    roads: tuple[BaseGeometry, ...] = field(repr=False)
    boundary: BaseGeometry = field(repr=False)

    def stand_at(self, u: float, v: float, cover: Cover) -> Stand:
        """Stand of a cover nearest to a point in world units."""
        point = _to_ground(shapely.Point(u, v), self.grid)
        chosen = [s for s in self.stands if s.cover == cover]
        return min(chosen, key=lambda s: (s.geometry.distance(point), s.id))


def world_grid(size: int) -> Grid:
    """Grid of a world of `size` x `size` pixels around the fixed centre."""
    if size < _SMALLEST or size % 4:
        raise ValueError(f"size {size}: give a multiple of 4 from {_SMALLEST} on")
    half = size * RESOLUTION / 2
    return Grid(
        crs=CRS,
        left=CENTRE_EAST - half,
        top=CENTRE_NORTH + half,
        resolution=RESOLUTION,
        width=size,
        height=size,
    )


def draw_district(*, seed: int, size: int) -> District:
    """Draw the district: the same seed and size give the same map."""
    grid = world_grid(size)
    other = tuple((cover, _to_ground(shape, grid)) for cover, shape in _OTHER)
    taken = shapely.union_all([shape.buffer(4.0) for _, shape in other])
    stands = [
        *_compartments(seed, grid, taken),
        *_parcels(seed, grid, taken),
    ]
    margin = -4 * RESOLUTION
    return District(
        grid=grid,
        stands=tuple(stands),
        other=other,
        roads=tuple(_to_ground(_rounded(road), grid) for road in _ROADS),
        boundary=shapely.box(*grid.bounds).buffer(margin, join_style="mitre"),
    )


def _compartments(seed: int, grid: Grid, taken: BaseGeometry) -> Iterator[Stand]:
    extent = grid.width * grid.resolution
    spacing = min(0.28, max(0.1, _STAND_SPACING_M / extent))
    hills = _to_ground(_HILLS, grid).difference(taken)
    rng = generator(seed, 1)
    points = shapely.MultiPoint(list(_jittered(rng, spacing)))
    cells = shapely.voronoi_polygons(points, extend_to=shapely.box(-1, -1, 2, 2))
    in_order = sorted(cells.geoms, key=lambda c: (-c.centroid.y, c.centroid.x))
    world = shapely.box(*grid.bounds)
    number = {1: 0, 2: 0, 3: 0}
    for cell in in_order:
        u, v = cell.centroid.x, cell.centroid.y
        shape = _largest(_to_ground(cell, grid).intersection(hills & world))
        if shape is None or shape.area < 0.15 * (spacing * extent) ** 2:
            continue
        section = 1 if v > 0.66 else 2 if u < 0.5 else 3
        number[section] += 1
        n = number[section]
        yield Stand(
            id=f"gf-{section:02d}-{n:03d}",
            kind=PlaceKind.COMPARTMENT,
            cover=Cover.PINE if _is_pine(u, v) else Cover.EUCALYPTUS,
            name_zh=f"高峰林场 {section}林班 {n}小班",
            name_en=f"Gaofeng forest farm, section {section}, compartment {n}",
            geometry=shape,
        )


def _is_pine(u: float, v: float) -> bool:
    """Pine on the northern ridge and on one western spur."""
    ridge = v > 0.70 + 0.10 * math.sin(5.0 * u + 0.6)
    return ridge or math.hypot(u - 0.14, v - 0.38) < 0.15


def _parcels(seed: int, grid: Grid, taken: BaseGeometry) -> Iterator[Stand]:
    """Cut the plain into long narrow fields along its slope."""
    extent = grid.width * grid.resolution
    length, width = max(0.09, 150.0 / extent), max(0.036, 60.0 / extent)
    path = 4.0  # metres left between neighbours
    plain = _to_ground(_PLAIN, grid).difference(taken)
    plain = plain.buffer(-2 * path)
    world = shapely.box(*grid.bounds)
    rng = generator(seed, 2)
    count = {Cover.SUGARCANE: 0, Cover.CITRUS: 0}
    for row in range(int(1.6 / width)):
        shift = rng.uniform(0, length)
        for column in range(int(1.8 / length)):
            left, bottom = column * length - 0.5 + shift, row * width - 0.6
            cut = length * rng.uniform(0.75, 1.0)
            cell = shapely.box(left, bottom, left + cut, bottom + width)
            cell = shapely.affinity.rotate(cell, 24.0, origin=(0.6, 0.2))
            ground = _to_ground(cell, grid).buffer(-path / 2)
            shape = _largest(ground.intersection(plain & world))
            if shape is None or shape.area < 0.3 * length * width * extent**2:
                continue
            centre = cell.centroid
            near_hills = _PLAIN_EDGE.distance(centre) < 0.09
            orchard = near_hills and rng.random() < 0.75
            cover = Cover.CITRUS if orchard else Cover.SUGARCANE
            count[cover] += 1
            n = count[cover]
            yield Stand(
                id=f"{'ct' if orchard else 'sc'}-{n:03d}",
                kind=PlaceKind.PARCEL,
                cover=cover,
                name_zh=f"{_ZH[cover]} {n}号",
                name_en=f"{_EN[cover].capitalize()} {n}",
                geometry=shape,
            )


def _jittered(
    rng: np.random.Generator, spacing: float
) -> Iterator[tuple[float, float]]:
    rows = round(1.4 / spacing)
    for row in range(rows):
        for column in range(rows):
            u = -0.2 + (column + 0.5 * (row % 2)) * spacing
            v = -0.2 + row * spacing
            du, dv = rng.uniform(-0.34, 0.34, 2) * spacing
            yield float(u + du), float(v + dv)


def _largest(shape: BaseGeometry) -> Polygon | None:
    parts = [p for p in shapely.get_parts(shape) if isinstance(p, Polygon)]
    if not parts:
        return None
    return Polygon(max(parts, key=lambda p: p.area).exterior)


def _to_ground(shape: BaseGeometry, grid: Grid) -> BaseGeometry:
    """World units to metres, through the warp that bends straight lines."""
    extent = grid.width * grid.resolution
    bottom = grid.top - extent

    def bend(xy: np.ndarray) -> np.ndarray:
        u, v = xy[:, 0], xy[:, 1]
        x, y = u.copy(), v.copy()
        for height, along, across, phase in _WARP:
            x += height * np.sin(2 * np.pi * (along * v + across * u + phase))
            y += height * np.sin(2 * np.pi * (along * u - across * v + 2 * phase))
        ground = np.column_stack([grid.left + x * extent, bottom + y * extent])
        return np.round(ground, 2)

    return shapely.make_valid(shapely.transform(shapely.segmentize(shape, 0.025), bend))


def _rounded(line: LineString) -> LineString:
    """Corners cut three times (Chaikin 1974): roads bend, they do not kink."""
    points = np.asarray(line.coords)
    for _ in range(3):
        a, b = points[:-1], points[1:]
        inner = np.stack([0.75 * a + 0.25 * b, 0.25 * a + 0.75 * b], axis=1)
        points = np.vstack([points[:1], inner.reshape(-1, 2), points[-1:]])
    return LineString(points)


def _blob(u: float, v: float, radius: float, *, phase: float) -> Polygon:
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    r = radius * (1 + 0.22 * np.sin(2 * angle + phase) + 0.12 * np.sin(3 * angle))
    return Polygon(
        np.column_stack([u + r * np.cos(angle), v + 0.8 * r * np.sin(angle)])
    )


_PLAIN_EDGE = LineString(
    [
        (0.24, -0.3),
        (0.30, 0.02),
        (0.40, 0.15),
        (0.54, 0.22),
        (0.66, 0.33),
        (0.80, 0.37),
        (0.92, 0.47),
        (1.1, 0.50),
        (1.4, 0.52),
    ]
)
_PLAIN = Polygon([*_PLAIN_EDGE.coords, (1.4, -0.3)])
_HILLS = shapely.box(-0.4, -0.4, 1.4, 1.4).difference(_PLAIN.buffer(0.012))
_OTHER = (
    (Cover.WATER, _blob(0.80, 0.26, 0.036, phase=0.7)),
    (Cover.BARE, _blob(0.90, 0.60, 0.034, phase=2.1)),
    (Cover.VILLAGE, _blob(0.585, 0.125, 0.030, phase=0.2)),
)
_ROADS = (
    LineString(
        [
            (0.43, -0.1),
            (0.46, 0.03),
            (0.56, 0.10),
            (0.66, 0.13),
            (0.76, 0.18),
            (0.88, 0.20),
            (1.1, 0.29),
        ]
    ),
    LineString(
        [
            (0.56, 0.10),
            (0.52, 0.20),
            (0.46, 0.27),
            (0.49, 0.36),
            (0.41, 0.44),
            (0.43, 0.53),
            (0.33, 0.60),
            (0.30, 0.70),
            (0.20, 0.75),
            (0.13, 0.86),
            (0.05, 0.90),
            (-0.1, 1.0),
        ]
    ),
    LineString([(0.43, 0.53), (0.56, 0.58), (0.66, 0.55), (0.78, 0.63), (0.88, 0.61)]),
)
