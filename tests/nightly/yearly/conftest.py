"""The simulated forest, catalogued once, and copies of it to work in."""

import shutil
from pathlib import Path

import pytest
from tests.nightly.yearly.place import YEAR, Forest, write_autumn, write_settings


@pytest.fixture(scope="session")
def _autumns(tmp_path_factory: pytest.TempPathFactory) -> Forest:
    folder = tmp_path_factory.mktemp("forest")
    write_autumn(folder / "scenes", YEAR - 1)
    write_autumn(folder / "scenes", YEAR, dead=True)
    found = Forest(work=folder / "work", settings=write_settings(folder / "settings"))
    found.add(folder / "scenes")
    return found


@pytest.fixture
def forest(_autumns: Forest, tmp_path: Path) -> Forest:
    """A fresh work folder with the catalogue of both autumns."""
    work = tmp_path / "work"
    shutil.copytree(_autumns.work, work)
    return Forest(work=work, settings=_autumns.settings)
