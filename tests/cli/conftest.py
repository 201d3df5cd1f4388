"""One small simulated product for the commands."""

from datetime import timedelta
from pathlib import Path

import pytest

from agroforest.testing.landscape import build_landscape
from agroforest.testing.scenes import write_scenes
from agroforest.testing.world import END


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of one product over the simulated district."""
    folder = tmp_path_factory.mktemp("scene")
    start = END - timedelta(days=1)
    landscape = build_landscape(seed=49, size=64, start=start, end=END)
    for _ in write_scenes(landscape, folder, start=start, end=END):
        pass
    return min(folder.iterdir())
