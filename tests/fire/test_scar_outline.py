"""Outlines: what counts as one scar, holes, areas, ids."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from agroforest.core.grid import Grid
from agroforest.fire.scar_outline import find_burned, find_outlines, pixel_size

GRID = Grid(crs="EPSG:32649", left=5e5, top=2.5e6, resolution=20.0, width=60, height=60)
DEGREES = Grid(
    crs="EPSG:4326", left=108.0, top=23.0, resolution=0.00018, width=60, height=60
)


def burn(
    *places: tuple[slice, slice],
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    chance = np.zeros(GRID.shape, np.float32)
    for place in places:
        chance[place] = 0.9
    return chance


BLOCK = slice(10, 30), slice(10, 30)  # 400 pixels, 16 ha


def test_a_hole_is_kept_if_it_is_large_and_filled_if_small() -> None:
    chance = burn(BLOCK)
    chance[12:22, 12:22] = 0  # 4 ha
    chance[25:27, 25:27] = np.nan  # a cloud of 0.16 ha
    burned = find_burned(chance, 0.5, 20.0, min_ha=1, hole_ha=3)
    assert burned.sum() == 300
    (scar,) = find_outlines(burned, GRID, "image")
    assert sum(len(p.interiors) for p in shapely.get_parts(scar.geometry)) == 1
    assert scar.area_ha == pytest.approx(12, rel=0.02)


def test_small_patches_are_left_out_unless_they_belong_to_a_scar() -> None:
    near = slice(10, 12), slice(31, 33)  # 0.16 ha, a pixel from the block
    far = slice(50, 52), slice(50, 52)
    burned = find_burned(burn(BLOCK, near, far), 0.5, 20.0, min_ha=1, hole_ha=0)
    assert burned[near].all()
    assert not burned[far].any()
    assert len(list(find_outlines(burned, GRID, "image"))) == 1


def test_the_edge_of_the_image_is_no_hole() -> None:
    chance = burn((slice(0, 60), slice(0, 30)))
    chance[0:3, 0:3] = 0
    assert not find_burned(chance, 0.5, 20.0)[0:3, 0:3].any()


def test_no_scar_is_no_error() -> None:
    burned = find_burned(np.full(GRID.shape, np.nan, np.float32), 0.5, 20.0)
    assert list(find_outlines(burned, GRID, "image")) == []


def test_ids_come_from_the_content() -> None:
    burned = find_burned(burn(BLOCK), 0.5, 20.0)
    (first,) = find_outlines(burned, GRID, "image")
    (again,) = find_outlines(burned.copy(), GRID, "image")
    (other,) = find_outlines(burned, GRID, "another image")
    assert first.id == again.id != other.id


def test_a_grid_in_degrees_is_measured_on_the_ellipsoid() -> None:
    # 0.00018 degrees are 19.9 m of latitude and 18.5 m of longitude at 23 N.
    assert pixel_size(DEGREES) == pytest.approx(np.sqrt(19.93 * 18.46), rel=0.005)
    (scar,) = find_outlines(burn(BLOCK) > 0, DEGREES, "image")
    assert scar.area_ha == pytest.approx(400 * 19.93 * 18.46 / 1e4, rel=0.02)


@settings(max_examples=30, deadline=None)
@given(arrays(np.bool_, (20, 20)))
def test_outlines_are_valid_and_cover_each_pixel_once(
    pixels: np.ndarray[tuple[int, int], np.dtype[np.bool_]],
) -> None:
    burned = np.zeros(GRID.shape, bool)
    burned[10:50, 10:50] = np.kron(pixels, np.ones((2, 2), bool))
    covered = np.zeros(GRID.shape, int)
    for scar in find_outlines(burned, GRID, "image"):
        assert scar.geometry.is_valid
        assert scar.area_ha > 0
        covered[scar.rows, scar.columns] += scar.pixels
    assert (covered == burned).all()
