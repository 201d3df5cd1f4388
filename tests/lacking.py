"""What a machine lacks that a test needs."""

import os

import pytest


def lacking(what: str) -> BaseException:
    """Outcome of a test that lacks something: skipped, but failed on CI."""
    lack = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
    return lack.Exception(f"not here: {what}")
