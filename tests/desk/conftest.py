"""A store with everybody in it, made once and copied."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.review.cases import EVERYBODY

from agroforest.store import Store, open_store


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "agroforest.db"
    with open_store(path) as opened:
        for each in EVERYBODY:
            opened.desk.add_account(each)
    return path


@pytest.fixture
def store(_made: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copy(_made, tmp_path / "agroforest.db")
    with open_store(tmp_path / "agroforest.db") as opened:
        yield opened
