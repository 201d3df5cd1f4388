"""From pixels to objects: what a risk map shows, as polygons."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from agroforest.core.alert import Alert, Observation, Revisit
from agroforest.core.grid import WGS84, Grid, reproject
from agroforest.core.risk import EPOCH, Hazard, RiskMap

# A patch of canopy that fades diagonally is one patch.
_EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)
# Stress seen no longer than this before a loss beside it belongs to the loss:
# felling takes weeks and clouds hide its first days. Arbitrary.
_SAME_EVENT = timedelta(days=45)
# Share of a stressed object that must lie along the loss. Arbitrary.
_RIM_SHARE = 0.8
_METRES_A_DEGREE = 111_320.0  # of latitude; of longitude it is less, so more reach


def find_objects(
    risk: RiskMap,
    area: BaseGeometry,
    *,
    min_pixels: int = 4,
    min_area_ha: float = 0.0,
) -> list[Observation]:
    """Find connected objects of detected pixels.

    Parameters
    ----------
    risk
        One hazard on one tile.
    area
        Polygon in the tile's CRS; pixels whose centre lies outside it belong to
        another tile and are left out.
    min_pixels, min_area_ha
        Smaller objects are noise and not returned. Connected objects of three
        to four pixels are what cuts false alarms in published series.

    Returns
    -------
    list of Observation
        In reading order of their first pixel.
    """
    if not risk.detected.any():
        return []  # most tiles on most nights: looking at the area costs more
    detected = risk.detected & risk.grid.contains(area)
    labels, count = ndimage.label(detected, structure=_EIGHT_NEIGHBOURS)
    found = []
    for number, window in enumerate(ndimage.find_objects(labels, count), start=1):
        inside = labels[window] == number
        pixels = int(inside.sum())
        hectares = pixels * risk.grid.pixel_area_ha
        if pixels < min_pixels or hectares < min_area_ha:
            continue
        outline = _outline(inside, _window_grid(risk.grid, window))
        found.append(
            Observation(
                tile=risk.tile,
                night=risk.night,
                hazard=risk.hazard,
                model=risk.model,
                geometry=reproject(outline, risk.grid.crs, WGS84),
                area_ha=hectares,
                probability=float(np.mean(risk.probability[window][inside])),
                since=_day(risk.since[window][inside].min()),
                evidence=_day(risk.evidence[window][inside].max()),
            )
        )
    return found


def drop_rims(
    observations: Sequence[Observation], *, reach_m: float
) -> list[Observation]:
    """Leave out stress that is only the rim of a loss.

    Pixels at the edge of a clear-cut are half canopy, half soil, and look
    stressed from the day of the cut on. A patch that was stressed long before it
    was felled stays, and so does one that reaches beyond the edge.

    Parameters
    ----------
    observations
        Of one night, all hazards and tiles.
    reach_m
        A rim lies no further from the loss than this, metres; a pixel and a
        half joins diagonal neighbours.

    Returns
    -------
    list of Observation
        In the same order.
    """
    losses = [o for o in observations if o.hazard == Hazard.CANOPY_LOSS]
    if not losses:
        return list(observations)
    reach = reach_m / _METRES_A_DEGREE
    tree = shapely.STRtree([loss.geometry for loss in losses])

    def is_rim(one: Observation) -> bool:
        if one.hazard != Hazard.CANOPY_STRESS:
            return False
        near = tree.query(one.geometry, predicate="dwithin", distance=reach)
        same = [losses[n] for n in near if one.since >= losses[n].since - _SAME_EVENT]
        edge = shapely.union_all([loss.geometry.buffer(reach) for loss in same])
        covered = one.geometry.intersection(edge).area
        return bool(covered >= _RIM_SHARE * one.geometry.area)

    return [o for o in observations if not is_rim(o)]


def revisit(risk: RiskMap, alerts: Iterable[Alert]) -> list[Revisit]:
    """Say what a risk map shows inside alerts that are already known.

    Parameters
    ----------
    risk
        One hazard on one tile.
    alerts
        Alerts of any hazard and place; those of another hazard, or without a
        pixel on this tile, are passed over.

    Returns
    -------
    list of Revisit
        One for each alert that the map can speak of.
    """
    said = []
    for alert in alerts:
        if alert.hazard != risk.hazard:
            continue
        geometry = reproject(alert.geometry, WGS84, risk.grid.crs)
        window = _covering(risk.grid, geometry)
        if window is None:
            continue
        inside = _window_grid(risk.grid, window).contains(geometry)
        judged = inside & np.isfinite(risk.probability[window])
        if not inside.any():
            continue
        newest = int(risk.evidence[window][judged].max(initial=0))
        said.append(
            Revisit(
                alert=alert.id,
                pixels=int(inside.sum()),
                detected=float(risk.detected[window][inside].mean()),
                evidence=_day(newest) if newest else None,
            )
        )
    return said


def _outline(inside: NDArray[np.bool_], grid: Grid) -> BaseGeometry:
    """Union of the pixel squares, built from one box for each run in a row."""
    steps = np.diff(np.pad(inside, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(steps == 1)
    _, ends = np.nonzero(steps == -1)
    size = grid.resolution
    top = grid.top - rows * size
    boxes = shapely.box(
        grid.left + starts * size, top - size, grid.left + ends * size, top
    )
    return shapely.union_all(boxes)


def _covering(grid: Grid, geometry: BaseGeometry) -> tuple[slice, slice] | None:
    left, bottom, right, top = geometry.bounds
    first_column = max(0, int((left - grid.left) // grid.resolution))
    last_column = min(grid.width, int((right - grid.left) // grid.resolution) + 1)
    first_row = max(0, int((grid.top - top) // grid.resolution))
    last_row = min(grid.height, int((grid.top - bottom) // grid.resolution) + 1)
    if first_column >= last_column or first_row >= last_row:
        return None
    return slice(first_row, last_row), slice(first_column, last_column)


def _window_grid(grid: Grid, window: tuple[slice, slice]) -> Grid:
    rows, columns = window
    return grid.patch(
        left=grid.left + columns.start * grid.resolution,
        top=grid.top - rows.start * grid.resolution,
        width=columns.stop - columns.start,
        height=rows.stop - rows.start,
    )


def _day(epoch_day: int | np.integer) -> date:
    return EPOCH + timedelta(days=int(epoch_day))
