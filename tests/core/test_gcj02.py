import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.core.gcj02 import from_gcj02, to_gcj02

_IN_CHINA = (st.floats(73.5, 135.0), st.floats(18.0, 53.5))


@pytest.mark.golden
@pytest.mark.parametrize(
    ("wgs84", "gcj02"),
    [
        # Test table of googollee/eviltransform: Shanghai, Shenzhen, Beijing.
        ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),
        ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),
        ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),
    ],
)
def test_places_of_a_published_table(wgs84, gcj02):
    found = to_gcj02(*wgs84)
    assert np.allclose(found, gcj02, rtol=0, atol=1e-9)


@given(*_IN_CHINA)
def test_undoing_gives_the_place_back(lon, lat):
    back = from_gcj02(*to_gcj02(lon, lat))
    assert np.allclose(back, (lon, lat), rtol=0, atol=1e-9)  # a tenth of a millimetre


@given(*_IN_CHINA)
def test_the_shift_is_hundreds_of_metres(lon, lat):
    shifted = np.array(to_gcj02(lon, lat)) - (lon, lat)
    metres = np.hypot(shifted[0] * np.cos(np.radians(lat)), shifted[1]) * 111_195
    assert 20 < metres < 1000


@pytest.mark.parametrize("place", [(2.35, 48.85), (139.7, 35.7), (106.8, -6.2)])
def test_nothing_is_shifted_outside(place):
    assert np.array_equal(to_gcj02(*place), place)
    assert np.array_equal(from_gcj02(*place), place)


def test_arrays_keep_their_shape():
    lon, lat = to_gcj02(np.full((2, 3), 108.3), np.full((2, 3), 22.8))
    assert lon.shape == lat.shape == (2, 3)
