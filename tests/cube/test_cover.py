from pathlib import Path

import numpy as np
import pytest

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.cube import read_cover, write_cog

FINE = Grid(
    crs="EPSG:32649", left=600_000, top=2_500_000, resolution=10, width=4, height=4
)


def write(path: Path, rows: list[list[int]]) -> Path:
    write_cog(path, np.array(rows, np.uint8), FINE, nodata=255, scale=1.0)
    return path


def test_share_of_a_coarser_pixel(tmp_path: Path) -> None:
    rows = [[1, 1, 0, 0], [1, 1, 0, 7], [0, 255, 0, 0], [0, 1, 0, 0]]
    share = read_cover(write(tmp_path / "m.tif", rows), FINE.at_resolution(20))
    assert share.tolist() == [[1.0, 0.25], [0.25, 0.0]]


def test_nothing_outside_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "m.tif", [[1] * 4] * 4)
    share = read_cover(path, FINE.pad(1))
    assert share.sum() == 16
    assert share[0].max() == 0


def test_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "m.tif"
    path.write_bytes(b"II*\0nothing")
    with pytest.raises(DataError, match=r"m\.tif: cannot be read"):
        read_cover(path, FINE)
