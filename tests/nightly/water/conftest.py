from pathlib import Path

import pytest
from tests.nightly.water.made import Farm, build_farm


@pytest.fixture
def farm(tmp_path: Path) -> Farm:
    return build_farm(tmp_path)
