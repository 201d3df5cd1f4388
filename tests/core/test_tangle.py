"""Outlines that are made to do harm."""

from pathlib import Path

import numpy as np
import pytest
import shapely

from agroforest.core.errors import ConfigurationError
from agroforest.core.tangle import (
    MOST_CROSSINGS,
    count_corners,
    is_tangled,
    mend,
    mend_drawn,
)

# Whose corners GEOS cannot put on one grid.
FAR = shapely.Polygon(
    [(108.2, 22.8), (-5e303, 1.3e5), (1.8e185, 22.9), (108.2, 22.8)],
    [[(108.22, 22.81), (108.29, 22.88), (108.29, 23.81), (108.22, 22.81)]],
)


def star(points: int, step: int) -> shapely.Polygon:
    """Join each of some points of a circle to the one `step` further."""
    turns = 2 * np.pi * (np.arange(points) * step % points) / points
    return shapely.Polygon(np.column_stack([np.cos(turns), np.sin(turns)]))


@pytest.mark.parametrize("points", [301, 3001, 30_001])
def test_edges_that_all_cross_are_found_before_they_are_counted(points: int) -> None:
    assert is_tangled(star(points, points // 2))


def test_an_outline_of_many_corners_is_not_tangled() -> None:
    turns = np.linspace(0, 2 * np.pi, 40_000, endpoint=False)
    coast = np.column_stack([np.cos(turns), np.sin(turns)])
    coast *= 1 + 0.001 * np.sin(5000 * turns)[:, np.newaxis]
    assert not is_tangled(shapely.Polygon(coast))
    coast[[10, 500]] = coast[[500, 10]]  # a slip of the hand
    slipped = shapely.Polygon(coast)
    assert not slipped.is_valid
    assert not is_tangled(slipped)


def test_a_multipolygon_counts_by_its_largest_part() -> None:
    parts = [star(301, 1), star(901, 1), shapely.Polygon()]
    assert count_corners(shapely.MultiPolygon(parts)) == 902
    assert count_corners(None) == 0
    assert MOST_CROSSINGS < 301 * 300 / 2


def test_an_outline_is_mended_if_it_can_be(tmp_path: Path) -> None:
    bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    mended = mend(bow)
    assert mended is not None
    assert mended.area == pytest.approx(0.5)
    assert mend(FAR) is None
    with pytest.raises(ConfigurationError, match="a corner that is nowhere"):
        mend_drawn(tmp_path / "a.geojson", FAR)
    with pytest.raises(ConfigurationError, match="crosses itself all over"):
        mend_drawn(tmp_path / "a.geojson", star(301, 150))
