"""What people draw on a map, by hand or through the API."""

from collections.abc import Sequence

from shapely import LineString

#: Maps repeat themselves eastwards and westwards, once.
_FURTHEST_EAST, _FURTHEST_NORTH = 360, 90


def draw_line(points: Sequence[tuple[float, float]]) -> LineString | None:
    """Join points, longitude and latitude in degrees, WGS 84.

    Returns
    -------
    LineString or None
        ``None`` where they make no line: fewer than two different ones, or one that
        lies nowhere.
    """
    somewhere = all(
        abs(east) <= _FURTHEST_EAST and abs(north) <= _FURTHEST_NORTH
        for east, north in points
    )
    if len(set(points)) < 2 or not somewhere:
        return None
    return LineString(points)
