"""What fuzzing starts from, and what it once found, is read without a fault."""

import warnings
from contextlib import suppress
from pathlib import Path

import pytest
from tests.fuzz.run import CORPUS
from tests.fuzz.targets import TARGETS

from agroforest.core.errors import AgroforestError, DataError

_STORED = sorted(path for path in CORPUS.glob("*/*") if path.is_file())


@pytest.mark.parametrize(
    "path", _STORED, ids=[f"{path.parent.name}-{path.name}" for path in _STORED]
)
def test_it_is_read_or_refused(path: Path) -> None:
    target = TARGETS[path.parent.name]
    with warnings.catch_warnings(), suppress(AgroforestError, *target.documented):
        warnings.simplefilter("ignore", RuntimeWarning)  # GEOS, of what is no number
        target.read(path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_what_it_starts_from_is_whole(name: str) -> None:
    first = min((CORPUS / name).glob("seed-*"))
    refused = ""
    try:
        TARGETS[name].read(first.read_bytes())
    except DataError as error:
        refused = error.problem
    # Images are read with their bands, which are not here.
    assert refused in {"", "no such file in the product"}
