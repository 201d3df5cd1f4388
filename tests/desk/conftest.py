"""A store with everybody in it, on each kind of database."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.review.cases import EVERYBODY

from agroforest.store import Store, open_store
from agroforest.store.schema import metadata
from agroforest.testing.servers import lend_database


@pytest.fixture(scope="session")
def _file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SQLite file with every table; to be copied."""
    path = tmp_path_factory.mktemp("made") / "agroforest.db"
    open_store(path).close()
    return path


@pytest.fixture(scope="session")
def _server(postgresql_server: str) -> Iterator[str]:
    """URL of a database with every table, which tests leave empty."""
    with lend_database(postgresql_server) as url:
        open_store(url).close()
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str | Path]:
    """Where the store's database is."""
    if request.param == "sqlite":
        path = tmp_path / "agroforest.db"
        shutil.copy(request.getfixturevalue("_file"), path)
        yield path
        return
    url: str = request.getfixturevalue("_server")
    yield url
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")  # no triggers
        names = ", ".join(f'"{name}"' for name in metadata.tables)
        connection.execute(f"TRUNCATE {names} RESTART IDENTITY".encode())


@pytest.fixture
def store(place: str | Path) -> Iterator[Store]:
    with open_store(place) as opened:
        for each in EVERYBODY:
            opened.desk.add_account(each)
        yield opened
