"""From a probability to scars: which pixels belong together, and their outlines."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyproj
import rasterio.features
import shapely
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, find_objects, label
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from agroforest.core.grid import WGS84, Grid, reproject
from agroforest.core.identity import digest
from agroforest.products.zonal.outlines import geodesic_area

#: Hectares: a smaller scar is left out, a smaller hole filled. The sizes were tried
#: on four fifths of the training fires and measured on the last; docs/fire-scars.md.
MIN_HA, HOLE_HA = 1.0, 3.0
# Metres between patches of one scar; arbitrary.
_BRIDGE_M = 60.0
# Of a pixel: takes the steps off a slanting edge and moves no corner further.
_SMOOTH = 0.75
_SQUARE = np.ones((3, 3), bool)
_GEOD = pyproj.Geod(ellps="WGS84")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Outline:
    """One scar.

    Attributes
    ----------
    id
        From its pixels and the images: the same input gives the same id.
    rows, columns
        Where it lies in the grid.
    pixels
        ``(y, x)`` bool of those rows and columns.
    geometry
        Valid multipolygon, WGS 84, holes kept; steps of a pixel smoothed.
    area_ha
        Of `geometry`, on the ellipsoid.
    """

    id: str
    rows: slice
    columns: slice
    pixels: NDArray[np.bool_] = field(repr=False)
    geometry: BaseGeometry = field(repr=False)
    area_ha: float


def pixel_size(grid: Grid) -> float:
    """Side of a pixel in the middle of a grid, metres; the root of its area."""
    middle_x = grid.left + grid.width / 2 * grid.resolution
    middle_y = grid.top - grid.height / 2 * grid.resolution
    half = grid.resolution / 2
    pixel = reproject(
        shapely.box(middle_x - half, middle_y - half, middle_x + half, middle_y + half),
        grid.crs,
        WGS84,
    )
    return float(np.sqrt(abs(_GEOD.geometry_area_perimeter(pixel)[0])))


def find_burned(
    probability: NDArray[np.float32],
    threshold: float,
    pixel_m: float,
    *,
    min_ha: float = MIN_HA,
    hole_ha: float = HOLE_HA,
) -> NDArray[np.bool_]:
    """Decide which pixels burned.

    Parameters
    ----------
    probability
        ``(y, x)``, NaN where not seen.
    threshold
        From which a pixel counts.
    pixel_m
        Side of a pixel, metres.
    min_ha, hole_ha
        Smaller patches are left out (patches that a bridge joins count together),
        smaller holes filled, also where cloud hid the ground.

    Returns
    -------
    ndarray
        ``(y, x)`` bool.
    """
    burned = np.nan_to_num(probability) >= threshold
    hectare = 1e4 / pixel_m**2
    groups, count = label(binary_dilation(burned, _disc(pixel_m)), _SQUARE)
    if not count:
        return burned
    sizes = np.bincount(groups[burned], minlength=count + 1)
    burned &= (sizes >= min_ha * hectare)[groups]
    holes, count = label(~burned)
    sizes = np.bincount(holes.ravel(), minlength=count + 1)
    filled = sizes < hole_ha * hectare
    # What touches the edge is open, not a hole.
    for edge in (holes[0], holes[-1], holes[:, 0], holes[:, -1]):
        filled[edge] = False
    filled[0] = False
    return np.asarray(burned | filled[holes])


def find_outlines(
    burned: NDArray[np.bool_], grid: Grid, *inputs: str
) -> Iterator[Outline]:
    """Outline the scars, from the north-west row by row.

    Parameters
    ----------
    burned
        ``(y, x)`` bool.
    grid
        Its grid.
    inputs
        Digests of what it was found in, for the ids.
    """
    groups, _ = label(binary_dilation(burned, _disc(pixel_size(grid))), _SQUARE)
    groups[~burned] = 0
    for number, place in enumerate(find_objects(groups), start=1):
        if place is None:
            continue
        rows, columns = place
        pixels = groups[place] == number
        part = grid.patch(
            left=grid.left + columns.start * grid.resolution,
            top=grid.top - rows.start * grid.resolution,
            width=pixels.shape[1],
            height=pixels.shape[0],
        )
        geometry = _trace(pixels, part)
        square_m = geodesic_area(np.array([geometry], dtype=object), pyproj.CRS(WGS84))[
            0
        ]
        yield Outline(
            id=digest(
                "scar-1", *inputs, rows.start, columns.start, _spell(pixels), length=12
            ),
            rows=rows,
            columns=columns,
            pixels=pixels,
            geometry=geometry,
            area_ha=float(square_m) / 1e4,
        )


def _trace(pixels: NDArray[np.bool_], grid: Grid) -> BaseGeometry:
    shapes = rasterio.features.shapes(
        pixels.astype(np.uint8), mask=pixels, transform=grid.transform
    )
    whole = shapely.union_all([shape(outline) for outline, _ in shapes])
    smooth = shapely.simplify(whole, _SMOOTH * grid.resolution)
    parts = shapely.get_parts(shapely.make_valid(reproject(smooth, grid.crs, WGS84)))
    leaves = [leaf for part in parts for leaf in shapely.get_parts(part)]
    return shapely.MultiPolygon([p for p in leaves if p.geom_type == "Polygon"])


def _spell(pixels: NDArray[np.bool_]) -> str:
    return f"{pixels.shape} {np.packbits(pixels).tobytes().hex()}"


def _disc(pixel_m: float) -> NDArray[np.bool_]:
    """Half of a bridge, from both patches."""
    radius = _BRIDGE_M / 2 / pixel_m
    reach = int(radius)
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return np.asarray(np.hypot(rows, columns) <= max(radius, 0.5))
