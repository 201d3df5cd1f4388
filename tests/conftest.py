"""Fixtures every room shares."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

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
    message = "no real data: set AGROFOREST_DATA or provide ../shared/data"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
