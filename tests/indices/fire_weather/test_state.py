"""States that are kept."""

from pathlib import Path

import numpy as np
import pytest
from tests.indices.fire_weather.conftest import DAY, Make

from agroforest.core.errors import DataError
from agroforest.indices.fire_weather import Codes, Method, StartUp, step
from agroforest.store.state import load_state, save_state


def test_a_night_kept_is_the_night_before(make: Make, tmp_path: Path) -> None:
    """Through the store of the tiles: exact, and the next day comes out the same."""
    grid = {"crs": "EPSG:32649", "left": 0.0, "top": 30.0, "resolution": 10.0}
    grid |= {"width": 2, "height": 3}
    start = Codes.start((3, 2), day=DAY - 1, method=Method(scale=147.27723))
    rain = np.array([[0.0, 3.0], [np.nan, 20.0], [0.0, 1.0]])
    codes, _ = step(start, make(rain=rain), latitude=23.0)
    save_state(tmp_path, "49QCE", codes.arrays(), codes.attributes() | grid)
    loaded = load_state(tmp_path, "49QCE")
    assert loaded is not None
    back = Codes.from_saved(*loaded)
    assert (back.day, back.method) == (codes.day, codes.method)
    for name, array in codes.arrays().items():
        np.testing.assert_array_equal(back.arrays()[name], array)
        assert back.arrays()[name].dtype == array.dtype
    tomorrow = make(DAY + 1, rain=rain)
    one, _ = step(codes, tomorrow, latitude=23.0)
    two, _ = step(back, tomorrow, latitude=23.0)
    np.testing.assert_array_equal(one.ffmc, two.ffmc)


def test_half_a_state_is_refused() -> None:
    codes = Codes.start((2,), day=DAY)
    with pytest.raises(DataError, match="'dc'"):
        Codes.from_saved({"ffmc": codes.ffmc, "dmc": codes.dmc}, codes.attributes())
    with pytest.raises(DataError, match="ffmc_scale"):
        Codes.from_saved(codes.arrays(), {"fire_weather_day": 1})
    odd = codes.arrays() | {"dc": np.zeros(3)}
    with pytest.raises(DataError, match="several shapes"):
        Codes.from_saved(odd, codes.attributes())


def test_start_up_reaches_every_cell() -> None:
    codes = Codes.start((2, 2), day=DAY, start_up=StartUp(ffmc=80, dmc=1, dc=2))
    assert np.unique(codes.ffmc).tolist() == [80.0]
    assert np.unique(codes.dc).tolist() == [2.0]
    assert codes.active.all()
