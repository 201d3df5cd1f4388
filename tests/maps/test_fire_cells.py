"""Numbers of fire danger: what is put in comes out of the cell that is asked."""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.warp import transform
from tests.maps.fires import CRS, GRID, NIGHT, danger_of

from agroforest.maps.fire_cells import MOST_NUMBERS, number_cells

Json = dict[str, Any]


@pytest.fixture(scope="module")
def said() -> Json:
    return number_cells(tuple(danger_of(ahead) for ahead in range(3)))


def test_every_cell_gives_back_what_was_put_in(said: Json) -> None:
    for n, day in enumerate(said["days"]):
        layer = danger_of(n)
        known = _known(said, day)
        ranks = np.array([int(c) for c in day["ranks"]])
        np.testing.assert_array_equal(ranks, layer.rank[known])
        assert layer.probability is not None
        chance = _read(said, day["probability"])
        np.testing.assert_allclose(chance, layer.probability[known], atol=1e-6)
        for column, driver in zip(day["drivers"], layer.drivers, strict=True):
            span = np.nanmax(driver.values) - np.nanmin(driver.values)
            np.testing.assert_allclose(
                _read(said, column), driver.values[known], atol=span / 60_000
            )
        assert day["missing"][0]["zh"] == "活可燃物含水率"


def test_only_known_cells_travel(said: Json) -> None:
    assert len(said["grids"]) == 1
    outside = np.add(*np.indices(GRID.shape)) < 18
    assert not (_known(said, said["days"][0]) & outside).any()
    assert len(said["days"][0]["ranks"]) == (~outside).sum()


def test_what_does_not_change_with_the_day_travels_once() -> None:
    first = danger_of(0)
    same = replace(first, day=NIGHT + timedelta(days=1))
    assert len(number_cells((first, same))["columns"]) == 1 + len(first.drivers)


def test_a_province_leaves_its_drivers_numbers_behind() -> None:
    grid = GRID.patch(width=600, height=450)
    names = [(f"d{n}", "因子", "driver", "", 0.0, 40.0, "ylorbr") for n in range(6)]
    day = danger_of(0, grid=grid, drivers=names)
    said = number_cells((day,))
    assert len(names) * grid.width * grid.height > MOST_NUMBERS
    assert not said["complete"]
    assert said["days"][0]["drivers"] == []
    assert said["days"][0]["probability"]
    assert number_cells((danger_of(0),))["complete"]


def test_days_may_have_grids_of_their_own() -> None:
    coarse = danger_of(1, grid=GRID.patch(resolution=2000.0, width=30, height=44))
    said = number_cells((danger_of(0), coarse))
    assert [day["grid"] for day in said["days"]] == [0, 1]
    np.testing.assert_array_equal(
        [int(c) for c in said["days"][1]["ranks"]],
        coarse.rank[_known(said, said["days"][1])],
    )


def test_the_lattice_finds_every_cell(said: Json) -> None:
    (grid,) = said["grids"]
    rows, columns = np.indices(GRID.shape)
    x = GRID.left + (columns.ravel() + 0.5) * GRID.resolution
    y = GRID.top - (rows.ravel() + 0.5) * GRID.resolution
    east, north = transform(CRS, "EPSG:3857", x.tolist(), y.tolist())
    found = _plane(grid, np.array(east), np.array(north))
    assert np.abs(found[0] - columns.ravel() - 0.5).max() < 0.01  # of a cell
    assert np.abs(found[1] - rows.ravel() - 0.5).max() < 0.01


@given(
    arrays(
        np.float32,
        (3, 4),
        elements=st.one_of(st.just(np.nan), st.floats(-1e6, 1e6, width=32)),
    )
)
def test_any_numbers(values: np.ndarray[Any, Any]) -> None:
    grid = GRID.patch(width=4, height=3)
    day = danger_of(0, grid=grid)
    day = replace(
        day,
        rank=np.ones(grid.shape, np.int8),
        drivers=(replace(day.drivers[0], values=values),),
    )
    said = number_cells((day,))
    column = said["days"][0]["drivers"][0]
    finite = values[np.isfinite(values)].astype(float)
    span = float(np.ptp(finite)) if finite.size else 0.0
    np.testing.assert_allclose(
        _read(said, column),
        values.ravel().astype(float),
        atol=span / 65_000 + 1e-8 * float(np.abs(finite).max(initial=0)),
    )
    json.dumps(said, allow_nan=False)


@pytest.mark.parametrize(
    ("values", "digits"),
    [
        ([1.0, 5.0, 3.0], 0),  # classes
        ([12.34, 39.9, 0.1], 1),
        ([0.512, 4.2, 1.0], 2),
        ([450.5, 1.2, 3.0], 0),
        ([np.nan, np.nan, np.nan], 0),
        ([-0.2, 0.61, 0.3], 3),
    ],
)
def test_three_figures_are_shown(values: list[float], digits: int) -> None:
    grid = GRID.patch(width=3, height=1)
    day = danger_of(0, grid=grid)
    known = replace(
        day,
        rank=np.ones(grid.shape, np.int8),
        drivers=(replace(day.drivers[0], values=np.array([values])),),
    )
    said = number_cells((known,))["days"][0]["drivers"][0]
    assert said["digits"] == digits


def _known(said: Json, day: Json) -> np.ndarray[Any, np.dtype[np.bool_]]:
    grid = said["grids"][day["grid"]]
    known = np.zeros(grid["width"] * grid["height"], bool)
    for start, length in zip(grid["runs"][::2], grid["runs"][1::2], strict=True):
        known[start : start + length] = True
    return known.reshape(grid["height"], grid["width"])


def _read(said: Json, column: Json) -> np.ndarray[Any, np.dtype[np.float64]]:
    packed = base64.b64decode(said["columns"][column["column"]])
    codes = np.frombuffer(packed, ">u2" if column["bytes"] == 2 else "u1")
    return np.where(
        codes == 0, np.nan, column["low"] + (codes.astype(float) - 1) * column["step"]
    )


def _plane(
    grid: Json, x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Column and row between the nodes of a lattice."""
    west, south, east, north = grid["edges"]
    last = grid["nodes"] - 1
    across, down = (
        (x - west) / (east - west) * last,
        (north - y) / (north - south) * last,
    )
    i = np.minimum(across.astype(int), last - 1)
    j = np.minimum(down.astype(int), last - 1)
    u, v = across - i, down - j
    found = []
    for name in ("column", "row"):
        node = np.array(grid[name]).reshape(grid["nodes"], grid["nodes"])
        upper = node[j, i] * (1 - u) + node[j, i + 1] * u
        lower = node[j + 1, i] * (1 - u) + node[j + 1, i + 1] * u
        found.append(upper * (1 - v) + lower * v)
    return found[0], found[1]
