"""Which detections belong together: near each other, and soon after each other."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from agroforest.hotspots.detections import Detections, unit_vectors

_HOUR = np.timedelta64(3600, "s")
# Neighbours looked at in one go: 24 bytes each.
_AT_ONCE = 20_000_000
# The tree's own rounding must not lose a pair that lies exactly on the limit.
_SLACK = 1e-9


def label_chains(detections: Detections, *, gap_hours: float) -> NDArray[np.int64]:
    """Label the chains of detections that follow each other in place and time.

    Two detections are linked where their pixels touch (their distance is at most the
    sum of their `reach_km`) and their times differ by at most `gap_hours`. Chains are
    what links join. The result does not depend on the order of the rows, but the
    numbers do.

    Parameters
    ----------
    detections
        Of any satellites and times.
    gap_hours
        How long a fire may go unseen and still be the same, hours.

    Returns
    -------
    ndarray of int64
        ``(n,)``: number of each one's chain, from 0.
    """
    count = len(detections)
    if count == 0:
        return np.empty(0, dtype=np.int64)
    reach = detections.reach_km
    place = unit_vectors(detections.longitude, detections.latitude)
    hours = (detections.time - detections.time.min()) / _HOUR
    widest = 2.0 * float(reach.max())
    scaled = np.column_stack([place / widest, hours / gap_hours])
    label = np.arange(count)
    for left, right in _near_pairs(scaled):
        apart = np.linalg.norm(place[left] - place[right], axis=1)
        joined = apart <= reach[left] + reach[right]
        label = _join(label, left[joined], right[joined])
    return label


def _near_pairs(
    points: NDArray[np.float64],
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Pairs of points that differ by at most 1 in every coordinate, in blocks.

    A crowded day can have more pairs than fit into memory; then the points are taken
    by as many as have `_AT_ONCE` neighbours.
    """
    tree = cKDTree(points)
    radius = 1.0 + _SLACK
    if tree.count_neighbors(tree, radius, p=np.inf) <= _AT_ONCE:
        pairs = tree.query_pairs(radius, p=np.inf, output_type="ndarray")
        yield pairs[:, 0], pairs[:, 1]
        return
    neighbours = tree.query_ball_point(points, radius, p=np.inf, return_length=True)
    block = np.cumsum(neighbours) // _AT_ONCE
    for start in np.unique(block, return_index=True)[1].tolist():
        rows = start + np.flatnonzero(block[start:] == block[start])
        found = cKDTree(points[rows]).sparse_distance_matrix(
            tree, radius, p=np.inf, output_type="ndarray"
        )
        left, right = found["i"] + rows[0], found["j"]
        once = left < right
        yield left[once], right[once]


def _join(
    label: NDArray[np.int64], left: NDArray[np.intp], right: NDArray[np.intp]
) -> NDArray[np.int64]:
    """Give one number to what a link joins."""
    size = len(label)
    ends = (label[left], label[right])
    links = coo_array((np.ones(len(left), dtype=np.int8), ends), shape=(size, size))
    _, merged = connected_components(links, directed=False)
    numbers = np.unique(merged[label], return_inverse=True)[1]
    return numbers.astype(np.int64)
