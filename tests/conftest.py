"""Fixtures every room shares."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from tests.lacking import lacking

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

if "PYTEST_XDIST_WORKER" in os.environ:
    # As many of us as there are processors: more threads would wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with files of long tests, so that no process ends long after another."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """Let the garbage collector skip what lives as long as we do."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


@pytest.fixture(scope="session", autouse=True)
def _migrations() -> Iterator[None]:
    """Run the migration scripts once, not for each of a thousand empty files."""
    with ExitStack() as stack:
        if "agroforest.store.database" in sys.modules:  # else nobody opens one
            from agroforest.testing.migrations import remember_migrations  # noqa: PLC0415

            stack.enter_context(remember_migrations())
        yield


@pytest.fixture
def every_migration() -> Iterator[None]:
    """Run the migration scripts for every file, in tests that look at them."""
    from agroforest.testing.migrations import forget_migrations  # noqa: PLC0415

    with forget_migrations():
        yield


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of real data; skips without it, fails without it on CI."""
    candidates = [os.environ.get("AGROFOREST_DATA"), _ROOT.parent / "shared" / "data"]
    for candidate in candidates:
        if candidate and Path(candidate).is_dir():
            return Path(candidate)
    raise lacking("real data (set AGROFOREST_DATA or provide ../shared/data)")


@pytest.fixture(scope="session")
def mosquitto() -> None:
    """Ask for the MQTT broker's program; skips without it, fails without it on CI."""
    if find_mosquitto() is None:
        raise lacking("mosquitto (make broker)")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """URL of the first database of a server of our own; a socket, no port."""
    if not has_postgresql():
        raise lacking("PostgreSQL (make database)")
    with TemporaryDirectory() as name, serve_postgresql(Path(name)) as url:
        yield url


@pytest.fixture
def postgresql(postgresql_server: str) -> Iterator[str]:
    """URL of an empty database."""
    with lend_database(postgresql_server) as url:
        yield url
