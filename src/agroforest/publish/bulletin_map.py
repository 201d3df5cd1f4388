"""The map of a bulletin, as SVG: the county, what is watched, numbered marks.

Nothing but numbers is written on it, so that no name can be anything but a name.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import affinity
from shapely.geometry.base import BaseGeometry

from agroforest.core.risk import Hazard

#: Size of the picture in its own units; the page scales it.
WIDTH, HEIGHT = 1000.0, 520.0
_MARGIN = 26.0
_RADIUS = 13.0
_ROUNDS = 200
_KM_A_DEGREE = 111.32
# Steps of a scale bar, kilometres.
_BARS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200)


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How alerts of one hazard are marked; shape and colour say the same.

    Attributes
    ----------
    color
        As CSS; white text on it has a contrast of 4.5 or more.
    corners
        0 is a circle; else a polygon of so many corners, one of them on top.
    """

    color: str
    corners: int

    def plain(self) -> dict[str, object]:
        """Plain values, for the legend."""
        return {"color": self.color, "corners": self.corners}


MARKS: Mapping[Hazard, Look] = {
    Hazard.ACTIVE_FIRE: Look(color="#b3122a", corners=3),
    Hazard.CANOPY_STRESS: Look(color="#8a5a00", corners=0),
    Hazard.CANOPY_LOSS: Look(color="#4a3f8f", corners=4),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A case on the map.

    Attributes
    ----------
    number
        As in the table.
    hazard
        Of what.
    geometry
        WGS 84.
    """

    number: int
    hazard: Hazard
    geometry: BaseGeometry = field(repr=False)


class Ground(Protocol):
    """What a map is drawn of; `agroforest.publish.bulletin.County` is one."""

    @property
    def outline(self) -> BaseGeometry:
        """Of the county."""

    @property
    def neighbours(self) -> tuple[BaseGeometry, ...]:
        """Around it."""

    @property
    def watched(self) -> BaseGeometry | None:
        """What is watched."""


def draw_map(ground: Ground, marks: Sequence[Mark]) -> str:
    """Draw the map; the same values give the same picture.

    Parameters
    ----------
    ground
        What lies under the marks.
    marks
        In the order of their numbers; no mark covers another.
    """
    frame = _Frame.around(ground, marks)
    parts = [_HEAD]
    parts.extend(
        _draw(frame, each, 'fill="#f3f1ea" stroke="#cdc7b8"')
        for each in ground.neighbours
    )
    parts.append(
        _draw(frame, ground.outline, 'fill="#ffffff" stroke="#6b6b6b" stroke-width="2"')
    )
    if ground.watched is not None:
        parts.append(_draw(frame, ground.watched, 'fill="#dcebd8" stroke="#7fa57a"'))
    for mark in marks:
        color = MARKS[mark.hazard].color
        parts.append(_draw(frame, mark.geometry, f'fill="{color}" stroke="{color}"'))
    anchors = np.array([frame.place(name_point(m.geometry)) for m in marks])
    for mark, anchor, spot in zip(marks, anchors, _spread(anchors), strict=True):
        parts.append(_draw_mark(mark, anchor, spot))
    parts.append(_draw_scale(frame))
    parts.append("</svg>")
    return "\n".join(part for part in parts if part)


def name_point(geometry: BaseGeometry) -> tuple[float, float]:
    """Longitude and latitude of a point inside, where a label may stand."""
    if geometry.is_empty:
        return 0.0, 0.0
    point = geometry.representative_point()
    return point.x, point.y


_HEAD = (
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" '
    f'width="{WIDTH:g}" height="{HEIGHT:g}">\n'
    f'<defs><clipPath id="c"><rect width="{WIDTH:g}" height="{HEIGHT:g}"/></clipPath>'
    f'</defs>\n<rect width="{WIDTH:g}" height="{HEIGHT:g}" fill="#e9edef"/>'
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Frame:
    """From degrees to the picture: equirectangular around its own middle."""

    west: float
    north: float
    across: float
    down: float

    @classmethod
    def around(cls, ground: Ground, marks: Sequence[Mark]) -> "_Frame":
        shapes = [ground.outline]
        if ground.outline.is_empty:
            shapes = [*(m.geometry for m in marks)]
            shapes += [] if ground.watched is None else [ground.watched]
        shapes = [s for s in shapes if not s.is_empty]
        west, south, east, north = (
            shapely.total_bounds(shapes) if shapes else (108.0, 22.0, 109.0, 23.0)
        )
        # A single pixel still wants a kilometre around it to be found.
        least = 1.0 / _KM_A_DEGREE
        middle = (west + east) / 2, (south + north) / 2
        squeeze = math.cos(math.radians(middle[1]))
        width = max(east - west, least) * squeeze
        height = max(north - south, least)
        scale = min((WIDTH - 2 * _MARGIN) / width, (HEIGHT - 2 * _MARGIN) / height)
        across, down = scale * squeeze, scale
        return cls(
            west=middle[0] - WIDTH / 2 / across,
            north=middle[1] + HEIGHT / 2 / down,
            across=across,
            down=down,
        )

    def place(self, point: tuple[float, float]) -> tuple[float, float]:
        return (point[0] - self.west) * self.across, (self.north - point[1]) * self.down

    def move(self, geometry: BaseGeometry) -> BaseGeometry:
        a, d = self.across, -self.down
        moved = affinity.affine_transform(
            geometry, [a, 0, 0, d, -self.west * a, self.north * self.down]
        )
        # Half a unit is below what a printer shows; borders have 10,000 points.
        return moved.simplify(0.5)


def _draw(frame: _Frame, geometry: BaseGeometry, style: str) -> str:
    moved = frame.move(geometry)
    pieces = [p for p in getattr(moved, "geoms", [moved]) if p.geom_type == "Polygon"]
    path = "".join(
        _draw_ring(ring.coords)
        for piece in pieces
        if not piece.is_empty
        for ring in (piece.exterior, *piece.interiors)
    )
    if not path:
        return ""
    return f'<path clip-path="url(#c)" fill-rule="evenodd" {style} d="{path}"/>'


def _draw_ring(coordinates: shapely.coords.CoordinateSequence) -> str:
    points = " L".join(f"{x:.1f} {y:.1f}" for x, y, *_ in coordinates)
    return f"M{points}Z"


def _spread(anchors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Push marks apart until none covers another, each as near as can be."""
    if len(anchors) == 0:
        return anchors
    # Marks of one place need a direction to part in; by number, so that it repeats.
    turns = np.arange(len(anchors)) * 2.4
    spots = anchors + 0.01 * np.column_stack([np.cos(turns), np.sin(turns)])
    apart = 2.7 * _RADIUS  # room for the corners of a triangle
    edge = np.array([_RADIUS + 2, _RADIUS + 2])
    for _ in range(_ROUNDS):
        gap = spots[:, None] - spots[None, :]
        distance = np.hypot(gap[..., 0], gap[..., 1])
        np.fill_diagonal(distance, np.inf)
        lack = np.clip(apart - distance, 0, None)
        if not lack.any():
            break
        spots = spots + (gap / distance[..., None] * lack[..., None] / 2).sum(axis=1)
        spots = np.clip(spots, edge, np.array([WIDTH, HEIGHT]) - edge)
    return spots


def _draw_mark(
    mark: Mark, anchor: NDArray[np.float64], spot: NDArray[np.float64]
) -> str:
    look = MARKS[mark.hazard]
    x, y = spot
    line = ""
    if math.dist(anchor, spot) > _RADIUS:
        line = (
            f'<line x1="{anchor[0]:.1f}" y1="{anchor[1]:.1f}" x2="{x:.1f}" '
            f'y2="{y:.1f}" stroke="{look.color}" stroke-width="1.5"/>'
        )
    return (
        f'{line}{draw_symbol(look, x, y, _RADIUS)}<text x="{x:.1f}" y="{y + 4.5:.1f}" '
        f'text-anchor="middle" font-size="13" font-weight="bold" fill="#ffffff" '
        f'font-family="Noto Sans CJK SC">{mark.number}</text>'
    )


def draw_symbol(look: Look, x: float, y: float, radius: float) -> str:
    """Draw the symbol of a hazard around a point, as SVG."""
    style = f'fill="{look.color}" stroke="#ffffff" stroke-width="1.5"'
    if look.corners == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" {style}/>'
    # Of equal weight to the eye as the circle; a triangle needs the most room.
    reach = radius * (1.6 if look.corners == 3 else 1.3)
    turn = -math.pi / 2 + (math.pi / 4 if look.corners == 4 else 0)
    corners = " ".join(
        f"{x + reach * math.cos(turn + k * 2 * math.pi / look.corners):.1f},"
        f"{y + reach * math.sin(turn + k * 2 * math.pi / look.corners):.1f}"
        for k in range(look.corners)
    )
    return f'<polygon points="{corners}" {style}/>'


def _draw_scale(frame: _Frame) -> str:
    unit = frame.down / _KM_A_DEGREE  # picture units a kilometre
    bar = max((b for b in _BARS if b * unit <= WIDTH / 5), default=_BARS[0])
    x, y = WIDTH - _MARGIN - bar * unit, HEIGHT - 14
    return (
        f'<rect x="{x - 8:.1f}" y="{y - 24:.1f}" width="{bar * unit + 16:.1f}" '
        f'height="34" fill="#ffffff" fill-opacity="0.8"/>'
        f'<path d="M{x:.1f} {y - 5:.1f}v5h{bar * unit:.1f}v-5" fill="none" '
        f'stroke="#333333" stroke-width="2"/>'
        f'<text x="{x + bar * unit / 2:.1f}" y="{y - 7:.1f}" text-anchor="middle" '
        f'font-size="14" fill="#333333" font-family="Noto Sans CJK SC">'
        f"{bar:g} km</text>"
    )
