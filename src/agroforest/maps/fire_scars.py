"""Burn scars on a page: what burned, how severely, and the ground before and after."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from agroforest.core.grid import WGS84, Grid, reproject
from agroforest.maps.colors import index_palette, shade
from agroforest.maps.fire import ScarLayer
from agroforest.maps.layers import area, both, rings, text, tick
from agroforest.maps.raster import draw_index, draw_strip

Json = dict[str, Any]

#: Scars with pictures, those of the newest images; all are outlined. Arbitrary.
MOST_PICTURED = 24
# Ends of the burn ratio's scale, chosen for the eye: bare char to dense forest.
_NBR_ENDS = (-0.5, 0.8)
_NBR_SHADES = 32
_LEAST_MARGIN = 500.0  # metres of ground shown around a scar


def draw_scars(scars: Sequence[ScarLayer], pictures: list[str]) -> Json:
    """Outlines, facts and pictures of scars, newest image first.

    Parameters
    ----------
    scars
        Any order.
    pictures
        Data URIs of the page; new ones are added.

    Returns
    -------
    dict
        ``scars``, and ``nbr``: the scale of their pictures.
    """
    if not scars:
        return {"scars": [], "nbr": None}
    palette = index_palette("brbg")
    ordered = sorted(scars, key=lambda s: (-s.after.toordinal(), -s.area_ha, s.id))
    low, high = (f"{end:.3g}".replace("-", "\N{MINUS SIGN}") for end in _NBR_ENDS)
    return {
        "scars": [
            _scar(scar, pictures, pictured=n < MOST_PICTURED)
            for n, scar in enumerate(ordered)
        ],
        "nbr": {
            "strip": _number(pictures, draw_strip(palette)),
            "ticks": [tick(0, f"≤ {low}", "end"), tick(1, f"≥ {high}", "end")],
        },
    }


def _scar(scar: ScarLayer, pictures: list[str], *, pictured: bool) -> Json:
    point = shapely.point_on_surface(scar.geometry)
    seen = {"before": scar.nbr_before, "after": scar.nbr_after} if pictured else {}
    return {
        "id": text(scar.id),
        "alert": text(scar.alert),
        "rings": rings(scar.geometry),
        "at": [round(point.y, 6), round(point.x, 6)],
        "area": area(scar.area_ha),
        "verdict": both(scar.verdict_zh, scar.verdict_en),
        "before": scar.before.isoformat() if scar.before else None,
        "after": scar.after.isoformat(),
        "severity": [
            {**both(zh, en), **area(hectares)} for zh, en, hectares in scar.severity_ha
        ],
        "pictures": {
            when: _burn_ratio(values, scar, pictures)
            for when, values in seen.items()
            if values is not None
        },
    }


def _burn_ratio(
    values: NDArray[np.floating], scar: ScarLayer, pictures: list[str]
) -> Json:
    low, high = _NBR_ENDS
    grid, rows, columns = _around(scar)
    picture = draw_index(
        shade(values[rows, columns], vmin=low, vmax=high, shades=_NBR_SHADES),
        grid,
        palette=index_palette("brbg"),
        vmin=low,
        vmax=high,
    )
    return {"picture": _number(pictures, picture.uri), "corners": picture.corners}


def _around(scar: ScarLayer) -> tuple[Grid, slice, slice]:
    """Cut a scar and as much ground again on each side out of its pictures."""
    grid = scar.grid
    left, bottom, right, top = reproject(scar.geometry, WGS84, grid.crs).bounds
    margin = max(_LEAST_MARGIN, (right - left) / 2, (top - bottom) / 2)
    columns = _span(
        left - margin - grid.left, right + margin - grid.left, grid.resolution,
        grid.width,
    )  # fmt: skip
    rows = _span(
        grid.top - top - margin, grid.top - bottom + margin, grid.resolution,
        grid.height,
    )  # fmt: skip
    cut = grid.patch(
        left=grid.left + columns.start * grid.resolution,
        top=grid.top - rows.start * grid.resolution,
        width=columns.stop - columns.start,
        height=rows.stop - rows.start,
    )
    return cut, rows, columns


def _span(low: float, high: float, step: float, most: int) -> slice:
    """Pixels between two distances; all of them where none lies between."""
    first, last = max(0, int(low // step)), min(most, int(-(-high // step)))
    return slice(first, last) if first < last else slice(0, most)


def _number(pictures: list[str], uri: str) -> int:
    if uri not in pictures:
        pictures.append(uri)
    return pictures.index(uri)
