"""What a room loads: commands that only ask for a path must not wait for Dask."""

import subprocess
import sys

import pytest

import agroforest.nightly as room
from agroforest.nightly import run


@pytest.mark.parametrize(
    "module", ["agroforest.nightly.workplace", "agroforest.cli.app"]
)
def test_a_path_does_not_load_dask(module: str) -> None:
    code = f"import sys, {module}; print('distributed' in sys.modules)"
    run = subprocess.run(  # noqa: S603  our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "False"


def test_names_of_the_room_are_those_of_their_homes() -> None:
    assert room.run_nights is run.run_nights
    assert all(getattr(room, name) is not None for name in room.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        room.nothing  # noqa: B018
