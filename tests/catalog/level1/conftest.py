"""Small level-1 deliveries."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agroforest.core.grid import Grid
from agroforest.testing.level1 import FOREST, Level1, paint, write_l1c, write_l1tp

GRID = Grid(
    crs="EPSG:32649", left=300_000, top=2_500_020, resolution=20, width=12, height=12
)

Make = Callable[..., Path]


@pytest.fixture
def make_l1c(tmp_path: Path) -> Make:
    """Write a Sentinel-2 L1C folder; keywords go to `Level1`."""

    def make(**changes: Any) -> Path:
        given: dict[str, Any] = {"grid": GRID, "bands": paint(GRID.shape, FOREST)}
        return write_l1c(tmp_path, Level1(**(given | changes)))

    return make


@pytest.fixture
def make_l1tp(tmp_path: Path) -> Make:
    """Write a Landsat L1TP folder; keywords go to `Level1`."""

    def make(**changes: Any) -> Path:
        grid = GRID.patch(resolution=30)
        given: dict[str, Any] = {"grid": grid, "bands": paint(grid.shape, FOREST)}
        return write_l1tp(tmp_path, Level1(**(given | {"satellite": "8"} | changes)))

    return make
