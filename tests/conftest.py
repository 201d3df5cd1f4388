"""Fixtures every room shares."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings

from agroforest.testing.servers import (
    find_mosquitto,
    has_postgresql,
    lend_database,
    serve_postgresql,
)

# A test asserts what is right, never how fast: the machine may be busy.
settings.register_profile("agroforest", deadline=None)
settings.load_profile("agroforest")

_ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of real data; skips without it, fails without it on CI."""
    candidates = [os.environ.get("AGROFOREST_DATA"), _ROOT.parent / "shared" / "data"]
    for candidate in candidates:
        if candidate and Path(candidate).is_dir():
            return Path(candidate)
    raise _lack("real data (set AGROFOREST_DATA or provide ../shared/data)")


@pytest.fixture(scope="session")
def mosquitto() -> None:
    """Ask for the MQTT broker's program; skips without it, fails without it on CI."""
    if find_mosquitto() is None:
        raise _lack("mosquitto (make broker)")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """URL of the first database of a server of our own; a socket, no port."""
    if not has_postgresql():
        raise _lack("PostgreSQL (make database)")
    with TemporaryDirectory() as name, serve_postgresql(Path(name)) as url:
        yield url


@pytest.fixture
def postgresql(postgresql_server: str) -> Iterator[str]:
    """URL of an empty database."""
    with lend_database(postgresql_server) as url:
        yield url


def _lack(what: str) -> BaseException:
    """Outcome of a test that lacks something."""
    lack = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
    return lack.Exception(f"not here: {what}")
