"""Outlines for others: covering, coarse, latitude where CAP wants it."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiPolygon, Point, Polygon

from agroforest.core.errors import DataError
from agroforest.publish.place import (
    MOST_POINTS,
    MOST_RINGS,
    coarsen,
    coarsen_point,
    draw,
    find_point,
    norm_outline,
    spell_ring,
    turn_rings,
)

WUMING = (108.27, 23.15)


@st.composite
def polygons(draw_from, spread=0.05):
    """Stars of any raggedness, valid or not once their corners cross."""
    west = draw_from(st.floats(-179.5, 179.5))
    south = draw_from(st.floats(-85, 85))
    count = draw_from(st.integers(3, 40))
    size = draw_from(st.floats(1e-6, spread))
    radii = draw_from(
        st.lists(st.floats(0.05, 1), min_size=count, max_size=count).map(np.array)
    )
    turn = np.linspace(0, 2 * math.pi, count, endpoint=False)
    return Polygon(
        np.c_[
            west + size * radii * np.cos(turn),
            south + size * radii * np.sin(turn),
        ]
    )


@given(polygons())
def test_coarse_outline_covers_and_stays_near(polygon):
    outline = norm_outline(polygon, "a")
    coarse = coarsen(outline)
    assert coarse.is_valid
    assert coarse.buffer(1e-9).covers(outline)
    # No cell that the outline does not enter: none lies further than its diagonal.
    assert outline.buffer(0.0145).covers(coarse)


@given(polygons())
def test_coarse_outline_lies_on_the_grid_and_is_coarse_already(polygon):
    coarse = coarsen(norm_outline(polygon, "a"))
    corners = shapely.get_coordinates(coarse) * 100
    assert np.abs(corners - corners.round()).max() < 1e-6
    assert coarsen(coarse).equals(coarse)


@given(polygons(), st.booleans())
def test_drawing_covers_with_few_points(polygon, exact):
    outline = norm_outline(polygon, "a")
    drawing = draw(outline, exact=exact)
    assert len(drawing.rings) <= MOST_RINGS
    assert all(len(ring.coords) <= MOST_POINTS for ring in drawing.rings)
    covered = shapely.union_all([Polygon(ring) for ring in drawing.rings])
    assert covered.buffer(1e-9).covers(outline)


def test_ragged_outline_is_simplified_outward():
    turn = np.linspace(0, 2 * math.pi, 3000)
    radius = 0.03 + 0.004 * np.sin(15 * turn) + 0.0005 * np.sin(700 * turn)
    star = Polygon(
        np.c_[108 + radius * np.cos(turn), 23 + radius * np.sin(turn)]
    ).buffer(0)
    drawing = draw(norm_outline(star, "a"), exact=True)
    drawn = Polygon(drawing.rings[0])
    assert len(drawn.exterior.coords) <= MOST_POINTS
    assert drawn.covers(star)
    assert drawn.area < 1.3 * star.area


def test_many_parts_become_few():
    dust = MultiPolygon(
        [
            shapely.box(
                108 + i * 0.03, 23 + j * 0.03, 108.001 + i * 0.03, 23.001 + j * 0.03
            )
            for i in range(30)
            for j in range(30)
        ]
    )
    for exact in (False, True):
        drawing = draw(dust, exact=exact)
        assert len(drawing.rings) <= MOST_RINGS
        covered = shapely.union_all([Polygon(ring) for ring in drawing.rings])
        assert covered.covers(dust)
        assert drawing.cell > 0.01


def test_huge_outline_gets_large_cells():
    drawing = draw(norm_outline(shapely.box(100, 20, 125, 45), "a"), exact=False)
    (ring,) = drawing.rings
    assert Polygon(ring).covers(shapely.box(100, 20, 125, 45))
    whole = draw(norm_outline(shapely.box(-180, -90, 180, 90), "a"), exact=False)
    assert Polygon(whole.rings[0]).bounds == (-180, -90, 180, 90)


def test_filled_holes_are_owned_up_to():
    ring = shapely.box(108, 23, 108.1, 23.1).difference(
        shapely.box(108.03, 23.03, 108.07, 23.07)
    )
    for exact in (False, True):
        assert draw(norm_outline(ring, "a"), exact=exact).holes_dropped
    solid = norm_outline(shapely.box(108, 23, 108.1, 23.1), "a")
    assert not draw(solid, exact=False).holes_dropped


def test_ring_is_spelt_latitude_first_and_closed():
    lon, lat = WUMING
    outline = norm_outline(shapely.box(lon, lat, lon + 0.02, lat + 0.01), "a")
    spelt = spell_ring(draw(outline, exact=False).rings[0])
    points = spelt.split(" ")
    assert points[0] == points[-1]
    assert set(points) == {
        "23.15,108.27",
        "23.16,108.27",
        "23.16,108.29",
        "23.15,108.29",
    }


@pytest.mark.parametrize("shape", [Point(WUMING), LineString([WUMING, (108.3, 23.2)])])
def test_shape_without_area_becomes_one(shape):
    outline = norm_outline(shape, "a")
    assert outline.area > 0
    assert outline.buffer(1e-7).covers(shape)
    for exact in (False, True):
        assert len(set(spell_ring(draw(outline, exact=exact).rings[0]).split())) >= 3


def test_tiny_polygon_is_still_a_ring():
    tiny = shapely.box(108.27, 23.15, 108.27 + 1e-9, 23.15 + 1e-9)
    spelt = spell_ring(draw(norm_outline(tiny, "a"), exact=True).rings[0])
    assert len(set(spelt.split())) == 4


def test_bow_tie_is_mended():
    bow = Polygon([(108, 23), (108.1, 23.1), (108.1, 23), (108, 23.1)])
    outline = norm_outline(bow, "a")
    assert outline.is_valid
    assert len(outline.geoms) == 2


def test_outline_over_the_antimeridian_is_cut():
    for shape in (shapely.box(179, 50, 181, 51), shapely.box(-181, 50, -179, 51)):
        outline = norm_outline(shape, "a")
        assert outline.equals(
            shapely.union_all(
                [shapely.box(179, 50, 180, 51), shapely.box(-180, 50, -179, 51)]
            )
        )


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        (shapely.box(23, 108, 23.1, 108.1), "latitude 108.1"),
        (shapely.box(600, 20, 601, 21), "longitude 601"),
        (Polygon([(0, 0), (1, 0), (1, math.inf)]), "finite"),
    ],
)
def test_coordinates_outside_the_world_are_refused(shape, said):
    with pytest.raises(DataError, match=f"case 7: .*{said}"):
        norm_outline(shape, "case 7")


def test_nothing_stays_nothing():
    for shape in (None, Polygon()):
        assert norm_outline(shape, "a").is_empty
    assert draw(MultiPolygon(), exact=False).rings == ()


def test_point_is_moved_to_the_centre_of_its_cell():
    assert coarsen_point(108.2701, 23.1599) == (108.275, 23.155)
    assert coarsen_point(-0.001, -0.001) == (-0.005, -0.005)


def test_point_lies_in_the_largest_part():
    small, large = shapely.box(0, 0, 1, 1), shapely.box(10, 10, 14, 14)
    lon, lat = find_point(MultiPolygon([small, large]))
    assert large.contains(Point(lon, lat))


def test_rings_turn_as_geojson_asks():
    ring = Polygon(shapely.box(0, 0, 9, 9).exterior, [shapely.box(3, 3, 6, 6).exterior])
    for one in (ring, shapely.reverse(ring)):
        outline = MultiPolygon([one])
        (part,) = turn_rings(outline).geoms
        assert part.exterior.is_ccw
        assert not part.interiors[0].is_ccw
        assert part.equals(ring)
