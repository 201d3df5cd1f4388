"""Nights in this process alone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def run_alone() -> Iterator[None]:
    """Start no worker processes, each of which imports everything anew.

    For nights whose point is not who does the work: one process and many make the same
    files, which `tests/nightly/cluster` and `test_nights` hold them to.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "cpu_count", lambda: 1)
        yield
