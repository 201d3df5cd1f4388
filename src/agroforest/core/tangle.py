"""Outlines that are made to do harm: too many corners, too many crossings, too far.

Whether a polygon is valid takes, at worst, the square of its corners: 3 seconds for
50,000 that all point at one place. What a repair makes of one that crosses itself takes
memory by the crossing, and n edges can cross each other n² / 2 times.
"""

from pathlib import Path

import numpy as np
import shapely
from shapely.errors import GEOSException
from shapely.geometry.base import BaseGeometry

from agroforest.core.errors import ConfigurationError

#: Corners of one polygon. The counties of China at 1:250,000 have under 20,000.
MOST_CORNERS = 50_000
#: Crossings of edges that a repair may have to sort out. Arbitrary; a slip of the hand
#: makes one.
MOST_CROSSINGS = 20_000
# So few edges cannot cross more often than that.
_FEW_CORNERS = 200
_CHUNK = 32


def count_corners(geometry: BaseGeometry | None) -> int:
    """Count the corners of the polygon that has most of them."""
    if geometry is None:
        return 0
    parts = shapely.get_parts(geometry)
    return int(shapely.get_num_coordinates(parts).max(initial=0))


def mend(geometry: BaseGeometry) -> BaseGeometry | None:
    """Make an outline valid; ``None`` if corners lie too far apart to be reckoned with.

    What comes back may be of another type, an empty collection too.
    """
    try:
        mended: BaseGeometry = shapely.make_valid(geometry)
    except GEOSException:
        return None
    return mended


def mend_drawn(path: Path, geometry: BaseGeometry) -> BaseGeometry:
    """Make valid what somebody drew in a file.

    Raises
    ------
    ConfigurationError
        It crosses itself all over, or `mend` gives up.
    """
    if is_tangled(geometry):
        raise ConfigurationError(
            path, "a polygon crosses itself all over", "draw it again"
        )
    mended = mend(geometry)
    if mended is None:
        raise ConfigurationError(
            path, "a polygon has a corner that is nowhere", "draw it again"
        )
    return mended


def is_tangled(geometry: BaseGeometry) -> bool:
    """Whether edges cross more than `MOST_CROSSINGS` times; stops counting there."""
    if shapely.get_num_coordinates(geometry) <= _FEW_CORNERS:
        return False
    rings = shapely.get_rings(shapely.get_parts(geometry))
    points, ring = shapely.get_coordinates(rings, return_index=True)
    joined = ring[1:] == ring[:-1]
    edges = shapely.linestrings(np.stack([points[:-1], points[1:]], axis=1)[joined])
    tree = shapely.STRtree(edges)
    # Neighbours meet at their common corner, and every edge meets itself.
    crossings = -3 * len(edges)
    for start in range(0, len(edges), _CHUNK):
        found = tree.query(edges[start : start + _CHUNK], predicate="intersects")
        crossings += found.shape[1]
        if crossings > 2 * MOST_CROSSINGS:
            return True
    return False
