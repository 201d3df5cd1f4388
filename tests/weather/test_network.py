"""Stations on a tile."""

import numpy as np
import pytest
from pyproj import Transformer

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.grid import Grid
from agroforest.weather import Station, StationSeries, build_network
from agroforest.weather.network import LAPSE

GRID = Grid(
    crs="EPSG:32649", left=300_000, top=2_520_000, resolution=1000, width=40, height=20
)
DAY = 19783
TO = Transformer.from_crs(GRID.crs, "EPSG:4326", always_xy=True)


def station(
    column: float, row: float, *, elevation: float | None = 100.0, days=(DAY,), **values
) -> StationSeries:
    """A station in the middle of a pixel."""
    x, y = (
        GRID.left + (column + 0.5) * GRID.resolution,
        GRID.top - (row + 0.5) * GRID.resolution,
    )
    longitude, latitude = TO.transform(x, y)
    said = {"temperature": 20.0, "humidity": 50.0, "wind": 10.0, "rain": 0.0} | values
    field = {name: np.full(len(days), value) for name, value in said.items()}
    return StationSeries(
        station=Station(
            id=f"{column}", longitude=longitude, latitude=latitude, elevation=elevation
        ),
        days=np.array(days),
        temperature=field["temperature"],
        humidity=field["humidity"],
        wind=field["wind"],
        rain=field["rain"],
        forecast=np.zeros(len(days), bool),
        rows=len(days),
        refused=(),
    )


def test_a_pixel_at_a_station_has_its_weather() -> None:
    near = station(5, 10, temperature=18.0, humidity=70.0, wind=4.0, rain=6.0)
    far = station(30, 10, temperature=28.0, humidity=30.0, wind=20.0, rain=0.0)
    found = build_network([near, far], GRID).bring(DAY)
    assert found.temperature[10, 5] == pytest.approx(18.0, abs=1e-5)
    assert found.humidity[10, 5] == pytest.approx(70.0, abs=1e-4)
    assert found.wind[10, 30] == pytest.approx(20.0, abs=1e-5)
    middle = found.temperature[10, 17:19].mean()
    assert middle == pytest.approx(23.0, abs=0.05)
    assert set(np.unique(found.rain)) == {0.0, 6.0}
    assert found.rain[10, :17].tolist() == [6.0] * 17


def test_one_station_speaks_for_all_within_reach() -> None:
    found = build_network([station(5, 10)], GRID).bring(DAY)
    np.testing.assert_allclose(found.temperature, 20.0)
    np.testing.assert_allclose(found.humidity, 50.0)
    far = build_network([station(5 + 110, 10)], GRID).bring(DAY)
    assert np.isnan(far.temperature[10, :14]).all()  # more than 100 km
    assert not np.isnan(far.temperature[10, 16:]).any()
    assert np.isnan(far.rain[10, :14]).all()


def test_mountains_are_colder_and_moister() -> None:
    terrain = np.full(GRID.shape, 100.0)
    terrain[:, 20:] = 1100.0
    terrain[0, 0] = np.nan
    found = build_network([station(5, 10)], GRID, terrain=terrain).bring(DAY)
    assert found.temperature[10, 5] == pytest.approx(20.0)
    assert found.temperature[10, 30] == pytest.approx(20.0 - 1000 * LAPSE)
    assert found.humidity[10, 5] == pytest.approx(50.0)
    assert 70 < found.humidity[10, 30] < 80
    assert np.isnan(found.temperature[0, 0])
    high = np.full(GRID.shape, 6000.0)
    top = build_network([station(5, 10, humidity=99)], GRID, terrain=high).bring(DAY)
    assert top.humidity.max() == 100.0


def test_stations_at_two_heights_agree_on_the_lapse() -> None:
    """Neither height nor distance matters where the air follows the lapse rate."""
    low = station(5, 10, elevation=0.0, temperature=20.0)
    high = station(30, 10, elevation=1000.0, temperature=20.0 - 1000 * LAPSE)
    terrain = np.full(GRID.shape, 500.0)
    found = build_network([low, high], GRID, terrain=terrain).bring(DAY)
    np.testing.assert_allclose(found.temperature, 20.0 - 500 * LAPSE)


def test_a_silent_station_is_left_out() -> None:
    one = station(5, 10, days=(DAY, DAY + 1), temperature=18.0)
    two = station(30, 10, days=(DAY,), temperature=28.0)
    network = build_network([one, two], GRID)
    np.testing.assert_allclose(network.bring(DAY + 1).temperature, 18.0)
    nobody = network.bring(DAY + 2)
    assert np.isnan(nobody.temperature).all()
    assert np.isnan(nobody.rain).all()
    assert nobody.shape == GRID.shape


def test_what_a_network_needs() -> None:
    with pytest.raises(DataError, match="there is none"):
        build_network([], GRID)
    with pytest.raises(ConfigurationError, match="no elevation"):
        build_network(
            [station(1, 1, elevation=None)], GRID, terrain=np.zeros(GRID.shape)
        )
    with pytest.raises(DataError, match="shape"):
        build_network([station(1, 1)], GRID, terrain=np.zeros((2, 2)))
    lost = station(1, 1)
    lost = lost.patch(station=Station(id="x"))
    with pytest.raises(ConfigurationError, match="station x: has no longitude"):
        build_network([lost], GRID)
