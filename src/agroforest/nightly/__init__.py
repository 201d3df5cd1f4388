"""One night: plan the work, do it on Dask, decide, and publish.

The only room that joins reading and writing to decisions. Names are imported when they
are asked for: a command that wants to know where a file is must not load Dask.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agroforest.nightly.plan import TileTask, plan_night
    from agroforest.nightly.run import NightOutcome, run_nights

__all__ = ["NightOutcome", "TileTask", "plan_night", "run_nights"]

_HOMES = {
    "NightOutcome": "agroforest.nightly.run",
    "TileTask": "agroforest.nightly.plan",
    "plan_night": "agroforest.nightly.plan",
    "run_nights": "agroforest.nightly.run",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
