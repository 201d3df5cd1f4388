"""Values that the store's tests hand in."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from agroforest.core.reading import Sensor
from agroforest.store import Store, open_store
from agroforest.store.schema import metadata
from agroforest.testing.servers import lend_database


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "work" / "agroforest.db") as opened:
        opened.add_sensors([Sensor(id="s1", name="甘蔗地 3", longitude=108.0)])
        yield opened


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Database file with every table and nothing in it; to be copied."""
    path = tmp_path_factory.mktemp("empty") / "a.db"
    open_store(path).close()
    return path


@pytest.fixture(scope="session")
def shared_database(postgresql_server: str) -> Iterator[str]:
    """URL of a database with every table, which tests leave empty."""
    with lend_database(postgresql_server) as url:
        open_store(url).close()
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[str | Path]:
    """Database of each kind, with every table and nothing in it."""
    if request.param == "sqlite":
        path = tmp_path / "agroforest.db"
        shutil.copy(request.getfixturevalue("empty_file"), path)
        yield path
    else:
        url: str = request.getfixturevalue("shared_database")
        yield url
        with psycopg.connect(url) as connection:
            connection.execute("SET session_replication_role = replica")  # no triggers
            names = ", ".join(f'"{name}"' for name in metadata.tables)
            connection.execute(f"TRUNCATE {names} RESTART IDENTITY".encode())


@pytest.fixture
def desk_store(database_url: str | Path) -> Iterator[Store]:
    """Store on each kind of database."""
    with open_store(database_url) as opened:
        yield opened
