"""Small pictures of a place before and after, cut from index maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.errors import RasterioIOError, WindowError
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from agroforest.core.grid import WGS84, Grid, reproject
from agroforest.maps.styles import RasterStyle, style_index
from agroforest.nightly.plan import Watch
from agroforest.web.tiles.render import encode

#: Pixels around an outline, and of a picture's side, at least and at most.
_AROUND, _LEAST, _MOST = 12, 60, 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Chip:
    """A picture of a place.

    Attributes
    ----------
    index
        Name of the index, ``ndvi``.
    day
        When it was seen.
    tile
        On which tile.
    """

    index: str
    day: date
    tile: str


def choose_chips(
    watch: Watch, geometry: BaseGeometry, *, since: date, evidence: date
) -> list[Chip]:
    """Choose what shows the change: before it, when it was first seen, and last.

    Parameters
    ----------
    watch
        The pipeline that looked.
    geometry
        Of the case, WGS 84.
    since
        First day of the evidence.
    evidence
        Newest clear day.

    Returns
    -------
    list
        For each of two indices up to three pictures, by day.
    """
    tile = _find_tile(watch, geometry)
    if tile is None:
        return []
    chosen = []
    for index in _choose_indices(watch.pipeline.indices):
        days = _list_days(watch, tile, index)
        before = [d for d in days if d < since][-1:]
        after = [d for d in days if since <= d <= evidence]
        chosen += [
            Chip(index=index, day=day, tile=tile)
            for day in dict.fromkeys([*before, *after[:1], *after[-1:]])
        ]
    return chosen


def draw_chip(
    watch: Watch, chip: Chip, geometry: BaseGeometry
) -> tuple[bytes, str, tuple[int, int]]:
    """Draw a chip; where the place reaches into other tiles, they are drawn too.

    Returns
    -------
    tuple
        PNG, the outline in its pixels as an SVG path, and its width and height.

    Raises
    ------
    FileNotFoundError
        The map is not there any more.
    """
    own = next(tile.grid for tile in watch.tiles if tile.id == chip.tile)
    shape = reproject(geometry, WGS84, own.crs)
    frame = _frame(shape, own)
    style = style_index(chip.index)
    codes = np.zeros(frame.shape, np.uint8)
    for tile in watch.tiles:
        if tile.grid.crs == own.crs and _overlap(tile.grid, frame):
            path = watch.workplace.index(tile.id, chip.day, chip.index)
            piece = _read(path, frame, style)
            if piece is not None:
                codes = np.where(codes == 0, piece, codes)
            elif tile.id == chip.tile:
                raise FileNotFoundError(path.name)
    picture = encode(codes, style.palette)
    return picture, _outline(shape, frame), (frame.width, frame.height)


def _read(path: Path, frame: Grid, style: RasterStyle) -> NDArray[np.uint8] | None:
    try:
        with rasterio.open(path, driver="GTiff") as opened:
            column = round((frame.left - opened.transform.c) / frame.resolution)
            row = round((opened.transform.f - frame.top) / frame.resolution)
            wanted = Window(column, row, frame.width, frame.height)
            inside = wanted.intersection(Window(0, 0, opened.width, opened.height))
            stored = opened.read(1, window=inside)
            found = style.codes(stored, stored != opened.nodata)
    except (RasterioIOError, WindowError):
        return None
    codes = np.zeros(frame.shape, np.uint8)
    top, left = inside.row_off - row, inside.col_off - column
    codes[top : top + found.shape[0], left : left + found.shape[1]] = found
    return codes


def _find_tile(watch: Watch, geometry: BaseGeometry) -> str | None:
    middle = geometry.representative_point()
    for tile in watch.tiles:
        ground = shapely.box(*tile.grid.bounds)
        if ground.intersects(reproject(middle, WGS84, tile.grid.crs)):
            return str(tile.id)
    return None


def _choose_indices(written: Sequence[str]) -> list[str]:
    """Choose greenness and water, in that order, of what is written."""
    wanted = ("ndvi", "crswir", "ndmi", "nbr", *written)
    return [name for name in dict.fromkeys(wanted) if name in written][:2]


def _list_days(watch: Watch, tile: str, index: str) -> list[date]:
    sample = watch.workplace.index(tile, date(2000, 1, 1), index)
    found = sample.parent.glob(sample.name.replace("2000-01-01", "????-??-??"))
    start = len(tile) + 1
    return sorted(date.fromisoformat(p.name[start : start + 10]) for p in found)


def _frame(shape: BaseGeometry, grid: Grid) -> Grid:
    """Square around an outline, on the pixels of a grid."""
    left, bottom, right, top = shape.bounds
    step = grid.resolution
    side = int(max(right - left, top - bottom) / step) + 2 * _AROUND
    side = min(max(side, _LEAST), _MOST)
    column = int(((left + right) / 2 - grid.left) / step) - side // 2
    row = int((grid.top - (top + bottom) / 2) / step) - side // 2
    return grid.patch(
        left=grid.left + column * step,
        top=grid.top - row * step,
        width=side,
        height=side,
    )


def _overlap(one: Grid, other: Grid) -> bool:
    return bool(shapely.box(*one.bounds).intersects(shapely.box(*other.bounds)))


def _outline(shape: BaseGeometry, frame: Grid) -> str:
    pieces = [p for p in getattr(shape, "geoms", [shape]) if p.geom_type == "Polygon"]
    rings = [r for p in pieces for r in (p.exterior, *p.interiors)]
    step = frame.resolution
    return "".join(
        "M"
        + "L".join(
            f"{(x - frame.left) / step:.1f} {(frame.top - y) / step:.1f}"
            for x, y in np.asarray(ring.coords)[:, :2]
        )
        + "Z"
        for ring in rings
    )
