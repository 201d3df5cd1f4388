import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon, box

from agroforest.core.county import NOWHERE, Counties, County

GRID = [
    County(
        code=f"{x}{y}",
        name_zh=f"县{x}{y}",
        name_en=f"C{x}{y}",
        geometry=box(x, y, x + 1, y + 1),
    )
    for x in range(3)
    for y in range(3)
]


def test_outside_of_all_is_nowhere():
    assert Counties().locate(box(0, 0, 1, 1)) == NOWHERE
    assert Counties(GRID).locate(box(9, 9, 10, 10)) == NOWHERE


def test_they_come_in_the_order_given():
    assert list(Counties(GRID)) == GRID


def test_the_county_that_holds_most_is_taken():
    found = Counties(GRID).locate(box(0.9, 0.2, 1.3, 0.4))
    assert found == ("10", "县10", "C10")


def test_pieces_count_together():
    pieces = MultiPolygon([box(0.1, 0.1, 0.4, 0.4), box(1.1, 0.1, 1.3, 0.3)])
    assert Counties(GRID).locate(pieces)[0] == "00"


def test_an_outline_that_crosses_itself_is_found_all_the_same():
    bow = Polygon([(0.1, 0.1), (1.6, 0.9), (1.6, 0.1), (0.1, 0.9)])
    assert Counties(GRID).locate(bow)[0] == "00"


def test_of_two_equals_the_first_is_taken():
    assert Counties(GRID).locate(box(0.5, 0.2, 1.5, 0.4))[0] == "00"
    assert Counties(GRID[::-1]).locate(box(0.5, 0.2, 1.5, 0.4))[0] == "10"


places = st.floats(0, 2.5)


@given(places, places, st.floats(0.01, 1), st.floats(0.01, 1))
def test_no_county_holds_more(west: float, south: float, width: float, height: float):
    place = box(west, south, west + width, south + height)
    found = Counties(GRID).locate(place)[0]
    shares = shapely.area(
        shapely.intersection(np.array([c.geometry for c in GRID]), place)
    )
    held = dict(zip((c.code for c in GRID), shares, strict=True))
    assert held[found] == max(shares)
