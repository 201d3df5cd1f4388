"""Simulated level-1 images: where things lie, and the scenes read back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agroforest.catalog.level1 import Level1Scene, find_level1
from agroforest.core.grid import Grid
from agroforest.testing.level1 import (
    CLOUD,
    FLAME,
    FOREST,
    GLINT,
    ROOF,
    SEA,
    Level1,
    paint,
    write_l1c,
    write_l1tp,
)

#: Two kilometres and a half of Guangxi in pixels of 20 m.
GRID = Grid(
    crs="EPSG:32649", left=300_000, top=2_500_020, resolution=20, width=126, height=126
)
#: First row and column, rows and columns: what is hot, and what only looks it.
FIRE = (40, 50, 2, 3)
QUIET = (
    ((10, 10, 8, 8), CLOUD),
    ((90, 20, 3, 3), ROOF),
    ((100, 60, 26, 66), SEA),
    ((108, 80, 6, 20), GLINT),
)

MakeScene = Callable[..., Level1Scene]


@pytest.fixture
def make_msi(tmp_path: Path) -> MakeScene:
    """Scene of a Sentinel-2 L1C folder; keywords go to `Level1`."""

    def make(*patches: Any, folder: Path = tmp_path, **changes: Any) -> Level1Scene:
        given: dict[str, Any] = {"grid": GRID}
        given["bands"] = paint(GRID.shape, FOREST, *patches)
        (scene,) = find_level1(write_l1c(folder, Level1(**(given | changes))))
        return scene

    return make


@pytest.fixture
def make_oli(tmp_path: Path) -> MakeScene:
    """Scene of a Landsat L1TP folder; keywords go to `Level1`."""

    def make(*patches: Any, **changes: Any) -> Level1Scene:
        grid = GRID.patch(resolution=30)
        given: dict[str, Any] = {"grid": grid, "satellite": "9"}
        given["bands"] = paint(grid.shape, FOREST, *patches)
        (scene,) = find_level1(write_l1tp(tmp_path, Level1(**(given | changes))))
        return scene

    return make


@pytest.fixture
def burning(make_msi: MakeScene) -> Level1Scene:
    """One fire among cloud, roof, sea and glint."""
    return make_msi((FIRE, FLAME), *QUIET)
