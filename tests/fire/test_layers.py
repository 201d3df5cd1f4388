"""Layers on the cells: hand-made slopes, distances and shares."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.fire.conftest import write_raster

from agroforest.core.aoi import Aoi
from agroforest.core.errors import DataError
from agroforest.fire.cells import Cells, build_cells
from agroforest.fire.layers import (
    find_cover,
    find_slope_factor,
    measure_distance,
    read_layer,
    read_terrain,
)


def test_a_plane_that_rises_to_the_north_faces_south(
    tmp_path: Path, cells: Cells
) -> None:
    fine = cells.grid.pad(3).at_resolution(50.0)
    heights = 100 + 0.3 * (fine.y_centres()[:, None] + 0 * fine.x_centres())
    heights -= heights.min()
    path = write_raster(tmp_path / "dem.tif", heights.astype(np.float32), fine)
    terrain = read_terrain(path, cells)
    assert terrain.slope == pytest.approx(np.degrees(np.arctan(0.3)), abs=0.02)
    assert terrain.south == pytest.approx(np.sin(np.arctan(0.3)), abs=1e-3)
    assert terrain.west == pytest.approx(0.0, abs=1e-3)
    # exp(3.533 * 0.3 ** 1.2) by hand
    assert terrain.slope_factor == pytest.approx(2.300, abs=0.005)


def test_slope_factor_of_the_publication() -> None:
    found = find_slope_factor(np.array([0.0, 0.7, 2.0, np.nan]))
    assert found[:3] == pytest.approx([1.0, 10.0, 10.0], rel=0.01)
    assert np.isnan(found[3])


def test_a_terrain_elsewhere_is_refused(tmp_path: Path, cells: Cells) -> None:
    away = cells.grid.patch(left=cells.grid.left + 200_000.0)
    path = write_raster(tmp_path / "dem.tif", np.ones(away.shape, np.float32), away)
    with pytest.raises(DataError, match="covers none"):
        read_terrain(path, cells)


def test_nodata_enters_no_mean(tmp_path: Path, cells: Cells) -> None:
    fine = cells.grid.at_resolution(100.0)
    values = np.full(fine.shape, 5.0, np.float32)
    values[::2] = -9999
    values[:10, :10] = -9999
    path = write_raster(tmp_path / "a.tif", values, fine, nodata=-9999)
    found = read_layer(path, cells.grid)
    assert np.isnan(found[0, 0])
    assert found[1:] == pytest.approx(5.0)


def test_distance_is_that_to_the_nearest_line(tmp_path: Path, cells: Cells) -> None:
    west = float(cells.longitude[4, 0])
    line = {
        "type": "Feature",
        "properties": {},
        "geometry": {
            "type": "LineString",
            "coordinates": [[west, 22.0], [west, 24.0]],
        },
    }
    path = tmp_path / "roads.geojson"
    path.write_text(
        json.dumps({"type": "FeatureCollection", "features": [line]}), encoding="utf-8"
    )
    found = measure_distance(path, cells)
    assert found[4, 0] == pytest.approx(0.0, abs=0.05)
    assert found[4, 3] == pytest.approx(3.0, abs=0.05)


def test_cover_is_the_species_with_the_largest_share(aoi: Aoi, cells: Cells) -> None:
    codes, names = find_cover(aoi, cells)
    assert names == ("eucalypt", "pine")
    bottom = cells.grid.height - 2
    assert codes[bottom, 1] == 2
    assert codes[bottom, cells.grid.width - 2] == 1
    assert codes[1, 1] == 0  # no stand there


def test_cells_touch_every_part_of_a_small_area(aoi: Aoi) -> None:
    small = aoi.places[0].geometry.buffer(-0.0199)
    cells = build_cells(small)
    assert cells.count >= 1
    assert (
        cells.locate(
            np.array([small.centroid.x, 100.0]), np.array([small.centroid.y, 22.0])
        )[1]
        == -1
    )
