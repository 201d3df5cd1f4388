"""What an installation without an extra can do: everything that does not need it."""

import subprocess
import sys

import pytest

# Rooms of nights and desks: PyTorch trains and asks labelled models, nothing else.
_ROOMS = (
    *("desk", "health", "keep", "listen", "maps", "nightly", "notify", "publish"),
    *("review", "schedule", "sensors", "store", "valves", "water", "web"),
)
_CODE = """
import importlib, pkgutil, sys, warnings
warnings.simplefilter("ignore")
for name in {lacking}:
    sys.modules[name] = None
for room in {rooms}:
    package = importlib.import_module(f"agroforest.{{room}}")
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not any(part in module.name for part in {without}):
            importlib.import_module(module.name)
            print(module.name)
"""
# Yearly comparisons and maps of burn scars ask labelled models.
_LABELLED = (".yearly", ".scar_")


@pytest.mark.slow
def test_nights_and_the_desk_need_no_torch() -> None:
    code = _CODE.format(
        lacking=("torch", "lightgbm"), rooms=_ROOMS, without=(*_LABELLED, ".migrations")
    )
    done = subprocess.run(  # noqa: S603  our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(done.stdout.splitlines()) > 200
    assert "agroforest.web.app_parts" in done.stdout
    assert "agroforest.nightly.night" in done.stdout
