"""Gridded weather on a tile."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.weather import GriddedWeather, place

GRID = Grid(
    crs="EPSG:32649", left=240_000, top=2_540_000, resolution=1000, width=30, height=20
)


def weather(latitude, longitude, temperature, rain=None) -> GriddedWeather:
    """One day; temperature and rain as given, the rest even."""
    field = np.asarray(temperature, float)[None]
    return GriddedWeather(
        source="w.nc",
        dims=("lat", "lon"),
        days=np.array([19783]),
        latitude=np.asarray(latitude, float),
        longitude=np.asarray(longitude, float),
        temperature=field,
        humidity=np.full_like(field, 100.0),
        wind=np.full_like(field, 10.0),
        rain=field if rain is None else np.asarray(rain, float)[None],
        forecast=np.array([True]),
        refused={},
    )


LATITUDE = np.arange(23.2, 22.5, -0.1)
LONGITUDE = np.arange(108.2, 109.1, 0.1)


def test_a_plane_stays_a_plane_and_rain_stays_a_step() -> None:
    """Bilinear interpolation is exact for a plane; rain takes source values only."""
    plane = 2 * LATITUDE[:, None] - 3 * LONGITUDE[None, :]
    source = weather(LATITUDE, LONGITUDE, plane)
    placed = place(source, GRID)
    [day] = [placed.bring(day) for day in source]
    to = Transformer.from_crs(GRID.crs, "EPSG:4326", always_xy=True)
    lon, lat = to.transform(*np.meshgrid(GRID.x_centres(), GRID.y_centres()))
    np.testing.assert_allclose(day.temperature, 2 * lat - 3 * lon, atol=1e-6)
    np.testing.assert_allclose(placed.latitude, lat)
    assert set(np.unique(day.rain)) <= set(np.unique(plane))
    row = np.abs(LATITUDE[:, None, None] - lat).argmin(axis=0)
    column = np.abs(LONGITUDE[:, None, None] - lon).argmin(axis=0)
    np.testing.assert_array_equal(day.rain, plane[row, column])
    assert day.forecast
    assert day.humidity.max() <= 100.0  # rounding would make it invalid


def test_south_first_is_the_same() -> None:
    noise = np.random.default_rng(2).normal(size=(len(LATITUDE), len(LONGITUDE)))
    one = weather(LATITUDE, LONGITUDE, noise)
    two = weather(LATITUDE[::-1], LONGITUDE, noise[::-1])
    [a], [b] = ([place(s, GRID).bring(d) for d in s] for s in (one, two))
    np.testing.assert_allclose(a.temperature, b.temperature)
    np.testing.assert_array_equal(a.rain, b.rain)


@given(st.data())
def test_nothing_leaves_the_range_of_the_source(data: st.DataObject) -> None:
    cells = len(LATITUDE) * len(LONGITUDE)
    values = data.draw(
        st.lists(
            st.floats(-30, 45) | st.just(float("nan")), min_size=cells, max_size=cells
        )
    )
    field = np.reshape(values, (len(LATITUDE), len(LONGITUDE)))
    small = GRID.patch(width=4, height=4)
    source = weather(LATITUDE, LONGITUDE, field)
    [day] = [place(source, small).bring(d) for d in source]
    found = day.temperature[~np.isnan(day.temperature)]
    if found.size:
        assert found.min() >= np.nanmin(field)
        assert found.max() <= np.nanmax(field)
    np.testing.assert_array_equal(np.isnan(day.temperature), np.isnan(day.rain))


def test_a_missing_cell_is_missing_and_spoils_no_neighbour() -> None:
    field = np.full((len(LATITUDE), len(LONGITUDE)), 7.0)
    field[3, 4] = np.nan
    source = weather(LATITUDE, LONGITUDE, field)
    [day] = [place(source, GRID).bring(d) for d in source]
    there = day.temperature[~np.isnan(day.temperature)]
    assert 0 < np.isnan(day.temperature).sum() < 0.5 * GRID.width * GRID.height
    np.testing.assert_allclose(there, 7.0)


def test_outside_the_source_nothing_is_known() -> None:
    source = weather([23.2, 23.0], [108.4, 108.6], [[1, 2], [3, 4]])
    placed = place(source, GRID)
    [day] = [placed.bring(d) for d in source]
    inside = ~np.isnan(day.temperature)
    assert 0 < inside.sum() < inside.size
    with pytest.raises(DataError, match="does not cover"):
        place(weather([50.0, 49.0], [10.0, 11.0], [[1, 2], [3, 4]]), GRID)


def test_the_date_line_is_no_edge() -> None:
    """Fiji: columns from 179.5° E over 180° to 179.5° W."""
    grid = Grid(
        crs="EPSG:32760",
        left=810_000,
        top=8_000_000,
        resolution=1000,
        width=4,
        height=4,
    )
    source = weather([-17.0, -18.5, -20.0], [179.0, -180.0, -179.0], [[1, 2, 3]] * 3)
    [day] = [place(source, grid).bring(d) for d in source]
    assert not np.isnan(day.temperature).any()


def test_places_are_no_grid() -> None:
    with pytest.raises(DataError, match="no grid"):
        place(weather([23.0], [108.0, 109.0], [[1, 2]]), GRID)
    with pytest.raises(DataError, match="disorder"):
        place(weather([23.2, 22.0, 23.0], [108.0, 109.0], [[1, 2]] * 3), GRID)
    source = weather(LATITUDE, LONGITUDE, np.zeros((7, 9)))
    [day] = source
    with pytest.raises(DataError, match="shape"):
        place(source, GRID).bring(
            day.patch(
                **{
                    n: np.zeros((2, 2))
                    for n in ("temperature", "humidity", "wind", "rain")
                }
            )
        )
